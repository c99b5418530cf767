"""A small convolution as the schema's objects, to be spoiled by the tests."""

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

INPUT, WEIGHTS, BIAS, OUTPUT = range(4)


def conv_model() -> Any:
    """A 1x4x4x2 -> 1x4x4x3 int8 convolution with weights per channel, named like Keras does."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [
        schema.BufferT(),
        buffer(np.arange(-27, 27, dtype=np.int8)),
        buffer(np.array([5, -6, 7], np.int32)),
    ]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 3
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("serving_default_x:0", (1, 4, 4, 2), "INT8", 0, (0.5,), (-3,)),
        tensor("model/conv2d/Conv2D", (3, 3, 3, 2), "INT8", 1, (0.1, 0.2, 0.3), (0, 0, 0)),
        tensor("model/conv2d/BiasAdd", (3,), "INT32", 2, (0.05, 0.1, 0.15), (0, 0, 0)),
        tensor("model/act/Relu;model/conv2d/BiasAdd", (1, 4, 4, 3), "INT8", 0, (0.7,), (-128,)),
    ]
    graph.inputs, graph.outputs = [INPUT], [OUTPUT]
    graph.operators = [operator([INPUT, WEIGHTS, BIAS], [OUTPUT], conv_options())]
    model.subgraphs = [graph]
    return model


def buffer(values: Any) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def tensor(
    name: str,
    shape: tuple[int, ...],
    kind: str,
    buffer: int,
    scale: tuple[float, ...] = (),
    zero_point: tuple[int, ...] = (),
) -> Any:
    result = schema.TensorT()
    result.name = name.encode()
    result.shape = np.array(shape, np.int32)
    result.type = getattr(schema.TensorType, kind)
    result.buffer = buffer
    result.quantization = schema.QuantizationParametersT()
    result.quantization.scale = np.array(scale, np.float32)
    result.quantization.zeroPoint = np.array(zero_point, np.int64)
    return result


def conv_options() -> Any:
    options = schema.Conv2DOptionsT()
    options.strideW = options.strideH = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return options


def operator(inputs: list[int], outputs: list[int], options: Any, opcode: int = 0) -> Any:
    result = schema.OperatorT()
    result.opcodeIndex = opcode
    result.inputs, result.outputs = inputs, outputs
    result.builtinOptions = options
    if options is not None:
        kind = type(options).__name__.removesuffix("T")
        result.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    return result


def pack(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def spoiled(edit: Callable[[Any, Any], object]) -> bytes:
    """The convolution after ``edit(model, graph)``."""
    model = conv_model()
    edit(model, model.subgraphs[0])
    return pack(model)
