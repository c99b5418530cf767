"""The pages of docs/: their links, their commands, and their scripts, run as a reader would."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edgebottle.cli.main import cli
from edgebottle.pipeline import load
from tests.cli.command_line import edgebottle

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPTS = {"keras": ("tensorflow", "sklearn"), "torch": ("litert_torch", "sklearn")}
"""Each script of docs/models.md, with the packages that it imports."""


def by_name(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_parse(page):
    """Options and commands that a page shows exist; nothing is run."""
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"^ {3,}edgebottle +(.*)$", text, re.MULTILINE):
        arguments = shlex.split(line, comments=True)
        with click.Context(cli, info_name="edgebottle") as context:
            _, command, rest = cli.resolve_command(context, arguments)
            assert command is not None
            command.make_parser(click.Context(command)).parse_args(rest)


def script(name: str) -> str:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- script: {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found, f"docs/models.md has no script {name}"
    return found[1]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_python(name):
    compile(script(name), name, "exec")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_give_an_int8_file_that_is_exact(name, tmp_path):
    for package in SCRIPTS[name]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (docs/models.md says how)")
    (tmp_path / "script.py").write_text(script(name), encoding="utf-8")
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, check=True, capture_output=True)
    file = tmp_path / f"{name}_model.tflite"
    graph = load(str(file), io="int8").graph
    assert {tensor.dtype.label for tensor in graph.tensors.values()} <= {"i8", "i32"}
    result = edgebottle("verify", file, "--board", "host", "--io", "int8", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "to the last bit" in result.out
