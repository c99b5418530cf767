"""TensorFlow Lite models to Graphs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.names import identifier, layer_names
from edgebottle.importers.tflite_file import (
    OperatorRecord,
    TensorRecord,
    TFLiteFile,
    default_options,
    read_tflite,
)
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor
from edgebottle.ir.verify import verify
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Operator

_log = logging.getLogger(__name__)

_DTYPES = {
    "FLOAT32": DType.F32,
    "INT8": DType.I8,
    "INT16": DType.I16,
    "INT32": DType.I32,
    "INT64": DType.I64,
    "UINT8": DType.U8,
}

_ONLY_IN = {"INT64": ("ARG_MAX",), "UINT8": ("QUANTIZE", "DEQUANTIZE")}
"""Types that only these operators may read or write."""

_ADVICE = {
    "UINT8": "convert the model with int8 quantization",
    "FLOAT16": "convert the model without float16 weights",
    "INT64": "convert the model with 32-bit indices",
}


@dataclass(frozen=True)
class _Signature:
    """How many inputs and outputs an operator has, and which options.

    ``outputs`` is 0 for any number from one; ``optional`` are inputs that may be absent, which
    are added at the end where the file leaves them out.
    """

    options: str
    least: int
    most: int
    outputs: int = 1
    optional: tuple[int, ...] = ()


_MANY = 10_000

_SIGNATURES = {
    "ADD": _Signature("AddOptions", 2, 2),
    "ARG_MAX": _Signature("ArgMaxOptions", 2, 2),
    "AVERAGE_POOL_2D": _Signature("Pool2DOptions", 1, 1),
    "CONCATENATION": _Signature("ConcatenationOptions", 1, _MANY),
    "CONV_2D": _Signature("Conv2DOptions", 2, 3, optional=(2,)),
    "DEPTHWISE_CONV_2D": _Signature("DepthwiseConv2DOptions", 2, 3, optional=(2,)),
    "DEQUANTIZE": _Signature("DequantizeOptions", 1, 1),
    "EXPAND_DIMS": _Signature("ExpandDimsOptions", 2, 2),
    "FULLY_CONNECTED": _Signature("FullyConnectedOptions", 2, 3, optional=(2,)),
    "HARD_SWISH": _Signature("HardSwishOptions", 1, 1),
    "LOGISTIC": _Signature("", 1, 1),
    "MAX_POOL_2D": _Signature("Pool2DOptions", 1, 1),
    "MEAN": _Signature("ReducerOptions", 2, 2),
    "MUL": _Signature("MulOptions", 2, 2),
    "PACK": _Signature("PackOptions", 1, _MANY),
    "PAD": _Signature("PadOptions", 2, 2),
    "PADV2": _Signature("PadV2Options", 3, 3),
    "QUANTIZE": _Signature("QuantizeOptions", 1, 1),
    "RELU": _Signature("", 1, 1),
    "RELU6": _Signature("", 1, 1),
    "RELU_N1_TO_1": _Signature("", 1, 1),
    "RESHAPE": _Signature("ReshapeOptions", 1, 2),
    "RESIZE_BILINEAR": _Signature("ResizeBilinearOptions", 2, 2),
    "RESIZE_NEAREST_NEIGHBOR": _Signature("ResizeNearestNeighborOptions", 2, 2),
    "SOFTMAX": _Signature("SoftmaxOptions", 1, 1),
    "SPLIT": _Signature("SplitOptions", 2, 2, outputs=0),
    "SQUEEZE": _Signature("SqueezeOptions", 1, 1),
    "STRIDED_SLICE": _Signature("StridedSliceOptions", 4, 4),
    "SUB": _Signature("SubOptions", 2, 2),
    "SVDF": _Signature("SVDFOptions", 5, 5, optional=(3,)),
    "TANH": _Signature("", 1, 1),
    "TRANSPOSE": _Signature("TransposeOptions", 2, 2),
    "UNPACK": _Signature("UnpackOptions", 1, 1, outputs=0),
}

_POSITIVE = (
    "strideW",
    "strideH",
    "dilationWFactor",
    "dilationHFactor",
    "filterWidth",
    "filterHeight",
    "numSplits",
    "num",
    "valuesCount",
    "rank",
)
"""Options that count something."""


def load_tflite(data: bytes, name: str) -> Graph:
    """Reads a TensorFlow Lite model.

    Weights of 8 bits in layers that compute in float (dynamic-range quantization) become float
    weights: such layers run in float here, and are close to LiteRT's, not equal to the bit.

    Args:
        data: The file.
        name: Name of the model; made a C identifier.

    Returns:
        A verified graph. Constants are read-only views of ``data`` where possible.

    Raises:
        BadModel: the file is truncated, corrupt or contradicts itself.
        UnsupportedOp: an operator, type, shape or quantization that edgebottle cannot compile;
            the message names all unsupported operators at once.
    """
    file = read_tflite(data)
    _check_indices(file)
    layers = layer_names([(op.op, _first_output(file, op)) for op in file.operators])
    _check_operators(file, layers)
    _check_interface(file)
    tensors = _tensors(file, len(data))
    nodes = []
    for layer, record in zip(layers, file.operators, strict=True):
        inputs = _inputs(file, record, tensors, layer)
        outputs = tuple(file.tensors[i].name for i in record.outputs)
        nodes.append(_node(layer, record, inputs, outputs, tensors))
    graph = Graph(
        identifier(name, "model"),
        tensors,
        tuple(nodes),
        tuple(file.tensors[i].name for i in file.inputs),
        tuple(file.tensors[i].name for i in file.outputs),
    ).with_nodes(nodes)
    _check_states(graph)
    verify(graph)
    return graph


def _first_output(file: TFLiteFile, record: OperatorRecord) -> str:
    name = file.tensors[record.outputs[0]].name if record.outputs else ""
    return "" if name == f"t{record.outputs[0] if record.outputs else 0}" else name


def _check_indices(file: TFLiteFile) -> None:
    """Every index of a tensor is one; only inputs of operators may be absent."""
    count = len(file.tensors)
    for index in (*file.inputs, *file.outputs):
        if not 0 <= index < count:
            raise BadModel(f"the model names tensor {index}, but has {count}")
    for number, record in enumerate(file.operators):
        for index in (*(i for i in record.inputs if i != -1), *record.outputs):
            if not 0 <= index < count:
                raise BadModel(f"operator {number} ({record.op}) names tensor {index} of {count}")


def _check_operators(file: TFLiteFile, layers: Sequence[str]) -> None:
    """All operators are known and have as many inputs and outputs as they must."""
    if not file.operators:
        raise BadModel("the model has no operators")
    unknown: dict[str, list[str]] = {}
    for layer, record in zip(layers, file.operators, strict=True):
        if record.op not in BY_NAME:
            unknown.setdefault(record.op, []).append(layer)
    if unknown:
        raise UnsupportedOp(
            "the model uses operators that edgebottle does not support yet: "
            + "; ".join(f"{op} ({_listed(names)})" for op, names in unknown.items())
        )
    for layer, record in zip(layers, file.operators, strict=True):
        signature = _SIGNATURES[record.op]
        inputs, outputs = len(record.inputs), len(record.outputs)
        if not signature.least <= inputs <= signature.most:
            raise BadModel(f"{layer} ({record.op}) has {inputs} inputs")
        if outputs == 0 or (signature.outputs and outputs != signature.outputs):
            raise BadModel(f"{layer} ({record.op}) has {outputs} outputs")
        absent = [i for i, index in enumerate(record.inputs) if index == -1]
        if not set(absent) <= set(signature.optional):
            raise BadModel(f"{layer} ({record.op}) lacks its input {absent[0]}")
        for index in (*record.inputs, *record.outputs):
            kind = file.tensors[index].type
            if index != -1 and record.op not in _ONLY_IN.get(kind, (record.op,)):
                raise _unsupported_type(file.tensors[index])


def _unsupported_type(record: TensorRecord) -> UnsupportedOp:
    advice = _ADVICE.get(record.type)
    return UnsupportedOp(
        f"tensor '{record.name}' is {record.type.lower()}, which edgebottle does not support here"
        + (f"; {advice}" if advice else "")
    )


def _listed(names: Sequence[str], most: int = 6) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _check_interface(file: TFLiteFile) -> None:
    """Inputs and outputs of the model are distinct and computed at run time."""
    for kind, indices in (("input", file.inputs), ("output", file.outputs)):
        if not indices:
            raise BadModel(f"the model has no {kind}s")
        for index in indices:
            tensor = file.tensors[index]
            if indices.count(index) > 1:
                raise UnsupportedOp(f"'{tensor.name}' is named twice as an {kind} of the model")
            if tensor.data is not None or tensor.variable:
                what = "variable" if tensor.variable else "constant"
                raise UnsupportedOp(f"the {kind} '{tensor.name}' of the model is a {what}")
    for index in file.outputs:
        if index in file.inputs:
            raise UnsupportedOp(
                f"the output '{file.tensors[index].name}' of the model is one of its inputs"
            )


def _tensors(file: TFLiteFile, size: int) -> dict[str, Tensor]:
    """The tensors that something refers to, in the order of the file."""
    used = {*file.inputs, *file.outputs}
    for record in file.operators:
        used.update(record.inputs, record.outputs)
    records = [tensor for i, tensor in enumerate(file.tensors) if i in used]
    constants = sum(0 if record.data is None else record.data.size for record in records)
    if constants > max(2 * size, 32 << 20):
        raise BadModel(f"the file is corrupt: {constants} bytes of constants in {size} bytes")
    return {record.name: _import_tensor(record) for record in records}


def _import_tensor(record: TensorRecord) -> Tensor:
    name = record.name
    if record.sparse:
        raise UnsupportedOp(f"tensor '{name}' is sparse, which edgebottle does not support yet")
    if any(dim <= 0 for dim in record.shape):
        raise UnsupportedOp(
            f"tensor '{name}' has the dynamic shape {list(record.shape)}; "
            "convert the model with a fixed input shape"
        )
    if prod(record.shape) * 4 > 2**31 - 1:
        raise BadModel(f"tensor '{name}' of shape {list(record.shape)} is larger than 2 GB")
    if record.type not in _DTYPES:
        raise _unsupported_type(record)
    dtype = _DTYPES[record.type]
    data = None if record.data is None or record.variable else _constant(record, dtype)
    quant = None if dtype is DType.F32 else _quant(record, dtype)
    return Tensor(name, record.shape, dtype, quant, data, record.variable)


def _constant(record: TensorRecord, dtype: DType) -> Array:
    assert record.data is not None
    expected = prod(record.shape) * dtype.bytes
    if record.data.size != expected:
        raise BadModel(
            f"constant '{record.name}' has {record.data.size} bytes, "
            f"but {list(record.shape)} {dtype.label} takes {expected}"
        )
    value = record.data.view(np.dtype(dtype.numpy).newbyteorder("<")).reshape(record.shape)
    return value if value.flags.aligned else value.copy()


def _quant(record: TensorRecord, dtype: DType) -> Quant | None:
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
    if not np.isfinite(scale).all() or (scale == 0).any():
        raise BadModel(f"tensor '{name}' has a scale that is zero or not finite")
    if record.data is None and (scale < 0).any():
        raise BadModel(f"tensor '{name}' has a negative scale")
    limits = np.iinfo(np.dtype(dtype.numpy))
    if zero_point.min() < limits.min or zero_point.max() > limits.max:
        raise BadModel(f"tensor '{name}' has a zero point outside of {dtype.label}")
    return Quant(tuple(scale.tolist()), tuple(zero_point.tolist()), axis)


def _axis(record: TensorRecord) -> int:
    """The axis of per-channel scales; a wrong one of a vector is repaired, as it can only be 0."""
    axis = 0 if len(record.shape) == 1 else record.axis
    if not 0 <= axis < len(record.shape) or record.shape[axis] != len(record.scale):
        raise BadModel(
            f"tensor '{record.name}' has {len(record.scale)} scales along axis {record.axis} "
            f"of {list(record.shape)}"
        )
    return axis


def _inputs(
    file: TFLiteFile, record: OperatorRecord, tensors: dict[str, Tensor], layer: str
) -> tuple[str | None, ...]:
    """Names of an operator's inputs; integer weights of float layers are replaced by float ones."""
    inputs = [None if index == -1 else file.tensors[index].name for index in record.inputs]
    inputs += [None for index in _SIGNATURES[record.op].optional if index >= len(inputs)]
    first, output = inputs[0], tensors[file.tensors[record.outputs[0]].name]
    hybrid = (
        first is not None
        and record.op not in ("QUANTIZE", "DEQUANTIZE")
        and tensors[first].dtype is DType.F32
        and output.dtype is DType.F32
    )
    for position, name in enumerate(inputs if hybrid else ()):
        if name is not None and tensors[name].data is not None and tensors[name].dtype.is_quantized:
            inputs[position] = _dequantized(tensors, name)
            _log.info("%s (%s): weights '%s' used as float", layer, record.op, name)
    return tuple(inputs)


def _dequantized(tensors: dict[str, Tensor], name: str) -> str:
    """Adds the float twin of a quantized constant; returns its name."""
    tensor = tensors[name]
    twin = f"{name}_f32"
    while twin in tensors and (tensors[twin].dtype is not DType.F32 or tensors[twin].data is None):
        twin += "_"
    if twin not in tensors:
        assert tensor.quant is not None and tensor.data is not None
        along = [1] * len(tensor.shape)
        if tensor.quant.axis is not None:
            along[tensor.quant.axis] = -1
        scale = np.array(tensor.quant.scale, np.float32).reshape(along)
        zero_point = np.array(tensor.quant.zero_point, np.int32).reshape(along)
        value = ((tensor.data.astype(np.int32) - zero_point) * scale).astype(np.float32)
        tensors[twin] = replace(tensor, name=twin, dtype=DType.F32, quant=None, data=value)
    return twin


def _node(
    layer: str,
    record: OperatorRecord,
    inputs: tuple[str | None, ...],
    outputs: tuple[str, ...],
    tensors: dict[str, Tensor],
) -> Operator:
    ins = tuple(None if name is None else tensors[name] for name in inputs)
    outs = tuple(tensors[name] for name in outputs)
    options = _options(layer, record)
    return BY_NAME[record.op].from_tflite(layer, inputs, outputs, ins, outs, options)


def _options(layer: str, record: OperatorRecord) -> Any:
    """The options object, the schema's defaults when the file has none."""
    expected = _SIGNATURES[record.op].options
    if not expected:
        return None
    if record.options is None and record.options_type in ("NONE", expected):
        return default_options(expected)
    if record.options_type != expected:
        raise BadModel(f"{layer} ({record.op}) has the options {record.options_type}")
    for field in _POSITIVE:
        if getattr(record.options, field, 1) < 1:
            raise BadModel(f"{layer} ({record.op}) has {field} {getattr(record.options, field)}")
    if getattr(record.options, "padding", 0) not in (0, 1):
        raise BadModel(f"{layer} ({record.op}) has an unknown padding")
    return record.options


def _check_states(graph: Graph) -> None:
    """A variable may be read only by the operator that updates it, and written by nothing else."""
    users: dict[str, str] = {}
    for node in graph.nodes:
        for index, name in enumerate(node.inputs):
            if name is None or (graph.tensors[name].state != (index in node.state_inputs)):
                if name is not None:
                    raise UnsupportedOp(
                        f"{node.name} ({node.OP}) uses '{name}' "
                        + ("" if graph.tensors[name].state else "not ")
                        + "as a variable, which edgebottle does not support yet"
                    )
                continue
            if graph.tensors[name].state and users.setdefault(name, node.name) != node.name:
                raise UnsupportedOp(f"{users[name]} and {node.name} share the variable '{name}'")
