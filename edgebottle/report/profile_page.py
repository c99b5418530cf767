"""A profile as one HTML page."""

from __future__ import annotations

from pathlib import Path

from edgebottle.report.page import Cell, page, table, write_page
from edgebottle.report.profile import Profile, kind, share, summary
from edgebottle.report.svg import clean, layer_bars, mac_rates
from edgebottle.report.terminal import number

LOOPS = 40
"""Rows of the table of loops."""

RATES = """MACs per instruction (exact), and the share of the core's limit, the dashed line: {limit}
per cycle. What is missing goes into loads, unpacking, requantization and loop control. Layers that
do not multiply have no bar."""


def rates_figure(picture: str, limit: int) -> str:
    """The picture of ``mac_rates`` with what it says."""
    return f"<figure>{picture}<figcaption>{RATES.format(limit=limit)}</figcaption></figure>"


def write_profile(profile: Profile, path: Path) -> None:
    """Writes the page to ``path``, whole or not at all; raises ``BadInput`` if it cannot."""
    write_page(profile_page(profile), path)


def profile_page(profile: Profile) -> str:
    """The layers under the roof of the core, what they cost, and the hottest loops."""
    title = f"{profile.model} on virtual {profile.board}: profile"
    layers = [item.layer for item in profile.layers]
    body = f"""<h1>{clean(title)}</h1>
<p class="facts">{clean(f"{profile.compiler} · schedule {profile.schedule}")}</p>
<p>{clean(summary(profile))}</p>
<section><h2>Layers under the limit of the core</h2>
{rates_figure(mac_rates(layers, profile.limit), profile.limit)}</section>
<section><h2>Instructions per layer</h2>
<figure>{layer_bars(layers)}
<figcaption>Instructions of one run, exact.</figcaption></figure></section>
<section><h2>Hottest loops</h2>
{_loops(profile)}</section>"""
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
    head = ["layer", "function", "what", "times", "instructions each", "instructions"]
    caption = (
        "Counted exactly: loops without the loops inside of them and the functions they call, and "
        "functions without their loops."
    )
    return table(caption, [*head, "of the layer", "of the run"], rows, numeric_from=3)
