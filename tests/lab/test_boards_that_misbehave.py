"""Boards that fail in every way: each job ends with the cause named, and the next one runs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.bench.results import JobResult
from hil.records import read as read_records
from tests.cli.command_line import edgebottle
from tests.lab.desk import FAULTS, Desk, each_time

JOBS = """\
version = 1
deadlines = { run = 10 }
[[job]]
models = ["digits"]
boards = ["all"]
samples = [1, 2, 3, 4]
"""
GOOD, NEVER = "good", "never-flashed"

# what happens, how the job ends, at which step, what is said, what else the board's power and probe
# were asked for
ROWS = [
    ("garbage", "flaky", "run", "answered garbage while running the network", ["off", "on"]),
    ("unplug", "flaky", "run", "connection to the board was closed", ["reset", "off", "on"]),
    (
        "dribble",
        "failed",
        "run",
        r"fell silent .* reading the outputs; .*m-out-0-\[",
        ["off", "on"],
    ),
    ("reset", "failed", "run", "the board reset while running the network", ["off", "on"]),
    (
        "hang",
        "failed",
        "run",
        r"fell silent \(nothing for 6.66667 s\) while running the network",
        ["reset", "off", "on"],
    ),
    ("wrong-result", "failed", "check", "differs on sample 0, layer softmax", []),
    ("wrong-image", "flaky", "boot", "runs another image .CRC 00000001", ["off", "on"]),
    (
        "power-loss",
        "flaky",
        "flash",
        "openocd could not flash .* waiting for target",
        ["off", "on"],
    ),
    ("dead", "flaky", "boot", "no answer in .* a reset by openocd; it st", ["reset", "off", "on"]),
]

BOARDS = {
    "line": ("garbage", "unplug", "dribble"),
    "core": ("reset", "hang", "wrong-result"),
    "flash": ("wrong-image", "power-loss", "dead"),
}
"""Of each board what goes wrong with its first jobs, in this order; the last one goes well."""

OUTCOMES = {fault: outcome for fault, outcome, *_ in ROWS}


def plan(faults: tuple[str, ...]) -> Iterator[str | None]:
    """Each once: what is flaky is flashed again, and goes well."""
    for fault in faults:
        yield fault
        if OUTCOMES[fault] == "flaky":
            yield None
    yield from each_time(None)()


@dataclass(frozen=True)
class Lab:
    """A run of jobs on each board: results by board, and what each board heard."""

    results: dict[str, list[JobResult]]
    heard: dict[str, list[str]]
    code: int
    folder: Path

    def result(self, fault: str) -> JobResult:
        """Of the job that it happened to."""
        ((name, place),) = [(x, y.index(fault)) for x, y in BOARDS.items() if fault in y]
        return self.results[name][place]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    plans = {name: plan(faults) for name, faults in BOARDS.items()}
    plans |= {NEVER: each_time("power-loss")(), GOOD: each_time(None)()}
    (folder / "jobs.toml").write_text(JOBS)
    with Desk(folder, plans) as desk:
        done = edgebottle("bench", "run", "--json", cwd=folder, env=desk.environment())
        heard = {name: board.heard for name, board in desk.boards.items()}
    results: dict[str, list[JobResult]] = {}
    for one in json.loads(done.out)["results"]:
        results.setdefault(one["entry"], []).append(JobResult.from_json(one))
    return Lab(results, heard, done.code, folder)


def test_every_fault_has_a_row() -> None:
    assert set(OUTCOMES) == set(FAULTS) == set(chain(*BOARDS.values()))


@pytest.mark.parametrize(("fault", "outcome", "step", "said", "asked"), ROWS)
def test_a_fault(
    lab: Lab, fault: str, outcome: str, step: str, said: str, asked: list[str]
) -> None:
    result = lab.result(fault)
    assert result.outcome == outcome
    failure = result if outcome == "failed" else result.failures[0]
    assert failure.step == step and re.search(said, failure.cause), failure
    if outcome == "failed":
        assert result.failures == () and result.latency_us is None  # not tried again
        assert [one.step for one in result.steps][-1:] == ["power"] * ("on" in asked)
    else:
        assert [one.recovery for one in result.failures] == ["power cycle"]
        assert result.failures[0].steps[-1].step == "power"
        assert result.latency_us is not None and result.latency_kind == "emulated"


@pytest.mark.parametrize("name", BOARDS)
def test_the_next_job_finds_the_board_alive(lab: Lab, name: str) -> None:
    """Each fault is of its own job alone, and the job behind the last passes."""
    assert lab.results[name][-1].outcome == "passed"
    expected: list[str] = []
    asked = {fault: words for fault, *_, words in ROWS}
    for fault in BOARDS[name]:
        again = ["flash"] if OUTCOMES[fault] == "flaky" else []
        expected += ["flash", *asked[fault], *again]
    assert lab.heard[name] == [*expected, "flash"]


def test_what_never_works_is_given_up(lab: Lab) -> None:
    *tried, last = lab.results[NEVER]
    for result in tried:
        assert result.outcome == "broken" and result.step == "flash" and len(result.failures) == 2
    assert last.outcome == "broken" and "was given up after 3 jobs in a row" in last.cause
    assert lab.heard[NEVER] == ["flash", "off", "on"] * 9


def test_what_works_is_not_held_up(lab: Lab) -> None:
    assert [result.outcome for result in lab.results[GOOD]] == ["passed"] * 4
    assert lab.heard[GOOD] == ["flash"] * 4 and lab.code == 1


def test_what_was_done_about_a_board_is_kept(lab: Lab) -> None:
    """In the result, the record, the page, and in JUnit's file."""
    (failure,) = lab.result("dead").failures
    steps = {one.step: one for one in failure.steps}
    assert [one for one in steps if one != "core"] == ["line", "probe", "power"]
    assert "no answer in" in steps["line"].saw and "no answer in" in steps["probe"].saw
    folder = lab.folder / "edgebottle-out" / "bench"
    records = read_records(folder / "records.jsonl").records
    assert failure.steps in [record.recovery for record in records]
    cases = ElementTree.parse(folder / "junit.xml").findall(".//flakyFailure")
    assert "\n".join(map(str, failure.steps)) in [case.text for case in cases]
    assert "Boards that failed" in (folder / "report.html").read_text()


def test_the_records(lab: Lab) -> None:
    good = [one for results in lab.results.values() for one in results if one.latency_us]
    records = read_records(lab.folder / "edgebottle-out" / "bench" / "records.jsonl").records
    assert len(records) == len(good) == 4 * len(lab.results) - 4 - 4  # never flashed; failed


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
