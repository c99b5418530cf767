"""A profile as one HTML page."""

from __future__ import annotations

from pathlib import Path

from edgebottle.report.layers import cost_table, rate_table
from edgebottle.report.markup import clean, section
from edgebottle.report.page import Cell, page, table, write_page
from edgebottle.report.profile import Profile, kind, share, summary
from edgebottle.report.terminal import number

LOOPS = 40
"""Rows of the table of loops."""


def rates_caption(limit: int) -> str:
    """What a table of MACs per instruction says.

    Args:
        limit: The most that the core does in a cycle.
    """
    return (
        f"Exact. The core does at most {limit} per cycle; what is missing goes into loads, "
        "unpacking, requantization and loop control."
    )


def write_profile(profile: Profile, path: Path) -> None:
    """Writes the page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    write_page(profile_page(profile), path)


def profile_page(profile: Profile) -> str:
    """The layers under the roof of the core, what they cost, and the hottest loops."""
    title = f"{profile.model} on virtual {profile.board}: profile"
    layers = [item.layer for item in profile.layers]
    rates = rate_table(layers, profile.limit, rates_caption(profile.limit))
    costs = cost_table(layers, "Instructions of one run, exact.")
    body = f"""<h1>{clean(title)}</h1>
<ul class="facts"><li><span>compiler</span> {clean(profile.compiler)}</li>
<li><span>schedule</span> {clean(profile.schedule)}</li></ul>
<p>{clean(summary(profile))}</p>
{section("Layers under the limit of the core", rates)}
{section("Instructions per layer", costs)}
{section("Hottest loops", _loops(profile))}"""
    return page(title, body)


def _loops(profile: Profile) -> str:
    rows: list[list[Cell]] = [
        [
            item.layer.name,
            (loop.function, f"{loop.first:#x} to {loop.end:#x}"),
            kind(loop),
            number(loop.iterations),
            f"{loop.per_iteration:.1f}",
            number(loop.instructions),
            f"{share(loop.instructions, item.instructions):.1%}",
            f"{share(loop.instructions, profile.instructions):.1%}",
        ]
        for item, loop in profile.loops()[:LOOPS]
    ]
    head = ["layer", "function", "what", "times>", "instructions each>", "instructions>"]
    caption = (
        "Counted exactly: loops without the loops inside of them and the functions they call, and "
        "functions without their loops."
    )
    return table(caption, [*head, "of the layer>", "of the run>"], rows)
