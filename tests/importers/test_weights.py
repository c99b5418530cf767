"""Weights that a file stores smaller than they are, against LiteRT; and such that are broken."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from tests.importers.models import INPUT
from tests.importers.weights import (
    HALVES,
    RUNS,
    VALUES,
    Edit,
    after,
    both,
    in_float,
    level,
    model_of,
    order,
    packed,
    sparse,
    stored_as,
)


def inputs_of(graph: Graph) -> np.ndarray:
    tensor = graph.tensors[graph.inputs[0]]
    generator = np.random.default_rng(0)
    if tensor.dtype is DType.F32:
        return generator.uniform(-1, 1, tensor.shape).astype(np.float32)
    return generator.integers(-128, 128, tensor.shape).astype(np.int8)


@pytest.mark.parametrize("edit", RUNS.values(), ids=RUNS)
def test_gives_what_litert_gives(edit: Edit) -> None:
    data = model_of(edit)
    graph = load_tflite(data, "m")
    assert len(graph.nodes) == 1
    value = inputs_of(graph)
    (found,), (expected,) = Interpreter(graph).run([value]), LiteRTModel(data).run([value])
    assert expected.any()
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(found, expected)


ROWS = after("DENSIFY", "INT8", sparse((0, 1, 2, 3), (False, True, False, True)))
WINDOWS = sparse((0, 1, 2, 3, 4), (True, False, True, True, False), ((1, 3),))
BLOCKS = after("DENSIFY", "INT8", WINDOWS)
REFUSED: dict[str, tuple[Edit, str]] = {
    "segments": (both(ROWS, level(1, arraySegments=[0, 1, 2])), "segments of its dimension 1"),
    "segments fall": (both(ROWS, level(1, arraySegments=[0, 9, 1, 6])), "segments of its dim"),
    "index": (
        both(ROWS, level(1, arrayIndices=[0, 1, 3, 0, 1, 2, 0, 1, 2])),
        "an index lies outside of a",
    ),
    "no index": (both(ROWS, level(3, arraySegments=[], arrayIndices=[])), "segments of its dim"),
    "dense size": (both(ROWS, level(0, denseSize=-3)), "segments of its dimension 1"),
    "order": (both(ROWS, order(0, 1, 1, 3)), r"order \[0, 1, 1, 3\] is none of"),
    "too few": (both(BLOCKS, order(0, 1, 2, 3)), r"order \[0, 1, 2, 3\] is none of"),
    "blocks": (both(BLOCKS, level(4, denseSize=2)), "has 45 bytes, but sparse"),
    "elements": (both(ROWS, stored_as("INT8", np.int8([1, 2]))), "has 2 bytes, but sparse"),
    "sparse windows": (WINDOWS, r"conv2d \(CONV_2D\) reads '.*', which is sparse"),
    "half a byte": (stored_as("INT4", packed(VALUES, 4)[:-1]), r"has 26 bytes, .* int4 takes 27"),
    "int2 windows": (stored_as("INT2", packed(VALUES, 2)), "is int2, which edgebottle does not"),
    "float16 used": (both(in_float, stored_as("FLOAT16", HALVES)), "only weights may be float16"),
}


@pytest.mark.parametrize(("edit", "message"), REFUSED.values(), ids=REFUSED)
def test_is_refused_in_one_line(edit: Edit, message: str) -> None:
    with pytest.raises(EdgebottleError, match=message) as caught:
        load_tflite(model_of(edit), "m")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["FLOAT16", "INT4"])
def test_activations_of_such_types_are_refused_by_name(kind: str) -> None:
    def edit(_: Any, graph: Any) -> None:
        graph.tensors[INPUT].type = getattr(schema.TensorType, kind)

    with pytest.raises(UnsupportedOp, match=f"'serving_default_x:0' is {kind.lower()}, .* only w"):
        load_tflite(model_of(edit), "m")
