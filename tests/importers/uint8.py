"""Models of uint8, to be imported and to be mutated."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.importers.models import BIAS, INPUT, OUTPUT, WEIGHTS, buffer, conv_model, pack
from tests.importers.weights import depthwise


def as_uint8(data: bytes) -> bytes:
    """A file of int8 as one of uint8: all is 128 higher."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT8:
            tensor.type = schema.TensorType.UINT8
            tensor.quantization.zeroPoint = np.array(tensor.quantization.zeroPoint) + 128
            values = model.buffers[tensor.buffer].data
            if values is not None:
                model.buffers[tensor.buffer].data = np.array(values, np.uint8) ^ 128
    return pack(model)


def random_convolution(rng: np.random.Generator, is_depthwise: bool) -> bytes:
    """Scales and zero points of all kinds; each second one has biases around ties of the output.

    There it shows whether the product of the scales was rounded as it should.
    """
    model = conv_model()
    graph = model.subgraphs[0]
    if is_depthwise:
        depthwise(model, graph)
    scales = np.exp(rng.uniform(-5, 0, 3)).astype(np.float32)
    ratio = 2 ** (rng.uniform(4, 8) if rng.random() < 0.5 else rng.uniform(18, 22))
    scales[2] = scales[0] * scales[1] * ratio
    for index, scale in zip((INPUT, WEIGHTS, OUTPUT), scales, strict=True):
        graph.tensors[index].type = schema.TensorType.UINT8
        graph.tensors[index].quantization.scale = scale.reshape(1)
        graph.tensors[index].quantization.zeroPoint = rng.integers(0, 256, 1)
    graph.tensors[BIAS].quantization = schema.QuantizationParametersT()
    graph.tensors[BIAS].quantization.scale = (scales[0] * scales[1]).reshape(1)
    graph.tensors[BIAS].quantization.zeroPoint = np.int64([0])
    model.buffers[1] = buffer(rng.integers(0, 256, 54).astype(np.uint8))
    outputs = int(np.prod(graph.tensors[BIAS].shape))
    ties = (rng.integers(-100, 100, outputs) + 0.5) * scales[2] / scales[0] / scales[1]
    model.buffers[2] = buffer((ties + rng.integers(-20, 20, outputs)).astype(np.int32))
    graph.operators[0].builtinOptions.fusedActivationFunction = int(rng.integers(4))
    return pack(model)
