"""Makes the Plan: tries orders and placements and keeps the smallest arena."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgebottle.ir.graph import Graph, Node
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import Isa, Operator
from edgebottle.plan.lifetimes import live_bytes
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.place import AnyBlock, pack
from edgebottle.plan.plan import Plan, Step
from edgebottle.plan.storage import Block, Storage


@dataclass(frozen=True)
class _Candidate:
    """One order with its storage, and the arena its lifetimes cannot go below."""

    name: str
    storage: Storage
    scratch: tuple[Block | None, ...]
    bound: int


Orders = Mapping[str, tuple[Node, ...]]


def make_plan(
    graph: Graph, isa: Isa, *, preserve_inputs: bool = False, orders: Orders | None = None
) -> Plan:
    """Plans one layer after the other, in place where that is safe.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant, which decides the scratch.
        preserve_inputs: Inputs keep their bytes until the end of the run.
        orders: ``candidate_orders`` of the graph, where they are known.

    Returns:
        The plan with the smallest arena found, and the lower bound of its lifetimes.
    """
    candidates = sorted(
        (
            _candidate(graph, name, order, isa, preserve_inputs=preserve_inputs)
            for name, order in (orders or candidate_orders(graph)).items()
        ),
        key=lambda candidate: candidate.bound,
    )
    best: Plan | None = None
    for candidate in candidates:
        if best is not None and candidate.bound >= best.arena_bytes:
            break
        plan = _place(graph, candidate, isa)
        if best is None or plan.arena_bytes < best.arena_bytes:
            best = plan
    assert best is not None
    return best


def _candidate(
    graph: Graph, name: str, order: tuple[Node, ...], isa: Isa, *, preserve_inputs: bool
) -> _Candidate:
    storage = Storage(graph, order, preserve_inputs=preserve_inputs)
    scratch: list[Block | None] = []
    for index, node in enumerate(order):
        nbytes = 0
        if isinstance(node, Operator) and node.name not in storage.elided:
            nbytes = node.scratch_bytes(graph.ins(node), graph.outs(node), isa)
        scratch.append(Block(aligned(nbytes), index, index) if nbytes else None)
    blocks = [*storage.blocks, *(block for block in scratch if block is not None)]
    bound = max(live_bytes(blocks, len(order)))
    return _Candidate(name, storage, tuple(scratch), bound)


def _place(graph: Graph, candidate: _Candidate, isa: Isa) -> Plan:
    storage = candidate.storage
    blocks = [*storage.blocks, *(block for block in candidate.scratch if block is not None)]
    packing = pack(blocks, candidate.bound, AnyBlock())
    start = {id(block): offset for block, offset in zip(blocks, packing.offsets, strict=True)}
    live = live_bytes(blocks, len(storage.order))
    steps = tuple(
        Step(
            node=node.name,
            scratch_offset=0 if scratch is None else start[id(scratch)],
            scratch_bytes=0 if scratch is None else scratch.nbytes,
            live_bytes=live[index + 1],
            elided=node.name in storage.elided,
        )
        for index, (node, scratch) in enumerate(zip(storage.order, candidate.scratch, strict=True))
    )
    placements = tuple(storage.placements(packing.offsets[: len(storage.blocks)]))
    return Plan(
        model=graph.name,
        isa=isa.value,
        schedule="layers",
        arena_bytes=packing.nbytes,
        lower_bound=candidate.bound,
        strategy=f"order: {candidate.name}, placement: {packing.strategy}",
        steps=steps,
        placements=placements,
    )
