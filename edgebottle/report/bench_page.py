"""A run of jobs as one HTML page."""

from __future__ import annotations

from edgebottle.report.bench import (
    cause_words,
    is_bad,
    microjoules_of,
    milliseconds_of,
    outcome_words,
)
from edgebottle.report.markup import clean, section
from edgebottle.report.page import Cell, page, table
from edgebottle.report.recovery import recovery_table
from edgebottle.report.terminal import number
from hil.bench.results import FLAKY, PASSED, BenchReport, JobResult, by_board

_HEAD = ("job", "outcome", "ms>", "uJ>", "RAM>", "flash>", "accuracy>", "tries>", "s>", "why")


def bench_page(report: BenchReport) -> str:
    """The page: how many of what, what needs a look, then every job board by board."""
    cards = "".join(
        f'<li class="{_css(name)}"><b>{count:,}</b><span>{clean(name)}</span></li>'
        for name, count in report.counts.items()
    )
    facts = [("begun", report.started.replace("T", " ").replace("+00:00", " UTC"))]
    facts.append(("jobs", f"{len(report.results):,} of {report.jobs:,}"))
    listed = "".join(f"<li><span>{name}</span> {clean(text)}</li>" for name, text in facts)
    meanings = "".join(
        f"<p><b>{clean(name)}</b>: {clean(what)}.</p>" for name, what in outcome_words(report)
    )
    body = f"""<h1>{clean(report.name)}</h1>
<ul class="facts">{listed}</ul>
<ul class="cards">{cards}</ul>
{section("What needs a look", _needs_look(report))}
{section("Boards that failed", recovery_table(report))}
{section("Boards", _boards(report))}
{section("What the outcomes mean", meanings)}"""
    return page(f"bench {report.name}", body)


def _css(outcome: str) -> str:
    return {PASSED: "good", FLAKY: ""}.get(outcome, "bad")


def _needs_look(report: BenchReport) -> str:
    found = [result for result in report.results if is_bad(result) or result.outcome == FLAKY]
    if not found:
        return ""
    rows = [
        (f"{result.entry or result.board}: {result.title}", result.outcome, cause_words(result))
        for result in found
    ]
    return table("What failed, and what had to be tried again.", ("job", "outcome", "why"), rows)


def _boards(report: BenchReport) -> str:
    return "".join(
        table(f"{name} ({results[0].board_id})", _HEAD, [_cells(one) for one in results], "records")
        for name, results in by_board(report.results).items()
    )


def _cells(result: JobResult) -> tuple[Cell, ...]:
    accuracy = "-" if result.accuracy is None else f"{result.accuracy:.2%}"
    return (
        result.title,
        result.outcome,
        milliseconds_of(result),
        microjoules_of(result),
        number(result.ram),
        number(result.flash),
        accuracy,
        str(len(result.failures) + 1),
        f"{result.seconds:.1f}",
        cause_words(result),
    )
