"""Test cases of the binary elementwise operators, as rows of data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Shape
from edgebottle.ops.base import Activation
from edgebottle.ops.elementwise import BinaryOperator
from edgebottle.ops.table import per_tensor

BROADCASTS: tuple[tuple[str, Shape, Shape], ...] = (
    ("same", (1, 3, 5, 4), (1, 3, 5, 4)),
    ("channel", (1, 3, 5, 4), (1, 1, 1, 4)),
    ("channel_rank_1", (1, 3, 5, 4), (4,)),
    ("channel_rank_3", (1, 3, 5, 4), (1, 1, 4)),
    ("left_channel", (1, 1, 1, 4), (1, 3, 5, 4)),
    ("spatial", (1, 3, 5, 4), (1, 3, 5, 1)),
    ("height", (1, 3, 5, 4), (1, 3, 1, 1)),
    ("width", (1, 3, 5, 4), (1, 1, 5, 1)),
    ("width_rank_2", (1, 3, 5, 4), (5, 4)),
    ("one_element", (1, 3, 5, 4), (1, 1, 1, 1)),
    ("scalar", (1, 3, 5, 4), ()),
    ("both", (1, 3, 1, 4), (1, 1, 5, 1)),
    ("both_crossed", (1, 1, 5, 4), (1, 3, 5, 1)),
    ("batch", (2, 3, 5, 4), (2, 3, 5, 4)),
    ("over_batch", (2, 3, 5, 4), (1, 3, 5, 4)),
    ("over_batch_rank_1", (2, 3, 5, 4), (4,)),
    ("rank_1", (9,), (9,)),
    ("rank_1_scalar", (9,), (1,)),
    ("rank_2", (3, 7), (7,)),
    ("rank_2_column", (3, 7), (3, 1)),
    ("rank_3", (2, 3, 5), (2, 1, 5)),
    ("rank_3_middle", (2, 3, 5), (1, 3, 1)),
    ("one_channel", (1, 3, 5, 1), (1, 3, 5, 1)),
    ("without_batch", (1, 3, 5, 4), (3, 5, 4)),
    ("without_batch_left", (3, 1, 4), (2, 3, 5, 4)),
    ("both_without", (3, 1, 4), (1, 1, 5, 1)),
    ("rank_5", (2, 3, 2, 3, 2), (2, 3, 2, 3, 2)),
    ("rank_5_crossed", (2, 1, 2, 1, 3), (1, 3, 1, 2, 1)),
    ("rank_6", (2, 1, 2, 3, 1, 2), (2, 1, 2, 3, 1, 2)),
    ("rank_6_crossed", (2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 3)),
    ("rank_6_image", (2, 1, 2, 3, 1, 2), (3, 4, 2)),
)

CONSTANT_BROADCASTS = ("same", "channel", "channel_rank_1", "spatial", "one_element", "rank_2")
FEW_BROADCASTS = (
    "same",
    "left_channel",
    "height",
    "scalar",
    "over_batch",
    "rank_3",
    "without_batch",
    "rank_5_crossed",
    "rank_6_crossed",
)


def binary_cases(cls: type[BinaryOperator], *, product: bool, few: bool = False) -> Iterator[Graph]:
    """The cases of a binary operator.

    Args:
        cls: The operator.
        product: The output's scale goes with the product of the operands' scales.
        few: Fewer broadcasts and scales, for an operator that shares another's kernels.
    """
    name = cls.OP.lower()
    common = _quants((0.05, -3), (0.03, 11), (0.004 if product else 0.07, 5))
    for label, a, b in BROADCASTS:
        selected = label in FEW_BROADCASTS
        if selected or not few:
            yield cls.graph(f"{name}_{label}", (a, b), common)
        for dtype in (DType.F32, DType.I32) if selected else ():
            yield cls.graph(f"{name}_{dtype.label}_{label}", (a, b), dtype)
        if label == "batch":
            yield cls.graph(f"{name}_f32_{label}_constant", (a, b), DType.F32, constant=1)
        if label in CONSTANT_BROADCASTS and not few:
            yield cls.graph(f"{name}_{label}_constant", (a, b), common, constant=1)
            yield cls.graph(f"{name}_constant_{label}", (b, a), common, constant=0)
    yield from _int16_cases(cls, product)
    shapes: tuple[Shape, Shape] = ((1, 8, 16, 16), (1, 8, 16, 16))
    for activation in Activation:
        label = activation.name.lower()
        yield cls.graph(f"{name}_activation_{label}", shapes, common, activation)
        for dtype in (DType.F32, DType.I32):
            case = f"{name}_{dtype.label}_activation_{label}"
            yield cls.graph(case, BROADCASTS[0][1:], dtype, activation)
    random = np.random.default_rng(11)
    for number in range(3 if few else 9):
        a_scale, b_scale = (float(scale) for scale in np.exp(random.uniform(-6, 1, size=2)))
        real = a_scale * b_scale * 100 if product else a_scale + b_scale
        out_scale = real * float(np.exp(random.uniform(-2, 2)))
        zeros = [int(zero) for zero in random.integers(-128, 128, size=3)]
        quants = _quants((a_scale, zeros[0]), (b_scale, zeros[1]), (out_scale, zeros[2]))
        yield cls.graph(f"{name}_scales_{number}", shapes, quants)


def _int16_cases(cls: type[BinaryOperator], product: bool) -> Iterator[Graph]:
    """Activations of 16 bits, of the operators that take them."""
    if DType.I16 not in cls.TYPES:
        return
    name, by_label = cls.OP.lower(), {label: (a, b) for label, a, b in BROADCASTS}
    rows = (
        ("same", 0.001, Activation.NONE),
        ("left_channel", 0.00037, Activation.RELU6),
        ("rank_5_crossed", 0.02, Activation.RELU),
    )
    for label, scale, activation in rows:
        out = 0.0006 * scale * 20000 if product else scale + 0.0003
        quants = _quants((0.0006, 0), (scale, 0), (out, 0))
        case = f"{name}_i16_{label}"
        yield cls.graph(case, by_label[label], quants, activation, dtype=DType.I16)


def _quants(*pairs: tuple[float, int]) -> tuple[Quant, Quant, Quant]:
    a, b, out = (per_tensor(*pair) for pair in pairs)
    return a, b, out
