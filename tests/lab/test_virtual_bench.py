"""`edgebottle bench` on virtual boards: a run, what it leaves, and how it goes on."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgebottle.bench.jobs_file import read_jobs
from edgebottle.bench.journal import BenchJournal
from hil.bench.entries import read_bench
from hil.records import read as read_records
from tests.cli.command_line import SCRIPT, Result, edgebottle, environment
from tests.waiting import wait_until

BENCH = """\
version = 1
[board.one]
board = "microbit"
driver = "virtual"
[board.two]
board = "microbit"
driver = "virtual"
[board.sick]
board = "longan_nano"
driver = "virtual"
quarantine = { reason = "cable", until = 9999-12-31 }
"""
JOBS = """\
version = 1
[[job]]
models = ["digits"]
boards = ["microbit", "two", "sick"]
samples = [1]
[[job]]
models = ["digits"]
boards = ["one"]
samples = [2, 3]
ram = "64k"
[[job]]
models = ["digits"]
boards = ["one"]
samples = [1]
ram = "1k"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "bench.toml").write_text(BENCH)
    (tmp_path / "jobs.toml").write_text(JOBS)
    return tmp_path


def run(lab: Path, *words: str) -> Result:
    return edgebottle("bench", "run", *words, "--json", cwd=lab)


def outcomes(done: Result) -> dict[str, int]:
    counts = json.loads(done.out)["counts"]
    assert isinstance(counts, dict)
    return counts


def test_a_run(lab: Path) -> None:
    done = run(lab)
    assert done.code == 1 and outcomes(done) == {"passed": 4, "error": 1, "skipped": 1}, done.err
    report = json.loads(done.out)
    assert report["ended"] and report["jobs"] == len(report["results"]) == 6
    by_outcome = {result["outcome"]: result for result in report["results"]}
    assert by_outcome["skipped"]["cause"] == "quarantined until 9999-12-31: cable"
    assert by_outcome["error"]["step"] == "build" and "RAM" in by_outcome["error"]["cause"]
    any_of_two = next(one for one in report["results"] if one["board"] == "microbit")
    assert any_of_two["entry"] in ("one", "two") and any_of_two["board_id"] == "microbit"
    folder = lab / "edgebottle-out" / "bench"
    records = read_records(folder / "records.jsonl")
    assert not records.broken and len(records.records) == 4
    assert {record.latency_kind for record in records.records} == {"modelled"}
    suites = ElementTree.parse(folder / "junit.xml").getroot()
    kinds = {"skipped": 1, "errors": 1, "failures": 0, "tests": 6}
    for kind, count in kinds.items():
        assert sum(int(suite.attrib[kind]) for suite in suites) == count
    page = (folder / "report.html").read_text()
    assert "quarantined until 9999-12-31: cable" in page and page.count("<table") == 4
    # What has ended is not done again, but is kept.
    again = run(lab, "--quiet")
    assert outcomes(again) == outcomes(done)
    earlier = list((folder / "earlier").iterdir())
    assert [len(read_records(one / "records.jsonl").records) for one in earlier] == [4]


def lines(lab: Path, out: str = "edgebottle-out/bench") -> list[str]:
    path = lab / out / "journal.jsonl"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_is_killed_goes_on(lab: Path, how: signal.Signals) -> None:
    """Not a record is lost or doubled."""
    # On a busy machine all jobs may be done before the signal is there; and a line that is being
    # written when it comes is taken back.
    for attempt in range(20):
        out = f"out{attempt}"
        words = [str(SCRIPT), "bench", "run", "--quiet", "--out", out]
        process = subprocess.Popen(words, cwd=lab, env=environment(), stderr=subprocess.DEVNULL)
        wait_until(lambda: len(lines(lab, out)) >= 2, "a job is done")  # noqa: B023 - at once
        os.kill(process.pid, how)
        process.wait()
        before = lines(lab, out)
        if len(before) >= 2 and '"end"' not in before[-1]:
            break
    assert 2 <= len(before) < 8 and '"end"' not in before[-1]
    done = run(lab, "--out", out)
    assert outcomes(done) == {"passed": 4, "error": 1, "skipped": 1}
    assert lines(lab, out)[: len(before)] == before and len(lines(lab, out)) == 8
    folder = lab / out
    assert len(read_records(folder / "records.jsonl").records) == 4
    assert not (folder / "earlier").exists()


def test_a_line_that_was_cut_off(lab: Path) -> None:
    """Its job is done again; one that was written is not, whatever else is in the file."""
    jobs = read_jobs(lab / "jobs.toml", read_bench(lab / "bench.toml"))
    run(lab)
    journal = BenchJournal(lab / "edgebottle-out" / "bench")
    whole = journal.path.read_text().splitlines(keepends=True)
    assert len(journal.report(jobs).results) == 6
    journal.path.write_text("".join(whole[:-2]) + whole[-2][:100])
    assert len(journal.report(jobs).results) == 5
    done = run(lab)
    assert outcomes(done) == {"passed": 4, "error": 1, "skipped": 1}
    assert len(list(journal.records(jobs))) == 4


def test_two_at_once(lab: Path) -> None:
    journal = BenchJournal(lab / "out")
    journal.take()
    done = run(lab, "--out", "out")
    journal.close()
    assert done.code == 1 and "another edgebottle runs jobs in out: give another --out" in done.err


# a line of the journal, what is said
FOREIGN = [
    ('{"event": "begin", "version": 9}', "is of another version: give another --out"),
    ('{"event": "job", "result": {"outcome": "fine"}}', "not the result of a job .*; give another"),
    ('{"event": "job"}', "not the result of a job .*; give another --out"),
]


@pytest.mark.parametrize(("line", "message"), FOREIGN)
def test_a_journal_of_somebody_else(lab: Path, line: str, message: str) -> None:
    (lab / "out").mkdir()
    (lab / "out" / "journal.jsonl").write_text(line + "\n")
    done = run(lab, "--out", "out")
    assert done.code == 1 and re.search(message, done.err), done.err
    assert (lab / "out" / "journal.jsonl").read_text() == line + "\n"
