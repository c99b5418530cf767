"""The reference pages of docs/ say what the code says; UPDATE_README=1 writes their tables anew."""

import inspect
import os
import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import hil.confusion
import hil.network
import hil.records
from edgebottle.boards import load_board
from edgebottle.build.cache_use import KINDS, RECENT_S
from edgebottle.codegen.naming import API_WORDS, MACRO_WORDS, MAX_IDENTIFIER, MAX_MODEL_NAME
from edgebottle.codegen.project import write_project
from edgebottle.data import data_dir
from edgebottle.fit import kernel_variant
from edgebottle.pipeline import MAX_IMAGES, load
from edgebottle.reference import MAX_FILES
from edgebottle.sample_values import MAX_CLIPPED, MIN_LEVELS
from hil.virtual.timing.cycles import Cycles
from quantize.patch import choose_schedule
from tests.bench.readme import insert
from tests.report.make_record import make_record

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

RECORD_PARTS: tuple[type[Any], ...] = (
    *(hil.records.Record, hil.records.Ram, hil.records.Flash, hil.records.LayerRecord, Cycles),
    *(hil.records.MemoryBlock, hil.confusion.Confusion, hil.confusion.ClassFigures),
    *(hil.network.Network, hil.network.NodeRecord, hil.network.TensorRecord),
)
LAYER = hil.records.LayerRecord


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def attributes(kind: type[Any]) -> dict[str, str]:
    """The ``Attributes`` of a docstring: name to text, as Markdown."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: as_markdown(text) for name, text in found}


def as_markdown(text: str) -> str:
    """Text of a docstring about Python values, for a page about JSON."""
    for python, json in (("``", "`"), ("None", "null"), ("False", "false"), ("True", "true")):
        text = text.replace(python, json)
    return re.sub(r"\s+", " ", text)


def record_fields(kind: type[Any]) -> str:
    return table(
        ("field", "what"), [(f"`{name}`", what) for name, what in attributes(kind).items()]
    )


def caches() -> str:
    return table(("kind", "folder", "what"), [(f"`{n}`", f"`{f}`", what) for n, f, what in KINDS])


REGIONS = {
    ("caches.md", "caches"): caches(),
    **{("files.md", f"fields: {kind.__name__}"): record_fields(kind) for kind in RECORD_PARTS},
}


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_tables_are_made_from_the_code(name: str, region: str) -> None:
    expected = insert(page(name), region, REGIONS[name, region])
    if os.environ.get("UPDATE_README"):
        (DOCS / name).write_text(expected, encoding="utf-8")
    assert page(name) == expected


@pytest.mark.parametrize("kind", RECORD_PARTS, ids=lambda kind: str(kind.__name__))
def test_every_field_of_a_record_has_its_line(kind: type[Any]) -> None:
    assert list(attributes(kind)) == [field.name for field in fields(kind)]


def test_the_page_names_all_that_a_record_adds() -> None:
    record = make_record(confusion=(hil.confusion.Confusion(0, 1, 2),)).to_json()
    own = {field.name for field in fields(hil.records.Record)}
    section = page("files.md").partition("### The record")[2]
    added = {*record} - own | {*record["layers"][0]} - {field.name for field in fields(LAYER)}
    assert added == {"accuracy", "classes", "confusion_matrix", "ms"}
    assert [name for name in sorted(added) if f"`{name}`" not in section] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("caches.md", f"the {MAX_IMAGES} images and the {MAX_FILES} sets"),
        ("caches.md", "images of the last ten minutes" if RECENT_S == 600 else "?"),
        ("files.md", f"more than {MAX_CLIPPED:.0%}".replace("%", " %")),
        ("files.md", f"fewer than {MIN_LEVELS} different"),
        ("files.md", f"at most {hil.records.MAX_MATRIX} classes"),
        ("c-api.md", f"at most {MAX_MODEL_NAME} characters"),
        ("c-api.md", f"longer than {MAX_IDENTIFIER} characters"),
    ],
)
def test_limits_are_those_of_the_code(name: str, text: str) -> None:
    assert text in re.sub(r"\s+", " ", page(name))


def python_sources() -> list[Path]:
    folders = (ROOT / "edgebottle", ROOT / "hil", ROOT / "quantize", ROOT / "firmware")
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def test_environment_variables_are_those_that_the_code_reads() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in python_sources())
    listed = set(re.findall(r"`([A-Z_]{4,})`", page("caches.md")))
    read = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", source))
    assert len(listed) > 6
    assert read - listed == {"PYTHONPATH"}  # Python's own, handed on
    assert listed - read == set()


@cache
def c_of_digits() -> str:
    """The library of the zoo's digits, fed whole and row by row, and that of the kernels."""
    board, graph = load_board("stm32f746"), load("digits").graph
    texts = []
    for row_fed in (False, True):
        isa = kernel_variant(board)
        chosen = choose_schedule(graph, isa, "layers", row_fed=row_fed)
        files = write_project(chosen.graph, chosen.plan, board).files
        texts += [text.decode() for name, text in files.items() if name.startswith("lib/")]
    return "\n".join(texts)


def test_the_page_names_what_the_generated_library_has() -> None:
    named = set(re.findall(r"\b(?:eb|EB)_\w+(?!\w|\.\.\.)", page("c-api.md")))
    there = set(re.findall(r"\b(?:eb|EB)_\w+", c_of_digits()))
    assert len(named) > 40
    assert named - there == {"eb_MODEL"}


def test_the_page_names_the_whole_of_the_api() -> None:
    text = page("c-api.md")
    header = (data_dir("firmware") / "lib/edgebottle/include/edgebottle.h").read_text("utf-8")
    wanted = [f"eb_digits_{word}" for word in API_WORDS]
    wanted += [f"EB_DIGITS_{word}" for word in MACRO_WORDS]
    wanted += re.findall(r"\bEB_(?!MAX)\w+(?= =)", header)
    wanted += re.findall(r"^    \w+ \*?(\w+)(?:\[\w+\])?;", header, re.MULTILINE)
    assert len(wanted) > 40
    assert [name for name in wanted if not re.search(rf"\b{name}\b", text)] == []
