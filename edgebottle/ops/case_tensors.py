"""Tensors for the operators' test cases."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Quant, Shape, Tensor


def quantized(
    name: str, shape: Shape, scale: float = 0.05, zero_point: int = 0, dtype: DType = DType.I8
) -> Tensor:
    """An activation quantized per tensor."""
    return Tensor(name, shape, dtype, Quant((float(np.float32(scale)),), (zero_point,)))


def plain(name: str, shape: Shape, dtype: DType = DType.F32) -> Tensor:
    """An activation without quantization."""
    return Tensor(name, shape, dtype)


def activation(name: str, shape: Shape, dtype: DType) -> Tensor:
    """An activation of any type, quantized where the type is."""
    if dtype is DType.I8:
        return quantized(name, shape, 0.05, -3)
    if dtype is DType.I16:
        return quantized(name, shape, 0.001, 0, dtype)
    return plain(name, shape, dtype)


def constant(name: str, values: Array, quant: Quant | None = None) -> Tensor:
    """A constant; its type follows from the array."""
    dtype = next(dtype for dtype in DType if np.dtype(dtype.numpy) == values.dtype)
    return Tensor(name, values.shape, dtype, quant, values)


def indices(name: str, *values: int) -> Tensor:
    """A constant vector of int32, such as a shape or axes."""
    return constant(name, np.array(values, dtype=np.int32))
