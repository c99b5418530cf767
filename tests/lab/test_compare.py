"""`edgebottle bench compare`: what is slower, and what is noise."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hil.bench.regression import changes
from hil.records import Flash, Ram, Record, append
from tests.cli.command_line import edgebottle

BASE = Record(
    time="2026-03-01T14:05:09+00:00",
    model="digits",
    model_hash="0",
    image_hash="0",
    board="microbit",
    virtual=False,
    compiler="zig",
    flags="",
    schedule="layers",
    macs=1000,
    ram=Ram(1000, 200, 300),
    flash=Flash(2000, 3000),
    lower_bound=1000,
    instructions=None,
    latency_us=(990.0, 1000.0, 1010.0),
    latency_kind="measured",
    layers=(),
    memory=(),
    samples=1,
    correct=None,
    match=True,
    output_crc="0",
    attempts=1,
    edgebottle="0",
)
QUIET = (999.0, 1000.0, 1001.0)  # microseconds of windows: deviation 1
LOUD = (900.0, 1000.0, 1100.0)  # deviation 100


def times(us: tuple[float, ...], factor: float = 1.0) -> Record:
    return replace(BASE, windows_us=tuple(each * factor for each in us))


def modelled(us: float) -> Record:
    return replace(BASE, latency_us=(us, us, us), latency_kind="modelled", virtual=True)


# before, after, verdict
ROWS = [
    (times(QUIET), times(QUIET), "same"),
    (times(QUIET), times(QUIET, 1.009), "same"),  # within 1 %
    (times(QUIET), times(QUIET, 1.011), "slower"),
    (times(QUIET), times(QUIET, 0.98), "faster"),
    (times(LOUD), times(LOUD, 1.2), "same"),  # within three deviations of the difference, 469
    (times(LOUD), times(LOUD, 1.6), "slower"),  # 600 beyond 3 * sqrt(100**2 + 160**2) = 566
    (times(QUIET), times(LOUD, 1.2), "same"),  # what is loud counts
    (BASE, times(QUIET, 1.5), "uncertain"),  # one window does not say how far it spreads
    (BASE, times(QUIET, 1.005), "same"),
    (modelled(1000.0), modelled(1011.0), "slower"),  # a model has no noise
    (modelled(1000.0), modelled(1009.0), "same"),
]


@pytest.mark.parametrize(("old", "new", "verdict"), ROWS)
def test_verdicts(old: Record, new: Record, verdict: str) -> None:
    (found,) = changes([old], [new])
    assert found.verdict == verdict


def test_what_is_compared_with_what() -> None:
    """Networks on boards of one kind, run in one way; several records of one are one."""
    old = [times(QUIET), replace(times(QUIET), schedule="min-ram"), modelled(5.0)]
    new = [replace(times(LOUD), time="2026-03-02"), times(QUIET), replace(BASE, board="host")]
    found = changes(old, new)
    assert [(one.board, one.schedule, one.kind, one.verdict) for one in found] == [
        ("microbit", "layers", "measured", "same"),
        ("host", "layers", "measured", "new"),
        ("microbit", "min-ram", "measured", "gone"),
        ("microbit", "layers", "modelled", "gone"),
    ]
    assert found[0].new is not None and (found[0].new.windows, found[0].new.us) == (6, 1000.0)
    assert found[0].change == 0 and found[1].change is None


def test_the_command(tmp_path: Path) -> None:
    append(tmp_path / "old.jsonl", times(QUIET))
    more = replace(times(QUIET, 1.1), ram=Ram(1100, 200, 300))
    append(tmp_path / "run" / "records.jsonl", more)
    done = edgebottle("bench", "compare", "old.jsonl", "run", cwd=tmp_path)
    assert done.code == 1 and "+10.00%" in done.out and "slower" in done.out
    assert "+100" in done.out and "1.000 ± 0.001" in done.out
    done = edgebottle("bench", "compare", "run", "old.jsonl", "--json", cwd=tmp_path)
    (change,) = json.loads(done.out)["changes"]
    assert done.code == 0 and change["verdict"] == "faster" and change["new"]["windows"] == 3
    done = edgebottle("bench", "compare", "old.jsonl", "nothing.jsonl", cwd=tmp_path)
    assert done.code == 1 and "cannot read nothing.jsonl" in done.err
