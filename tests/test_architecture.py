"""Imports run one way, heavy packages load late, and tests neither time nor skip in silence."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from edgebottle.ops import OPERATORS

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    ("edgebottle.operating_system",),
    (
        "edgebottle.errors",
        "edgebottle.files",
        "edgebottle.toml_tables",
        "edgebottle.data",
        "edgebottle.units",
        "edgebottle.board_schema",
        "edgebottle.cycle_costs",
        "edgebottle.cpus",
        "edgebottle.boards",
        "edgebottle.ports",
        "edgebottle.energy_pin",
        "edgebottle.energy_mode",
        "edgebottle.programmers",
        "edgebottle.memory_timing",
        "edgebottle.qemu_machine",
        "edgebottle.usb_bootloader",
        "edgebottle.ir",
    ),
    ("edgebottle.ops",),
    (
        "edgebottle.importers",
        "edgebottle.detection",
        "edgebottle.split.crc32c",
        "edgebottle.split.frames",
        "edgebottle.split.range_coder",
        "edgebottle.split.payload",
        "edgebottle.split.description",
        "edgebottle.split.head",
        "edgebottle.exporters",
        "edgebottle.passes",
        "edgebottle.plan",
        "edgebottle.litert",
        "edgebottle.litert_process",
        "edgebottle.keras_files",
        "edgebottle.tensorflow_process",
        "edgebottle.tensorflow_converter",
    ),
    ("quantize", "edgebottle.zoo"),
    ("edgebottle.codegen", "edgebottle.build"),
    ("hil", "edgebottle.loops", "edgebottle.report"),
    (
        "edgebottle.split",
        "edgebottle.model_files",
        "edgebottle.conversion",
        "edgebottle.pipeline",
        "edgebottle.image_memory",
        "edgebottle.fit",
        "edgebottle.refusal",
        "edgebottle.config",
        "edgebottle.archives",
        "edgebottle.samples",
        "edgebottle.boxed_samples",
        "edgebottle.user_functions",
        "edgebottle.sample_sources",
        "edgebottle.sample_values",
        "edgebottle.quantization",
        "edgebottle.training",
        "edgebottle.split_exit",
        "edgebottle.split_training",
        "edgebottle.bit_costs",
        "edgebottle.allocation",
        "edgebottle.reference",
        "edgebottle.onnx_oracle",
        "edgebottle.compare",
        "edgebottle.describe",
        "edgebottle.program_counter",
        "edgebottle.drivers",
        "edgebottle.arena_blocks",
        "edgebottle.shared_runs",
        "edgebottle.measure",
        "edgebottle.energy",
        "edgebottle.plausibility",
        "edgebottle.verify",
        "edgebottle.inspection",
        "edgebottle.gate",
        "edgebottle.profile",
        "edgebottle.search",
        "edgebottle.bench",
    ),
    ("edgebottle.cli", "edgebottle.__main__", "edgebottle.pytest_plugin"),
)
"""From the bottom up; a module imports from its own layer and below."""


PLAN = "edgebottle.plan"

CLOCKS = (
    *("time.time", "time.monotonic", "time.perf_counter", "time.process_time"),
    *("time.thread_time", "os.times", "datetime.now", "timeit.timeit"),
)
MAY_LOOK_AT_THE_CLOCK = ("tests/waiting.py", "tests/bench/rows.py")
"""And what is run as a command: a file with a ``main`` that is no test."""


def layer_of(module: str) -> int | None:
    for number, members in enumerate(LAYERS):
        if any(module == member or module.startswith(member + ".") for member in members):
            return number
    return None


def modules() -> Iterator[tuple[str, Path]]:
    """All but ``edgebottle/__init__.py``, which holds a version and belongs to no layer."""
    for package in ("edgebottle", "quantize", "hil"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path == ROOT / "edgebottle" / "__init__.py":
                continue
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(module: str, path: Path) -> tuple[str, ...]:
    return tuple(imports(parsed(path), module.rpartition(".")[0]))


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """The modules that a module imports, in whatever way it is written in plain sight.

    Args:
        tree: The module.
        package: The package that it is in, from which relative imports start.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                name = f"{origin}.{alias.name}"
                yield name if is_module(name) else origin
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rsplit(".", 1)[-1]
            if called in ("import_module", "__import__", "run_module"):
                yield from texts(node.args[0])


def texts(name: ast.expr) -> Iterator[str]:
    """What is known of the name of a module: all of it, or what stands before a ``{}``."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) and name.values else name
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value.rstrip(".")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import edgebottle.cli.main as m, os", ["edgebottle.cli.main", "os"]),
        ("from edgebottle import cli", ["edgebottle.cli"]),
        ("from edgebottle import __version__", ["edgebottle"]),
        ("from edgebottle.plan import planner, no_module", ["edgebottle.plan.planner", PLAN]),
        ("def f():\n    from hil.virtual.client import VirtualBoard", ["hil.virtual.client"]),
        ("from . import planner", ["edgebottle.plan.planner"]),
        ("from .planner import make_plan", ["edgebottle.plan.planner"]),
        ("from .. import cli", ["edgebottle.cli"]),
        ("from ..cli.main import cli", ["edgebottle.cli.main"]),
        ("importlib.import_module('edgebottle.cli.main')", ["edgebottle.cli.main"]),
        ("import_module(f'edgebottle.cli.{name}')", ["edgebottle.cli"]),
        ("__import__('fcntl')", ["fcntl"]),
    ],
)
def test_every_way_to_import_is_seen(source: str, expected: list[str]) -> None:
    assert list(imports(ast.parse(source), PLAN)) == expected


def test_imports_run_one_way() -> None:
    wrong = []
    for module, path in modules():
        name = module.removesuffix(".__init__")
        own = layer_of(name)
        assert own is not None, f"{name} has no layer: add it to LAYERS"
        others = ((imported, layer_of(imported)) for imported in imports_of(module, path))
        above = [name for name, layer in others if layer is not None and layer > own]
        wrong += [f"{name} imports {imported}, which is above it" for imported in above]
    assert not wrong


@pytest.mark.parametrize("folder", ["firmware/src", "firmware/port"])
def test_no_ring_of_c_modules(folder: str) -> None:
    """A module is a header and the C beside it, by their one name."""
    included: dict[str, set[str]] = {}
    for path in sorted((ROOT / folder).rglob("*.[ch]")):
        names = re.findall(r'^#include "(?:.*/)?(\w+)\.h"', path.read_text(encoding="utf-8"), re.M)
        included.setdefault(path.stem, set()).update(set(names) - {path.stem})
    assert sum(map(len, included.values())) > 20
    tuple(graphlib.TopologicalSorter(included).static_order())  # raises CycleError, which names it


def test_no_two_modules_share_the_name_of_a_class() -> None:
    """One name, one meaning, in the whole tree."""
    found: dict[str, list[str]] = {}
    for _, path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not {name: places for name, places in found.items() if len(places) > 1}


MAX_FILE_LINES = 420
MAX_FUNCTION_LINES = 60
"""Its docstring included."""


def test_no_file_or_function_has_grown_past_its_limit() -> None:
    """What does is usually two things."""
    firmware = (ROOT / "firmware").rglob("*.[ch]")
    sources = [path for _, path in modules()]
    long = [
        str(path.relative_to(ROOT))
        for path in (*sources, *firmware)
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_FILE_LINES
    ]
    for path in sources:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert long == []


OF_ONE_SYSTEM = {"fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "termios", "winreg"}
ASKS_FOR_THE_SYSTEM = {
    *("sys.platform", "os.name", "platform.system", "os.killpg", "os.fork"),
    *("signal.SIGKILL", "signal.SIGALRM"),
}


def dotted(node: ast.Attribute) -> str:
    """``a.b`` of a name's attribute; empty for that of anything else."""
    return f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ""


def test_one_module_knows_the_operating_system() -> None:
    wrong = []
    for module, path in modules():
        if module == "edgebottle.operating_system":
            continue
        asked = {dotted(n) for n in ast.walk(parsed(path)) if isinstance(n, ast.Attribute)}
        found = OF_ONE_SYSTEM & set(imports_of(module, path)) | asked & ASKS_FOR_THE_SYSTEM
        wrong += [f"{module} asks {name}" for name in sorted(found)]
    assert not wrong


HEAVY = {"tensorflow", "ai_edge_litert", "unicorn", "numpy", "rich", "platformio", "serial"}


KNOWS_OPERATORS = ("edgebottle.ops", "edgebottle.importers", "edgebottle.passes")
ASKS_OPERATORS = ("edgebottle.passes.channels",)
"""Part of the former, but passes through what operators say of themselves."""


def operator_modules() -> set[str]:
    """The modules with the class of an operator, or with one that some of them share."""
    shared = {"edgebottle.ops.base", "edgebottle.ops.kernel"}
    names = {base.__module__ for operator in OPERATORS for base in operator.__mro__}
    return {name for name in names if name.startswith("edgebottle.ops.")} - shared


def test_nothing_else_asks_what_operator_a_node_is() -> None:
    """What follows from an operator is asked from it: access, operands, kernels.

    Operators, what builds them, and passes that rewrite some of them know them.
    """
    wrong, known = [], operator_modules()
    for module, path in modules():
        if module.startswith(KNOWS_OPERATORS) and not module.startswith(ASKS_OPERATORS):
            continue
        wrong += [f"{module} imports {name}" for name in known & set(imports_of(module, path))]
        wrong += [
            f"{module}:{node.lineno}"
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Compare)
            for side in (node.left, *node.comparators)
            if isinstance(side, ast.Attribute) and side.attr == "OP"
        ]
    assert not wrong


def test_bytes_are_counted_in_one_place() -> None:
    """Bits and bytes of elements are the business of layouts: others ask them."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for module, path in modules()
        if not module.startswith("edgebottle.ir.")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult | ast.FloorDiv | ast.Div | ast.Mod)
        and re.search(r"\b(dtype\.bits|dtype\.bytes|row_elements)\b", ast.unparse(node))
    ]
    assert found == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from edgebottle.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert not loaded & HEAVY


def files_of_tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def clocks_read(tree: ast.AST) -> Iterator[int]:
    """The lines that ask for the time: of the wall, or of the processor."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "timeit", "resource"):
            yield node.lineno
        if isinstance(node, ast.Attribute) and (
            dotted(node).removesuffix("_ns") in CLOCKS or node.attr == "getrusage"
        ):
            yield node.lineno


def returns(function: ast.AST) -> Iterator[int]:
    """The lines of a function on which it returns; not those of functions in it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Return):
            yield node.lineno
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from returns(node)


def test_no_test_looks_at_the_clock() -> None:
    """A slow or busy computer fails no test: count calls, instructions, or wait for what is due."""
    found = []
    for path in files_of_tests():
        tree, name = parsed(path), str(path.relative_to(ROOT))
        is_command = not path.name.startswith("test_") and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        )
        if name not in MAY_LOOK_AT_THE_CLOCK and not is_command:
            found += [f"{name}:{line}" for line in clocks_read(tree)]
    assert not found, "use tests/waiting.py"


def test_no_test_passes_by_returning() -> None:
    """What cannot be tried is skipped with a reason, or is no row of that test."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files_of_tests()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for line in returns(node)
    ]
    assert not found
