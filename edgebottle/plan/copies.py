"""Copies constants that layers read again and again to RAM that is left, where flash is slow.

A layer that runs alone can have its weights copied to the arena before it begins. It is worth it
where the flash makes the core wait and no cache holds them from one pixel to the next.
"""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.graph import Graph
from edgebottle.ir.layout import aligned
from edgebottle.memory_timing import MemoryPath, Timing
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.read_again import ReadAgain
from edgebottle.plan.plan import Placement, Plan, Step

COPY_CYCLES = 16
"""Cycles to copy four words, the waits apart."""

CALL_CYCLES = 40
"""Cycles of a copy beside those, at most."""

Span = tuple[int, int]


def with_copies(graph: Graph, plan: Plan, timing: Timing | None, limit: int | None) -> Plan:
    """``plan`` with copies wherever they save cycles, and where there is room for them.

    Args:
        graph: The graph it is of.
        plan: A plan.
        timing: The memories of the chip; None where they make nothing wait.
        limit: Bytes that the arena may have; None for any number.
    """
    if timing is None or timing.ram is not None or (limit is not None and plan.arena_bytes > limit):
        return plan
    nodes, held = {node.name: node for node in graph.nodes}, _held(plan)
    arena, steps = plan.arena_bytes, []
    for number, step in enumerate(plan.steps):
        node = nodes[step.node]
        copied = None
        if isinstance(node, Operator) and not step.elided and step.stage is None:
            found = node.read_again(graph.ins(node), graph.outs(node), Isa(plan.isa))
            if found is not None and saved_cycles(found, timing) > 0:
                taken = [span for span, first, last in held if first <= number <= last]
                copied = _copied(step, taken, found.nbytes, arena)
        if copied is not None and (limit is None or _end(copied) <= limit):
            arena = max(arena, _end(copied))
            step = copied
        steps.append(step)
    bound = max(plan.lower_bound, *(step.live_bytes for step in steps), 0)
    return replace(plan, steps=tuple(steps), arena_bytes=arena, lower_bound=bound)


def saved_cycles(found: ReadAgain, timing: Timing) -> int:
    """Cycles that a copy of these constants saves in a run; below 0 where it costs some."""
    path, cache = timing.data, timing.data if timing.data.line_bytes else timing.fetch
    if timing.ram is not None or found.nbytes <= cache_bytes(cache):
        return -found.nbytes
    waits = -(-found.nbytes // cache.read_bytes) * path.next
    return (found.times - 1) * waits - found.nbytes // 16 * COPY_CYCLES - CALL_CYCLES


def cache_bytes(path: MemoryPath) -> int:
    """What a cache holds."""
    return path.line_bytes * path.sets * path.ways


def _end(step: Step) -> int:
    return step.copy_offset + aligned(step.copy_bytes)


def _held(plan: Plan) -> list[tuple[Span, int, int]]:
    """The spans of the arena that tensors take, and the first and last step that needs them.

    What shares the memory of another tensor is alive with it, as one.
    """
    places = {place.tensor: place for place in plan.placements}

    def root(place: Placement) -> str:
        while place.shares is not None and place.shares != place.tensor:
            place = places[place.shares]
        return place.tensor

    members: dict[str, list[Placement]] = {}
    for place in plan.placements:
        members.setdefault(root(place), []).append(place)
    return [
        (
            (min(one.offset for one in own), max(one.offset + one.nbytes for one in own)),
            min(one.first for one in own),
            max(one.last for one in own),
        )
        for own in members.values()
    ]


def _copied(step: Step, taken: list[Span], nbytes: int, arena: int) -> Step:
    """``step`` with a copy in the first gap of the arena that is large enough, or behind it all."""
    spans = sorted([*taken, (step.scratch_offset, step.scratch_offset + step.scratch_bytes)])
    place = 0
    for low, high in [*spans, (arena, arena)]:
        if low - place >= nbytes:
            break
        place = max(place, aligned(high))
    else:
        place = max((aligned(high) for _, high in spans), default=0)
    return replace(step, copy_offset=place, copy_bytes=nbytes, live_bytes=step.live_bytes + nbytes)
