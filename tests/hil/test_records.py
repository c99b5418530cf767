"""Records: one line each, checked field by field when they are read."""

import errno
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebottle.errors import BadInput
from hil.network import Network, TensorRecord
from hil.records import Record, RecordFile, append, read
from hil.virtual.timing.cycles import Cycles
from tests.report.make_record import make_record


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "records.jsonl"
    records = [make_record(), make_record(correct=None, instructions=None, exact=False)]
    for record in records:
        append(path, record)
    assert read(path) == RecordFile(tuple(records), ())
    assert path.read_text().count("\n") == 2
    path.write_text(path.read_text() + "\n\n")
    assert read(path) == RecordFile(tuple(records), ())


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


def test_a_record_of_before_the_network() -> None:
    data = make_record().to_json()
    del data["network"]
    assert Record.from_json(data) == make_record(network=None)


@pytest.mark.parametrize("scale", [-0.02, 0.0, 1e300, float("inf")])
def test_scales_are_whatever_the_model_file_says(tmp_path: Path, scale: float) -> None:
    weights = TensorRecord("w", (1,), "i8", 1, (scale,), 1, -7)
    record = make_record(network=Network((), (), (weights,), ()))
    append(tmp_path / "r.jsonl", record)
    assert read(tmp_path / "r.jsonl").records == (record,)


def test_cycles_by_where_they_go() -> None:
    layer = replace(make_record().layers[0], cycles=15, cycle_parts=Cycles(1, 2, 3, 4, 5))
    record = make_record(cycles=15, cycles_kind="modelled", layers=(layer,))
    data = json.loads(json.dumps(record.to_json()))
    assert data["layers"][0]["cycle_parts"]["branches"] == 3
    assert Record.from_json(data) == record


LAYER = {"name": "a", "op": "b", "macs": 1, "instructions": 1, "cycles": None, "output_bytes": 1}
BLOCK = {"name": "a", "offset": 0, "nbytes": 1, "first": 0, "last": 0}
TENSOR = {"name": "a", "shape": [1], "dtype": "i8", "nbytes": 1, "scales": [0.5]}
NODE = {"name": "a", "op": "b", "inputs": ["x"], "outputs": [], "constants": [], "kernel": "k"}
NODE |= {"flash_bytes": 1, "step": 0}
NETWORK = {"inputs": [], "outputs": [], "tensors": [], "nodes": []}
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
    ("steps", ["a", 3], "steps is 3"),
    ("network", {}, "KeyError"),
    ("network", 3, "TypeError"),
    ("network", {**NETWORK, "inputs": [1]}, "inputs is 1"),
    ("network", {**NETWORK, "nodes": [{**NODE, "inputs": [None]}]}, "inputs is None"),
    ("network", {**NETWORK, "nodes": [{**NODE, "step": -1}]}, "step is -1"),
    ("network", {**NETWORK, "nodes": [{**NODE, "constants": [{"name": "x"}]}]}, "KeyError"),
    ("network", {**NETWORK, "tensors": [{**TENSOR, "shape": [-1]}]}, "shape is -1"),
    ("network", {**NETWORK, "tensors": [{**TENSOR, "scales": ["x"]}]}, "scales is 'x'"),
    ("network", {**NETWORK, "tensors": [{**TENSOR, "lunch": 1}]}, "TypeError"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_records_name_the_line(tmp_path: Path, field: str, value: Any, message: str) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    data = {**make_record().to_json(), field: value}
    with path.open("a") as file:
        file.write(json.dumps(data) + "\n")
    append(path, make_record(model="next"))
    found = read(path)
    assert [record.model for record in found.records] == [make_record().model, "next"]
    (broken,) = found.broken
    assert re.search(rf"r\.jsonl, line 2: .*{message}", broken) and "\n" not in broken


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
        (b"\xff\xfe\x00", "line 1: not text"),
    ],
)
def test_files_that_hold_no_records(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read(path)


def test_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record(model="one"))
    append(path, make_record(model="two"))
    torn = path.read_bytes()[:-50]
    path.write_bytes(torn)
    append(path, make_record(model="three"))
    assert path.read_bytes().startswith(torn + b"\n")
    found = read(path)
    assert [record.model for record in found.records] == ["one", "three"]
    assert len(found.broken) == 1 and "line 2: not JSON" in found.broken[0]


def test_a_whole_line_without_an_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    path.write_bytes(path.read_bytes()[:-1])
    append(path, make_record())
    assert read(path) == RecordFile((make_record(), make_record()), ())


FAILURES = [
    ([5, 1, OSError(errno.ENOSPC, "No space left on device")], "No space left on device"),
    ([OSError(errno.EIO, "Input/output error")], "Input/output error"),
    ([7, KeyboardInterrupt()], None),
]


@pytest.mark.parametrize(("steps", "message"), FAILURES)
def test_a_line_is_written_whole_or_not_at_all(
    tmp_path: Path, steps: list[Any], message: str | None
) -> None:
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    before = path.read_bytes()
    todo = iter(steps)

    class Failing(io.FileIO):
        def write(self, data: Any) -> int:
            step = next(todo)
            if isinstance(step, BaseException):
                raise step
            return os.write(self.fileno(), data[:step])

    expected = BadInput if message else KeyboardInterrupt
    with pytest.MonkeyPatch.context() as patch, pytest.raises(expected, match=message):
        patch.setattr(Path, "open", lambda self, *_, **__: Failing(self, "a+b"))
        append(path, make_record())
    assert path.read_bytes() == before and next(todo, None) is None


def test_the_rest_of_a_short_write_follows(tmp_path: Path) -> None:
    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            return os.write(self.fileno(), data[:100])

    path = tmp_path / "r.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda self, *_, **__: Slow(self, "a+b"))
        append(path, make_record())
    assert read(path).records == (make_record(),)


def test_a_limit_of_the_system(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of file sizes")
    path = tmp_path / "r.jsonl"
    append(path, make_record())
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        with pytest.raises(BadInput, match=r"cannot write .*r\.jsonl: .*; the record is not in it"):
            append(path, make_record())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_devices_that_take_everything_or_nothing() -> None:
    append(Path("/dev/null"), make_record())
    with pytest.raises(BadInput, match="cannot write /dev/full: No space left on device"):
        append(Path("/dev/full"), make_record())


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "r.jsonl"):
        with pytest.raises(BadInput, match="cannot write"):
            append(path, make_record())
    with pytest.raises(BadInput, match=r"cannot read .*: it is a folder"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match=r"cannot write .*pipe: it is a pipe, not a file"):
        append(tmp_path / "pipe", make_record())
    for path, kind in ((tmp_path / "pipe", "pipe"), (Path("/dev/zero"), "device")):
        with pytest.raises(BadInput, match=f"cannot read .*: it is a {kind}, not a file"):
            read(path)
