"""The reference pages of docs/ say what the code says; UPDATE_README=1 writes their tables anew."""

import ast
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

import hil.confusion
import hil.network
import hil.pictures
import hil.records
from edgebottle import errors
from edgebottle.boards import load_board
from edgebottle.build.cache_use import KINDS, RECENT_S
from edgebottle.build.images import MAX_IMAGES
from edgebottle.cli.main import EXIT_BUG, EXIT_INTERRUPTED
from edgebottle.codegen.naming import API_WORDS, MACRO_WORDS, MAX_IDENTIFIER, MAX_MODEL_NAME
from edgebottle.codegen.project import write_project
from edgebottle.compare import FLOAT_TOLERANCE
from edgebottle.config import FILE, load_config, parse_bytes
from edgebottle.data import data_dir
from edgebottle.detection.precision import LabelPrecision
from edgebottle.fit import Judge, Wish, kernel_variant
from edgebottle.importers.onnx_operators import TRANSLATIONS
from edgebottle.ir.dtypes import DType
from edgebottle.ops import OPERATORS, fixed_point, softmax, weights
from edgebottle.ops.movement import MAX_RANK, MOVABLE
from edgebottle.passes import PIPELINE
from edgebottle.pipeline import MAX_TENSOR_BYTES, load
from edgebottle.plan.schedules import Schedule
from edgebottle.reference import MAX_FILES
from edgebottle.sample_values import MAX_CLIPPED, MIN_LEVELS
from hil.recovery import RecoveryStep
from hil.virtual.timing.cycles import Cycles
from quantize.patch import choose_schedule
from tests.bench.readme import insert
from tests.report.make_record import make_record
from tests.test_architecture import LAYERS, is_module

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

RECORD_PARTS: tuple[type[Any], ...] = (
    *(hil.records.Record, hil.records.Ram, hil.records.Flash, hil.records.LayerRecord, Cycles),
    *(hil.records.MemoryBlock, hil.confusion.Confusion, hil.confusion.ClassFigures),
    *(hil.network.Network, hil.network.NodeRecord, hil.network.TensorRecord),
    *(LabelPrecision, hil.pictures.PictureRecord, hil.pictures.BoxRecord, RecoveryStep),
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


def layers() -> str:
    there = ([module for module in layer if is_module(module)] for layer in LAYERS)
    lines = (", ".join(f"`{module}`" for module in layer) for layer in there)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def first_line(item: object) -> str:
    return as_markdown((inspect.getdoc(item) or "").partition("\n")[0])


def passes() -> str:
    modules = [(one.__name__, sys.modules[one.__module__]) for one in PIPELINE]
    return "\n".join(f"1. `{name}`: {first_line(module)}" for name, module in modules)


def error_codes() -> str:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in found if kind is not errors.EdgebottleError]
    rows = [(f"`{kind.__name__}`", str(kind.exit_code), first_line(kind)) for kind in kinds]
    return table(("kind", "exit code", "when"), rows)


def limits(operator: type[Any]) -> str:
    """The ``Limits`` of an operator's docstring, behind those of its bases."""
    found = []
    for kind in reversed(operator.__mro__):
        text = inspect.cleandoc(kind.__doc__ or "").partition("Limits:\n")[2]
        found.append(as_markdown(re.split(r"\n(?! |\n)|\n\n", text)[0].strip()))
    return " ".join(filter(None, found))


def tried_types(operator: type[Any]) -> str:
    """From what to what the test cases of an operator go; constants left out."""
    found: dict[str, set[str]] = {}
    for graph in operator.cases():
        source = graph.tensors[graph.inputs[0]].dtype.label
        found.setdefault(source, set()).add(graph.tensors[graph.outputs[0]].dtype.label)
    same = [source for source, targets in found.items() if targets == {source}]
    others = [f"{s} to {' / '.join(sorted(found[s]))}" for s in sorted(found) if s not in same]
    return "; ".join(filter(None, [", ".join(sorted(same, key=KNOWN_TYPES.index)), *others]))


KNOWN_TYPES = ("i8", "f32", *(dtype.label for dtype in DType))


def onnx_operators() -> str:
    names = ", ".join(sorted({*TRANSLATIONS, "Constant", "ConstantOfShape", "If", "Shape", "Size"}))
    return textwrap.fill(f"{names}.", 100, break_long_words=False)


def operators() -> str:
    rows = [
        (f"`{one.OP}`", first_line(one), tried_types(one), limits(one) or "-")
        for one in sorted(OPERATORS, key=lambda one: one.OP)
    ]
    return table(("operator", "gives", "types", "limits"), rows)


REGIONS: dict[tuple[str, str], Callable[[], str]] = {
    ("caches.md", "caches"): caches,
    ("design.md", "layers"): layers,
    ("design.md", "passes"): passes,
    ("design.md", "errors"): error_codes,
    ("operators.md", "operators"): operators,
    ("models.md", "onnx"): onnx_operators,
    **{
        ("files.md", f"fields: {kind.__name__}"): partial(record_fields, kind)
        for kind in RECORD_PARTS
    },
}


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_tables_are_made_from_the_code(name: str, region: str) -> None:
    expected = insert(page(name), region, REGIONS[name, region]())
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
    assert added == {"accuracy", "classes", "confusion_matrix", "mean_precision", "ms"}
    assert [name for name in sorted(added) if f"`{name}`" not in section] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("caches.md", f"the {MAX_IMAGES} images and the {MAX_FILES} sets"),
        ("caches.md", "images of the last ten minutes" if RECENT_S == 600 else "?"),
        ("files.md", f"more than {MAX_CLIPPED:.0%}".replace("%", " %")),
        ("files.md", f"fewer than {MIN_LEVELS} different"),
        ("files.md", f"at most {hil.records.MAX_MATRIX} classes"),
        ("operators.md", f"{softmax.MAX_CHANNELS:,} channels"),
        ("operators.md", f"{weights.MAX_WINDOW:,} products"),
        ("operators.md", f"at most {MAX_RANK} axes"),
        ("operators.md", ", ".join(f"{dtype.label}" for dtype in MOVABLE)),
        ("operators.md", f"{MAX_TENSOR_BYTES // 2**20} MB"),
        ("operators.md", f"at most 2^{fixed_point.MAX_SHIFT}"),
        ("design.md", f"differ by {FLOAT_TOLERANCE:g} of"),
        ("design.md", f"{EXIT_INTERRUPTED} after Ctrl-C, and {EXIT_BUG} for a bug"),
        ("c-api.md", f"at most {MAX_MODEL_NAME} characters"),
        ("c-api.md", f"longer than {MAX_IDENTIFIER} characters"),
    ],
)
def test_limits_are_those_of_the_code(name: str, text: str) -> None:
    assert text in re.sub(r"\s+", " ", page(name))


def test_the_configuration_that_the_page_shows_is_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", page("files.md"), re.DOTALL)
    (tmp_path / FILE).write_text(shown, encoding="utf-8")
    config = load_config(tmp_path)
    assert [name for name, value in vars(config).items() if value is None] == []
    sizes = page("files.md").partition("Bytes are written as")[2].partition(";")[0]
    found = [parse_bytes(text) for text in re.findall(r"`(.*?)`", sizes)]
    assert found == [65536, 65536, 65536, 12800, 1048576, 1024]


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
        chosen = choose_schedule(graph, isa, Schedule.LAYERS, row_fed=row_fed)
        files = write_project(chosen.graph, chosen.plan, board).files
        texts += [text.decode() for name, text in files.items() if name.startswith("lib/")]
        computer, wish = load_board("raspberry_pi_4"), Wish(row_fed=row_fed, threads=4)
        files = Judge(graph).verdict(computer, wish).project().files
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


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_files_that_a_page_names_exist(name: str) -> None:
    text = re.sub(r"<!-- (.*?) -->.*?<!-- /\1 -->", "", page(name), flags=re.DOTALL)
    paths = re.findall(r"`((?:edgebottle|firmware|tests|hil|boards|quantize)/[\w/.]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_page_names_the_commands_of_the_protocol() -> None:
    source = (ROOT / "firmware/src/commands.c").read_text(encoding="utf-8")
    there = set(re.findall(r"\{\"(\w+)\", \w+\}", source))
    section = page("design.md").partition("## Protocol")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert there == {word for row in rows for word in re.findall(r"`(\w+)", row)}


@cache
def messages() -> tuple[str, ...]:
    """Every text of the code; a NUL stands for each value in it."""
    found = []
    for path in python_sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", "\0") for part in node.values)
                found.append("".join(part if isinstance(part, str) else "\0" for part in parts))
    found += [path.read_text(encoding="utf-8") for path in (ROOT / "firmware").rglob("eb_core.h")]
    return tuple(found)


QUOTED = re.findall(r"^\| `(.*?)` \|", page("troubleshooting.md"), re.MULTILINE)


@pytest.mark.parametrize("message", QUOTED)
def test_messages_are_those_of_the_code(message: str) -> None:
    pieces = [re.escape(piece) for piece in message.split("...")]
    assert max(map(len, message.split("..."))) >= 8, "all of it stands for something else"
    assert any(re.search(".*?".join(pieces), text) for text in messages())


def test_messages_are_found_on_the_page() -> None:
    """A table written otherwise would leave the test above without rows."""
    assert len(QUOTED) == page("troubleshooting.md").count("\n| `") > 30
