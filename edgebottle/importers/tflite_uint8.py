"""Networks of uint8 as int8: every value and zero point is lowered by 128, which changes nothing.

Older converters quantize to uint8, and LiteRT's kernels for it mostly compute what those for int8
do. What they compute otherwise is refused, or has an operator of its own (``Conv2DOfUint8``): their
convolutions round the product of two scales to single precision, and take weights with a zero
point; their mean of pixels rounds halves up; they interpolate in single precision. Inputs and
outputs of the network stay uint8, with a QUANTIZE behind or before them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.importers.tflite_file import FileOperator, FileTensor, TFLiteFile
from edgebottle.ir.graph import unused_name
from edgebottle.ops.average_pool_2d import AveragePool2DOfUint8
from edgebottle.ops.base import Operator
from edgebottle.ops.conv_2d import Conv2DOfUint8
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2DOfUint8
from edgebottle.ops.resize_bilinear import ResizeBilinearOfUint8
from edgebottle.ops.transpose_conv import TransposeConvOfUint8

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that take uint8 as it is."""

OF_UINT8: dict[str, type[Operator]] = {
    "AVERAGE_POOL_2D": AveragePool2DOfUint8,
    "CONV_2D": Conv2DOfUint8,
    "DEPTHWISE_CONV_2D": DepthwiseConv2DOfUint8,
    "RESIZE_BILINEAR": ResizeBilinearOfUint8,
    "TRANSPOSE_CONV": TransposeConvOfUint8,
}
"""Operators that are others for uint8."""

SHIFTED = (
    *("ADD", "ARG_MAX", "ARG_MIN", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND", "BROADCAST_TO"),
    *("CONCATENATION", "DEPTH_TO_SPACE", "DIV", "DYNAMIC_UPDATE_SLICE"),
    *("EMBEDDING_LOOKUP", "EQUAL", "EXPAND_DIMS"),
    *("FILL", "FULLY_CONNECTED", "GATHER", "GATHER_ND", "GELU", "GREATER", "GREATER_EQUAL"),
    *("HARD_SWISH", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOGISTIC", "MAXIMUM"),
    *("MAX_POOL_2D", "MEAN", "MINIMUM", "MIRROR_PAD", "MUL", "NOT_EQUAL", "PACK", "PAD"),
    *("PADV2", "PRELU", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1"),
    *("RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "SELECT", "SELECT_V2", "SLICE"),
    *("SOFTMAX", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE"),
    *("STRIDED_SLICE", "SUB", "SUM", "TANH", "TILE", "TRANSPOSE", "UNPACK"),
)
"""Operators whose results on uint8 are those on int8, 128 higher."""

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
"""Operators whose weights lose their zero point."""

_OFFSET = 128


def computes_alike(record: FileOperator) -> bool:
    """Whether an operator on uint8 can be one on int8."""
    return record.op in (*CONVERSIONS, *OF_UINT8, *SHIFTED)


def shift_uint8(file: TFLiteFile) -> TFLiteFile:
    """The file with int8 where it has quantized uint8.

    Raises:
        UnsupportedOp: uint8 beside int8, or weights that are quantized as LiteRT takes none.
    """
    shifted = {
        index
        for record in file.operators
        if record.op not in CONVERSIONS
        for index in (*record.inputs, *record.outputs)
        if index != -1 and file.tensors[index].type == "UINT8" and len(file.tensors[index].scale)
    }
    if not shifted:
        return file
    _check_alike(file, shifted)
    file, wide = _with_own_weights(file, shifted)
    tensors = list(file.tensors)
    for index in shifted:
        tensors[index] = _centred(tensors[index]) if index in wide else _lowered(tensors[index])
    operators = [
        replace(record, of_uint8=not shifted.isdisjoint((*record.inputs, *record.outputs)))
        for record in file.operators
    ]
    inputs, before = _converted(file, file.inputs, shifted, tensors)
    outputs, after = _converted(file, file.outputs, shifted, tensors)
    return replace(
        file,
        tensors=tuple(tensors),
        operators=(
            *(_quantize(outside, inside) for inside, outside in before.items()),
            *operators,
            *(_quantize(inside, outside) for inside, outside in after.items()),
        ),
        inputs=inputs,
        outputs=outputs,
    )


def _check_alike(file: TFLiteFile, shifted: set[int]) -> None:
    """No operator but a conversion has integers of another type beside uint8."""
    for record in file.operators:
        indices = [index for index in (*record.inputs, *record.outputs) if index != -1]
        names = [file.tensors[index].name for index in indices if index in shifted]
        others = [file.tensors[index].type.lower() for index in indices if index not in shifted]
        mixed = [kind for kind in others if kind in ("int8", "int16")]
        if names and mixed and record.op not in CONVERSIONS:
            raise UnsupportedOp(
                f"tensor '{names[0]}' of a {record.op} is uint8, and another is {mixed[0]}; "
                "convert the model with int8 quantization"
            )


def _quantize(source: int, target: int) -> FileOperator:
    return FileOperator("QUANTIZE", (source,), (target,), "NONE", None)


def _converted(
    file: TFLiteFile, indices: tuple[int, ...], shifted: set[int], tensors: list[FileTensor]
) -> tuple[tuple[int, ...], dict[int, int]]:
    """Inputs or outputs of the network, and the new uint8 tensor of each that is int8 now."""
    outside: dict[int, int] = {}
    for index in indices:
        if index in shifted and file.tensors[index].data is None and index not in outside:
            name = file.tensors[index].name
            inner = unused_name(f"{name}_int8", {tensor.name for tensor in tensors})
            tensors[index] = replace(tensors[index], name=inner)
            outside[index] = len(tensors)
            name = unused_name(name, {tensor.name for tensor in tensors})
            tensors.append(replace(file.tensors[index], name=name))
    return tuple(outside.get(index, index) for index in indices), outside


def _zero_point(tensor: FileTensor) -> int:
    if len(tensor.scale) != 1:
        raise UnsupportedOp(f"tensor '{tensor.name}' is uint8 with a scale for each channel")
    return int(tensor.zero_point[0]) if len(tensor.zero_point) else 0


def _lowered(tensor: FileTensor) -> FileTensor:
    zero_point = np.array([_zero_point(tensor) - _OFFSET], np.int64)
    data = None if tensor.data is None else tensor.data ^ np.uint8(_OFFSET)
    return replace(tensor, type="INT8", zero_point=zero_point, data=data)


def _centred(tensor: FileTensor) -> FileTensor:
    """Weights without their zero point: int8 where they fit it, else int16."""
    assert tensor.data is not None
    values = tensor.data.astype(np.int64) - _zero_point(tensor)
    is_int8 = values.min(initial=0) >= -_OFFSET and values.max(initial=0) < _OFFSET
    return replace(
        tensor,
        type="INT8" if is_int8 else "INT16",
        zero_point=np.zeros(1, np.int64),
        data=values.astype("<i1" if is_int8 else "<i2").view(np.uint8),
    )


def _with_own_weights(file: TFLiteFile, shifted: set[int]) -> tuple[TFLiteFile, set[int]]:
    """The file, and which constants are nothing but weights of convolutions.

    What is read as something else too, which sees other values, is weights by a copy; the copies
    are added to ``shifted``.
    """
    readers = [
        (index, record.op in _CONVOLUTIONS and place == 1)
        for record in file.operators
        for place, index in enumerate(record.inputs)
        if index in shifted and file.tensors[index].data is not None
    ]
    wide = {index for index, is_weights in readers if is_weights}
    others = {index for index, is_weights in readers if not is_weights}
    shared = wide.intersection(others.union(file.outputs))
    tensors, own = list(file.tensors), dict[int, int]()
    for index in sorted(shared):
        name = unused_name(file.tensors[index].name, {tensor.name for tensor in tensors})
        own[index] = len(tensors)
        tensors.append(replace(file.tensors[index], name=name))
    operators = [
        replace(
            record,
            inputs=tuple(
                own.get(index, index) if record.op in _CONVOLUTIONS and place == 1 else index
                for place, index in enumerate(record.inputs)
            ),
        )
        for record in file.operators
    ]
    shifted.update(own.values())
    copied = replace(file, tensors=tuple(tensors), operators=tuple(operators))
    return copied, {own.get(index, index) for index in wide}
