"""Imports run one way, and the heavy packages are not loaded at start-up."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    ("edgebottle.operating_system",),
    (
        "edgebottle.errors",
        "edgebottle.files",
        "edgebottle.data",
        "edgebottle.boards",
        "edgebottle.ir",
    ),
    ("edgebottle.ops",),
    ("edgebottle.importers", "edgebottle.passes", "edgebottle.plan", "edgebottle.litert"),
    ("quantize", "edgebottle.zoo"),
    ("edgebottle.codegen", "edgebottle.build"),
    ("hil", "edgebottle.loops", "edgebottle.report", "edgebottle.split"),
    (
        "edgebottle.pipeline",
        "edgebottle.fit",
        "edgebottle.config",
        "edgebottle.archives",
        "edgebottle.samples",
        "edgebottle.sample_values",
        "edgebottle.reference",
        "edgebottle.compare",
        "edgebottle.describe",
        "edgebottle.bench",
        "edgebottle.measure",
        "edgebottle.verify",
        "edgebottle.inspection",
        "edgebottle.profile",
    ),
    ("edgebottle.cli",),
)
"""From the bottom up; a module imports from its own layer and below."""


def layer_of(module: str) -> int | None:
    for number, members in enumerate(LAYERS):
        if any(module == member or module.startswith(member + ".") for member in members):
            return number
    return None


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("edgebottle", "quantize", "hil"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_imports_run_one_way(module: str, path: Path) -> None:
    name = module.removesuffix(".__init__")
    if name == "edgebottle":
        return
    own = layer_of(name)
    assert own is not None, f"{name} has no layer: add it to LAYERS"
    for imported in imports(path):
        other = layer_of(imported)
        assert other is None or other <= own, f"{name} imports {imported}, which is above it"


@pytest.mark.parametrize(
    "heavy", ["tensorflow", "ai_edge_litert", "unicorn", "numpy", "rich", "platformio", "serial"]
)
def test_help_loads_nothing_heavy(heavy: str) -> None:
    code = (
        "import sys; from edgebottle.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, f"`edgebottle --help` imports {heavy}"
