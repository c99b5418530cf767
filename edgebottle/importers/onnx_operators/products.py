"""Gemm and MatMul: with constant weights a FULLY_CONNECTED, else a BATCH_MATMUL."""

from __future__ import annotations

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.table import (
    Translation,
    data_of,
    grid_of,
    gridded,
    number,
    optional,
    value_of,
)
from edgebottle.ir.graph import Array, Tensor
from edgebottle.ops.base import Activation


def dense(b: Builder, x: Tensor, weights: Value, bias: Array | None = None) -> Tensor:
    """``x`` times constant weights of shape (outputs, inputs), axes kept."""
    return b.add(
        "FULLY_CONNECTED",
        x,
        weights,
        np.zeros(weights.shape[0], np.float32) if bias is None else bias,
        keep_num_dims=True,
        activation=Activation.NONE,
    )


def _constant(value: Value) -> Array | None:
    return value.data if isinstance(value, Tensor) else value


def _matmul(b: Builder, node: OnnxNode, values: Values) -> Value:
    left, right = value_of(node, values, 0), value_of(node, values, 1)
    a, other = b.tensor(left), right.shape
    if not a.shape or not other or a.shape[-1] != other[-2 if len(other) > 1 else 0]:
        raise node.contradicts(f"multiplies the shapes {list(a.shape)} and {list(other)}")
    return product(b, a, right)


def product(b: Builder, a: Tensor, right: Value) -> Tensor:
    """The product of matrices as MatMul defines it."""
    weights, other = _constant(right), right.shape
    if weights is not None and weights.ndim <= 2 and a.data is None:
        columns = weights.reshape(weights.shape[0], -1)
        rows = a if len(a.shape) > 1 else b.reshape(a, (1, *a.shape))
        made = dense(b, rows, gridded(b, columns.T, grid_of(right), 0))
        kept = a.shape[:-1] + other[1:]
        return b.reshape(made, kept)
    return _run_time_product(b, a, b.tensor(right))


def _run_time_product(b: Builder, left: Tensor, right: Tensor) -> Tensor:
    """The product of two tensors; a vector is a matrix of one row, or one column."""
    a = left if len(left.shape) > 1 else b.reshape(left, (1, *left.shape))
    c = right if len(right.shape) > 1 else b.reshape(right, (*right.shape, 1))
    made = b.add("BATCH_MATMUL", a, c)
    shape = list(made.shape)
    if len(left.shape) == 1:
        del shape[-2]
    if len(right.shape) == 1:
        del shape[-1]
    return b.reshape(made, shape)


def _gemm(b: Builder, node: OnnxNode, values: Values) -> Value:
    a, right = data_of(b, node, values, 0), value_of(node, values, 1)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if len(a.shape) != 2 or len(right.shape) != 2:
        raise node.contradicts(f"multiplies the shapes {list(a.shape)} and {list(right.shape)}")
    if node.integer("transA", 0):
        a = b.transpose(a, (1, 0))
    transposed, weights = bool(node.integer("transB", 0)), _constant(right)
    added = optional(values, 2)
    if weights is None:
        made = b.add("BATCH_MATMUL", a, right, transposes_b=transposed)
        made = made if alpha == 1.0 else b.add("MUL", made, number(alpha))
        return made if added is None else _plus(b, made, added, beta)
    matrix = (weights if transposed else weights.T) * np.float32(alpha)
    grid = grid_of(right) if alpha == 1.0 else None
    if a.shape[1] != matrix.shape[1]:
        raise node.contradicts(f"multiplies {a.shape[1]} columns and {matrix.shape[1]} rows")
    bias = None if added is None else _bias(added, len(matrix), beta)
    made = dense(b, a, gridded(b, matrix, grid, 0), bias)
    return made if added is None or bias is not None else _plus(b, made, added, beta)


def _bias(added: Value, outputs: int, beta: float) -> Array | None:
    """What is added, where it is constant and the same for each row."""
    value = _constant(added)
    if value is None or value.shape[:-1] not in ((), (1,)) or value.size not in (1, outputs):
        return None
    return np.broadcast_to(value.reshape(-1), outputs).astype(np.float32) * np.float32(beta)


def _plus(b: Builder, made: Tensor, added: Value, beta: float) -> Tensor:
    value = _constant(added)
    if value is not None:
        return b.add("ADD", made, value * np.float32(beta))
    return b.add("ADD", made, added if beta == 1.0 else b.add("MUL", added, number(beta)))


TRANSLATIONS: dict[str, Translation] = {
    "MatMul": Translation(_matmul, (), 2, 2),
    "Gemm": Translation(_gemm, ("alpha", "beta", "transA", "transB"), 2, 3),
}
