"""Which tensors are packed: no more than a limit asks for, those first that save most for the cost.

Packing costs instructions wherever a tensor is written and read. So only what lies in the arena
while too much is alive is made smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import works_by_rows
from edgebottle.passes.narrow import Group, narrow
from edgebottle.plan.plan import Plan
from quantize.patch.known import known
from quantize.patch.search import Chosen

PACK, UNPACK = 4, 4
"""Instructions for an element that is written, and for one each time it is read: kws_w2a4 in the
smallest arena takes 830,000 more on nucleo_l4r5zi, for 72,000 and 136,000 of them."""

ATTEMPTS = 4
"""Plans that are made, at most, before all tensors are packed that can be."""


def fewest_packed(
    wide: Chosen, narrowed: Chosen, limit: int, plan: Callable[[Graph], Chosen]
) -> Chosen:
    """The network with few tensors packed, in an arena of ``limit`` bytes at most.

    Args:
        wide: The network and its plan with none packed; not cut into parts.
        narrowed: The same with all packed that can be; within the limit.
        limit: Bytes.
        plan: Plans a graph.
    """
    graph, chosen = wide.graph, wide
    groups = known(graph).groups
    costs = [sum(_instructions(graph, name) for name in group) for group in groups]
    packed = set[int]()
    for _ in range(ATTEMPTS):
        more = _needed(chosen.plan, limit, groups, costs, packed)
        packed |= more
        if not more or len(packed) == len(groups):
            break
        chosen = plan(narrow(graph, [groups[number] for number in sorted(packed)]))
        if chosen.plan.arena_bytes <= limit:
            return chosen
    return narrowed


def _instructions(graph: Graph, name: str) -> int:
    """What packing a tensor costs in a run."""
    readers = sum(_readings(graph, node, name) for node in graph.consumers(name))
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
