"""What people and their tools read of a run: the terminal, JUnit XML and the page."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from edgebottle.bench.jobs_file import Job
from edgebottle.bench.junit import junit_xml
from edgebottle.errors import BadInput
from edgebottle.report.bench import MAX_ROWS, bench_parts
from edgebottle.report.bench_page import bench_page
from edgebottle.report.columns import FittedTable
from hil.bench.results import Attempt, BenchReport, JobResult
from hil.recovery import RecoveryStep

JOB = Job("digits", "digits", "left", samples=8)
LOST = Attempt("flash", "target <lost>\x1b[2J", "power cycle")
PASSED = JOB.result("left", "microbit", "passed", latency_us=1500.0, latency_kind="measured")
STEP = RecoveryStep("probe", "a reset by openocd", "no answer\x1b")
FLAKY = replace(PASSED, outcome="flaky", failures=(LOST, LOST), key="2")
BROKEN = replace(
    JOB.result("right", "microbit", "broken", step="boot", cause="no answer", failures=(LOST,)),
    steps=(STEP,),
    key="3",
)
FAILED = replace(
    BROKEN, outcome="failed", step="check", failures=(), steps=(), cause="differs", key="4"
)
SKIPPED = replace(FAILED, outcome="skipped", step="", cause="quarantined", key="5")


def report(*results: JobResult) -> BenchReport:
    return BenchReport("nightly", "2026-03-01T14:05:09+00:00", len(results), results, True)


ALL = report(PASSED, FLAKY, BROKEN, FAILED, SKIPPED)


def test_a_result_comes_back() -> None:
    for result in ALL.results:
        assert JobResult.from_json(result.to_json()) == result
    for wrong in ({}, {**PASSED.to_json(), "outcome": "fine"}, {**PASSED.to_json(), "failures": 3}):
        with pytest.raises(BadInput, match="not the result of a job"):
            JobResult.from_json(wrong)


def test_junit() -> None:
    root = ElementTree.fromstring(junit_xml(ALL))
    left, right = root
    assert (left.attrib["tests"], left.attrib["failures"], left.attrib["errors"]) == ("2", "0", "0")
    assert {name: right.attrib[name] for name in ("failures", "errors", "skipped")} == {
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    tags = [
        [child.tag for child in case if child.tag != "properties"] for case in root.iter("testcase")
    ]
    assert tags == [
        [],
        ["flakyFailure", "flakyFailure"],
        ["error", "rerunFailure"],
        ["failure"],
        ["skipped"],
    ]
    flaky = root.find(".//flakyFailure")
    assert flaky is not None and flaky.attrib["message"] == "target <lost>�[2J"
    broken = root.find(".//error")
    assert broken is not None and broken.attrib == {"message": "boot: no answer", "type": "broken"}
    assert broken.text == "probe: a reset by openocd: no answer�" and flaky.text == "power cycle"
    case = left[0].attrib
    assert case["classname"] == "left.digits" and case["name"] == "digits, auto, 8 made up"


def test_the_page() -> None:
    page = bench_page(ALL)
    assert "target &lt;lost&gt;�[2J" in page and "\x1b" not in page
    assert page.count("<table") == 4  # what needs a look, boards that failed, and two boards
    assert "a reset by openocd" in page and page.count("Boards that failed") == 1
    assert (
        'class="good"><b>1</b><span>passed' in page and 'class="bad"><b>1</b><span>broken' in page
    )
    assert "What needs a look" not in bench_page(report(PASSED, SKIPPED))


def test_the_terminal_shows_what_matters_of_many() -> None:
    few, *_, last = bench_parts(ALL)
    assert isinstance(few, FittedTable) and len(few.rows) == 5
    assert last == "1 passed, 1 flaky, 1 failed, 1 broken, 1 skipped"
    many = [replace(PASSED, key=str(number)) for number in range(100)]
    table, *lines, last = bench_parts(report(*many, FLAKY, BROKEN))
    assert isinstance(table, FittedTable) and [row[4] for row in table.rows] == ["flaky", "broken"]
    assert table.title == "nightly: 102 of 102 jobs, without those that passed"
    assert lines == [
        "left: digits, auto, 8 made up: flaky: flash: target <lost>�[2J",
        "right: digits, auto, 8 made up: broken (after 1 more): boot: no answer",
    ]
    assert last == "100 passed, 1 flaky, 1 broken"
    dead = [replace(BROKEN, key=str(number)) for number in range(MAX_ROWS + 5)]
    parts = bench_parts(report(*dead))
    assert parts[-2] == "and 5 more: report.html has them all" and len(parts) == MAX_ROWS + 3
