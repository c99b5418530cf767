"""What lies where in the arena, step by step, as records and reports show it."""

from __future__ import annotations

import itertools

from edgebottle.plan.plan import COUNTER_BYTES, Plan, Step
from edgebottle.report.memory import RING_SUFFIX, SCRATCH_SUFFIX
from hil.records import MemoryBlock


def memory_blocks(plan: Plan) -> tuple[MemoryBlock, ...]:
    """The arena map of a plan: tensors and scratch, over the steps that do something.

    Steps are counted as in the generated code and in ``layer_records``: those that are elided have
    no number. What exists during elided steps only is left out, since its bytes belong to the
    tensor it is a view of. A concatenation whose parts are written in place is one block, from its
    first part on.
    """
    numbers = list(itertools.accumulate((not step.elided for step in plan.steps), initial=0))
    ends = {p.tensor: p for p in plan.placements}
    begins = {p.tensor: p.first for p in plan.placements}
    parts = set()
    for p in plan.placements:
        if p.shares is not None and ends[p.shares].first > p.first:  # a slice of what comes later
            begins[p.shares] = min(begins[p.shares], p.first)
            parts.add(p.tensor)
    blocks = []
    for p in plan.placements:
        first = begins[p.tensor]
        first = first if first < 0 else numbers[first]
        last = numbers[min(p.last + 1, len(plan.steps))] - 1
        if p.last >= len(plan.steps):
            last = numbers[-1]
        if p.tensor not in parts and last >= first:
            name = p.tensor + (RING_SUFFIX if p.ring_rows else "")
            blocks.append(MemoryBlock(name, p.offset, p.nbytes, first, last))
    for index, step in enumerate(plan.steps):
        blocks += [
            MemoryBlock(f"{name}{SCRATCH_SUFFIX}", offset, nbytes, numbers[index], numbers[index])
            for name, offset, nbytes in _helpers(step)
        ]
    return tuple(blocks)


def _helpers(step: Step) -> list[tuple[str, int, int]]:
    """Scratch, copied constants and row counters of a step: name, offset and bytes."""
    found = [(step.node, step.scratch_offset, step.scratch_bytes)] if step.scratch_bytes else []
    if step.copy_bytes:
        found.append((f"{step.node} constants", step.copy_offset, step.copy_bytes))
    if step.stage is not None:
        counters = COUNTER_BYTES * len(step.stage.nodes)
        found.append((f"{step.node} row counters", step.stage.counters_offset, counters))
    return found


def step_labels(plan: Plan) -> tuple[str, ...]:
    """What runs, step by step: a layer, or a stage by its first and last layer."""
    return tuple(
        step.node if step.stage is None else f"{step.stage.nodes[0]} .. {step.stage.nodes[-1]}"
        for step in plan.steps
        if not step.elided
    )
