"""Which tensors are packed: no more than a limit asks for, those first that save most for the cost.

Packing costs instructions wherever a tensor is written and read. So only what lies in the arena
while too much is alive is made smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import Isa, works_by_rows
from edgebottle.ops.width import Width
from edgebottle.passes.narrow import Group, narrow, read_packed, reads_packed
from edgebottle.plan.plan import Plan
from quantize.patch.known import known
from quantize.patch.search import Chosen

PACK, UNPACK = 4, 4
"""Instructions for an element that is written, and for one each time it is read: kws_w2a4 in the
smallest arena takes 830,000 more on nucleo_l4r5zi, for 72,000 and 136,000 of them."""

ATTEMPTS = 4
"""Plans that are made, at most, from each start."""


def fewest_packed(
    starts: Sequence[Chosen],
    narrowed: Chosen,
    limit: int,
    isa: Isa,
    plan: Callable[[Graph], Chosen],
) -> Chosen:
    """The network with few tensors packed, in an arena of ``limit`` bytes at most.

    Args:
        starts: What others are packed beside, in order of preference: with those packed that
            kernels read so, if there are any, then with none, which is not cut into parts.
        narrowed: The same network with all packed that can be; within the limit.
        limit: Bytes.
        isa: The kernel variant.
        plan: Plans a graph.
    """
    graph = starts[-1].graph
    groups = known(graph).groups
    costs = [
        sum(_instructions(graph, name, width, isa) for name, width in group.items())
        for group in groups
    ]
    are_read = read_packed(graph, groups, isa)
    for chosen in starts:
        begun = [] if chosen is starts[-1] else are_read
        packed = {number for number, group in enumerate(groups) if group in begun}
        for _ in range(ATTEMPTS):
            if chosen.plan.arena_bytes <= limit:
                return chosen
            more = _needed(chosen.plan, limit, groups, costs, packed)
            packed |= more
            if not more or len(packed) == len(groups):
                break
            chosen = plan(narrow(graph, [groups[number] for number in sorted(packed)]))
        if chosen.plan.arena_bytes <= limit:
            return chosen
    return narrowed


def less_packed(
    graph: Graph, chosen: Chosen, limit: int, isa: Isa, plan: Callable[[Graph], Chosen]
) -> Chosen | None:
    """The network with as many packed of those that kernels read so as ``limit`` has room for.

    Such kernels may need more scratch than packing saves: those of the layers that do not fit read
    8 bits.

    Args:
        graph: With none packed.
        chosen: All of them packed; beyond the limit.
        limit: Bytes.
        isa: The kernel variant.
        plan: Plans a graph.

    Returns:
        The plan; None where none was found.
    """
    kept = read_packed(graph, known(graph).groups, isa)
    for _ in range(ATTEMPTS):
        over = {
            name
            for step in chosen.plan.steps
            if step.live_bytes > limit
            for name in (step.stage.nodes if step.stage else (step.node,))
        }
        fitting = [
            group
            for group in kept
            if over.isdisjoint(node.name for name in group for node in graph.consumers(name))
        ]
        if len(fitting) in (0, len(kept)):
            return None
        kept = fitting
        chosen = plan(narrow(graph, kept))
        if chosen.plan.arena_bytes <= limit:
            return chosen
    return None


def _instructions(graph: Graph, name: str, width: Width, isa: Isa) -> int:
    """What packing a tensor costs in a run; nothing where kernels read it as it is stored."""
    readers = sum(
        _readings(graph, node, name)
        for node in graph.consumers(name)
        if not reads_packed(graph, node, name, width, isa)
    )
    return int(graph.tensors[name].size * (PACK + UNPACK * readers))


def _readings(graph: Graph, node: Node, name: str) -> float:
    """How often a layer unpacks each row of a tensor."""
    ins, outs = graph.ins(node), graph.outs(node)
    if not works_by_rows(node, ins, outs):
        return 1.0
    rows = len(node.input_rows(node.inputs.index(name), 0, ins, outs))
    return max(1, rows) * outs[0].rows / graph.tensors[name].rows


def _needed(
    plan: Plan, limit: int, groups: Sequence[Group], costs: Sequence[int], packed: set[int]
) -> set[int]:
    """Groups still to be packed: each step is to stay within the limit, as far as that helps.

    Where every step does, but they find no place together, those of the largest step.
    """
    found = set[int]()
    worst = max(step.live_bytes for step in plan.steps)
    for number, step in enumerate(plan.steps):
        excess = step.live_bytes - limit
        if excess <= 0 and (worst > limit or step.live_bytes < worst):
            continue
        saved = _saved(plan, number, groups)
        excess -= sum(saved[index] for index in found)
        left = [i for i, nbytes in enumerate(saved) if nbytes and i not in found | packed]
        for index in sorted(left, key=lambda i: costs[i] / saved[i]):
            if excess <= 0 and found:
                break
            excess -= saved[index]
            found.add(index)
    return found


def _saved(plan: Plan, step: int, groups: Sequence[Group]) -> list[int]:
    """Bytes that packing each group saves in a step, of tensors that have 8 bits."""
    alive = {p.tensor: p.nbytes for p in plan.placements if p.first <= step <= p.last}
    return [
        sum(alive[name] * (8 - width.bits) // 8 for name, width in group.items() if name in alive)
        for group in groups
    ]
