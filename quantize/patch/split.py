"""Stages in parts: which stages would gain by it, and the graph in which they are cut.

A stage holds a ring of whole rows of each tensor inside it. Cut into columns (a patch grid, whose
patches are streamed row by row, so that only the halo of columns is computed twice) or into slices
of channels (nothing is computed twice) the rings hold only part of each row. What this costs is
that input and output are both held whole: rows of the output cannot take the place of rows of the
input, which the next part still needs.

So columns pay where rings are large beside the input and the output, or where the input is needed
later anyway. The networks of MLPerf Tiny and of MCUNet hardly have such a stage: with 1 % of extra
MACs columns save 0.3 % of one of them, with 12 % up to 5 %. Channels pay where an expanded image
must be there as a whole, as before the gate of a squeeze-and-excite block: 6 % of the largest
network of MCUNetV2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from edgebottle.ir.graph import Node
from edgebottle.ops.base import where
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.storage import cropped_from
from quantize.patch.costs import UnitCosts
from quantize.patch.cuts import MAX_PARTS, StageCuts
from quantize.patch.grid import PatchStage, Writer, patches
from quantize.patch.grid_nodes import Windows
from quantize.patch.rows import RowGraph
from quantize.patch.schedule import unit_bytes
from quantize.patch.slices import slices, write_slice
from quantize.patch.units import CHANNELS, COLUMNS, Partition, Unit

SPLIT_WORK = 1_000_000
"""What is spent on finding stages in parts, in all orders of a network."""

CUTS_COST = 2_000
"""Units of work for each layer of a stage that is cut in all ways."""

MAX_LAYERS = 16
"""Layers of a stage that is cut into parts, at most: halos grow with each."""


def add_splits(
    costs: UnitCosts,
    below: int,
    most_extra_macs: int | None = None,
    *,
    only_gains: bool = True,
    work: int = SPLIT_WORK,
) -> None:
    """Adds stages in parts to the units, as far as they may lead to a lower peak.

    Args:
        costs: The units of an order; the new ones are added.
        below: Bytes of arena that are to be saved on: only units below are looked at, and only
            where the nodes before can be computed with such units.
        most_extra_macs: What all the halos of a stage may cost; None for any number.
        only_gains: Leaves out what needs no less than the same nodes without a cut.
        work: Units that may be spent on it.
    """
    reached, units = [True], costs.choices.units
    peaks = _uncut_peaks(costs) if only_gains else {}
    windows = Windows(costs.rows.graph)
    costs.work.refill(work)
    for end in range(1, len(costs.rows.order) + 1):
        firsts = range(max(end - MAX_LAYERS, 0), end)
        limits = {first: min(below, peaks.get((first, end), below)) for first in firsts}
        found = _splits(costs, windows, end, reached, limits, most_extra_macs)
        units[end] = [*units[end], *found]
        reached.append(any(reached[u.first] and u.nbytes < below for u in units[end]))


def _uncut_peaks(costs: UnitCosts) -> dict[tuple[int, int], int]:
    """The least peak of the nodes from the first on, up to the second, with no stage cut."""
    peaks: dict[tuple[int, int], int] = {}
    near = [
        [(u.first, u.nbytes) for u in units if u.first >= end - MAX_LAYERS and not u.split]
        for end, units in enumerate(costs.choices.units)
    ]
    count = len(costs.rows.order)
    for first in range(count):
        peaks[first, first] = 0
        for end in range(first + 1, min(first + MAX_LAYERS, count) + 1):
            least = UNLIMITED
            for begin, nbytes in near[end]:
                if begin >= first and nbytes < least:
                    least = min(least, max(peaks[first, begin], nbytes))
            peaks[first, end] = least
    return peaks


def _splits(
    costs: UnitCosts,
    windows: Windows,
    end: int,
    reached: Sequence[bool],
    limits: Mapping[int, int],
    most_extra_macs: int | None,
) -> Iterator[Unit]:
    """The stages in parts that end before node ``end`` and need less than the limit of the first.

    Args:
        costs: The units.
        windows: Of the graph.
        end: Number after the last node.
        reached: Whether the nodes before each can be computed.
        limits: Bytes for each first node.
        most_extra_macs: See ``add_splits``.
    """
    known, found = costs.facts.cuts, None
    for first, _, inside in costs.grown(end, MAX_LAYERS):
        below = limits[first]
        if costs.work.is_spent:
            return
        if costs.alive.reads_fed(first) or costs.rows.node(first).accumulates:
            return
        whole, rings = costs.whole_bytes(first, inside), sum(inside.rings.values())
        least = whole + inside.nbytes() - rings + rings // MAX_PARTS
        if not (rings and reached[first] and least < below):
            continue
        if (first, end) not in known:
            found = found or StageCuts(costs.rows, windows, end)
            known[first, end] = found.of(first)
        cuts = known[first, end]
        if cuts is None:
            continue
        costs.work.spend(CUTS_COST * (end - first))
        fixed = whole + inside.exact_nbytes() - sum(inside.rings.values())
        for cut in cuts:
            if most_extra_macs is not None and cut.extra_macs > most_extra_macs:
                continue
            nbytes = fixed + cut.largest(inside.rings)
            if nbytes < below:
                split = Partition(cut.axis, cut.count, cut.extra_macs, whole)
                yield Unit(first, end, True, nbytes, split)


def expand(rows: RowGraph, units: Sequence[Unit]) -> tuple[RowGraph, list[Unit]]:
    """Cuts the stages of ``units`` that are computed in parts.

    Args:
        rows: The graph in its order.
        units: Consecutive units that cover the order.

    Returns:
        The graph in which each part has layers of its own, and its units: one for each part. Both
        as they came where no stage is cut.
    """
    if all(unit.split is None for unit in units):
        return rows, list(units)
    graph, tensors = rows.graph, rows.graph.tensors
    groups: list[tuple[Sequence[Node], Unit, int]] = []
    for unit in units:
        nodes: Sequence[Node] = rows.order[unit.first : unit.end]
        if unit.split is None:
            groups.append((nodes, unit, 0))
            continue
        stage = PatchStage.of(graph, [node.name for node in nodes])
        writer = Writer(replace(graph, tensors=tensors), stage)
        for written in _write_parts(writer, unit.split):
            made = writer.made()
            crops = [node for node in written if cropped_from(made, node) is not None]
            groups += [((crop,), Unit(0, 0, False, 0), 0) for crop in crops]
            layers = [node for node in written if node not in crops]
            groups.append((layers, unit, unit.split.whole_bytes))
        groups.append(((writer.nodes[-1],), Unit(0, 0, False, 0), 0))
        tensors = writer.tensors
    order = [node for nodes, _, _ in groups for node in nodes]
    parted = graph.with_nodes(order, tensors)
    cut = RowGraph(parted, order, rows.isa, row_fed=rows.row_fed, work=rows.work)
    found: list[Unit] = []
    for nodes, unit, whole in groups:
        first = found[-1].end if found else 0
        part = replace(unit, first=first, end=first + len(nodes), split=None)
        if unit.split is not None:
            assert all(cut.row[number] is not None for number in part.nodes), where(nodes[0])
            part = replace(part, nbytes=whole + unit_bytes(cut, part))
        found.append(part)
    return cut, found


def _write_parts(writer: Writer, split: Partition) -> Iterator[list[Node]]:
    """Writes the parts, then what joins them; yields the nodes of each part."""
    made, stage = [], writer.stage
    rects = patches(stage, 1, split.parts)[0] if split.axis == COLUMNS else []
    spans = slices(stage, split.parts) if split.axis == CHANNELS else []
    for number in range(split.parts):
        before = len(writer.nodes)
        if split.axis == COLUMNS:
            made.append(writer.patch(rects[number], f"columns_{number}"))
        else:
            made.append(write_slice(writer, spans[number], f"channels_{number}"))
        yield writer.nodes[before:]
    writer.join(made, split.axis, stage.output)
