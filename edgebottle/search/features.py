"""What the time of a layer depends on, as numbers: shapes, not weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from edgebottle.codegen.kernels import KernelChoice
from edgebottle.fit import Verdict
from edgebottle.ir.graph import Array, Graph, Node, Tensor
from edgebottle.ops.narrowed import Narrowed
from edgebottle.plan.plan import Loop

FEATURES = (
    *("calls", "rows", "pixels", "outputs", "products", "inside", "inputs", "window_inputs"),
    *("row_channels", "row_products", "taps", "row_taps", "outside"),
    *("groups", "group_terms", "odd_groups", "odd_group_terms", "row_groups", "row_group_terms"),
    *("fours", "four_terms", "four_channels", "four_products"),
)
"""Of a layer, all of one run:

- ``calls``: 1; ``rows``, ``pixels``, ``outputs``: of what it computes;
- ``products``: multiply-accumulates; ``inside``: those of a window that see no padding;
- ``inputs``: elements of its first input; ``window_inputs``: elements that all windows together
  read; ``row_channels`` and ``row_products``: channels, and products of one pixel, for each row;
- ``taps`` and ``row_taps``: places of the window, for each pixel and for each row;
- ``outside``: products with padding, which plain kernels sum one by one; none where padding is 0
  and no other layer calls the kernel, as the compiler leaves them out then;
- ``groups``: four channels of a pixel, and ``group_terms``: four products of each of them, as
  kernels take them, rounded up; ``odd_groups`` and ``odd_group_terms``: the same of the last pixel
  of rows of odd length, as kernels compute two at a time; ``row_groups`` and ``row_group_terms``:
  of one pixel for each row;
- ``fours``: of four pixels of a row, or fewer at its end; ``four_terms``, ``four_channels`` and
  ``four_products``: products of an output, channels, and products of a pixel, for each of them.
"""

STEP_FEATURES = ("run", "units", "row_steps", "fed_rows", "fed_bytes")
"""Of what runs between the layers: a run, layers and stages, rows that the layers of stages compute
one by one, and rows and bytes that are handed over."""

IN_STAGE = " in a stage"
"""Ends the kind of a layer that runs row by row."""

GROUP = 4
"""Channels, or products, that kernels take at once."""

PIXELS = 4
"""Of a row, that the kernels of few bits take at once."""


@dataclass(frozen=True)
class LayerFeatures:
    """A layer of a network as it is run.

    Attributes:
        layer: Its name.
        operator: Such as ``CONV_2D``.
        kernel: The C function.
        is_staged: It runs row by row.
        values: In the order of ``FEATURES``.
        bits: Of its weights and its first input, such as ``W4A4``; empty where they have 8.
    """

    layer: str
    operator: str
    kernel: str
    is_staged: bool
    values: Array
    bits: str = ""

    @property
    def code_kind(self) -> str:
        """What its code depends on: operator, kernel, and whether it runs row by row."""
        return f"{self.operator} {self.kernel}{IN_STAGE if self.is_staged else ''}"

    def kinds(self) -> tuple[str, ...]:
        """What its time depends on, from the closest to the widest."""
        kernel = f"{self.operator} {self.kernel}"
        named = (f"{kernel} {self.bits}", kernel) if self.bits else (kernel,)
        each = ((name + IN_STAGE, name) if self.is_staged else (name,) for name in named)
        return (*chain.from_iterable(each), self.operator)


def layer_features(verdict: Verdict) -> Iterator[LayerFeatures]:
    """Of each layer that a build would count."""
    graph, plan = verdict.chosen.graph, verdict.plan
    nodes = {node.name: node for node in graph.nodes}
    staged = {name for step in plan.steps if step.stage for name in step.stage.nodes}
    calls = Counter(choice.kernel for choice in verdict.source.kernels)
    for choice in verdict.source.kernels:
        yield _of_layer(
            graph,
            nodes[choice.layer],
            choice,
            is_staged=choice.layer in staged,
            is_alone=calls[choice.kernel] == 1,
        )


def step_features(verdict: Verdict) -> Array:
    """In the order of ``STEP_FEATURES``."""
    graph, plan = verdict.chosen.graph, verdict.plan
    steps = [step for step in plan.steps if not step.elided]
    row_steps = sum(_row_steps(step.stage.program) for step in steps if step.stage)
    fed = graph.tensors[graph.inputs[0]] if plan.row_fed else None
    rows, nbytes = (fed.rows, fed.nbytes) if fed else (0, 0)
    return np.array([1, len(steps), row_steps, rows, nbytes], np.float64)


def _row_steps(program: tuple[str | Loop, ...]) -> int:
    """Rows that a stage computes."""
    return sum(
        1 if isinstance(item, str) else item.count * _row_steps(item.body) for item in program
    )


def _of_layer(
    graph: Graph, node: Node, choice: KernelChoice, *, is_staged: bool, is_alone: bool
) -> LayerFeatures:
    ins, (output, *_) = graph.ins(node), graph.outs(node)
    data = ins[0]
    assert data is not None
    products = node.macs(ins, graph.outs(node))
    channels, rows = output.layout.pixel_elements, 1 if choice.merged else output.rows
    outputs = output.size
    pixels = outputs // channels
    width = max(pixels // rows, 1)
    tiles = rows * -(-width // PIXELS)
    terms = products // outputs
    weights = ins[1] if len(ins) > 1 and ins[1] is not None and ins[1].data is not None else None
    inside = _inside(node, data, weights, output)
    is_window = weights is not None and len(weights.shape) == 4
    taps = weights.shape[1] * weights.shape[2] if weights is not None and is_window else 1
    shares = terms >= taps * data.layout.pixel_elements  # all outputs of a pixel read the same
    groups, fours = -(-channels // GROUP), -(-terms // GROUP)
    odd = rows * (width % 2)
    is_zero = is_alone and data.quant is not None and data.zero_point == 0
    outside = 0.0 if is_zero else products * (1 - inside)
    values = (
        *(1, rows, pixels, outputs, products, products * inside, data.size),
        products // channels if shares else products,
        *(rows * channels, rows * channels * terms, pixels * taps, rows * taps, outside),
        *(pixels * groups, pixels * groups * fours, odd * groups, odd * groups * fours),
        *(rows * groups, rows * groups * fours),
        *(tiles, tiles * terms, tiles * channels, tiles * channels * terms),
    )
    return LayerFeatures(
        *(node.name, node.OP, choice.kernel, is_staged, np.array(values, np.float64)),
        bits=_bits(data, weights),
    )


def _bits(data: Tensor, weights: Tensor | None) -> str:
    """See ``LayerFeatures``."""
    levels = weights.levels if weights is not None else None
    of_weights = 8 if levels is None else levels.bits
    is_narrow = min(of_weights, data.dtype.bits) < 8
    return f"W{of_weights}A{data.dtype.bits}" if is_narrow else ""


def _inside(node: Node, data: Tensor, weights: Tensor | None, output: Tensor) -> float:
    """The share of the products of a moving window that do not multiply padding."""
    inner = node.inner if isinstance(node, Narrowed) else node
    padding, strides = getattr(inner, "padding", None), getattr(inner, "stride", None)
    if not padding or not strides or weights is None or len(weights.shape) != 4:
        return 1.0
    share = 1.0
    for axis in (0, 1):
        places = np.arange(output.shape[1 + axis]) * strides[axis] - padding[2 * axis]
        taps = places[:, None] + np.arange(weights.shape[1 + axis])
        share *= float(((taps >= 0) & (taps < data.shape[1 + axis])).mean())
    return share
