"""Tensors of a .tflite file: types, shapes, quantization and constants, checked."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.sparsity import densified, stored_elements
from edgebottle.importers.tflite_file import FileTensor
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Quant, Shape, Tensor
from edgebottle.ir.layout import packed_bytes

TYPES = {
    "FLOAT16": DType.F16,
    "FLOAT32": DType.F32,
    "INT8": DType.I8,
    "INT16": DType.I16,
    "INT32": DType.I32,
    "INT64": DType.I64,
    "UINT8": DType.U8,
    "BOOL": DType.BOOL,
}
"""The types of the file format that tensors may have here, by their names in its schema."""

PACKED = {"INT4": 4, "INT2": 2}
"""Types of weights below a byte, with their bits: several to a byte, the first one lowest.

LiteRT computes with them as int8, and so does the Graph. Nothing else may have them.
"""

_ADVICE = {
    "UINT8": "convert the model with int8 quantization",
    "FLOAT16": "only weights may be float16; convert the model with float32 activations",
    "INT4": "only weights may be int4; convert the model with int8 activations",
    "INT64": "convert the model with 32-bit indices",
}


def unsupported_type(record: FileTensor) -> UnsupportedOp:
    """The error of a type that cannot be compiled, with what to do about it."""
    advice = _ADVICE.get(record.type)
    return UnsupportedOp(
        f"tensor '{record.name}' is {record.type.lower()}, which edgebottle does not support here"
        + (f"; {advice}" if advice else "")
    )


def import_tensor(record: FileTensor) -> Tensor:
    """A tensor as the file has it: an input, a constant, a variable.

    Raises:
        BadModel: its shape, data or quantization contradict each other; names the tensor.
        UnsupportedOp: its type, shape or quantization cannot be compiled; names the tensor.
    """
    name = record.name
    if any(dim < (record.data is None) for dim in record.shape):
        raise UnsupportedOp(
            f"tensor '{name}' has the dynamic shape {list(record.shape)}; "
            "convert the model with a fixed input shape"
        )
    if prod(record.shape) * 4 > 2**31 - 1:
        raise BadModel(f"tensor '{name}' of shape {list(record.shape)} is larger than 2 GB")
    if record.type not in (*TYPES, *PACKED):
        raise unsupported_type(record)
    dtype = TYPES.get(record.type, DType.I8)
    data = None if record.data is None or record.variable else _constant(record, dtype)
    quant = None if dtype in (DType.F32, DType.F16, DType.BOOL) else _quant(record, dtype)
    return Tensor(name, record.shape, dtype, quant, data, record.variable)


def computed_tensor(record: FileTensor, shape: Shape) -> Tensor:
    """The output of an operator, of the ``shape`` that is inferred; raises as ``import_tensor``."""
    if record.type in PACKED:
        raise unsupported_type(record)
    return import_tensor(replace(record, shape=shape, data=None, variable=False))


def _constant(record: FileTensor, dtype: DType) -> Array:
    assert record.data is not None
    name, sparsity = record.name, record.sparsity
    count = prod(record.shape) if sparsity is None else stored_elements(name, sparsity)
    bits = PACKED.get(record.type, dtype.bits)
    expected = packed_bytes(count, bits)
    if record.data.size != expected:
        kind = record.type.lower() if record.type in PACKED else dtype.label
        size = list(record.shape) if sparsity is None else f"sparse {list(record.shape)}"
        raise BadModel(
            f"constant '{name}' has {record.data.size} bytes, but {size} {kind} takes {expected}"
        )
    if bits < 8:
        value = _unpacked(record.data, bits)[:count]
    else:
        value = record.data.view(np.dtype(dtype.numpy).newbyteorder("<"))
    if sparsity is not None:
        return densified(name, value, record.shape, sparsity)
    value = value.reshape(record.shape)
    return value if value.flags.aligned else value.copy()


def _unpacked(data: Array, bits: int) -> Array:
    """Signed numbers of ``bits`` out of bytes, as int8."""
    places = np.arange(0, 8, bits, dtype=np.uint8)
    raised = data[:, None] << (8 - bits - places)  # the number's sign is the byte's
    return np.asarray(raised.astype(np.uint8).view(np.int8) >> (8 - bits)).ravel()


def _quant(record: FileTensor, dtype: DType) -> Quant | None:
    """The tensor's quantization, checked; None for integers that are not quantized."""
    name, count = record.name, len(record.scale)
    if record.custom_quantization:
        raise UnsupportedOp(f"tensor '{name}' has a custom quantization")
    if count == 0:
        if dtype.is_quantized:
            raise UnsupportedOp(
                f"tensor '{name}' is {dtype.label} but has no quantization (scale, zero point); "
                "convert the model with full integer quantization"
            )
        return None
    if len(record.zero_point) not in (0, 1, count):
        raise BadModel(f"tensor '{name}' has {count} scales, {len(record.zero_point)} zero points")
    axis = None if count == 1 else _axis(record)
    scale, zero_point = record.scale, np.zeros(count, np.int64)
    zero_point[:] = record.zero_point if len(record.zero_point) else 0
    if not np.isfinite(scale).all():
        raise BadModel(f"tensor '{name}' has a scale that is not finite")
    if record.data is None and (scale <= 0).any():
        raise BadModel(f"tensor '{name}' has a scale that is zero or negative")
    limits = np.iinfo(np.dtype(dtype.numpy))
    if zero_point.min() < limits.min or zero_point.max() > limits.max:
        raise BadModel(f"tensor '{name}' has a zero point outside of {dtype.label}")
    return Quant(tuple(scale.tolist()), tuple(zero_point.tolist()), axis)


def _axis(record: FileTensor) -> int:
    """The axis of per-channel scales; a wrong one of a vector is repaired, as it can only be 0."""
    axis = 0 if len(record.shape) == 1 else record.axis
    if not 0 <= axis < len(record.shape) or record.shape[axis] != len(record.scale):
        raise BadModel(
            f"tensor '{record.name}' has {len(record.scale)} scales along axis {record.axis} "
            f"of {list(record.shape)}"
        )
    return axis
