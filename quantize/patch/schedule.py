"""Turns chosen units into a Plan: rings, counters, accumulators, scratch, and all offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgebottle.ir.layout import aligned
from edgebottle.ops.base import works_by_rows
from edgebottle.plan.assemble import RingPlace, SharedRows, StepMemory, assemble
from edgebottle.plan.lifetimes import live_bytes
from edgebottle.plan.place import Packing, Protruding, pack
from edgebottle.plan.plan import COUNTER_BYTES, Plan, Stage
from edgebottle.plan.schedules import Schedule
from edgebottle.plan.storage import Block, Storage
from edgebottle.plan.work import Work
from quantize.patch.demand import Trace, simulate
from quantize.patch.fold import fold
from quantize.patch.overlay import distance
from quantize.patch.rows import FED, RowGraph, RowNode
from quantize.patch.units import Unit

NODE_COST = 100
STEP_COST = 8
"""Units of work for each node of a plan, and for each row step."""

ROUNDS = 2
"""Starts of the search for offsets."""


@dataclass(frozen=True)
class _Ring:
    """The ring of a tensor."""

    tensor: str
    rows: int
    row_bytes: int


@dataclass(frozen=True)
class _Work:
    """What one unit needs besides the tensors held whole.

    Attributes:
        unit: The unit.
        trace: Its row steps, None for a node that has none.
        rings: Of a stage.
        shared: For a tensor of a stage, that whose memory it is in, row for row.
        counters: Bytes of its row counters.
        accumulators: Bytes by node.
        scratch: Bytes.
    """

    unit: Unit
    trace: Trace | None
    rings: tuple[_Ring, ...]
    shared: dict[str, str]
    counters: int
    accumulators: tuple[tuple[str, int], ...]
    scratch: int

    def cost(self) -> int:
        """Units of work that finding it, and writing it down, takes."""
        steps = 0 if self.trace is None else len(self.trace.steps)
        return NODE_COST * len(self.unit.nodes) + STEP_COST * steps

    @cached_property
    def pieces(self) -> list[int]:
        """Bytes of all of it, in the order rings, counters, accumulators, scratch."""
        sizes = [ring.rows * ring.row_bytes for ring in self.rings]
        sizes += [self.counters, *(nbytes for _, nbytes in self.accumulators), self.scratch]
        return [aligned(nbytes) for nbytes in sizes]


class Works:
    """What the units of one order need; each is found once, whatever it is chosen beside."""

    def __init__(self, rows: RowGraph) -> None:
        """Knows none yet."""
        self._rows = rows
        self._found: dict[tuple[int, int, bool], _Work] = {}

    def of(self, unit: Unit) -> _Work:
        """That of a unit, which is not split."""
        key = unit.first, unit.end, unit.streamed
        if key not in self._found:
            self._found[key] = _work(self._rows, unit)
        return self._found[key]


@dataclass(frozen=True)
class Placed:
    """Units whose memory has its place.

    Attributes:
        rows: The graph in its order.
        units: Consecutive units that cover the order.
        arena_bytes: What they need together.
    """

    rows: RowGraph
    units: tuple[Unit, ...]
    _works: tuple[_Work, ...]
    _storage: Storage
    _packing: Packing
    _pieces: Sequence[Sequence[int]]

    @property
    def arena_bytes(self) -> int:
        """Bytes of the arena."""
        return self._packing.nbytes

    def plan(self, schedule: Schedule, order: str) -> Plan:
        """It written down, with the name of its order."""
        memory = zip(self._works, self._pieces, strict=True)
        return assemble(
            self._storage,
            self.rows.isa,
            self._packing,
            [_memory(self.rows, work, places) for work, places in memory],
            schedule=schedule,
            order=order,
            bound=_bound(self.units),
            row_fed=self.rows.row_fed,
        )


def build_plan(
    rows: RowGraph, units: Sequence[Unit], schedule: Schedule, order: str, *, rounds: int = ROUNDS
) -> Plan:
    """The plan of ``units``: see ``place_units`` and ``Placed.plan``."""
    return place_units(rows, units, rounds=rounds).plan(schedule, order)


def place_units(
    rows: RowGraph,
    units: Sequence[Unit],
    *,
    goal: int = 0,
    rounds: int = ROUNDS,
    known: Works | None = None,
) -> Placed:
    """Finds a place for all that ``units`` need.

    Args:
        rows: The graph in its order.
        units: Consecutive units that cover the order.
        goal: An arena that is small enough, though a smaller one may be possible.
        rounds: Starts of the search for offsets, in turn with what a unit needs in one piece and
            in many.
        known: What is known of the units of ``rows``; it grows.
    """
    known = known or Works(rows)
    works = [known.of(unit) for unit in units]
    rows.work.spend(sum(work.cost() for work in works))
    stages = [[rows.order[n] for n in unit.nodes] for unit in units if unit.streamed]
    rings = {ring.tensor for work in works for ring in work.rings}
    rings |= {name for work in works for name in work.shared}
    storage = Storage(
        rows.graph,
        rows.order,
        preserve_inputs=False,
        stages=stages,
        rings=rings,
        gapless={host for work in works for host in work.shared.values()},
    )
    wholes = storage.blocks
    overlays = _overlays(rows, storage, wholes, works)
    enough = max(_bound(units), goal)
    packing, places = _pack(wholes, works, overlays, enough, rounds, rows.work)
    needed = _needed(rows, wholes, works, overlays, enough)
    if packing.nbytes <= enough and needed != overlays:
        apart = _pack(wholes, works, needed, enough, rounds, rows.work)
        packing, places = apart if apart[0].nbytes <= enough else (packing, places)
    return Placed(rows, tuple(units), tuple(works), storage, packing, places)


def _bound(units: Sequence[Unit]) -> int:
    return max((unit.nbytes for unit in units), default=0)


def unit_bytes(rows: RowGraph, unit: Unit) -> int:
    """Bytes that a unit needs besides the tensors held whole."""
    return sum(_work(rows, unit).pieces)


def _work(rows: RowGraph, unit: Unit) -> _Work:
    if not unit.streamed:
        number = unit.first
        row = rows.row[number]
        # A layer that could accumulate reads all its rows at once when it runs alone.
        trace = None if row is None or row.accumulates else simulate(rows, [number])
        return _Work(unit, trace, (), {}, 0, (), rows.scratch(number))
    numbers = list(unit.nodes)
    fed = rows.fed
    if fed is not None and any(fed.output in rows.order[n].inputs for n in numbers):
        numbers.insert(0, FED)
    nodes = [rows.node(n) for n in numbers]
    read = {edge.tensor for node in nodes for edge in node.edges}
    kept = [node.output for node in nodes if _is_whole(rows, node, unit, read)]
    complete = [name for name in kept if name in read]
    if numbers[0] == FED:
        complete.append(nodes[0].output)
    trace = simulate(rows, numbers, complete)
    shared = _shared(rows, [node.output for node in nodes if node.output not in kept])
    # A tensor is written when the first of those that share its memory is.
    written = dict(trace.written)
    for name, host in shared.items():
        written[host] = trace.written[name]
    trace = replace(trace, written=written)
    rings = tuple(
        _Ring(node.output, trace.ring_rows(node.output), node.row_bytes)
        for node in nodes
        if node.output not in kept and node.output not in shared
    )
    accumulators = tuple((n.name, n.accumulator_bytes) for n in nodes if n.accumulates)
    scratch = max(aligned(node.scratch_bytes) for node in nodes)
    counters = COUNTER_BYTES * len(unit.nodes)
    return _Work(unit, trace, rings, shared, counters, accumulators, scratch)


def _shared(rows: RowGraph, inner: Sequence[str]) -> dict[str, str]:
    """The tensors of a stage that are overwritten row by row, with the last that takes the memory.

    Args:
        rows: The graph in its order.
        inner: The tensors that need not be held whole, in the order in which they are computed.

    Returns:
        Of several with the same host the one that is written first comes last.
    """
    hosts: dict[str, str] = {}
    for name in reversed(inner):
        if name in rows.shares:
            hosts[name] = hosts.get(rows.shares[name], rows.shares[name])
    return hosts


def _is_whole(rows: RowGraph, node: RowNode, unit: Unit, read: set[str]) -> bool:
    if rows.fed is not None and node.output == rows.fed.output:
        return False
    return rows.last[node.output] >= unit.end or node.output not in read


def _overlays(
    rows: RowGraph, storage: Storage, wholes: Sequence[Block], works: Sequence[_Work]
) -> dict[tuple[int, int], int]:
    """For pairs (output, input) of blocks: the distance at which they may overlap."""
    number = {id(block): i for i, block in enumerate(wholes)}
    found: dict[tuple[int, int], int] = {}
    for step, work in enumerate(works):
        trace = work.trace
        if trace is None:
            continue
        outputs = [name for name in trace.written if _is_plain(rows, storage, name)]
        inputs = [
            name
            for name in trace.read
            if name not in trace.written and _is_plain(rows, storage, name)
        ]
        for source in inputs:
            block = storage.slots[source].block
            if block.last != step or _alive(storage, block, step) != [source]:
                continue
            for output in outputs:
                other = storage.slots[output].block
                alone = _alive(storage, other, step) == [output]
                if other is not block and alone and other.first == step:
                    pair = (number[id(other)], number[id(block)])
                    found[pair] = distance(rows.graph, trace, source, output)
    return found


def _needed(
    rows: RowGraph,
    wholes: Sequence[Block],
    works: Sequence[_Work],
    overlays: dict[tuple[int, int], int],
    limit: int,
) -> dict[tuple[int, int], int]:
    """The overlays without those of pixelwise layers that fit ``limit`` as they are.

    Such a layer takes all its rows in one call, unless its output follows them through its input.
    """
    needed = dict(overlays)
    alive = live_bytes(wholes, len(works))
    for output, source in overlays:
        step = wholes[output].first
        node, work = rows.order[works[step].unit.first], works[step]
        ins, outs = rows.graph.ins(node), rows.graph.outs(node)
        if work.unit.streamed or not works_by_rows(node, ins, outs):
            continue
        is_pixelwise = node.is_pixelwise(ins, outs)
        if is_pixelwise and alive[step + 1] + sum(work.pieces) <= limit:
            del needed[output, source]
    return needed


def _is_plain(rows: RowGraph, storage: Storage, name: str) -> bool:
    """The tensor is held whole, without gaps, at the beginning of its block."""
    if name not in storage.slots or rows.graph.tensors[name].state:
        return False
    layout = storage.slots[name].layout
    return layout.offset == 0 and layout.row_stride == layout.row_bytes


def _alive(storage: Storage, block: Block, step: int) -> list[str]:
    lives = {name: storage.life(name) for name in block.members}
    return [name for name, (first, last) in lives.items() if first <= step <= last]


def _pack(
    wholes: Sequence[Block],
    works: Sequence[_Work],
    overlays: dict[tuple[int, int], int],
    bound: int,
    rounds: int,
    effort: Work,
) -> tuple[Packing, list[list[int]]]:
    """Places everything: first with what a unit needs in one piece, then in many."""
    best: tuple[Packing, list[list[int]]] | None = None
    for seed in range(rounds):
        together = seed % 2 == 0
        blocks, owners = list(wholes), []
        for step, work in enumerate(works):
            pieces = [nbytes for nbytes in work.pieces if nbytes]
            for nbytes in [sum(pieces)] if together and pieces else pieces:
                blocks.append(Block(nbytes, step, step))
                owners.append(step)
        packing = pack(blocks, bound, Protruding(), overlays=overlays, seed=seed, work=effort)
        if best is None or packing.nbytes < best[0].nbytes:
            offsets = packing.offsets[len(wholes) :]
            best = packing, _piece_places(works, offsets, owners, together=together)
        if best[0].nbytes <= bound or effort.is_spent:
            break
    assert best is not None
    return best


def _piece_places(
    works: Sequence[_Work], offsets: Sequence[int], owners: Sequence[int], *, together: bool
) -> list[list[int]]:
    """The offset of every piece of every unit (0 for empty ones)."""
    places: list[list[int]] = []
    owned: list[list[int]] = [[] for _ in works]
    for offset, owner in zip(offsets, owners, strict=True):
        owned[owner].append(offset)
    for own, work in zip(owned, works, strict=True):
        result = []
        for nbytes in work.pieces:
            if not nbytes:
                result.append(0)
            elif together:
                result.append(own[0])
                own[0] += nbytes
            else:
                result.append(own.pop(0))
        places.append(result)
    return places


def _memory(rows: RowGraph, work: _Work, places: Sequence[int]) -> StepMemory:
    """What a unit needs, and where its pieces lie."""
    unit = work.unit
    stage = None
    if unit.streamed and work.trace is not None:
        count = len(work.rings)
        stage = Stage(
            nodes=tuple(rows.order[n].name for n in unit.nodes),
            program=fold([rows.node(n).name for n in work.trace.steps]),
            counters_offset=places[count],
            accumulators=tuple(
                (name, offset)
                for (name, _), offset in zip(work.accumulators, places[count + 1 :], strict=False)
            ),
        )
    pieces = zip(places, work.pieces, strict=True)
    return StepMemory(
        node=rows.order[unit.end - 1].name,
        spans=tuple((offset, offset + nbytes) for offset, nbytes in pieces),
        scratch_offset=places[-1],
        scratch_bytes=work.scratch,
        stage=stage,
        rings=tuple(
            RingPlace(ring.tensor, ring.rows, offset)
            for ring, offset in zip(work.rings, places, strict=False)
        ),
        shared=tuple(
            SharedRows(name, host, rows.shares[name]) for name, host in work.shared.items()
        ),
    )
