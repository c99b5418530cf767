"""Graphs to TensorFlow Lite models: the inverse of ``importers.tflite``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.importers.tflite_file import CUSTOM_OPERATORS
from edgebottle.importers.tflite_operators import SIGNATURES
from edgebottle.importers.tflite_tensors import TYPES
from edgebottle.importers.tflite_variables import VARIABLES
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Tensor
from edgebottle.ir.interpreter import initial_state
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
    model.subgraphs = [_subgraph(schema, model, graph)]
    states = _variables(graph)
    if states:
        model.subgraphs.append(_initialisation(schema, model, states))
    builder = flatbuffers.Builder(_FIRST_BUILDER_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _subgraph(schema: Any, model: Any, graph: Graph) -> Any:
    """The record of the network, which reads its variables first."""
    variables = _variables(graph)
    unread = {
        node.outputs[0]
        for node in graph.nodes
        if node.assigned is not None
        and not graph.consumers(node.outputs[0])
        and node.outputs[0] not in graph.outputs
    }
    names = [name for name in graph.tensors if name not in unread]
    result = schema.SubGraphT()
    result.name = graph.name.encode()
    result.tensors = [_tensor(schema, model, graph.tensors[name]) for name in names]
    index = {name: number for number, name in enumerate(names)}
    result.inputs = [index[name] for name in graph.inputs]
    result.outputs = [index[name] for name in graph.outputs]
    result.operators = []
    if variables:
        result.operators.append(_plain_operator(schema, model, "CALL_ONCE", (), ()))
        result.operators[0].builtinOptions.initSubgraphIndex = 1
    handles: dict[str, int] = {}
    for state in variables:
        result.tensors[index[state.name]].isVariable = False
        handles[state.name] = _handle(schema, model, result, state.name)
    for name, handle in handles.items():
        read = _plain_operator(schema, model, "READ_VARIABLE", (handle,), (index[name],))
        result.operators.append(read)
    for node in graph.nodes:
        if node.assigned is None:
            result.operators.append(_operator(schema, model, result, graph, node, index))
            continue
        handle, value = handles[str(node.inputs[0])], index[str(node.inputs[node.assigned])]
        result.operators.append(_plain_operator(schema, model, node.OP, (handle, value), ()))
        if node.outputs[0] in index:
            after = (index[node.outputs[0]],)
            read = _plain_operator(schema, model, "READ_VARIABLE", (handle,), after)
            result.operators.append(read)
    return result


def _variables(graph: Graph) -> list[Tensor]:
    """The states that are resource variables: not kept by one operator to itself."""
    return [
        tensor
        for name, tensor in graph.tensors.items()
        if tensor.state
        and not any(
            node.assigned is None and name in [node.inputs[i] for i in node.state_inputs]
            for node in graph.consumers(name)
        )
    ]


def _initialisation(schema: Any, model: Any, states: Sequence[Tensor]) -> Any:
    """The record of the graph that gives the variables their first values."""
    result = schema.SubGraphT()
    result.name = b"initialisation"
    result.inputs, result.outputs, result.operators, result.tensors = [], [], [], []
    for state in states:
        constant = replace(state, state=False, data=initial_state(state))
        result.tensors.append(_tensor(schema, model, constant))
        value = len(result.tensors) - 1
        handle = _handle(schema, model, result, state.name)
        assign = _plain_operator(schema, model, "ASSIGN_VARIABLE", (handle, value), ())
        result.operators.append(assign)
    return result


def _handle(schema: Any, model: Any, subgraph: Any, name: str) -> int:
    """The number of a new tensor that stands for a variable."""
    tensor = schema.TensorT()
    tensor.name = f"{name}_handle".encode()
    tensor.shape = np.zeros(0, np.int32)
    tensor.hasRank = True
    tensor.type = schema.TensorType.RESOURCE
    subgraph.tensors.append(tensor)
    number = len(subgraph.tensors) - 1
    make = _plain_operator(schema, model, "VAR_HANDLE", (), (number,))
    make.builtinOptions.container, make.builtinOptions.sharedName = b"", name.encode()
    subgraph.operators.append(make)
    return number


def _plain_operator(
    schema: Any, model: Any, name: str, inputs: Sequence[int], outputs: Sequence[int]
) -> Any:
    """The record of an operator of variables, with the schema's default options."""
    operator = schema.OperatorT()
    operator.opcodeIndex = _opcode(schema, model, name)
    operator.inputs, operator.outputs = list(inputs), list(outputs)
    kind = VARIABLES[name].options
    operator.builtinOptions = getattr(schema, f"{kind}T")()
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return operator


def _intermediate(schema: Any, subgraph: Any, name: str, dtype: DType, quant: Quant | None) -> int:
    """The number of a new tensor without elements, which only has a quantization."""
    tensor = _tensor(schema, None, Tensor(name, (0,), dtype, quant))
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _operator(
    schema: Any, model: Any, subgraph: Any, graph: Graph, node: Node, index: dict[str, int]
) -> Any:
    """The record of a layer; adds its code to the model, and its intermediates to the graph."""
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
    custom = node.custom_options()
    operator.customOptions = None if custom is None else np.frombuffer(custom, np.uint8)
    operator.intermediates = [
        _intermediate(schema, subgraph, f"{node.name}_intermediate_{number}", dtype, quant)
        for number, (dtype, quant) in enumerate(node.intermediates())
    ] or None
    if operator.builtinOptions is not None:
        kind = type(operator.builtinOptions).__name__.removesuffix("T")
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return operator


def _opcode(schema: Any, model: Any, name: str) -> int:
    """The number of an operator among the model's, to which it is added once."""
    custom = name.encode() if name in CUSTOM_OPERATORS else None
    code = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, name)
    for number, known in enumerate(model.operatorCodes):
        if (known.builtinCode, known.customCode) == (code, custom):
            return number
    opcode = schema.OperatorCodeT()
    opcode.customCode = custom
    opcode.builtinCode = code
    opcode.deprecatedBuiltinCode = min(code, np.iinfo(np.int8).max)
    opcode.version = (VARIABLES.get(name) or SIGNATURES[name]).version
    model.operatorCodes.append(opcode)
    return len(model.operatorCodes) - 1


def _tensor(schema: Any, model: Any, tensor: Tensor) -> Any:
    """The record of a tensor; adds its constant to the model."""
    if tensor.dtype not in _NAMES:
        raise UnsupportedOp(f"tensor '{tensor.name}' is {tensor.dtype.label}: no type of TFLite")
    if tensor.bounds is not None:
        raise UnsupportedOp(f"tensor '{tensor.name}' has bounds of its own, which no file can say")
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
