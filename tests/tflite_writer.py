"""Writes a Graph as a .tflite file, so that LiteRT can run what the tests build."""

from typing import Any

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops.base import Operator

TENSOR_TYPE = {
    DType.F32: "FLOAT32",
    DType.I64: "INT64",
    DType.I32: "INT32",
    DType.I16: "INT16",
    DType.I8: "INT8",
    DType.U8: "UINT8",
    DType.BOOL: "BOOL",
}

VERSION = {
    "CONV_2D": 3,
    "DEPTH_TO_SPACE": 1,
    "ELU": 1,
    "DEPTHWISE_CONV_2D": 3,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 4,
    "HARD_SWISH": 1,
    "RELU_N1_TO_1": 1,
    "RESHAPE": 1,
    "SQUEEZE": 1,
    "SVDF": 3,
    "TRANSPOSE_CONV": 4,
}
"""Operator versions that know int8; every other operator does at version 2."""


def write_tflite(graph: Graph) -> bytes:
    """Returns ``graph`` as a flatbuffer.

    Raises:
        UnsupportedOp: TFLite cannot express a node.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version = 3
    model.description = b"edgebottle test"
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    index = {name: i for i, name in enumerate(graph.tensors)}
    subgraph = schema.SubGraphT()
    subgraph.name = graph.name.encode()
    subgraph.tensors = [_tensor(schema, model, tensor) for tensor in graph.tensors.values()]
    subgraph.inputs = [index[name] for name in graph.inputs]
    subgraph.outputs = [index[name] for name in graph.outputs]
    subgraph.operators = []
    for node in graph.nodes:
        assert isinstance(node, Operator)
        operator = schema.OperatorT()
        operator.opcodeIndex = _opcode(schema, model, node.OP)
        inputs = list(node.inputs)
        while "CONV" in node.OP and inputs[-1] is None:
            inputs.pop()  # LiteRT counts the inputs to know whether there is a bias
        operator.inputs = [-1 if name is None else index[name] for name in inputs]
        operator.outputs = [index[name] for name in node.outputs]
        operator.builtinOptions = node.to_tflite(graph.ins(node), graph.outs(node))
        if operator.builtinOptions is not None:
            kind = type(operator.builtinOptions).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        subgraph.operators.append(operator)
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _opcode(schema: Any, model: Any, name: str) -> int:
    code = getattr(schema.BuiltinOperator, name)
    for i, known in enumerate(model.operatorCodes):
        if known.builtinCode == code:
            return i
    opcode = schema.OperatorCodeT()
    opcode.builtinCode = code
    opcode.deprecatedBuiltinCode = min(code, 127)
    opcode.version = VERSION.get(name, 2)
    model.operatorCodes.append(opcode)
    return len(model.operatorCodes) - 1


def _tensor(schema: Any, model: Any, tensor: Tensor) -> Any:
    result = schema.TensorT()
    result.name = tensor.name.encode()
    result.shape = np.array(tensor.shape, np.int32)
    result.hasRank = True
    result.type = getattr(schema.TensorType, TENSOR_TYPE[tensor.dtype])
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
