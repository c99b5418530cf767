"""Graphs to TensorFlow Lite models: the inverse of ``importers.tflite``."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.importers.tflite_operators import SIGNATURES
from edgebottle.importers.tflite_tensors import TYPES
from edgebottle.ir.graph import Array, Graph, Node, Tensor
from edgebottle.ops.base import Operator

SCHEMA_VERSION = 3
"""Of the file format."""

_NAMES = {dtype: name for name, dtype in TYPES.items()}

_FIRST_BUILDER_BYTES = 1 << 16


def write_tflite(graph: Graph) -> bytes:
    """The model as a file that LiteRT runs; the same graph gives the same bytes.

    Read again it is the same graph, but for the names of layers, which follow from their first
    output. Constants that several tensors share are written once for each.

    Args:
        graph: A verified graph of operators. What the passes have made of one may be beyond
            TFLite: export a graph as it was imported.

    Raises:
        UnsupportedOp: TFLite cannot express a layer or a tensor; names it.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version = SCHEMA_VERSION
    model.description = b"edgebottle"
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    subgraph = schema.SubGraphT()
    subgraph.name = graph.name.encode()
    subgraph.tensors = [_tensor(schema, model, tensor) for tensor in graph.tensors.values()]
    index = {name: number for number, name in enumerate(graph.tensors)}
    subgraph.inputs = [index[name] for name in graph.inputs]
    subgraph.outputs = [index[name] for name in graph.outputs]
    subgraph.operators = [_operator(schema, model, graph, node, index) for node in graph.nodes]
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(_FIRST_BUILDER_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _operator(schema: Any, model: Any, graph: Graph, node: Node, index: dict[str, int]) -> Any:
    """The record of a layer; adds its code to the model."""
    if not isinstance(node, Operator):
        raise UnsupportedOp(f"{node.name} ({node.OP}) is no operator of TFLite")
    operator = schema.OperatorT()
    operator.opcodeIndex = _opcode(schema, model, node.OP)
    inputs = list(node.inputs)
    while inputs and inputs[-1] is None and len(inputs) > SIGNATURES[node.OP].least:
        inputs.pop()  # LiteRT counts the inputs to know what is there
    operator.inputs = [-1 if name is None else index[name] for name in inputs]
    operator.outputs = [index[name] for name in node.outputs]
    operator.builtinOptions = node.to_tflite(graph.ins(node), graph.outs(node))
    if operator.builtinOptions is not None:
        kind = type(operator.builtinOptions).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return operator


def _opcode(schema: Any, model: Any, name: str) -> int:
    """The number of an operator among the model's, to which it is added once."""
    code = getattr(schema.BuiltinOperator, name)
    for number, known in enumerate(model.operatorCodes):
        if known.builtinCode == code:
            return number
    opcode = schema.OperatorCodeT()
    opcode.builtinCode = code
    opcode.deprecatedBuiltinCode = min(code, np.iinfo(np.int8).max)
    opcode.version = SIGNATURES[name].version
    model.operatorCodes.append(opcode)
    return len(model.operatorCodes) - 1


def _tensor(schema: Any, model: Any, tensor: Tensor) -> Any:
    """The record of a tensor; adds its constant to the model."""
    if tensor.dtype not in _NAMES:
        raise UnsupportedOp(f"tensor '{tensor.name}' is {tensor.dtype.label}: no type of TFLite")
    result = schema.TensorT()
    result.name = tensor.name.encode()
    result.shape = np.array(tensor.shape, np.int32)
    result.hasRank = True
    result.type = getattr(schema.TensorType, _NAMES[tensor.dtype])
    result.isVariable = tensor.state
    if tensor.data is not None:
        model.buffers.append(_buffer(schema, tensor.data))
        result.buffer = len(model.buffers) - 1
    if tensor.quant is not None:
        result.quantization = schema.QuantizationParametersT()
        result.quantization.scale = np.array(tensor.quant.scale, np.float32)
        result.quantization.zeroPoint = np.array(tensor.quant.zero_point, np.int64)
        result.quantization.quantizedDimension = tensor.quant.axis or 0
    return result


def _buffer(schema: Any, data: Array) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
    return buffer
