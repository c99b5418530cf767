"""Boards that fail in every way: each job ends with the cause named, and the next one runs."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.bench.results import JobResult
from hil.records import read as read_records
from tests.cli.command_line import edgebottle
from tests.lab.desk import FAULTS, Desk, each_time, first_time

JOBS = """\
version = 1
deadlines = { run = 15 }
[[job]]
models = ["digits"]
boards = ["all"]
samples = [1]
[[job]]
models = ["digits"]
boards = ["all"]
samples = [2]
"""
ALWAYS = "always-dead"
GOOD = "good"

# what happens at the first of two flashings, how the job ends, at which step, what is said, what
# else the board's power and probe were asked for
ROWS = [
    ("garbage", "flaky", "run", "answered garbage while running the network", ["off", "on"]),
    ("reset", "failed", "run", "the board reset while running the network", ["off", "on"]),
    ("hang", "failed", "run", "run did not end in 15 s", ["off", "on"]),
    (
        "dribble",
        "failed",
        "run",
        r"fell silent .* reading the outputs; .*m-out-0-\[",
        ["off", "on"],
    ),
    ("unplug", "flaky", "run", "connection to the board was closed", ["reset", "off", "on"]),
    ("wrong-image", "flaky", "boot", "runs another image .CRC 00000001", ["off", "on"]),
    (
        "power-loss",
        "flaky",
        "flash",
        "openocd could not flash .* waiting for target",
        ["off", "on"],
    ),
    ("dead", "flaky", "boot", "no answer in .* a reset by openocd; it st", ["reset", "off", "on"]),
    ("wrong-result", "failed", "check", "differs on sample 0, layer softmax", []),
]


@dataclass(frozen=True)
class Lab:
    """A run of two jobs on each board: results by board, and what each board heard."""

    results: dict[str, list[JobResult]]
    heard: dict[str, list[str]]
    code: int
    folder: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    plans = {fault: first_time(fault)() for fault in FAULTS}
    plans |= {ALWAYS: each_time("dead")(), GOOD: each_time(None)()}
    (folder / "jobs.toml").write_text(JOBS)
    with Desk(folder, plans) as desk:
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
        heard = {name: board.heard for name, board in desk.boards.items()}
    results: dict[str, list[JobResult]] = {}
    for one in json.loads(done.out)["results"]:
        results.setdefault(one["entry"], []).append(JobResult.from_json(one))
    return Lab(results, heard, done.code, folder)


def test_every_fault_has_a_row() -> None:
    assert [row[0] for row in ROWS] == list(FAULTS)


@pytest.mark.parametrize(("fault", "outcome", "step", "said", "asked"), ROWS)
def test_a_fault(
    lab: Lab, fault: str, outcome: str, step: str, said: str, asked: list[str]
) -> None:
    first, second = lab.results[fault]
    assert first.outcome == outcome
    failure = first if outcome == "failed" else first.failures[0]
    assert failure.step == step and re.search(said, failure.cause), failure
    assert lab.heard[fault][: len(asked) + 2] == ["flash", *asked, "flash"]
    if outcome == "failed":
        assert first.failures == () and first.latency_us is None  # not tried again
        assert [one.step for one in first.steps][-1:] == ["power"] * ("on" in asked)
        assert second.outcome == "passed"  # and the next job has found it alive
    else:
        assert [one.recovery for one in first.failures] == ["power cycle"]
        assert first.failures[0].steps[-1].step == "power"
        assert first.latency_us is not None and first.latency_kind == "emulated"


def test_what_never_works_is_given_up(lab: Lab) -> None:
    for result in lab.results[ALWAYS]:
        assert result.outcome == "broken" and result.step == "boot" and len(result.failures) == 2
    assert lab.heard[ALWAYS] == ["flash", "reset", "off", "on"] * 6


def test_what_works_is_not_held_up(lab: Lab) -> None:
    assert [result.outcome for result in lab.results[GOOD]] == ["passed", "passed"]
    assert lab.heard[GOOD] == ["flash", "flash"] and lab.code == 1


def test_what_was_done_about_a_board_is_kept(lab: Lab) -> None:
    """In the result, the record, the page, and in JUnit's file."""
    (failure,) = lab.results["dead"][0].failures
    steps = {one.step: one for one in failure.steps}
    assert [one for one in steps if one != "core"] == ["line", "probe", "power"]
    assert "no answer in" in steps["line"].saw and "no answer in" in steps["probe"].saw
    folder = lab.folder / "edgebottle-out" / "bench"
    records = read_records(folder / "records.jsonl").records
    assert failure.steps in [record.recovery for record in records]
    case = ElementTree.parse(folder / "junit.xml").find(".//testsuite[@name='dead']//flakyFailure")
    assert case is not None and case.text == "\n".join(map(str, failure.steps))
    assert "Boards that failed" in (folder / "report.html").read_text()


def test_the_records(lab: Lab) -> None:
    good = [one for results in lab.results.values() for one in results if one.latency_us]
    records = read_records(lab.folder / "edgebottle-out" / "bench" / "records.jsonl").records
    assert len(records) == len(good) == 2 * len(lab.results) - 6


def test_another_board_does_what_one_cannot(tmp_path: Path) -> None:
    """Jobs of any board of a kind go to one that works; those of the other alone are given up."""
    tables = ""
    for boards in ("microbit", "sick"):
        tables += f'[[job]]\nmodels = ["digits"]\nboards = ["{boards}"]\nsamples = [1, 2, 3]\n'
    (tmp_path / "jobs.toml").write_text(f"version = 1\nretries = 0\n{tables}")
    with Desk(tmp_path, {"sick": each_time("power-loss")(), "well": each_time(None)()}) as desk:
        done = edgebottle("bench", "run", "--json", cwd=tmp_path, env=desk.environment())
        heard = {name: board.heard for name, board in desk.boards.items()}
    results = [JobResult.from_json(one) for one in json.loads(done.out)["results"]]
    shared = [one for one in results if one.board == "microbit"]
    assert len(shared) == 3 and {one.entry for one in shared} == {"well"}
    for one in shared:
        assert one.outcome == ("flaky" if one.failures else "passed")
        assert [(f.step, f.recovery) for f in one.failures] in ([], [("flash", "another board")])
    alone = [one for one in results if one.board == "sick"]
    assert [one.outcome for one in alone] == ["broken"] * 3 and done.code == 3
    assert heard["sick"] == ["flash", "off", "on"] * 3  # then it is given up
    assert "sick was given up after 3 jobs in a row: openocd could not" in alone[-1].cause or (
        sum(bool(one.failures) for one in shared) == 0
    )
