"""Normalization: of a batch by constants, of layers, instances and groups by what is there."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.reduction import reduced
from edgebottle.importers.onnx_operators.table import (
    Translation,
    axis_of,
    constant_of,
    data_of,
    number,
    optional,
    value_of,
)
from edgebottle.ir.graph import Array, Tensor


def _per_channel(node: OnnxNode, values: Values, index: int, x: Tensor) -> Array:
    """A constant of one number for each channel, in float64, to be broadcast along axis 1."""
    found = constant_of(node, values, index, "statistics")
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if found.size != channels:
        raise node.contradicts(f"has {found.size} numbers for {channels} channels")
    return found.astype(np.float64).reshape(channels, *(1,) * (len(x.shape) - 2))


def _batch(b: Builder, node: OnnxNode, values: Values) -> Value:
    """A factor and a summand for each channel, which ``fold_affine`` puts into weights."""
    x = data_of(b, node, values)
    if node.integer("training_mode", 0):
        raise node.refuse("is in training mode; export the model in inference mode")
    if node.integer("spatial", 1) != 1:
        raise node.refuse("normalizes every place on its own, which edgebottle does not support")
    scale, bias, mean, variance = (_per_channel(node, values, i, x) for i in range(1, 5))
    factor = scale / np.sqrt(variance + node.number("epsilon", 1e-5))
    scaled = b.add("MUL", x, factor.astype(np.float32))
    return b.add("ADD", scaled, (bias - mean * factor).astype(np.float32))


def normalized(
    b: Builder, x: Tensor, axes: Sequence[int], epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``x`` without its mean, over its deviation; the mean, and one over the deviation."""
    mean = reduced(b, "MEAN", x, axes)
    centred = b.add("SUB", x, mean)
    variance = reduced(b, "MEAN", b.add("MUL", centred, centred), axes)
    inverse = b.add("RSQRT", b.add("ADD", variance, number(epsilon)))
    return b.add("MUL", centred, inverse), mean, inverse


def _layer(b: Builder, node: OnnxNode, values: Values) -> Sequence[Value]:
    x = data_of(b, node, values)
    rank = len(x.shape)
    axes = range(axis_of(node, node.integer("axis", -1), rank), rank)
    found, mean, inverse = normalized(b, x, axes, node.number("epsilon", 1e-5))
    return [_scaled(b, node, values, found, None), mean, inverse]


def _scaled(
    b: Builder, node: OnnxNode, values: Values, x: Tensor, shape: Sequence[int] | None
) -> Tensor:
    """``x`` times input 1 plus input 2, which get ``shape`` first."""
    scale, bias = value_of(node, values, 1), optional(values, 2)
    made = b.add("MUL", x, scale if shape is None else b.reshape(scale, shape))
    if bias is None:
        return made
    return b.add("ADD", made, bias if shape is None else b.reshape(bias, shape))


def _root_mean_square(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    axes = range(axis_of(node, node.integer("axis", -1), len(x.shape)), len(x.shape))
    mean = reduced(b, "MEAN", b.add("MUL", x, x), axes)
    root = b.add("RSQRT", b.add("ADD", mean, number(node.number("epsilon", 1e-5))))
    return _scaled(b, node, values, b.add("MUL", x, root), None)


def _instance(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    if len(x.shape) < 3:
        raise node.contradicts(f"normalizes a tensor of {len(x.shape)} axes")
    found = normalized(b, x, range(2, len(x.shape)), node.number("epsilon", 1e-5))[0]
    return _scaled(b, node, values, found, (x.shape[1], *(1,) * (len(x.shape) - 2)))


def _group(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Before opset 21 there is one scale for each group, not for each channel."""
    x, groups = data_of(b, node, values), node.integer("num_groups")
    if len(x.shape) < 2 or groups < 1 or x.shape[1] % groups:
        raise node.contradicts(f"makes {groups} groups of the shape {list(x.shape)}")
    split = (x.shape[0], groups, x.shape[1] // groups, prod(x.shape[2:]))
    found = normalized(b, b.reshape(x, split), (2, 3), node.number("epsilon", 1e-5))[0]
    if node.version < 21:
        return b.reshape(_scaled(b, node, values, found, (groups, 1, 1)), x.shape)
    whole = b.reshape(found, x.shape)
    return _scaled(b, node, values, whole, (x.shape[1], *(1,) * (len(x.shape) - 2)))


TRANSLATIONS: dict[str, Translation] = {
    "BatchNormalization": Translation(
        _batch, ("epsilon", "momentum", "spatial", "training_mode"), 5, 5
    ),
    "LayerNormalization": Translation(_layer, ("axis", "epsilon", "stash_type"), 2, 3, 3),
    "RMSNormalization": Translation(_root_mean_square, ("axis", "epsilon", "stash_type"), 2, 2),
    "InstanceNormalization": Translation(_instance, ("epsilon",), 3, 3),
    "GroupNormalization": Translation(_group, ("epsilon", "num_groups", "stash_type"), 3, 3),
}
