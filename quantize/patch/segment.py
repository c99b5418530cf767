"""What a stage needs while it grows upwards, node by node: rings, and how near its ends may lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from edgebottle.ir.graph import Int
from edgebottle.ir.layout import ALIGNMENT, aligned
from edgebottle.plan.plan import COUNTER_BYTES
from edgebottle.plan.work import Work
from quantize.patch.demand import final_steps, simulate, smallest_ring, steps_for
from quantize.patch.overlay import FREE, least_distance
from quantize.patch.rows import Edge, Ints, RowGraph

SIMULATION = 4
"""Units of work for each step that is simulated."""

ARRAYS = 60
"""Units of work for what is done with the arrays of a node, however short they are."""

ELEMENTS = 16
"""Elements of these arrays that cost one unit more."""

MEETING = 4
"""Units of work for each node on the paths to where they meet again."""

LONE_MEETING = 2 * MEETING
"""The same from a node to its only reader."""

SHORT = 8
"""Nodes whose row steps are quickly simulated."""


@dataclass(frozen=True)
class Parts:
    """A way to cut a stage.

    Attributes:
        axis: ``COLUMNS`` or ``CHANNELS``.
        count: How many.
        shares: For each tensor of the stage, the columns or channels that the parts compute, and
            all.
        extra_macs: What is computed twice.
    """

    axis: int
    count: int
    shares: Mapping[str, tuple[Int, int]]
    extra_macs: int

    def largest(self, rings: Mapping[str, int]) -> int:
        """Bytes of the rings of the part that needs most, from those of the whole stage."""
        total = np.zeros(self.count, np.int64)
        for name, nbytes in rings.items():
            share, whole = self.shares[name]
            part = (nbytes * share + whole - 1) // whole
            total += (part + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        return int(total.max())


@dataclass
class OrderFacts:
    """What is found about the stages of one order, whatever the kernels and the schedule.

    What finding it took is kept as well: it is spent each time, so that a plan does not depend on
    what was planned before.

    Attributes:
        rings: Rows of rings, and units of work.
        growth: By the end of a stage, units of work for each node that it grows by.
        saved: By end, first node and whether the fed input is left out: what ``Cone.saved`` gave,
            and units of work.
        cuts: The ways to cut a stage, by its first node and its end; None where it cannot be cut.
    """

    rings: dict[tuple[int, ...], tuple[int, int]] = field(default_factory=dict)
    growth: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    saved: dict[tuple[int, int, bool], tuple[int, int]] = field(default_factory=dict)
    cuts: dict[tuple[int, int], tuple[Parts, ...] | None] = field(default_factory=dict)


class Rings:
    """The rings of all stages; each is found once."""

    def __init__(self, rows: RowGraph, work: Work, facts: OrderFacts) -> None:
        """Starts with none; what finding them takes is spent from ``work``."""
        self.rows = rows
        self._work = work
        self._facts = facts
        self._rings: dict[tuple[int, ...], int] = {}
        self._alone: dict[int, int] = {}

    def ring(self, number: int, end: int, head: int | None = None) -> int:
        """Rows of the ring of what node ``number`` writes, in a stage that ends before ``end``.

        Only nodes between it and where all paths from it meet again have a say in it.

        Args:
            number: The node.
            end: Number after the last node of the stage.
            head: A node whose output is in the same ring, overwritten row by row up to that of
                ``number``.
        """
        merge, members = self._meet(number, end)
        first = number if head is None else head
        key = (first, number, merge, -1 if merge < end else end)
        if key not in self._rings:
            between = range(first, number) if head is not None else ()
            chain = [n for n in between if self._leads_to(n, number)]
            self._rings[key] = self._simulated(key, first, number, [*chain, *members])
        return self._rings[key]

    def _meet(self, number: int, end: int) -> tuple[int, list[int]]:
        merge, members = _meeting(self.rows, number, end)
        self._work.spend(MEETING * len(members))
        return merge, members

    def _simulated(self, key: tuple[int, ...], first: int, number: int, members: list[int]) -> int:
        """Rows from where node ``first`` writes to where the output of ``number`` is read."""
        if key not in self._facts.rings:
            trace = simulate(self.rows, members)
            written = trace.written[self.rows.node(first).output]
            read = trace.read[self.rows.node(number).output]
            units = SIMULATION * (len(trace.steps) + len(members))
            self._facts.rings[key] = smallest_ring(written, read), units
        rows, units = self._facts.rings[key]
        self._work.spend(units)
        return rows

    def _leads_to(self, number: int, last: int) -> bool:
        """Whether node ``number`` is part of the chain of shared rings that ends in ``last``."""
        name, target = self.rows.node(number).output, self.rows.node(last).output
        while name != target and name in self.rows.shares:
            name = self.rows.shares[name]
        return name == target

    def least_ring(self, number: int, end: int) -> tuple[int, bool]:
        """A ring that is needed at the least, quickly, and whether it is exactly what is needed."""
        if number in self._alone:
            self._work.spend(LONE_MEETING)
            return self._alone[number], True
        all_readers = self.rows.readers[self.rows.node(number).output]
        readers = [n for n in all_readers if n < end]
        if len(readers) == 1:
            found = self.ring(number, readers[0] + 1)
            if len(all_readers) == 1:
                self._alone[number] = found
            return found, True
        merge, members = self._meet(number, end)
        if len(members) <= SHORT or (number, number, merge, -1) in self._rings:
            return self.ring(number, end), True
        rows = 1
        for reader in readers:
            key = (number, reader)
            if key not in self._rings:
                self._rings[key] = self._simulated(key, number, number, [number, reader])
            rows = max(rows, self._rings[key])
        return rows, False


class Inside:
    """What a stage keeps besides the tensors that are there before: it grows with the stage.

    Attributes:
        outer: Bytes of what it writes and holds whole.
        rings: Bytes of the ring of each other tensor, at the least until ``exact_nbytes``.
    """

    def __init__(self, rings: Rings, end: int) -> None:
        self.outer = 0
        self._found = rings
        self._rows = rings.rows
        self._end = end
        self.rings: dict[str, int] = {}
        self._hosts: dict[str, str] = {}
        self._later: list[int] = []
        self._ring_bytes = self._scratch = self._accumulators = self._nodes = 0

    def grow(self, number: int) -> None:
        """Adds the node before the first."""
        rows, end = self._rows, self._end
        node = rows.node(number)
        name = node.output
        self._nodes += 1
        self._scratch = max(self._scratch, aligned(node.scratch_bytes))
        self._accumulators += aligned(node.accumulator_bytes)
        if rows.last[name] >= end or not rows.readers[name]:
            self.outer += rows.size(name)
        elif name in rows.shares:
            reader = rows.shares[name]
            host = self._hosts[name] = self._hosts.get(reader, reader)
            if host in self.rings:
                last = rows.maker[host]
                count = self._found.ring(last, end, number)
                self._put(host, count * node.row_bytes)
        else:
            count, is_exact = self._found.least_ring(number, end)
            self._put(name, count * node.row_bytes)
            if not is_exact:
                self._later.append(number)

    def _put(self, name: str, nbytes: int) -> None:
        """Notes the ring of a tensor, in the place of a smaller one."""
        found = aligned(nbytes)
        self._ring_bytes += found - self.rings.get(name, 0)
        self.rings[name] = found

    def nbytes(self) -> int:
        """Bytes of rings, scratch, accumulators and counters, at the least."""
        counters = aligned(COUNTER_BYTES * self._nodes)
        return self._ring_bytes + self._scratch + self._accumulators + counters

    def exact_nbytes(self) -> int:
        """The same, exactly."""
        for number in self._later:
            node = self._rows.node(number)
            if node.output not in self._hosts.values():
                count = self._found.ring(number, self._end)
                self._put(node.output, count * node.row_bytes)
        self._later = []
        return self.nbytes()


def _meeting(rows: RowGraph, number: int, end: int) -> tuple[int, list[int]]:
    """The first node before ``end`` through which all paths from node ``number`` lead.

    Returns:
        That node, or ``end`` when there is none; and the nodes on the paths to it.
    """
    members = [number]
    waiting = [reader for reader in rows.readers[rows.node(number).output] if reader < end]
    if len(waiting) == 1:
        return waiting[0], [number, waiting[0]]
    seen = set(waiting)  # ``waiting`` is a heap: ascending, so that it is one from the start
    open_ends = False
    while waiting:
        reader = heappop(waiting)
        members.append(reader)
        if not waiting and not open_ends:
            return reader, members
        further = [n for n in rows.readers[rows.node(reader).output] if n < end]
        open_ends = open_ends or not further
        for other in further:
            if other not in seen:
                seen.add(other)
                heappush(waiting, other)
    return end, members


class Cone:
    """How far each node of a segment has come whenever one of its last nodes takes a step.

    Attributes:
        end: Number after the last node.
        after: For each node, the steps it has done after each step of the last nodes.
        spent: Units of work that all of it has taken.
    """

    def __init__(self, rows: RowGraph, end: int) -> None:
        self.rows = rows
        self.end = end
        self.spent = 0
        self.after: dict[int, Ints] = {}
        self._before: dict[int, Ints] = {}
        self._writes: dict[int, Ints] = {}
        self._distances: dict[tuple[int, str], tuple[int, int]] = {}

    def edges(self, tensor: str) -> list[tuple[int, Edge]]:
        """The nodes of the segment that read ``tensor``, and what they read of it."""
        return [pair for pair in self.rows.reading[tensor] if pair[0] in self.after]

    def grow(self, number: int) -> None:
        """Adds the node before the first."""
        if self.edges(self.rows.node(number).output):
            self._add(number)
            return
        members = [number, *sorted(self.after)]
        inside = [n for n in members if not self.edges(self.rows.node(n).output)]
        events = final_steps((n, self.rows.node(n)) for n in inside)
        self.spent += len(events) * ELEMENTS + len(inside) * (ARRAYS + len(events) // ELEMENTS)
        who = np.array([n for n, _ in events], np.int32)
        self.after, self._before, self._distances = {}, {}, {}
        for last in inside:
            mine = who == last
            self.after[last] = np.cumsum(mine, dtype=np.int32)
            self._before[last] = self.after[last] - mine
            self._writes[last] = np.flatnonzero(mine).astype(np.int32)
        for other in reversed(members):
            if other not in self.after:
                self._add(other)

    def _add(self, number: int) -> None:
        node = self.rows.node(number)
        needs = [edge.needed[self.after[reader]] for reader, edge in self.edges(node.output)]
        self.spent += len(needs) * (ARRAYS + len(needs[0]) // ELEMENTS)
        most = needs[0] if len(needs) == 1 else np.maximum.reduce(needs)
        self.after[number] = steps_for(most, node)
        reader = self.rows.shares.get(node.output)
        if reader is not None and self.rows.maker[reader] in self._before:
            # Its rows are written into the output of a last node, as it reads its own.
            self._before[number] = self._before[self.rows.maker[reader]]

    def saved(self, dying: list[str]) -> int:
        """Bytes that writing outputs over dying inputs saves: the best pair of each."""
        rows = self.rows
        pairs = []
        self.spent += len(self._writes) * (1 + len(dying))
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
        self.spent += ARRAYS + len(when) // ELEMENTS
        edges = self.edges(source)
        count, found = self._distances.get((last, source), (0, FREE))
        if count != len(edges):
            found = self._find_distance(last, when, source, edges)
            self._distances[last, source] = len(edges), found
        return found

    def _find_distance(
        self, last: int, when: Ints, source: str, edges: Sequence[tuple[int, Edge]]
    ) -> int:
        lowest: Ints | None = None
        for reader, edge in edges:
            done = self._before.get(reader, self.after[reader])
            first = edge.first[done if len(when) == len(done) else done[when]]
            lowest = first if lowest is None else np.minimum(lowest, first)
        if lowest is None:
            return FREE
        node = self.rows.node(last)
        if node.accumulates:
            lowest = lowest[-1:]
        return least_distance(lowest, self.rows.row_bytes(source), node.row_bytes)


class Savings:
    """What is saved where outputs are written over dying inputs, while a stage grows.

    What is known of the stage already takes no cone.
    """

    def __init__(self, rows: RowGraph, end: int, work: Work, facts: OrderFacts) -> None:
        """Starts at the end; from ``work`` goes what cones take, whether they are made or not."""
        self._work, self._facts, self._end = work, facts, end
        self._cone = Cone(rows, end)
        self._first = end
        self._growth = facts.growth[end]

    def grow(self, number: int) -> None:
        """Adds the node before the first."""
        count = self._end - number
        if count > len(self._growth):
            self._growth.append(self._reach(number))
        self._work.spend(self._growth[count - 1])

    def saved(self, first: int, dying: list[str], *, is_fed: bool) -> int:
        """See ``Cone``, for the stage from node ``first`` on."""
        key = self._end, first, is_fed
        if key not in self._facts.saved:
            self._reach(first)
            before = self._cone.spent
            saved = self._cone.saved(dying)
            self._facts.saved[key] = saved, self._cone.spent - before
        saved, units = self._facts.saved[key]
        self._work.spend(units)
        return saved

    def _reach(self, number: int) -> int:
        """Lets the cone begin at node ``number``; returns what its last node took."""
        units = 0
        while self._first > number:
            self._first -= 1
            before = self._cone.spent
            self._cone.grow(self._first)
            units = self._cone.spent - before
        return units
