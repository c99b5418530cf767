"""What is computed at import equals what LiteRT computes at run time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.importers.tflite import load_tflite
from edgebottle.importers.tflite_constants import CONSTANT_OPERATORS, MAX_ELEMENTS, SHAPES
from edgebottle.importers.tflite_operators import SIGNATURES
from edgebottle.ir.graph import Array
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from tests.importers import models

TYPES = {"int32": "INT32", "int64": "INT64", "float32": "FLOAT32", "bool": "BOOL"}


def i32(*values: int) -> Array:
    return np.array(values, np.int32)


def f32(*values: float) -> Array:
    return np.array(values, np.float32)


A, B = i32(-7, 7, 2**31 - 1, -5), i32(2, -2, 3, -5)
F, G = f32(-2.5, 2.5, 0.5, 3), f32(2, -0.5, 3, 3)
AXES = i32(0)
SQUARE = np.arange(6, dtype=np.int32).reshape(2, 3)
TRUTH = np.array([True, False, True, False])
SHAPE_OF = np.zeros((1, 5, 7), np.int8)

ROWS: list[tuple[str, Sequence[Array], str, dict[str, int]]] = [
    ("ABS", [F], "float32", {}),
    ("ADD", [A, B], "int32", {}),
    ("ADD", [A.astype(np.int64), B.astype(np.int64)], "int64", {}),
    ("BROADCAST_ARGS", [i32(2, 1, 3), i32(4, 1)], "int32", {}),
    ("BROADCAST_TO", [i32(1, 2, 3), i32(2, 3)], "int32", {}),
    ("CAST", [F], "int32", {}),
    ("CAST", [A], "int64", {}),
    ("CAST", [A], "float32", {}),
    ("CEIL", [F], "float32", {}),
    ("DIV", [A, B], "int32", {}),
    ("DIV", [F, G], "float32", {}),
    ("EQUAL", [A, B], "bool", {}),
    ("FILL", [i32(2, 3), np.array(7, np.int32)], "int32", {}),
    ("FLOOR", [F], "float32", {}),
    ("FLOOR_DIV", [A, B], "int32", {}),
    ("FLOOR_MOD", [A, B], "int32", {}),
    ("GATHER", [A, i32(3, 0, 3)], "int32", {"axis": 0}),
    ("GATHER", [SQUARE, i32(2, 0)], "int32", {"axis": -1}),
    ("GREATER", [A, B], "bool", {}),
    ("GREATER_EQUAL", [A, B], "bool", {}),
    ("LESS", [A, B], "bool", {}),
    ("LESS_EQUAL", [A, B], "bool", {}),
    ("LOGICAL_AND", [TRUTH, np.array([True])], "bool", {}),
    ("LOGICAL_NOT", [TRUTH], "bool", {}),
    ("LOGICAL_OR", [TRUTH, np.array([False])], "bool", {}),
    ("MAXIMUM", [A, B], "int32", {}),
    ("MINIMUM", [A, B], "int32", {}),
    ("MUL", [A, B], "int32", {}),
    ("NEG", [A], "int32", {}),
    ("NOT_EQUAL", [A, B], "bool", {}),
    ("RANGE", [np.array(value, np.int32) for value in (2, 9, 3)], "int32", {}),
    ("RANGE", [np.array(value, np.int32) for value in (9, -1, -2)], "int32", {}),
    ("RANK", [SHAPE_OF], "int32", {}),
    ("REDUCE_MAX", [SQUARE, i32(1)], "int32", {"keepDims": 1}),
    ("REDUCE_MIN", [SQUARE, i32(-1)], "int32", {}),
    ("REDUCE_PROD", [SQUARE + 1, i32(0, 1)], "int32", {}),
    ("ROUND", [F], "float32", {}),
    ("SELECT", [TRUTH, A, B], "int32", {}),
    ("SELECT_V2", [TRUTH, A, np.array(3, np.int32)], "int32", {}),
    ("SHAPE", [SHAPE_OF], "int32", {"outType": schema.TensorType.INT32}),
    ("SHAPE", [SHAPE_OF], "int64", {"outType": schema.TensorType.INT64}),
    ("SLICE", [A, i32(1), i32(-1)], "int32", {}),
    ("SLICE", [SQUARE, i32(0, 1), i32(1, 2)], "int32", {}),
    ("SUB", [A, B], "int32", {}),
    ("SUM", [SQUARE, AXES], "int32", {}),
    ("TILE", [SQUARE, i32(2, 1)], "int32", {}),
    ("ZEROS_LIKE", [A], "int32", {}),
]


def one_operator(
    op: str,
    inputs: Sequence[Array],
    dtype: str,
    fields: dict[str, int],
    computes_an_input: bool = False,
) -> bytes:
    """A model of one operator on constants, whose shape the file does not know.

    An input of int8 is the model's own.
    """
    model = models.conv_model()
    graph = model.subgraphs[0]
    model.buffers, graph.tensors, graph.inputs = [schema.BufferT()], [], []
    for index, value in enumerate(inputs):
        is_input = value.dtype == np.int8
        buffer = 0 if is_input else len(model.buffers)
        kind = "INT8" if is_input else TYPES[str(value.dtype)]
        graph.tensors.append(models.tensor(f"x{index}", value.shape, kind, buffer, (1.0,), (0,)))
        if not is_input:
            graph.tensors[-1].quantization = None
            model.buffers.append(models.buffer(value))
        else:
            graph.inputs.append(index)
    graph.tensors.append(models.tensor("y", (), TYPES[dtype], 0))
    graph.tensors.append(models.tensor("unread", (1,), "INT8", 0, (1.0,), (0,)))
    graph.inputs = graph.inputs or [len(inputs) + 1]
    graph.outputs = [len(inputs)]
    if computes_an_input:
        graph.inputs.append(len(inputs))
    name = SIGNATURES_OF_ALL[op].options
    options: Any = getattr(schema, f"{name}T")() if name else None
    for field, number in fields.items():
        setattr(options, field, number)
    graph.operators = [models.operator(list(range(len(inputs))), [len(inputs)], options)]
    code = getattr(schema.BuiltinOperator, op)
    model.operatorCodes[0].builtinCode = code
    model.operatorCodes[0].deprecatedBuiltinCode = min(code, 127)
    model.operatorCodes[0].version = 2 if op == "BROADCAST_TO" else 1
    return models.pack(model)


SIGNATURES_OF_ALL = {
    **SIGNATURES,
    **{op: operator.signature for op, operator in CONSTANT_OPERATORS.items()},
    **{op: signature for op, (signature, _) in SHAPES.items()},
}


@pytest.mark.parametrize(("op", "inputs", "dtype", "fields"), ROWS)
def test_constants_equal_litert(
    op: str, inputs: Sequence[Array], dtype: str, fields: dict[str, int]
) -> None:
    data = one_operator(op, inputs, dtype, fields)
    graph = load_tflite(data, "constants")
    assert [node.OP for node in graph.nodes] == ["RESHAPE"]  # the copy to the output
    own = [np.zeros(graph.tensors[name].shape, np.int8) for name in graph.inputs]
    # LiteRT has no plain kernel for some of these.
    (expected,) = LiteRTModel(data, reference=False).run(own)
    (actual,) = Interpreter(graph).run(own)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def test_every_operator_has_a_row() -> None:
    assert {row[0] for row in ROWS} == {*CONSTANT_OPERATORS, *SHAPES}


BIG = i32(MAX_ELEMENTS, 2)
REFUSED: list[tuple[str, Sequence[Array], type[EdgebottleError], str]] = [
    ("DIV", [A, i32(1, 2, 3, 0)], BadModel, "division by zero"),
    ("FLOOR_MOD", [A, i32(0)], BadModel, "division by zero"),
    ("ADD", [A, i32(1, 2)], BadModel, "ADD. cannot be computed"),
    ("GATHER", [A, i32(4)], BadModel, "indices outside of axis 0"),
    ("SLICE", [A, i32(3), i32(9)], BadModel, "begin .3,. and size .9,."),
    ("RANGE", [np.array(n, np.int32) for n in (0, 9, 0)], BadModel, "division by zero"),
    ("RANGE", [np.array(n, np.int32) for n in (0, 2**31 - 1, 1)], UnsupportedOp, "would have"),
    ("FILL", [BIG, np.array(1, np.int32)], UnsupportedOp, "would have the shape"),
    ("TILE", [SQUARE, BIG], UnsupportedOp, "would have the shape"),
    ("REDUCE_PROD", [SQUARE, i32(5)], BadModel, "cannot be computed"),
    ("CAST", [f32(np.nan)], BadModel, "not finite"),
    ("SUM", [SQUARE, f32(1)], BadModel, "float32 where integers are needed"),
    ("REDUCE_PROD", [SHAPE_OF, i32(0)], UnsupportedOp, "not support yet: REDUCE_PROD"),
]


@pytest.mark.parametrize(("op", "inputs", "error", "message"), REFUSED)
def test_refused_in_one_line(
    op: str, inputs: Sequence[Array], error: type[EdgebottleError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_tflite(one_operator(op, inputs, "int32", {}), "constants")


def test_an_input_is_not_computed_as_well() -> None:
    data = one_operator("SHAPE", [SHAPE_OF], "int32", {}, computes_an_input=True)
    with pytest.raises(BadModel, match="SHAPE computes 'y', which is there already"):
        load_tflite(data, "constants")
