"""Chooses the stages: dynamic programming over the cuts of a linear order of the nodes.

The cost of a segment does not depend on the other segments: tensors that cross a cut are held
whole. What a segment needs is kept up to date while it grows upwards, node by node.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from edgebottle.ir.layout import aligned
from edgebottle.ops.base import Operator
from edgebottle.plan.lifetimes import live_bytes
from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.storage import Block
from edgebottle.plan.work import Work
from quantize.patch.rows import FED, RowGraph
from quantize.patch.segment import ARRAYS, SHORT, Inside, OrderFacts, Rings, Savings

NEAR = 1.25
"""Units up to so many times the least peak of short stages are worth knowing."""

COLUMNS, CHANNELS = 2, 3
"""Axes of an image."""

COSTS_WORK = 5_500_000
"""What is spent on finding the units of all orders of a network: enough for two layers on as many
rows as the steps of a layer can be counted."""

AVOIDED = 8
"""A layer that is better avoided costs as much as so many layers row by row."""


@dataclass(frozen=True)
class Split:
    """How a stage is computed in parts, one after the other, each row by row.

    Attributes:
        axis: That of its output which is cut: ``COLUMNS`` or ``CHANNELS``.
        parts: How many.
        extra_macs: What is computed twice: the halos of columns; nothing for channels.
        whole_bytes: What is held whole meanwhile.
    """

    axis: int
    parts: int
    extra_macs: int
    whole_bytes: int


@dataclass(frozen=True)
class Unit:
    """Consecutive nodes that run as one unit.

    Attributes:
        first: Number of the first node.
        end: Number after the last node.
        streamed: Row by row as a stage; otherwise one node, layer by layer.
        nbytes: Bytes of arena the unit needs, at the least; with a split, at the most.
        split: For a stage that is computed in parts.
    """

    first: int
    end: int
    streamed: bool
    nbytes: int
    split: Split | None = None

    @property
    def extra_macs(self) -> int:
        """Multiply-accumulates that are done twice."""
        return 0 if self.split is None else self.split.extra_macs

    @property
    def nodes(self) -> range:
        """Numbers of its nodes."""
        return range(self.first, self.end)


class Costs:
    """Every unit worth considering, by the node after its last."""

    def __init__(
        self,
        rows: RowGraph,
        wanted: int = 0,
        work: Work | None = None,
        facts: OrderFacts | None = None,
    ) -> None:
        """Computes the units.

        Args:
            rows: The graph in its order.
            wanted: Bytes of arena that are there anyway: units up to so many are all found.
                Others only where they are not far from the least peak.
            work: What may be spent on it; ``COSTS_WORK`` by default.
            facts: What is known of the order; it grows.
        """
        self.rows = rows
        self.work = work or Work(COSTS_WORK)
        self.facts = facts or OrderFacts()
        self._rings = Rings(rows, self.work, self.facts)
        count = len(rows.order)
        self._live = self._live_bytes()
        layers: list[list[Unit]] = [[] for _ in range(count + 1)]
        for number in range(count):
            if not self.reads_fed(number):
                nbytes = self._layer_bytes(number)
                layers[number + 1].append(Unit(number, number + 1, False, nbytes))
        self.units = layers
        # What short stages reach rules out most of the long ones.
        self.units = self._with_stages(layers, self.smallest(), SHORT)
        near = int(self.smallest() * NEAR)
        self.units = self._with_stages(layers, max(near, wanted), count)

    def _with_stages(self, layers: list[list[Unit]], limit: int, most: int) -> list[list[Unit]]:
        """The layers, and the stages that end with each, which share the work evenly."""
        count = len(layers) - 1
        found = [layers[0]]
        for end in range(1, count + 1):
            share = self.work.left // (count + 1 - end)
            found.append(layers[end] + list(self._stages(end, limit, most, share)))
        return found

    def smallest(self) -> int:
        """The least peak that any choice of units reaches, ``UNLIMITED`` for none."""
        best = [0]
        for units in self.units[1:]:
            best.append(min((max(best[u.first], u.nbytes) for u in units), default=UNLIMITED))
        return best[-1]

    def smallest_within(self, most_extra_macs: int | None) -> int:
        """The least peak at so many extra MACs at most (None for any), ``UNLIMITED`` for none."""

        def is_reached(limit: int) -> bool:
            macs = self.extra_macs(limit)
            return macs is not None and (most_extra_macs is None or macs <= most_extra_macs)

        limits = sorted({unit.nbytes for units in self.units for unit in units})
        place = bisect_left(limits, True, key=is_reached)
        return limits[place] if place < len(limits) else UNLIMITED

    def extra_macs(self, limit: int) -> int | None:
        """The fewest extra MACs with all units within ``limit`` bytes; None when there are none."""
        units = self.fastest(limit)
        return None if units is None else sum(unit.extra_macs for unit in units)

    def fastest(
        self, limit: int, avoid: int = UNLIMITED, *, few_units: bool = False
    ) -> list[Unit] | None:
        """The units with the fewest extra MACs, all within ``limit`` bytes.

        Of these the fewest layers streamed, of these the fewest stages, and of these the smallest
        sum of bytes. None when there are none.

        Args:
            limit: Bytes that no unit may exceed.
            avoid: Bytes that a layer outside of a stage should not exceed. A run of layers that
                nearly fill the arena, each written over the last, may be impossible to place.
            few_units: The fewest units come first: the least is held whole.
        """
        self.rows.work.spend(sum(map(len, self.units)))
        best: list[tuple[int, int, int, int] | None] = [(0, 0, 0, 0)]
        chosen: list[Unit | None] = [None]
        for units in self.units[1:]:
            options = []
            for unit in units:
                before = best[unit.first]
                if before is None or unit.nbytes > limit:
                    continue
                price = len(unit.nodes) if unit.streamed else AVOIDED * (unit.nbytes > avoid)
                parts = 1 if unit.split is None else unit.split.parts
                cost = (1, price) if few_units else (price, parts * unit.streamed)
                total = (
                    before[0] + unit.extra_macs,
                    before[1] + cost[0],
                    before[2] + cost[1],
                    before[3] + unit.nbytes,
                )
                options.append((total, unit))
            winner = min(options, key=lambda option: option[0], default=(None, None))
            best.append(winner[0])
            chosen.append(winner[1])
        return _walk_back(chosen)

    def reads_fed(self, number: int) -> bool:
        """Whether node ``number`` reads the input that is fed row by row."""
        fed = self.rows.fed
        return fed is not None and fed.output in self.rows.order[number].inputs

    def _live_bytes(self) -> list[int]:
        """Bytes of what is there before each node runs and is needed by it or later."""
        rows = self.rows
        blocks = []
        for name, maker in rows.maker.items():
            is_fed = rows.fed is not None and name == rows.fed.output
            if name not in rows.source and not is_fed:
                blocks.append(Block(rows.size(name), maker + 1, rows.last[name]))
        return live_bytes(blocks, len(rows.order))[1:]

    def _layer_bytes(self, number: int) -> int:
        rows, node = self.rows, self.rows.order[number]
        outputs = [name for name in node.outputs if name not in rows.source]
        total = self._live[number] + sum(map(rows.size, outputs)) + rows.scratch(number)
        if not outputs:
            return total
        saved = 0
        dying = [name for name in self._inputs(number) if rows.last[name] == number]
        if isinstance(node, Operator):
            for index in node.overwrites(rows.graph.ins(node), rows.graph.outs(node)):
                name = node.inputs[index]
                root = self._root(name) if name in rows.maker else None
                if root in dying and rows.size(outputs[0]) <= rows.size(str(root)):
                    saved = rows.size(outputs[0])
        row = rows.row[number]
        if row is not None and not row.accumulates and not saved:
            savings = Savings(rows, number + 1, self.work, self.facts)
            savings.grow(number)
            saved = savings.saved(number, self._dying([number], number + 1), is_fed=False)
        return total - saved

    def _root(self, name: str | None) -> str:
        while name in self.rows.source:
            name = self.rows.source[name]
        return str(name)

    def _inputs(self, number: int) -> list[str]:
        """Tensors in the arena that a node reads, behind their views."""
        names = [name for name in self.rows.order[number].inputs if name in self.rows.maker]
        return list(dict.fromkeys(self._root(name) for name in names))

    def _dying(self, members: list[int], end: int) -> list[str]:
        """Tensors from before that nothing needs after the segment, read by its nodes."""
        rows, first = self.rows, members[0]
        names = dict.fromkeys(edge.tensor for number in members for edge in rows.node(number).edges)
        return [name for name in names if rows.maker[name] < first and self._dies(name, end)]

    def _dies(self, name: str, end: int) -> bool:
        """Nothing needs the memory of a tensor from node ``end`` on."""
        rows, root = self.rows, self._root(name)
        if rows.graph.tensors[root].state or rows.size(name) != rows.size(root):
            return False
        return rows.last[root] < end

    def grown(self, end: int, most: int) -> Iterator[tuple[int, Savings, Inside]]:
        """What grows upwards from node ``end`` by one node at a time, with its first node."""
        savings = Savings(self.rows, end, self.work, self.facts)
        inside = Inside(self._rings, end)
        for first in range(end - 1, max(end - most, 0) - 1, -1):
            if self.rows.row[first] is None:
                return
            savings.grow(first)
            inside.grow(first)
            yield first, savings, inside

    def whole_bytes(self, first: int, inside: Inside) -> int:
        """Bytes of the tensors that are held whole while a stage from node ``first`` on runs."""
        return self._live[first] + inside.outer

    def _stages(self, end: int, limit: int, most: int, share: int) -> Iterator[Unit]:
        """The stages that end before node ``end``, from the shortest to the longest.

        Args:
            end: Number after their last node.
            limit: Bytes that they must stay below.
            most: Nodes that they may have.
            share: Work that may be spent on them.
        """
        rows, dying = self.rows, dict[str, None]()
        enough = self.work.left - share
        fed = rows.fed
        for first, savings, inside in self.grown(end, most):
            self.work.spend(ARRAYS + end - first)
            if self.work.left < enough:
                return
            node = rows.node(first)
            dying.pop(node.output, None)
            dying |= {e.tensor: None for e in node.edges if self._dies(e.tensor, end)}
            if inside.nbytes() >= limit:
                return
            ring = 0
            sources = list(dying)
            is_fed = fed is not None and any(first <= n < end for n in rows.readers[fed.output])
            if fed is not None and is_fed:
                if first > 0 or rows.readers[fed.output][-1] >= end:
                    continue
                ring = aligned(self._rings.ring(FED, end) * fed.row_bytes)
                sources = [name for name in dying if name != fed.output]
            elif end - first == 1:
                continue
            around = self.whole_bytes(first, inside) + ring
            possible = min(sum(rows.size(name) for name in sources), inside.outer)
            if around + inside.nbytes() - possible < limit:
                saved = savings.saved(first, sources, is_fed=is_fed)
                total = around + inside.exact_nbytes() - saved
                yield Unit(first, end, True, total)


def _walk_back(chosen: list[Unit | None]) -> list[Unit] | None:
    units: list[Unit] = []
    number = len(chosen) - 1
    while number > 0:
        unit = chosen[number]
        if unit is None:
            return None
        units.append(unit)
        number = unit.first
    return units[::-1]
