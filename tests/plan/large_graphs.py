"""Networks of up to 1,000 layers that take a planner long: wide ones, deep ones, tangled ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgebottle.ir.graph import Graph
from tests.graphs import Builder

LAYERS = 1000


def chain(layers: int = LAYERS, size: int = 8) -> Graph:
    """Convolutions, one after the other."""
    b = Builder("chain")
    x = b.input(1, size, size, 2)
    for i in range(layers):
        x = b.conv(x, 2 + i % 3, (3, 3))
    return b.graph(x)


def pixelwise(layers: int = LAYERS) -> Graph:
    """Activations, each written over its input: all tensors are in one place."""
    b = Builder("pixelwise")
    x = b.input(1, 8, 8, 2)
    for _ in range(layers):
        x = b.relu(x, same_quant=False)
    return b.graph(x)


def flat(layers: int = LAYERS) -> Graph:
    """The same without rows."""
    b = Builder("flat")
    x = b.input(1, 64)
    for _ in range(layers):
        x = b.relu(x, same_quant=False)
    return b.graph(x)


def residual(layers: int = LAYERS, size: int = 8) -> Graph:
    """Blocks of an expansion, a depthwise convolution and a projection, around a shortcut."""
    b = Builder("residual")
    x = b.input(1, size, size, 2)
    for i in range(layers // 4):
        y = b.conv(x, 4 + i % 5, (1, 1))
        x = b.add(b.conv(b.depthwise(y), 2, (1, 1)), x)
    return b.graph(x)


def wide(layers: int = LAYERS, size: int = 4) -> Graph:
    """Branches of one layer that meet in one concatenation."""
    b = Builder("wide")
    x = b.input(1, size, size, 2)
    parts = [b.conv(x, 1 + i % 3, (1, 1)) for i in range(layers - 1)]
    return b.graph(_joined(b, parts))


def branches(layers: int = LAYERS, count: int = 200) -> Graph:
    """Branches of several layers, each of another width, that meet in one concatenation."""
    b = Builder("branches")
    x = b.input(1, 8, 8, 2)
    parts = []
    for i in range(count):
        y = x
        for j in range((layers - 1) // count):
            y = b.conv(y, 1 + (i * 7 + j * 5) % 6, (3, 3))
        parts.append(y)
    return b.graph(_joined(b, parts))


def cells(layers: int = LAYERS, count: int = 24) -> Graph:
    """Cells of many branches in a row, each with a concatenation of its own."""
    b = Builder("cells")
    x = b.input(1, 8, 8, 2)
    for _ in range(layers // (count + 2)):
        x = b.conv(_joined(b, [b.conv(x, 1 + i % 4, (1, 1)) for i in range(count)]), 2, (3, 3))
    return b.graph(x)


def dense(layers: int = LAYERS) -> Graph:
    """Each layer reads the concatenation of all before."""
    b = Builder("dense")
    x = b.input(1, 4, 4, 1)
    for _ in range(layers // 2):
        quant = b.tensors[x].quant
        y = b.conv(x, 1, (1, 1))
        b.tensors[y] = replace(b.tensors[y], quant=quant)
        x = b.concat(x, y)
    return b.graph(x)


def tree(layers: int = LAYERS) -> Graph:
    """A tree of sums over convolutions of the input."""
    b = Builder("tree")
    x = b.input(1, 4, 4, 2)
    level = [b.conv(x, 2, (1, 1)) for _ in range(layers // 2)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [b.add(*pair) for pair in pairs] + level[len(level) // 2 * 2 :]
    return b.graph(level[0])


def tangle(layers: int = LAYERS, reach: int = LAYERS, size: int = 6) -> Graph:
    """Each layer reads one or two of the tensors computed lately, at random."""
    b = Builder("tangle", reach)
    alive = [b.input(1, size, size, 2)]
    for _ in range(layers):
        x, y = (alive[-1 - int(b.random.integers(min(reach, len(alive))))] for _ in range(2))
        kind = b.random.choice(["add", "add", "conv", "relu"])
        if kind == "add":
            alive.append(b.add(x, y))
        else:
            alive.append(b.conv(x, 2, (3, 3)) if kind == "conv" else b.relu(x, same_quant=False))
    read = {name for node in b.nodes for name in node.inputs}
    return b.graph(*(name for name in alive[1:] if name not in read))


def hourglass(layers: int = LAYERS) -> Graph:
    """The way down and the way up, with a shortcut from each layer to its counterpart."""
    b = Builder("hourglass")
    x = b.input(1, 8, 8, 2)
    kept = []
    for _ in range(layers // 3):
        x = b.conv(x, 2, (3, 3))
        kept.append(x)
    for other in reversed(kept):
        x = b.add(b.conv(x, 2, (3, 3)), other)
    return b.graph(x)


def long_rows(layers: int = LAYERS, rows: int = 60_000) -> Graph:
    """A signal of many rows of one element."""
    b = Builder("long_rows")
    x = b.input(1, rows, 1, 1)
    for _ in range(layers):
        x = b.depthwise(x, (3, 1))
    return b.graph(x)


def outputs(layers: int = LAYERS) -> Graph:
    """Every layer is an output."""
    b = Builder("outputs")
    x = b.input(1, 8, 8, 2)
    names = []
    for _ in range(layers):
        x = b.conv(x, 2, (1, 1))
        names.append(x)
    return b.graph(*names)


def pyramid(layers: int = LAYERS, size: int = 96) -> Graph:
    """A large image that gets smaller from time to time, as in networks for vision."""
    b = Builder("pyramid")
    x = b.input(1, size, size, 3)
    for i in range(layers):
        stride = 2 if i % (layers // 5) == 0 else 1
        x = b.depthwise(x) if i % 2 else b.conv(x, 8, (1, 1), stride)
    return b.graph(x)


def _joined(b: Builder, parts: list[str]) -> str:
    """A concatenation of channels; all parts take the quantization of the first."""
    quant = b.tensors[parts[0]].quant
    for part in parts:
        b.tensors[part] = replace(b.tensors[part], quant=quant)
    return b.concat(*parts)


LARGE: dict[str, Callable[[], Graph]] = {
    "chain": chain,
    "pixelwise": pixelwise,
    "flat": flat,
    "residual": residual,
    "wide": wide,
    "branches": branches,
    "cells": cells,
    "dense": dense,
    "tree": tree,
    "tangle": tangle,
    "tangle near": lambda: tangle(reach=6),
    "hourglass": hourglass,
    "long rows": long_rows,
    "outputs": outputs,
    "pyramid": pyramid,
}
"""By name."""
