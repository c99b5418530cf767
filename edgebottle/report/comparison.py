"""The parts of the report that set records beside each other and beside published results."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.report.markup import clean, legend, section
from edgebottle.report.page import Bar, Cell, table
from edgebottle.report.published import SUITE, Comparison
from edgebottle.report.svg import trend
from edgebottle.report.terminal import moment, number, place
from hil.records import Record


def title_of(record: Record) -> str:
    """The model and where it ran."""
    return f"{record.model} on {place(record)}"


def over_time(records: Sequence[Record]) -> str:
    """All records, the newest first, each beside the one before of its model, board and schedule.

    Args:
        records: Oldest first.
    """
    groups: dict[tuple[str, str, bool, str], list[Record]] = {}
    rows: list[list[Cell]] = []
    for record in records:
        key = (record.model, record.board, record.virtual, record.schedule)
        group = groups.setdefault(key, [])
        old = group[-1] if group else None
        group.append(record)
        rows.append(
            [
                title_of(record),
                moment(record).removesuffix(" UTC"),
                (f"{record.latency_us[1] / 1000:,.3f} ms", record.latency_kind),
                _change(record.ram.bytes, old.ram.bytes if old else None),
                _change(record.flash.bytes, old.flash.bytes if old else None),
                _change(record.instructions, old.instructions if old else None),
                "-" if record.accuracy is None else f"{record.accuracy:.1%}",
                record.compiler,
            ]
        )
    columns = ["record", "time, UTC", "latency>", "RAM>", "flash>", "instructions>"]
    caption = (
        "Newest first; changes are against the record before of the same model, board and "
        "schedule. RAM and flash in bytes."
    )
    every = table(caption, [*columns, "accuracy>", "compiler"], rows[::-1], "records")
    trends = "".join(_trends(group) for group in reversed(groups.values()) if len(group) > 1)
    return section("Records over time", trends + every)


def _trends(group: Sequence[Record]) -> str:
    """Small charts of one model on one board."""
    latency = [round(record.latency_us[1]) for record in group]
    figures = [("latency, µs", latency)]
    counted = [record.instructions for record in group if record.instructions is not None]
    if len(counted) == len(group):
        figures = [("instructions", counted)]
    figures += [
        ("RAM, bytes", [record.ram.bytes for record in group]),
        ("flash, bytes", [record.flash.bytes for record in group]),
    ]
    charts = "".join(
        f"<figure><h4>{name}: <b>{values[-1]:,}</b></h4>"
        + trend(
            name,
            values,
            [f"{v:,} on {moment(r)}" for v, r in zip(values, group, strict=True)],
        )
        + "</figure>"
        for name, values in figures
    )
    title = f"{title_of(group[-1])}, {group[-1].schedule}"
    return f'<h3>{clean(title)}</h3><div class="trends">{charts}</div>'


def _change(value: int | None, before: int | None) -> Cell:
    if value is None or not before or value == before:
        return number(value)
    return f"{value:,}", f"{value / before - 1:+.1%}"


def beside_published(comparisons: Sequence[Comparison]) -> str:
    """Our cycles beside those that others published for the same network and chip."""
    parts = []
    for found in comparisons:
        record = found.record
        if not found.results:
            parts.append(f"<p>{clean(f'{title_of(record)}: {found.reason}')}.</p>")
            continue
        chip = found.results[0]
        rounds = ", ".join(dict.fromkeys(result.round for result in found.results))
        largest = max(record.cycles or 0, *(result.cycles for result in found.results)) or 1
        rows: list[list[Cell]] = [
            [
                "edgebottle",
                Bar((record.cycles or 0) / largest, "ours", f"edgebottle: {number(record.cycles)}"),
                number(record.cycles),
                found.kind,
                "",
            ]
        ]
        for result in found.results:
            ratio = found.ratio(result)
            title = f"{result.label}: {result.cycles:,}"
            rows.append(
                [
                    result.label,
                    Bar(result.cycles / largest, "theirs", title),
                    f"{result.cycles:,}",
                    "measured",
                    "-" if ratio is None else f"{ratio:.2f}",
                ]
            )
        caption = (
            f"Cycles of one inference on {chip.chip}, {chip.core} at {chip.clock_hz / 1e6:g} MHz. "
            f"Ours are {found.kind}; the published ones are measured: latency times clock. "
            f"Round: {rounds}."
        )
        where = f"{title_of(record)} ({record.compiler}): {found.network}"
        head = ["engine", "", "cycles>", "kind", "ours / theirs>"]
        parts.append(f"<h3>{clean(where)}</h3>{table(caption, head, rows, 'bars')}")
    colours = legend([("ours", "edgebottle"), ("theirs", "published by others")])
    return section(f"Beside published results: {SUITE}", "\n".join([*parts, colours]))
