"""Accuracy by class: counted, in tables, on the page, and in the JSON of a record."""

import io

import pytest
from rich.console import Console

from edgebottle.report.confusion import confusion_tables
from edgebottle.report.html import render
from hil.confusion import Confusion, class_figures, count_confusion, matrix
from hil.records import Record
from tests.report.make_record import make_record

LABELS = [0, 0, 0, 1, 1, 3]
GUESSES = [0, 0, 1, 1, 2, 3]
COUNTED = count_confusion(LABELS, GUESSES)


def printed(record: Record) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=80)
    for table in confusion_tables(record):
        console.print(table)
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_what_is_counted() -> None:
    assert (
        Confusion(0, 0, 2),
        Confusion(0, 1, 1),
        Confusion(1, 1, 1),
        Confusion(1, 2, 1),
        Confusion(3, 3, 1),
    ) == COUNTED
    zero, one, two, three = class_figures(COUNTED)
    assert (zero.samples, zero.guesses, zero.correct, zero.recall) == (3, 2, 2, 2 / 3)
    assert (one.precision, two.recall, two.precision, three.recall) == (0.5, None, 0.0, 1.0)
    assert matrix(COUNTED) == ((2, 1, 0, 0), (0, 1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 1))


def test_a_few_classes_as_a_matrix() -> None:
    record = make_record(confusion=COUNTED, samples=6, correct=4)
    lines = printed(record)
    assert ["0", "3", "2", "66.7%", "100.0%", "2"] in lines
    assert ["2", "0", "0", "-", "0.0%", "1"] in lines
    assert ["0", "2", "1", ".", "."] in lines and ["class", "0", "1", "2", "3"] in lines
    page = render([record])
    assert "Accuracy by class" in page and "66.7%" in page
    assert confusion_tables(make_record()) == () and "by class" not in render([make_record()])


def test_many_classes_by_what_goes_wrong() -> None:
    labels = [*range(1000), 7, 7]
    confusion = count_confusion(labels, [*range(999), 0, 8, 8])
    record = make_record(confusion=confusion, samples=1002, correct=999)
    lines = printed(record)
    assert ["7", "8", "2"] in lines and ["999", "0", "1"] in lines and len(lines) < 50
    assert "The 25 of 1000 classes with the lowest recall" in render([record])
    assert "confusion_matrix" not in record.to_json() and len(record.to_json()["classes"]) == 1000


def test_in_the_record() -> None:
    record = make_record(confusion=COUNTED, reference="LiteRT 2.3.0", inputs="x: int8")
    data = record.to_json()
    assert data["confusion_matrix"] == matrix(COUNTED)
    assert data["classes"][2]["precision"] == 0.0
    assert Record.from_json(data) == record
    for name in ("confusion", "reference", "inputs"):
        del data[name]
    old = Record.from_json(data)
    assert (old.confusion, old.reference, old.inputs) == ((), "NumPy", "")


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("NumPy", "bit for bit the NumPy reference"),
        ("LiteRT 2.3.0", "bit for bit LiteRT 2.3.0's reference kernels"),
    ],
)
def test_the_reference_is_named(reference: str, text: str) -> None:
    page = render([make_record(reference=reference)])
    assert text in page.replace("&#x27;", "'").replace("&#39;", "'").replace("&apos;", "'")
