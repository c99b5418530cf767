"""What was done about a board that was silent or had faulted, as tables of a page."""

from __future__ import annotations

from edgebottle.report.markup import section
from edgebottle.report.page import table
from hil.bench.results import BenchReport, JobResult
from hil.records import Record
from hil.recovery import RecoveryStep

_STEPS = ("step", "done", "seen")


def recovery_section(record: Record) -> str:
    """What had to be done before the board of a record answered; "" for nothing."""
    if not record.recovery:
        return ""
    rows = [_cells(step) for step in record.recovery]
    return section("The board was silent", table("What was done and seen.", _STEPS, rows))


def recovery_table(report: BenchReport) -> str:
    """What was done about the boards of all jobs, attempt by attempt; "" for nothing."""
    rows = [row for result in report.results for row in _rows(result)]
    if not rows:
        return ""
    head = ("job", "try>", *_STEPS)
    return table("What was done about boards that failed, and what was seen.", head, rows)


def _rows(result: JobResult) -> list[tuple[str, ...]]:
    tries = [*(failure.steps for failure in result.failures), result.steps]
    title = f"{result.entry or result.board}: {result.title}"
    return [
        (title, str(number), *_cells(step))
        for number, steps in enumerate(tries, start=1)
        for step in steps
    ]


def _cells(step: RecoveryStep) -> tuple[str, str, str]:
    return step.step, step.did, step.saw
