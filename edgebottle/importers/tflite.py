"""TensorFlow Lite models to Graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.names import identifier, layer_names
from edgebottle.importers.tflite_file import (
    OperatorRecord,
    TFLiteFile,
    default_options,
    read_tflite,
)
from edgebottle.importers.tflite_tensors import import_tensor, unsupported_type
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ir.verify import verify
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Operator

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")

_ONLY_IN = {"INT64": ("ARG_MAX",), "UINT8": _CONVERSIONS}
"""Types that only these operators may read or write."""


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
    "BATCH_TO_SPACE_ND": _Signature("BatchToSpaceNDOptions", 3, 3),
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
    "SPACE_TO_BATCH_ND": _Signature("SpaceToBatchNDOptions", 3, 3),
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
    _check_hybrid(file, layers)
    _check_interface(file)
    tensors = _tensors(file, len(data))
    nodes = []
    for layer, record in zip(layers, file.operators, strict=True):
        inputs = _inputs(file, record)
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
                raise unsupported_type(file.tensors[index])


def _check_hybrid(file: TFLiteFile, layers: Sequence[str]) -> None:
    """No layer quantizes its float input at run time, as LiteRT does for integer weights."""
    hybrid = [
        f"{layer} ({record.op})"
        for layer, record in zip(layers, file.operators, strict=True)
        if record.op not in _CONVERSIONS and _is_hybrid(file, record)
    ]
    if hybrid:
        raise UnsupportedOp(
            "the model has int8 weights in float layers (dynamic-range quantization), which "
            f"edgebottle does not support: {_listed(hybrid)}; convert it with full integer "
            "quantization (a representative dataset), or without optimizations to keep it float"
        )


def _is_hybrid(file: TFLiteFile, record: OperatorRecord) -> bool:
    ins = [file.tensors[index] for index in record.inputs if index != -1]
    outs = [file.tensors[index] for index in record.outputs]
    is_float = ins[0].type == outs[0].type == "FLOAT32"
    return is_float and any(t.type == "INT8" and t.data is not None for t in ins)


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
    return {record.name: import_tensor(record) for record in records}


def _inputs(file: TFLiteFile, record: OperatorRecord) -> tuple[str | None, ...]:
    """Names of an operator's inputs, None for those that are absent."""
    inputs = [None if index == -1 else file.tensors[index].name for index in record.inputs]
    return (*inputs, *(None for i in _SIGNATURES[record.op].optional if i >= len(inputs)))


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
            is_state = name is not None and graph.tensors[name].state
            if is_state != (index in node.state_inputs):
                raise UnsupportedOp(
                    f"{node.name} ({node.OP}) uses '{name}' {'' if is_state else 'not '}"
                    "as a variable, which edgebottle does not support yet"
                )
            if name is not None and is_state and users.setdefault(name, node.name) != node.name:
                raise UnsupportedOp(f"{users[name]} and {node.name} share the variable '{name}'")
