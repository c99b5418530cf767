"""Chooses the stages: dynamic programming over the cuts of a linear order of the nodes.

The cost of a segment does not depend on the other segments: tensors that cross a cut are held
whole. What a segment needs is kept up to date while it grows upwards, node by node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgebottle.ops.base import Operator
from quantize.patch.demand import final_steps, simulate, smallest_ring, steps_for
from quantize.patch.overlay import FREE
from quantize.patch.rows import FED, NEVER, Ints, RowGraph, aligned, row_bytes

COUNTER_BYTES = 2

SHORT = 8
"""Nodes of the stages that are tried first."""

NEAR = 1.25
"""Units up to so many times the least peak of short stages are worth knowing."""

AVOIDED = 8
"""A layer that is better avoided costs as much as so many layers row by row."""


@dataclass(frozen=True)
class Unit:
    """Consecutive nodes that run as one unit.

    Attributes:
        first: Number of the first node.
        end: Number after the last node.
        streamed: Row by row as a stage; otherwise one node, layer by layer.
        nbytes: Bytes of arena the unit needs, at the least.
    """

    first: int
    end: int
    streamed: bool
    nbytes: int

    @property
    def nodes(self) -> range:
        """Numbers of its nodes."""
        return range(self.first, self.end)


class Costs:
    """Every unit worth considering, by the node after its last."""

    def __init__(self, rows: RowGraph, wanted: int = 0) -> None:
        """Computes the units.

        Args:
            rows: The graph in its order.
            wanted: Bytes of arena that are there anyway: units up to so many are all found.
                Others only where they are not far from the least peak.
        """
        self.rows = rows
        self._rings: dict[tuple[int, ...], int] = {}
        count = len(rows.order)
        self._live = [self._live_bytes(number) for number in range(count + 1)]
        layers: list[list[Unit]] = [[] for _ in range(count + 1)]
        for number in range(count):
            if not self._reads_fed(number):
                nbytes = self._layer_bytes(number)
                layers[number + 1].append(Unit(number, number + 1, False, nbytes))
        self.units = layers
        # What short stages reach rules out most of the long ones.
        self.units = self._with_stages(layers, self.smallest(), SHORT)
        near = int(self.smallest() * NEAR)
        self.units = self._with_stages(layers, max(near, wanted), count)

    def _with_stages(self, layers: list[list[Unit]], limit: int, most: int) -> list[list[Unit]]:
        return [
            units + [stage for stage in self._stages(end, limit, most)] if end else units
            for end, units in enumerate(layers)
        ]

    def smallest(self) -> int:
        """The least peak that any choice of units reaches, ``NEVER`` for none."""
        best = [0]
        for units in self.units[1:]:
            best.append(min((max(best[u.first], u.nbytes) for u in units), default=NEVER))
        return best[-1]

    def fastest(
        self, limit: int, avoid: int = NEVER, *, few_units: bool = False
    ) -> list[Unit] | None:
        """The units with the fewest layers streamed, all within ``limit`` bytes.

        Of these the fewest stages, and of these the smallest sum of bytes. None when there are
        none.

        Args:
            limit: Bytes that no unit may exceed.
            avoid: Bytes that a layer outside of a stage should not exceed. A run of layers that
                nearly fill the arena, each written over the last, may be impossible to place.
            few_units: The fewest units come first: the least is held whole.
        """
        best: list[tuple[int, int, int] | None] = [(0, 0, 0)]
        chosen: list[Unit | None] = [None]
        for units in self.units[1:]:
            options = []
            for unit in units:
                before = best[unit.first]
                if before is None or unit.nbytes > limit:
                    continue
                price = len(unit.nodes) if unit.streamed else AVOIDED * (unit.nbytes > avoid)
                cost = (1, price) if few_units else (price, int(unit.streamed))
                total = (before[0] + cost[0], before[1] + cost[1], before[2] + unit.nbytes)
                options.append((total, unit))
            winner = min(options, key=lambda option: option[0], default=(None, None))
            best.append(winner[0])
            chosen.append(winner[1])
        return _walk_back(chosen)

    def _reads_fed(self, number: int) -> bool:
        fed = self.rows.fed
        return fed is not None and fed.output in self.rows.order[number].inputs

    def _live_bytes(self, cut: int) -> int:
        """Bytes of what is there before node ``cut`` runs and is needed by it or later."""
        fed = self.rows.fed
        return sum(
            self.rows.size(name)
            for name, maker in self.rows.maker.items()
            if maker < cut <= self.rows.last[name]
            and name not in self.rows.source
            and not (fed is not None and name == fed.output)
        )

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
            cone = _Cone(rows, number + 1)
            cone.grow(number)
            saved = cone.saved(self._dying([number], number + 1))
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

    def _stages(self, end: int, limit: int, most: int) -> Iterator[Unit]:
        """The stages that end before node ``end``, from the shortest to the longest.

        Args:
            end: Number after their last node.
            limit: Bytes that they must stay below.
            most: Nodes that they may have.
        """
        rows, cone, inside = self.rows, _Cone(self.rows, end), _Inside(self, end)
        dying: dict[str, None] = {}
        fed = rows.fed
        for first in range(end - 1, max(end - most, 0) - 1, -1):
            node = rows.row[first]
            if node is None:
                return
            cone.grow(first)
            inside.grow(first, cone)
            dying.pop(node.output, None)
            dying |= {e.tensor: None for e in node.edges if self._dies(e.tensor, end)}
            if inside.nbytes() >= limit:
                return
            ring = 0
            sources = list(dying)
            if fed is not None and any(first <= n < end for n in rows.readers[fed.output]):
                if first > 0 or rows.readers[fed.output][-1] >= end:
                    continue
                ring = aligned(self.ring(FED, end) * fed.row_bytes)
                sources = [name for name in dying if name != fed.output]
            elif end - first == 1:
                continue
            around = self._live[first] + inside.outer + ring
            possible = min(sum(rows.size(name) for name in sources), inside.outer)
            if around + inside.nbytes() - possible < limit:
                total = around + inside.exact_nbytes() - cone.saved(sources)
                yield Unit(first, end, True, total)

    def ring(self, number: int, end: int, head: int | None = None) -> int:
        """Rows of the ring of what node ``number`` writes, in a stage that ends before ``end``.

        Only nodes between it and where all paths from it meet again have a say in it.

        Args:
            number: The node.
            end: Number after the last node of the stage.
            head: A node whose output is in the same ring, overwritten row by row up to that of
                ``number``.
        """
        merge, members = _meeting(self.rows, number, end)
        first = number if head is None else head
        key = (first, number, merge, -1 if merge < end else end)
        if key not in self._rings:
            between = range(first, number) if head is not None else ()
            chain = [n for n in between if self._leads_to(n, number)]
            trace = simulate(self.rows, [*chain, *members])
            written = trace.written[self.rows.node(first).output]
            read = trace.read[self.rows.node(number).output]
            self._rings[key] = smallest_ring(written, read)
        return self._rings[key]

    def _leads_to(self, number: int, last: int) -> bool:
        """Whether node ``number`` is part of the chain of shared rings that ends in ``last``."""
        name, target = self.rows.node(number).output, self.rows.node(last).output
        while name != target and name in self.rows.shares:
            name = self.rows.shares[name]
        return name == target

    def least_ring(self, number: int, end: int) -> tuple[int, bool]:
        """A ring that is needed at the least, quickly, and whether it is exactly what is needed."""
        readers = [n for n in self.rows.readers[self.rows.node(number).output] if n < end]
        if len(readers) == 1:
            return self.ring(number, readers[0] + 1), True
        merge, members = _meeting(self.rows, number, end)
        if len(members) <= SHORT or (number, number, merge, -1) in self._rings:
            return self.ring(number, end), True
        rows = 1
        for reader in readers:
            key = (number, reader)
            if key not in self._rings:
                trace = simulate(self.rows, [number, reader])
                self._rings[key] = trace.ring_rows(self.rows.node(number).output)
            rows = max(rows, self._rings[key])
        return rows, False


class _Inside:
    """What a stage keeps besides the tensors that are there before: it grows with the stage.

    Attributes:
        outer: Bytes of what it writes and holds whole.
    """

    def __init__(self, costs: Costs, end: int) -> None:
        self.outer = 0
        self._costs = costs
        self._rows = costs.rows
        self._end = end
        self._rings: dict[str, int] = {}
        self._hosts: dict[str, str] = {}
        self._later: list[int] = []
        self._scratch = self._accumulators = self._nodes = 0

    def grow(self, number: int, cone: _Cone) -> None:
        """Adds the node before the first."""
        rows, end = self._rows, self._end
        node = rows.node(number)
        name = node.output
        self._nodes += 1
        self._scratch = max(self._scratch, aligned(node.scratch_bytes))
        self._accumulators += aligned(node.accumulator_bytes)
        if rows.last[name] >= end or not cone.readers(name):
            self.outer += rows.size(name)
        elif name in rows.shares:
            reader = rows.shares[name]
            host = self._hosts[name] = self._hosts.get(reader, reader)
            if host in self._rings:
                last = rows.maker[host]
                count = self._costs.ring(last, end, number)
                self._rings[host] = aligned(count * node.row_bytes)
        else:
            count, is_exact = self._costs.least_ring(number, end)
            self._rings[name] = aligned(count * node.row_bytes)
            if not is_exact:
                self._later.append(number)

    def nbytes(self) -> int:
        """Bytes of rings, scratch, accumulators and counters, at the least."""
        counters = aligned(COUNTER_BYTES * self._nodes)
        return sum(self._rings.values()) + self._scratch + self._accumulators + counters

    def exact_nbytes(self) -> int:
        """The same, exactly."""
        for number in self._later:
            node = self._rows.node(number)
            if node.output not in self._hosts.values():
                count = self._costs.ring(number, self._end)
                self._rings[node.output] = aligned(count * node.row_bytes)
        self._later = []
        return self.nbytes()


def _walk_back(chosen: list[Unit | None]) -> list[Unit] | None:
    units: list[Unit] = []
    number = len(chosen) - 1
    while number > 0:
        unit = chosen[number]
        if unit is None:
            return None
        units.insert(0, unit)
        number = unit.first
    return units


def _meeting(rows: RowGraph, number: int, end: int) -> tuple[int, list[int]]:
    """The first node before ``end`` through which all paths from node ``number`` lead.

    Returns:
        That node, or ``end`` when there is none; and the nodes on the paths to it.
    """
    members = [number]
    waiting = [reader for reader in rows.readers[rows.node(number).output] if reader < end]
    open_ends = False
    while waiting:
        reader = min(waiting)
        waiting = [other for other in waiting if other != reader]
        members.append(reader)
        if not waiting and not open_ends:
            return reader, members
        further = [n for n in rows.readers[rows.node(reader).output] if n < end]
        open_ends = open_ends or not further
        waiting += further
    return end, members


class _Cone:
    """How far each node of a segment has come whenever one of its last nodes takes a step.

    Attributes:
        end: Number after the last node.
        after: For each node, the steps it has done after each step of the last nodes.
    """

    def __init__(self, rows: RowGraph, end: int) -> None:
        self.rows = rows
        self.end = end
        self.after: dict[int, Ints] = {}
        self._before: dict[int, Ints] = {}
        self._writes: dict[int, Ints] = {}
        self._row_bytes: dict[str, int] = {}

    def readers(self, tensor: str) -> list[int]:
        """The nodes of the segment that read ``tensor``."""
        return [n for n in self.rows.readers[tensor] if n in self.after]

    def grow(self, number: int) -> None:
        """Adds the node before the first."""
        if self.readers(self.rows.node(number).output):
            self._add(number)
            return
        members = [number, *sorted(self.after)]
        inside = [n for n in members if not self.readers(self.rows.node(n).output)]
        events = final_steps((n, self.rows.node(n)) for n in inside)
        who = np.array([n for n, _ in events], np.int32)
        self.after, self._before = {}, {}
        for last in inside:
            mine = who == last
            self.after[last] = np.cumsum(mine, dtype=np.int32)
            self._before[last] = self.after[last] - mine
            self._writes[last] = np.flatnonzero(mine).astype(np.int32)
        for other in reversed(members):
            if other not in self.after:
                self._add(other)

    def _add(self, number: int) -> None:
        self.after[number] = self._follow(number)
        reader = self.rows.shares.get(self.rows.node(number).output)
        if reader is not None and self.rows.maker[reader] in self._before:
            # Its rows are written into the output of a last node, as it reads its own.
            self._before[number] = self._before[self.rows.maker[reader]]

    def _follow(self, number: int) -> Ints:
        node = self.rows.node(number)
        needs = [
            edge.needed[self.after[reader]]
            for reader in self.readers(node.output)
            for edge in self.rows.node(reader).edges
            if edge.tensor == node.output
        ]
        most = needs[0] if len(needs) == 1 else np.maximum.reduce(needs)
        return steps_for(most, node)

    def saved(self, dying: list[str]) -> int:
        """Bytes that writing outputs over dying inputs saves: the best pair of each."""
        rows = self.rows
        pairs = []
        for last, when in self._writes.items():
            node = rows.node(last)
            if node.output in rows.source or last not in self.after:
                continue
            for source in dying:
                distance = max(self._distance(last, when, source), 0)
                whole, out = rows.size(source), rows.size(node.output)
                together = max(aligned(distance) + whole, out)
                pairs.append((whole + out - together, source, last))
        total, used = 0, set()
        for gain, source, last in sorted(pairs, reverse=True):
            if source not in used and last not in used:
                total += gain
                used |= {source, last}
        return total

    def _distance(self, last: int, when: Ints, source: str) -> int:
        """See ``overlay.distance``, from the state at each step of the last nodes."""
        node = self.rows.node(last)
        lowest = np.full(len(when), NEVER, np.int32)
        if source not in self._row_bytes:
            self._row_bytes[source] = row_bytes(self.rows.graph.tensors[source])
        for reader in self.readers(source):
            for edge in self.rows.node(reader).edges:
                if edge.tensor == source:
                    done = self._before.get(reader, self.after[reader])[when]
                    lowest = np.minimum(lowest, edge.first[done])
        if node.accumulates:
            lowest = lowest[-1:]
        ends = (np.arange(len(lowest)) + 1) * node.row_bytes
        gaps = (ends - lowest.astype(np.int64) * self._row_bytes[source])[lowest < NEVER]
        return int(gaps.max()) if len(gaps) else FREE
