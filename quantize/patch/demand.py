"""The order of the row steps of a stage, by simulation of demand, and the rings that follow.

To compute the next row of the stage's last tensor, all input rows that are not there yet are
computed first, and so on upwards. Nothing is computed before it is needed and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.patch.rows import Ints, RowGraph, RowNode, last_reads

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Trace:
    """The row steps of a stage in order.

    Attributes:
        steps: Numbers of the nodes, one per step.
        times: For each node, the places of its steps in ``steps``.
        written: For each tensor written, when each of its rows was (rows nobody needs are not).
        read: For each tensor read, when each of its rows was read last, -1 for never.
    """

    steps: tuple[int, ...]
    times: dict[int, Times]
    written: dict[str, Times]
    read: dict[str, Times]

    def ring_rows(self, tensor: str) -> int:
        """The fewest rows of ``tensor`` that a ring must hold."""
        return smallest_ring(self.written[tensor], self.read[tensor])


def smallest_ring(written: Times, read: Times) -> int:
    """The smallest ring in which no row is overwritten before it has been read for the last time.

    Args:
        written: [rows] when each row is written, ascending.
        read: [rows or more] when each row is read last.
    """
    rows = len(written)
    for size in range(1, rows):
        # Rows further apart are safe if these are: ``written`` ascends.
        if (written[size:] > read[: rows - size]).all():
            return size
    return max(rows, 1)


def final_steps(nodes: Iterable[tuple[int, RowNode]]) -> list[tuple[int, int]]:
    """The order in which the last nodes of a stage take their steps: all at the same pace.

    Returns:
        (node, steps it has done after this one).
    """
    paced = [
        ((step + 1) / node.steps, number, step + 1)
        for number, node in nodes
        for step in range(node.steps)
    ]
    return [(number, step) for _, number, step in sorted(paced)]


def simulate(rows: RowGraph, members: Sequence[int], outputs: Sequence[str] = ()) -> Trace:
    """Finds the order of the row steps.

    Args:
        rows: The graph in its order.
        members: Numbers of the nodes of the stage, ascending.
        outputs: Tensors that must be complete at the end, though the stage itself reads them.

    Returns:
        The trace. A row that nobody reads is not computed, but where ``outputs`` asks for it.
    """
    nodes = {number: rows.node(number) for number in members}
    makers = {node.output: number for number, node in nodes.items()}
    inputs = {
        number: [
            (makers[edge.tensor], _step_counts(edge.needed, nodes[makers[edge.tensor]]))
            for edge in node.edges
            if edge.tensor in makers
        ]
        for number, node in nodes.items()
    }
    inner = {maker for edges in inputs.values() for maker, _ in edges}
    targets = final_steps((n, node) for n, node in nodes.items() if n not in inner)
    targets += [(makers[name], nodes[makers[name]].steps) for name in outputs]
    steps, done = _run(inputs, targets)
    times: dict[int, list[int]] = {number: [] for number in nodes}
    for time, number in enumerate(steps):
        times[number].append(time)
    arrays = {number: np.array(values, np.int64) for number, values in times.items()}
    assert all(len(arrays[number]) == count for number, count in done.items())
    return Trace(tuple(steps), arrays, *_accesses(nodes, arrays))


def _step_counts(needed: Ints, maker: RowNode) -> list[int]:
    """How many steps of ``maker`` it takes to have so many rows, for each entry of ``needed``."""
    counts: list[int] = steps_for(needed, maker).tolist()
    return counts


def steps_for(rows: Ints, maker: RowNode) -> Ints:
    """Steps of ``maker`` after which it has written so many rows."""
    return np.where(rows > 0, maker.steps, 0).astype(np.int32) if maker.accumulates else rows


def _run(
    inputs: dict[int, list[tuple[int, list[int]]]], targets: Sequence[tuple[int, int]]
) -> tuple[list[int], dict[int, int]]:
    done = dict.fromkeys(inputs, 0)
    steps: list[int] = []
    for target in targets:
        stack = [target]
        while stack:
            number, goal = stack[-1]
            count = done[number]
            if count >= goal:
                stack.pop()
                continue
            for maker, needed in inputs[number]:
                if done[maker] < needed[count + 1]:
                    stack.append((maker, needed[count + 1]))
                    break
            else:
                steps.append(number)
                done[number] = count + 1
    return steps, done


def _accesses(
    nodes: dict[int, RowNode], times: dict[int, Times]
) -> tuple[dict[str, Times], dict[str, Times]]:
    written: dict[str, Times] = {}
    read: dict[str, Times] = {}
    for number, node in nodes.items():
        time = times[number]
        complete = len(time) == node.steps
        written[node.output] = (time[-1:] if complete else time[:0]) if node.accumulates else time
        read.setdefault(node.output, np.full(node.rows, -1, np.int64))
        for edge in node.edges:
            seen = read.setdefault(edge.tensor, np.full(len(edge.last), -1, np.int64))
            last = edge.last
            if len(time) < node.steps:
                last = last_reads(edge.reads[: len(time)], len(last))
            if len(time):
                np.maximum(seen, np.where(last >= 0, time[last], -1), out=seen)
    return written, read
