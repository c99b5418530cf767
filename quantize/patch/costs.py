"""The units of an order that are worth considering, and what each of them needs.

What a stage needs is kept up to date while it grows upwards, node by node.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgebottle.ir.layout import aligned
from edgebottle.ops.base import Operator
from edgebottle.plan.work import Work
from quantize.patch.choose import Choices
from quantize.patch.liveness import Liveness
from quantize.patch.rows import FED, RowGraph
from quantize.patch.segment import ARRAYS, SHORT, Inside, OrderFacts, Rings, Savings
from quantize.patch.units import Unit

NEAR = 1.25
"""Units up to so many times the least peak of short stages are worth knowing."""

COSTS_WORK = 5_500_000
"""What is spent on finding the units of all orders of a network: enough for two layers on as many
rows as the steps of a layer can be counted."""


class UnitCosts:
    """What units need, and which of them are worth considering.

    Attributes:
        rows: The graph in its order.
        work: What may still be spent on finding units.
        facts: What is known of the order.
        alive: What is held whole between its nodes.
        choices: The units worth considering.
    """

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
        self.alive = Liveness(rows)
        layers: list[list[Unit]] = [[] for _ in range(count + 1)]
        for number in range(count):
            if not self.alive.reads_fed(number):
                nbytes = self._layer_bytes(number)
                layers[number + 1].append(Unit(number, number + 1, False, nbytes))
        # What short stages reach rules out most of the long ones.
        least = Choices(layers, rows.work).smallest()
        short = self._with_stages(layers, least, SHORT)
        near = int(Choices(short, rows.work).smallest() * NEAR)
        self.choices = Choices(self._with_stages(layers, max(near, wanted), count), rows.work)

    def _with_stages(self, layers: list[list[Unit]], limit: int, most: int) -> list[list[Unit]]:
        """The layers, and the stages that end with each, which share the work evenly."""
        count = len(layers) - 1
        found = [layers[0]]
        for end in range(1, count + 1):
            share = self.work.left // (count + 1 - end)
            found.append(layers[end] + list(self._stages(end, limit, most, share)))
        return found

    def _layer_bytes(self, number: int) -> int:
        """Bytes that a node needs as a layer, with its output over its input where that may be."""
        rows, node = self.rows, self.rows.order[number]
        outputs = [name for name in node.outputs if name not in rows.source]
        total = self.alive.before[number] + sum(map(rows.size, outputs)) + rows.scratch(number)
        if not outputs:
            return total
        saved = 0
        dying = [name for name in self.alive.inputs(number) if rows.last[name] == number]
        if isinstance(node, Operator):
            for index in node.overwrites(rows.graph.ins(node), rows.graph.outs(node)):
                name = node.inputs[index]
                if name is None or name not in rows.maker:
                    continue
                root = self.alive.root(name)
                if root in dying and rows.size(outputs[0]) <= rows.size(root):
                    saved = rows.size(outputs[0])
        row = rows.row[number]
        if row is not None and not row.accumulates and not saved:
            savings = Savings(rows, number + 1, self.work, self.facts)
            savings.grow(number)
            saved = savings.saved(number, self.alive.dying(number), is_fed=False)
        return total - saved

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
        return self.alive.before[first] + inside.outer

    def _stages(self, end: int, limit: int, most: int, share: int) -> Iterator[Unit]:
        """The stages that end before node ``end``, from the shortest to the longest.

        Args:
            end: Number after their last node.
            limit: Bytes that they must stay below.
            most: Nodes that they may have.
            share: Work that may be spent on them.
        """
        rows, dying, dying_bytes = self.rows, dict[str, int](), 0
        enough = self.work.left - share
        fed = rows.fed
        for first, savings, inside in self.grown(end, most):
            self.work.spend(ARRAYS + end - first)
            if self.work.left < enough:
                return
            node = rows.node(first)
            dying_bytes -= dying.pop(node.output, 0)
            for edge in node.edges:
                if edge.tensor not in dying and self.alive.dies(edge.tensor, end):
                    dying[edge.tensor] = rows.size(edge.tensor)
                    dying_bytes += rows.size(edge.tensor)
            needed = inside.nbytes()
            if needed >= limit:
                return
            ring, streamed = 0, ""
            is_fed = fed is not None and any(first <= n < end for n in rows.readers[fed.output])
            if fed is not None and is_fed:
                if first > 0 or rows.readers[fed.output][-1] >= end:
                    continue
                ring = aligned(self._rings.ring(FED, end) * fed.row_bytes)
                streamed = fed.output
            elif end - first == 1:
                continue
            around = self.whole_bytes(first, inside) + ring
            possible = min(dying_bytes - dying.get(streamed, 0), inside.outer)
            if around + needed - possible < limit:
                sources = [name for name in dying if name != streamed]
                saved = savings.saved(first, sources, is_fed=is_fed)
                total = around + inside.exact_nbytes() - saved
                yield Unit(first, end, True, total)
