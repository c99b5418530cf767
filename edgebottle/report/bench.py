"""What came of the jobs of a bench: as cells of tables, and for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table, number, printable
from hil.bench.results import (
    FLAKY,
    GOOD,
    OUTCOMES,
    PASSED,
    BenchReport,
    JobResult,
    words_of,
)
from hil.energy_record import MICRO

MAX_ROWS = 60
"""Of a table on a terminal."""

RESULT_HEAD = ("board", "model", "schedule", "samples?", "outcome", "ms>", "uJ?>", "RAM?>", "s?>")


def bench_parts(report: BenchReport) -> tuple[Part, ...]:
    """All results, and why some are not good; of many, those alone that did not simply pass."""
    title = f"{report.name}: {len(report.results):,} of {report.jobs:,} jobs"
    shown = report.results
    if len(shown) > MAX_ROWS:
        shown = tuple(result for result in shown if result.outcome != PASSED)
        title += ", without those that passed"
    table = new_table(title, *RESULT_HEAD)
    for result in shown[:MAX_ROWS]:
        add_row(table, *result_cells(result))
    parts: list[Part] = [table] if shown else []
    lines = cause_lines(report)
    parts += [printable(line) for line in lines[:MAX_ROWS]]
    if len(lines) > MAX_ROWS:
        parts.append(f"and {len(lines) - MAX_ROWS:,} more: report.html has them all")
    return (
        *parts,
        printable(f"{words_of(report.counts)}{'' if report.has_ended else '; not done'}"),
    )


def result_cells(result: JobResult) -> tuple[str, ...]:
    """A result, as text."""
    return (
        result.entry or result.board,
        result.model,
        result.schedule,
        result.samples,
        result.outcome,
        milliseconds_of(result),
        microjoules_of(result),
        number(result.ram),
        f"{result.seconds:.1f}",
    )


def milliseconds_of(result: JobResult) -> str:
    """The median of a run, and its kind where it was not measured on hardware."""
    if result.latency_us is None:
        return "-"
    kind = "" if result.latency_kind == "measured" else f" {result.latency_kind}"
    return f"{result.latency_us / 1000:.3f}{kind}"


def microjoules_of(result: JobResult) -> str:
    """The energy of a run, in microjoules; a dash where nothing measured it."""
    return "-" if result.joules is None else f"{result.joules / MICRO:,.3f}"


def cause_lines(report: BenchReport) -> list[str]:
    """For each result that has something to say, a line."""
    return [
        f"{result.entry or result.board}: {result.title}: {cause_words(result)}"
        for result in report.results
        if result.outcome != PASSED
    ]


def cause_words(result: JobResult) -> str:
    """Why a job did not simply pass; "" where it did."""
    said = [f"{one.step}: {one.cause}" for one in result.failures]
    if result.cause:
        said.append(f"{result.step}: {result.cause}" if result.step else result.cause)
    if not said:
        return ""
    tries = f" (after {len(said) - 1} more)" if len(said) > 1 and result.outcome != FLAKY else ""
    return f"{result.outcome}{tries}: {said[-1]}"


def outcome_words(report: BenchReport) -> list[tuple[str, str]]:
    """Each outcome that there is, and what it means."""
    return [(name, OUTCOMES[name]) for name in report.counts]


def is_bad(result: JobResult) -> bool:
    """It lets a run fail."""
    return result.outcome not in GOOD
