"""Makes the Plan: tries orders and placements and keeps the smallest arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgebottle.ir.graph import Graph, Node
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import Isa
from edgebottle.plan.assemble import StepMemory, assemble
from edgebottle.plan.lifetimes import live_bytes
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.place import AnyBlock, pack
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from edgebottle.plan.scratch import scratch_of
from edgebottle.plan.storage import Block, Storage


@dataclass(frozen=True)
class LayerByLayer:
    """One order of the nodes, one layer after the other.

    Attributes:
        storage: Which tensors share memory.
        scratch: That of each node, None where it needs none.
        live: Bytes alive at each step, from -1 (before the first) on.
    """

    storage: Storage
    scratch: tuple[Block | None, ...]
    live: tuple[int, ...]

    @property
    def bound(self) -> int:
        """The arena that these lifetimes cannot go below."""
        return max(self.live)

    @classmethod
    def of(
        cls, graph: Graph, order: Sequence[Node], isa: Isa, *, preserve_inputs: bool = False
    ) -> LayerByLayer:
        """Nodes in an order.

        Args:
            graph: A graph after the passes.
            order: Its nodes.
            isa: The kernel variant, which decides the scratch.
            preserve_inputs: Inputs keep their bytes until the end of the run.
        """
        storage = Storage(graph, order, preserve_inputs=preserve_inputs)
        scratch: list[Block | None] = []
        for index, node in enumerate(order):
            nbytes = 0 if node.name in storage.elided else scratch_of(graph, node, isa)
            scratch.append(Block(aligned(nbytes), index, index) if nbytes else None)
        blocks = [*storage.blocks, *filter(None, scratch)]
        return cls(storage, tuple(scratch), tuple(live_bytes(blocks, len(order))))


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
    found = orders or candidate_orders(graph)
    candidates = [
        (LayerByLayer.of(graph, order, isa, preserve_inputs=preserve_inputs), name)
        for name, order in found.items()
    ]
    best: Plan | None = None
    for layers, name in sorted(candidates, key=lambda candidate: candidate[0].bound):
        if best is not None and layers.bound >= best.arena_bytes:
            break
        plan = _place(layers, name, isa)
        if best is None or plan.arena_bytes < best.arena_bytes:
            best = plan
    assert best is not None
    return best


def _place(layers: LayerByLayer, order: str, isa: Isa) -> Plan:
    storage, wholes = layers.storage, layers.storage.blocks
    packing = pack([*wholes, *filter(None, layers.scratch)], layers.bound, AnyBlock())
    offsets = iter(packing.offsets[len(wholes) :])
    steps = []
    for node, scratch in zip(storage.order, layers.scratch, strict=True):
        if scratch is None:
            steps.append(StepMemory(node.name))
            continue
        offset, nbytes = next(offsets), scratch.nbytes
        steps.append(StepMemory(node.name, ((offset, offset + nbytes),), offset, nbytes))
    return assemble(
        storage, isa, packing, steps, schedule=Schedule.LAYERS, order=order, bound=layers.bound
    )
