"""Records: one line each, checked field by field when they are read."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebottle.errors import BadInput
from hil.records import Record, append, read
from hil.virtual.timing.cycles import Cycles
from tests.report.make_record import make_record


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "records.jsonl"
    records = [make_record(), make_record(correct=None, instructions=None, exact=False)]
    for record in records:
        append(path, record)
    assert read(path) == records
    assert path.read_text().count("\n") == 2
    path.write_text(path.read_text() + "\n\n")
    assert read(path) == records


def test_totals_are_in_the_json() -> None:
    data = make_record().to_json()
    assert data["ram"] == {"bytes": 644, "arena": 144, "stack": 400, "static": 100}
    assert data["flash"] == {"bytes": 12000, "weights": 3000, "code": 9000}
    assert data["accuracy"] == 0.9


def test_a_record_of_before_the_field_exact() -> None:
    data = make_record().to_json()
    del data["exact"]
    assert Record.from_json(data).exact


def test_a_record_of_before_the_cycles() -> None:
    data = make_record().to_json()
    del data["cycles"], data["cycles_kind"]
    record = Record.from_json(data)
    assert record.cycles is None and record.cycles_kind == ""


def test_cycles_by_where_they_go() -> None:
    layer = replace(make_record().layers[0], cycles=15, cycle_parts=Cycles(1, 2, 3, 4, 5))
    record = make_record(cycles=15, cycles_kind="modelled", layers=(layer,))
    data = json.loads(json.dumps(record.to_json()))
    assert data["layers"][0]["cycle_parts"]["branches"] == 3
    assert Record.from_json(data) == record


LAYER = {"name": "a", "op": "b", "macs": 1, "instructions": 1, "cycles": None, "output_bytes": 1}
BLOCK = {"name": "a", "offset": 0, "nbytes": 1, "first": 0, "last": 0}
BAD: list[tuple[str, Any, str]] = [
    ("format", 99, "record format 99: this version reads 1"),
    ("format", None, "record format None"),
    ("model", 3, "model is 3"),
    ("model", None, "model is None"),
    ("virtual", "yes", "virtual is 'yes'"),
    ("macs", -1, "macs is -1"),
    ("macs", True, "macs is True"),
    ("macs", 1.5, "macs is 1.5"),
    ("macs", 10**30, "macs is 1000"),
    ("correct", "9", "correct is '9'"),
    ("ram", {"arena": 1, "stack": 2}, "KeyError"),
    ("ram", {"arena": "1", "stack": 2, "static": 0}, "arena is '1'"),
    ("ram", 7, "TypeError"),
    ("flash", None, "TypeError"),
    ("latency_us", [1, 2], "ValueError"),
    ("latency_us", [1, 2, float("nan")], "latency_us is"),
    ("latency_us", ["1", 2, 3], "latency_us is"),
    ("layers", [{**LAYER, "macs": None}], "macs is None"),
    ("layers", [{"name": "x"}], "TypeError"),
    ("layers", [{**LAYER, "cycle_parts": {"issue": -1}}], "issue is -1"),
    ("layers", [{**LAYER, "cycle_parts": {"lunch": 1}}], "TypeError"),
    ("layers", [3], "TypeError"),
    ("layers", None, "TypeError"),
    ("memory", [{**BLOCK, "first": -2}], "first is -2"),
    ("memory", [{**BLOCK, "offset": []}], "offset is"),
    ("samples", [], "samples is"),
    ("cycles", -1, "cycles is -1"),
    ("cycles_kind", None, "cycles_kind is None"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_records_name_the_line(tmp_path: Path, field: str, value: Any, message: str) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    data = {**make_record().to_json(), field: value}
    with path.open("a") as file:
        file.write(json.dumps(data) + "\n")
    with pytest.raises(BadInput, match=rf"r.jsonl, line 2: .*{message}") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no records"),
        (b"\n\n", "holds no records"),
        (b"{", "line 1: not JSON"),
        (b"[]", "line 1: not an edgebottle record"),
        (b"null", "line 1: not an edgebottle record"),
        (b"{}", "line 1: record format None"),
        (b"[" * 100_000, "line 1: not JSON"),
        (b"9" * 5000, "line 1: "),
        (b"\xff\xfe\x00", "is not a file of records"),
    ],
)
def test_files_that_hold_no_records(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read(path)


def test_half_a_line_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    path.write_text(path.read_text()[:-50])
    before = path.read_bytes()
    with pytest.raises(BadInput, match="line 1: not JSON"):
        read(path)
    assert path.read_bytes() == before


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "r.jsonl"):
        with pytest.raises(BadInput, match="cannot write"):
            append(path, make_record())
    with pytest.raises(BadInput, match="cannot read"):
        read(tmp_path)
