"""Networks of uint8, which are int8 here: the same results as LiteRT's on the file as it is."""

import copy
from itertools import islice
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.importers.tflite_uint8 import CONVERSIONS, OF_UINT8, SHIFTED
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from tests.importers.models import INPUT, OUTPUT, WEIGHTS, buffer, conv_model, pack
from tests.importers.uint8 import as_uint8, random_convolution
from tests.samples import assert_same, samples

PER_OPERATOR = 4
ALL_CASES = ("FULLY_CONNECTED", "AVERAGE_POOL_2D", "RESIZE_BILINEAR", "TRANSPOSE_CONV")
"""Operators of which all cases are tried."""

OF_ALL = ALL_CASES[1:]
"""Those that are others for uint8, convolutions apart."""


def assert_as_litert(data: bytes, what: str) -> Graph:
    graph = load_tflite(data, "m")
    litert, reference = LiteRTModel(data), Interpreter(graph)
    for kind, inputs in samples(graph, 3):
        assert_same(reference.run(inputs), litert.run(inputs), f"{what}, {kind}")
    return graph


def cases_of(op: str) -> list[Graph]:
    """Cases of int8 without scales per channel, which uint8 has none of.

    Nor those of tables that are dequantized, whose zero point LiteRT wants to be 0.
    """
    found = (
        graph
        for graph in BY_NAME[op].cases()
        if DType.I8 in (types := [tensor.dtype for tensor in graph.tensors.values()])
        and (DType.I16 not in types or op in CONVERSIONS)
        and not any(getattr(node, "OF_UINT8", False) for node in graph.nodes)
        and not any(getattr(node, "dequantizes", False) for node in graph.nodes)
        and not any(
            tensor.dtype is DType.I8 and tensor.quant is not None and tensor.quant.axis is not None
            for tensor in graph.tensors.values()
        )
    )
    return list(found if op in ALL_CASES else islice(found, PER_OPERATOR))


@pytest.mark.parametrize("op", sorted({*SHIFTED, *CONVERSIONS, *OF_ALL}))
def test_an_operator_gives_what_litert_gives(op: str) -> None:
    for graph in cases_of(op):
        again = assert_as_litert(as_uint8(write_tflite(graph)), graph.name)
        assert [again.tensors[name].dtype for name in again.inputs] == [
            DType.U8 if graph.tensors[name].dtype is DType.I8 else graph.tensors[name].dtype
            for name in graph.inputs
        ]


@pytest.mark.parametrize("is_depthwise", [False, True])
def test_convolutions_whose_weights_have_a_zero_point(is_depthwise: bool) -> None:
    rng = np.random.default_rng(5)
    for number in range(40):
        graph = assert_as_litert(random_convolution(rng, is_depthwise), str(number))
        assert isinstance(graph.nodes[1], OF_UINT8[graph.nodes[1].OP])


def test_transpose_convolutions_whose_weights_have_a_zero_point() -> None:
    rng = np.random.default_rng(6)
    graph = next(one for one in cases_of("TRANSPOSE_CONV") if "per_tensor" in one.name)
    for zero_point in (0, 100, 128, 255):
        model = schema.ModelT.InitFromPackedBuf(bytearray(as_uint8(write_tflite(graph))), 0)
        weights = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
        weights.quantization.zeroPoint = np.int64([zero_point])
        weights.quantization.scale = rng.uniform(0.001, 0.02, 1).astype(np.float32)
        bias = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[3]]
        data = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[2]]
        bias.quantization.scale = weights.quantization.scale * data.quantization.scale
        again = assert_as_litert(pack(model), str(zero_point))
        assert isinstance(again.nodes[1], OF_UINT8["TRANSPOSE_CONV"])


def test_weights_that_fit_int8_without_their_zero_point_stay_int8() -> None:
    def weights_of(values: np.ndarray) -> Any:
        model = conv_model()
        for index in (INPUT, WEIGHTS, OUTPUT):
            tensor = model.subgraphs[0].tensors[index]
            tensor.type = schema.TensorType.UINT8
            tensor.quantization.scale = np.float32([0.5])
            tensor.quantization.zeroPoint = np.int64([140])
        model.buffers[1] = buffer(values.astype(np.uint8))
        return load_tflite(pack(model), "m").tensors["model/conv2d/Conv2D"]

    narrow = weights_of(np.arange(201, 255))
    assert (narrow.dtype, narrow.data.min(), narrow.data.max()) == (DType.I8, 61, 114)
    wide = weights_of(np.arange(54))
    assert (wide.dtype, wide.data.min(), wide.data.max()) == (DType.I16, -140, -87)


def test_weights_that_are_read_as_something_else_too() -> None:
    """A sum of them with themselves sees them as they are."""
    model = schema.ModelT.InitFromPackedBuf(
        bytearray(random_convolution(np.random.default_rng(7), is_depthwise=False)), 0
    )
    (graph,) = model.subgraphs
    graph.tensors.append(copy.deepcopy(graph.tensors[WEIGHTS]))
    graph.tensors[-1].name, graph.tensors[-1].buffer = b"sum", 0
    add = schema.OperatorT()
    add.inputs, add.outputs = [WEIGHTS, WEIGHTS], [len(graph.tensors) - 1]
    add.builtinOptions, add.builtinOptionsType = (
        schema.AddOptionsT(),
        schema.BuiltinOptions.AddOptions,
    )
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    model.operatorCodes.append(code)
    add.opcodeIndex = len(model.operatorCodes) - 1
    graph.operators.append(add)
    graph.outputs = [*graph.outputs, len(graph.tensors) - 1]
    assert_as_litert(pack(model), "shared weights")


def test_a_convolution_without_weights_is_refused_as_any_other() -> None:
    model = schema.ModelT.InitFromPackedBuf(
        bytearray(random_convolution(np.random.default_rng(7), is_depthwise=False)), 0
    )
    model.subgraphs[0].operators[0].inputs = [INPUT]
    with pytest.raises(EdgebottleError):
        load_tflite(pack(model), "m")


def test_what_uint8_computes_otherwise_is_refused() -> None:
    message = r"\(ABS\) computes with uint8, which edgebottle does not support for it; convert"
    with pytest.raises(UnsupportedOp, match=message):
        load_tflite(as_uint8(write_tflite(cases_of("ABS")[0])), "m")


def test_an_input_that_is_an_output_as_well() -> None:
    """Each has a name of its own, and nothing is handed out twice."""
    graph = cases_of("RELU")[0]
    (name,) = graph.inputs
    model = schema.ModelT.InitFromPackedBuf(bytearray(as_uint8(write_tflite(graph))), 0)
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, model.subgraphs[0].inputs[0]]
    again = assert_as_litert(pack(model), graph.name)
    assert again.inputs == (name,)
    assert len({*again.inputs, *again.outputs}) == 3
