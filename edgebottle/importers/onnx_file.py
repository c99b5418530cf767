"""ONNX files: a protocol buffer to plain records, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.onnx_node import OnnxNode
from edgebottle.ir.graph import Array

OLDEST_OPSET = 7
"""BatchNormalization, Dropout and broadcasting were something else before."""

DOMAINS = ("", "ai.onnx")

OWN_OPERATORS = {
    "com.microsoft": (
        *("QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConcat"),
        *("QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMul", "QLinearReduceMean"),
        *("QLinearSigmoid", "QLinearSoftmax", "QuantizeLinear", "DequantizeLinear"),
    )
}
"""Those of other domains that are read: what onnxruntime's quantizer writes."""

MAX_BYTES = 1 << 29
"""Of a constant that a file holds, or describes: far more than a microcontroller's."""


@dataclass(frozen=True)
class OnnxInput:
    """An input of the network.

    Attributes:
        name: Its name.
        type: Code of its element type in the schema.
        shape: For each axis its size, the name of a free one, or "" for a free one without a name;
            None where the file does not say how many axes there are.
    """

    name: str
    type: int
    shape: tuple[int | str, ...] | None


@dataclass(frozen=True)
class OnnxGraph:
    """A graph, or a branch of one.

    Attributes:
        nodes: In the order of the file.
        constants: By name.
        inputs: Those that are no constants.
        outputs: Names.
    """

    nodes: tuple[OnnxNode, ...]
    constants: dict[str, Array]
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OnnxFile:
    """A model.

    Attributes:
        graph: The network.
        opset: Version of the standard operators.
    """

    graph: OnnxGraph
    opset: int


def read_onnx(data: bytes) -> OnnxFile:
    """Decodes a file.

    Raises:
        BadModel: the file is truncated, corrupt or contradicts itself.
        UnsupportedOp: its opset, or an operator of another domain, is not supported.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RuntimeError) as error:
        raise BadModel("the file is no ONNX model, or not all of one") from error
    if not model.graph.node and not model.graph.output:
        raise BadModel("the file is no ONNX model: it has no graph")
    versions = {one.domain: one.version for one in model.opset_import}
    opset = next((versions[domain] for domain in DOMAINS if domain in versions), 0)
    _check_opset(opset, onnx.defs.onnx_opset_version())
    if model.functions:
        model = _inlined(model)
    return OnnxFile(read_graph(model.graph, opset), opset)


def _check_opset(opset: int, newest: int) -> None:
    if opset < OLDEST_OPSET:
        said = f"uses opset {opset}" if opset else "names no opset"
        raise UnsupportedOp(
            f"the model {said}; supported: {OLDEST_OPSET} to {newest}; bring it to a newer one: "
            "onnx.save(onnx.version_converter.convert_version(onnx.load('model.onnx'), 17), "
            "'newer.onnx')"
        )
    if opset > newest:
        raise UnsupportedOp(
            f"the model uses opset {opset}; the installed package onnx knows {OLDEST_OPSET} to "
            f"{newest}; export it with one of them, or: pip install -U onnx"
        )


def _inlined(model: Any) -> Any:
    """The model with the functions that it defines in the place of their calls."""
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # a binding to C++, with whatever it throws
        reason = " ".join(str(error).split())
        raise BadModel(f"the functions of the model cannot be inlined: {reason}") from error


def read_graph(graph: Any, opset: int) -> OnnxGraph:
    """Decodes the graph of a model, or a subgraph.

    Args:
        graph: The protocol buffer.
        opset: Version of the standard operators.

    Raises:
        BadModel: it contradicts itself.
        UnsupportedOp: an operator of another domain, sparse or external constants.
    """
    if graph.sparse_initializer:
        raise UnsupportedOp("the model has sparse constants, which edgebottle does not support")
    constants = {_text(one.name): constant_of(one, one.name) for one in graph.initializer}
    inputs = tuple(_input(one) for one in graph.input if one.name not in constants)
    nodes = tuple(_node(one, opset) for one in graph.node)
    outputs = tuple(_text(output.name) for output in graph.output)
    return OnnxGraph(nodes, constants, inputs, outputs)


def _text(name: Any) -> str:
    """A name; raises ``BadModel`` where it could not be shown."""
    if not isinstance(name, str) or not name.isprintable():
        raise BadModel(f"the file is corrupt: it holds the name {name!a}")
    return name


def constant_of(tensor: Any, name: str) -> Array:
    """The value of a constant of the file; raises ``BadModel`` and ``UnsupportedOp``."""
    import onnx

    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise UnsupportedOp(
            f"the constant '{name}' lies in another file, where edgebottle does not look for it"
        )
    count = math.prod(tensor.dims)
    if any(dim < 0 for dim in tensor.dims) or count > MAX_BYTES // 8:
        raise BadModel(f"the constant '{name}' has the shape {list(tensor.dims)}")
    try:
        value = np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadModel(f"the constant '{name}' cannot be read: {error}") from error
    if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
        raise UnsupportedOp(f"the constant '{name}' has a type that edgebottle does not support")
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _input(value: Any) -> OnnxInput:
    """The record of an input."""
    _text(value.name)
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise UnsupportedOp(
            f"the input '{value.name}' is no tensor but a {kind or 'thing without a type'}"
        )
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(
            dim.dim_value if dim.dim_value > 0 else _named(dim.dim_param)
            for dim in tensor.shape.dim
        )
    return OnnxInput(value.name, tensor.elem_type, shape)


def _named(parameter: str) -> str:
    """The name of a free dimension; some exporters write ``?`` where there is none."""
    return "" if _text(parameter).strip("?- ") == "" else parameter


def _node(proto: Any, opset: int) -> OnnxNode:
    """The record of a node, its attributes decoded."""
    inputs, outputs = (tuple(map(_text, names)) for names in (proto.input, proto.output))
    op, domain = _text(proto.op_type), _text(proto.domain)
    name = _text(proto.name) or next((name for name in outputs if name), "a node without outputs")
    label = f"{name} ({op})"
    if domain not in DOMAINS and op not in OWN_OPERATORS.get(domain, ()):
        raise UnsupportedOp(
            f"{label} is an operator of the domain '{domain}', which only its own runtime "
            "knows; export the model with standard operators (opset "
            f"{OLDEST_OPSET} or later)"
        )
    attributes = {_text(one.name): _attribute(one, label) for one in proto.attribute}
    return OnnxNode(op, name, opset, inputs, outputs, attributes, proto)


def _attribute(proto: Any, label: str) -> Any:
    """The value of an attribute: texts as str, tensors as arrays, subgraphs as they are."""
    import onnx

    try:
        value = onnx.helper.get_attribute_value(proto)
    except ValueError as error:
        raise BadModel(f"{label} has a broken attribute '{proto.name}': {error}") from error
    if isinstance(value, onnx.TensorProto):
        return constant_of(value, f"{proto.name} of {label}")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return list(value) if isinstance(value, list | tuple) else value
