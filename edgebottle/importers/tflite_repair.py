"""Copies of .tflite files that LiteRT can run, where it refuses or breaks on the file itself."""

from __future__ import annotations

import copy
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.importers.tflite_file import TFLiteFile, read_tflite

_SVDF_TIME, _SVDF_STATE = 2, 4

_QUANTIZE_VERSION = 2
"""The lowest that takes integers."""


def for_litert(data: bytes, file: TFLiteFile | None = None) -> bytes:
    """A copy of a model that the importer accepted, mended where LiteRT would refuse it.

    Sizes that the file leaves open are 1, as the importer takes them. A vector's
    quantized_dimension can only be 0, but some converters leave that of the weights at the bias.
    And LiteRT takes the state of a SVDF as 16 bits wide whatever the file says, so one of 8 bits
    (TensorFlow Lite Micro has both) and its weights are widened; it then saturates later than on
    the device, and results are the same as long as it does not saturate. Its reference kernel of
    SUM takes int8 for uint8 (google-ai-edge/LiteRT issue 4079), so it gets uint8.

    Args:
        data: The model.
        file: What ``read_tflite`` made of it, when that is known already.
    """
    from ai_edge_litert import schema_py_generated as schema

    file = file or read_tflite(data)
    mended = bytearray(data)
    model = schema.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    for index, record in enumerate(file.tensors):
        if len(record.shape) == 1 and record.axis != 0:
            _put(mended, graph.Tensors(index).Quantization(), 6, "<i", 0)
        for axis, dim in enumerate(record.shape):
            if dim < 0:  # LiteRT infers the sizes of all but the inputs itself
                tensor = graph.Tensors(index)
                sizes = tensor._tab.Vector(tensor._tab.Offset(4))
                struct.pack_into("<i", mended, sizes + 4 * axis, 1)
    for operator in file.operators:
        if operator.op == "SVDF" and len(operator.inputs) > _SVDF_STATE:
            state, time = operator.inputs[_SVDF_STATE], operator.inputs[_SVDF_TIME]
            if file.tensors[state].type == file.tensors[time].type == "INT8":
                _widen_weights(mended, file, model, time)
                _widen_state(mended, graph.Tensors(state))
    sums = [
        number
        for number, operator in enumerate(file.operators)
        if operator.op == "SUM" and file.tensors[operator.inputs[0]].type == "INT8"
    ]
    return _sums_of_uint8(bytes(mended), sums) if sums else bytes(mended)


def _sums_of_uint8(data: bytes, numbers: Sequence[int]) -> bytes:
    """The model with uint8 before and behind those operators; its tensors keep their numbers."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    (graph,) = model.subgraphs
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = _QUANTIZE_VERSION
    model.operatorCodes.append(code)

    def quantize(source: int, target: int) -> Any:
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = [source], [target]
        return operator

    def unsigned(index: int) -> int:
        tensor = copy.deepcopy(graph.tensors[index])
        tensor.type, tensor.buffer = schema.TensorType.UINT8, 0
        tensor.quantization.zeroPoint = [tensor.quantization.zeroPoint[0] + 128]
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    for number in reversed(numbers):
        summed = graph.operators[number]
        (source, axes), (target,) = map(int, summed.inputs), map(int, summed.outputs)
        summed.inputs, summed.outputs = [unsigned(source), axes], [unsigned(target)]
        after = quantize(summed.outputs[0], target)
        graph.operators[number : number + 1] = [quantize(source, summed.inputs[0]), summed, after]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _place(table: Any, field: int) -> int:
    """Where a field of a table stands; it must be there."""
    place: int = table._tab.Offset(4 + 2 * field)
    assert place, "the field has a value other than its default"
    return int(table._tab.Pos) + place


def _put(mended: bytearray, table: Any, field: int, layout: str, value: int) -> None:
    struct.pack_into(layout, mended, _place(table, field), value)


def _widen_state(mended: bytearray, tensor: Any) -> None:
    from ai_edge_litert.schema_py_generated import TensorType

    _put(mended, tensor, 1, "<b", TensorType.INT16)
    quant = tensor.Quantization()
    place = quant._tab.Offset(4 + 2 * 3)
    if place:
        start = quant._tab.Vector(place)
        mended[start : start + 8 * quant.ZeroPointLength()] = bytes(8 * quant.ZeroPointLength())


def _widen_weights(mended: bytearray, file: TFLiteFile, model: Any, index: int) -> None:
    """Appends the weights as 16 bits, and leads their buffer there."""
    from ai_edge_litert.schema_py_generated import TensorType

    graph = model.Subgraphs(0)
    number = graph.Tensors(index).Buffer()
    values = file.tensors[index].data
    sharing = [i for i in range(len(file.tensors)) if graph.Tensors(i).Buffer() == number]
    if values is None or sharing != [index] or model.Buffers(number).Offset() > 1:
        raise BadModel(
            f"LiteRT cannot run the 8-bit state of a SVDF ('{file.tensors[index].name}')"
        )
    wide = values.view(np.int8).astype("<i2").tobytes()
    mended += bytes(-len(mended) % 16 + 12)  # the data itself is aligned to 16 bytes
    _put(mended, model.Buffers(number), 0, "<I", len(mended) - _place(model.Buffers(number), 0))
    mended += struct.pack("<I", len(wide)) + wide
    _put(mended, graph.Tensors(index), 1, "<b", TensorType.INT16)
