"""Compares outputs: to the last bit where the arithmetic is integer, else within a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node
from edgebottle.ops.base import Operator

FLOAT_TOLERANCE = 1e-4
"""Of floating-point results, relative to the largest magnitude in the tensor."""


@dataclass(frozen=True)
class Difference:
    """The first place where two implementations differ.

    Attributes:
        implementation: Which one differs from the reference.
        sample: Number of the sample.
        layer: First layer whose output differs, None if only the network's output was compared.
        tensor: The tensor.
        index: Index of the first element that differs; empty if unknown.
        expected: Its value in the reference.
        found: Its value in the implementation.
    """

    implementation: str
    sample: int
    layer: str | None
    tensor: str
    index: tuple[int, ...] = ()
    expected: float | int | None = None
    found: float | int | None = None

    def __str__(self) -> str:
        """One line."""
        where = f"layer {self.layer}" if self.layer else f"output {self.tensor}"
        values = ""
        if self.index:
            values = f" at {list(self.index)}: expected {self.expected}, found {self.found}"
        return f"{self.implementation} differs on sample {self.sample}, {where}{values}"


def is_exact(graph: Graph) -> bool:
    """True if every computation is integer, or a conversion that is exact by definition."""
    return all(_is_exact(graph, node) for node in graph.nodes)


def _is_exact(graph: Graph, node: Node) -> bool:
    """No float is computed from floats: what is, is moved, or converted from integers."""
    if isinstance(node, Operator) and (node.VIEW or node.MOVES):
        return True
    reads, writes = (
        any(tensor is not None and tensor.dtype is DType.F32 for tensor in tensors)
        for tensors in (graph.ins(node), graph.outs(node))
    )
    return not (reads and writes)


def first_difference(expected: Array, found: Array, *, exact: bool) -> tuple[int, ...] | None:
    """Index of the first element that differs, None if there is none."""
    if exact or expected.dtype.kind != "f":
        same = expected == found
        if expected.dtype.kind == "f":
            same |= np.isnan(expected) & np.isnan(found)
    else:
        finite = np.abs(expected[np.isfinite(expected)])
        slack = FLOAT_TOLERANCE * float(finite.max(initial=1e-3))
        same = np.isclose(found, expected, rtol=0, atol=slack, equal_nan=True)
    if bool(np.all(same)):
        return None
    position = np.argwhere(~same)[0]
    return tuple(int(i) for i in position)


def compare_boxes(
    implementation: str, sample: int, expected: Array, found: Array
) -> Difference | None:
    """Compares what a detector makes of its outputs, to the last bit."""
    names, shapes = (implementation, sample, None, "boxes"), (expected.shape, found.shape)
    if shapes[0] != shapes[1]:
        return Difference(*names, (), shapes[0][0], shapes[1][0])
    index = first_difference(expected, found, exact=True)
    if index is None:
        return None
    return Difference(*names, index, expected[index].item(), found[index].item())


def compare_frames(
    implementation: str, sample: int, rate: int, expected: bytes, found: bytes
) -> Difference | None:
    """Compares the frames that a head makes, byte for byte."""
    names = (implementation, sample, None, f"frame of rate {rate}")
    if len(expected) != len(found):
        return Difference(*names, (), len(expected), len(found))
    pairs = enumerate(zip(expected, found, strict=True))
    return next((Difference(*names, (i,), a, b) for i, (a, b) in pairs if a != b), None)


def compare(
    implementation: str,
    sample: int,
    graph: Graph,
    names: Sequence[str],
    expected: Sequence[Array],
    found: Sequence[Array],
) -> Difference | None:
    """Compares tensors by name; returns the first difference."""
    exact = is_exact(graph)
    for name, want, got in zip(names, expected, found, strict=True):
        index = first_difference(want, got, exact=exact)
        if index is not None:
            node = graph.producer(name)
            layer = node.name if node is not None else None
            return Difference(
                implementation,
                sample,
                layer,
                name,
                index,
                want[index].item(),
                got[index].item(),
            )
    return None
