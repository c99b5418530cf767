"""WHILE: loops whose repeats the file says are unrolled, lists and all; others are refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers import tflite_loops
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from tests.importers.models import buffer, operator, pack, tensor
from tests.samples import assert_same

Shape = tuple[int, ...]
ITEMS, WIDTH = 3, 2

CONDITION = (("LESS", ("i", "n"), "go"),)
BODY = (
    ("GATHER", ("x", "i"), "item"),
    ("ADD", ("item", "item"), "twice"),
    ("RESHAPE", ("twice", "row_shape"), "row"),
    ("RESHAPE", ("i", "one_shape"), "here"),
    ("CONCATENATION", ("here", "all"), "head_size"),
    ("SLICE", ("list", "begin", "head_size"), "head"),
    ("ADD", ("i", "step"), "j"),
    ("RESHAPE", ("j", "one_shape"), "behind"),
    ("CONCATENATION", ("behind", "none"), "tail_begin"),
    ("SLICE", ("list", "tail_begin", "rest"), "tail"),
    ("CONCATENATION", ("head", "row", "tail"), "longer"),
)
"""Puts twice the item of x into the list: what becomes of a TensorListSetItem."""

SHAPES: dict[str, tuple[Shape, str]] = {
    **dict.fromkeys(("x", "list", "longer", "last", "x_after"), ((ITEMS, WIDTH), "FLOAT32")),
    **dict.fromkeys(("item", "twice"), ((WIDTH,), "FLOAT32")),
    **dict.fromkeys(("row", "head", "tail"), ((1, WIDTH), "FLOAT32")),
    **dict.fromkeys(("i", "j", "i_after"), ((), "INT32")),
    **dict.fromkeys(("here", "behind"), ((1,), "INT32")),
    **dict.fromkeys(("head_size", "tail_begin"), ((2,), "INT32")),
    "go": ((), "BOOL"),
}
CONSTANTS: dict[str, Any] = {
    "zero": np.int32(0),
    "step": np.int32(1),
    "row_shape": np.array([1, WIDTH], np.int32),
    "one_shape": np.array([1], np.int32),
    "all": np.array([-1], np.int32),
    "none": np.array([0], np.int32),
    "begin": np.array([0, 0], np.int32),
    "rest": np.array([-1, -1], np.int32),
    "zeros": np.zeros((ITEMS, WIDTH), np.float32),
}


class LoopModel:
    """A network that is one loop; ``n`` repeats, whose body is graph ``body``."""

    def __init__(self, n: int = ITEMS, body: int = 2) -> None:
        self.constants = {**CONSTANTS, "n": np.int32(n)}
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        loop = ("WHILE", ("zero", "zeros", "x"), ("i_after", "last", "x_after"))
        self.model.subgraphs = [
            self._graph((loop,), ("x",), ("last",)),
            self._graph(CONDITION, ("i", "list", "x"), ("go",)),
            self._graph(BODY, ("i", "list", "x"), ("j", "longer", "x")),
        ]
        options = self.model.subgraphs[0].operators[0].builtinOptions
        options.condSubgraphIndex, options.bodySubgraphIndex = 1, body

    @property
    def data(self) -> bytes:
        return pack(self.model)

    def _graph(self, lines: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = [], []
        graph.inputs = [self._tensor(graph, name) for name in inputs]
        for op, ins, outs in lines:
            self._operator(graph, op, ins, (outs,) if isinstance(outs, str) else outs)
        graph.outputs = [self._tensor(graph, name) for name in outputs]
        return graph

    def _tensor(self, graph: Any, name: str) -> int:
        names = [one.name.decode() for one in graph.tensors]
        if name not in names:
            number = 0
            shape, kind = SHAPES.get(name, ((), ""))
            if name in self.constants:
                value = np.asarray(self.constants[name])
                shape, kind = value.shape, value.dtype.name.upper()
                self.model.buffers.append(buffer(value))
                number = len(self.model.buffers) - 1
            graph.tensors.append(tensor(name, shape, kind, number))
            if name in ("head", "tail"):  # which may be empty
                graph.tensors[-1].shapeSignature = [-1, WIDTH]
        return [*names, name].index(name)

    def _operator(self, graph: Any, op: str, ins: Sequence[str], outs: Sequence[str]) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, op)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        self.model.operatorCodes.append(code)
        options = getattr(schema, f"{op.capitalize()}OptionsT")()
        numbers = [[self._tensor(graph, name) for name in names] for names in (ins, outs)]
        number = len(self.model.operatorCodes) - 1
        graph.operators.append(operator(numbers[0], numbers[1], options, number))


def test_a_list_is_joined_once() -> None:
    data = LoopModel().data
    graph = load_tflite(data, "loop")
    assert [node.OP for node in graph.nodes].count("CONCATENATION") == 1
    assert not any(np.size(tensor.shape) == 0 for tensor in graph.tensors.values())
    sample = [np.arange(ITEMS * WIDTH, dtype=np.float32).reshape(ITEMS, WIDTH)]
    expected = LiteRTModel(data).run(sample)
    assert_same(Interpreter(graph).run(sample), expected, "unrolled")
    assert_same(LiteRTModel(write_tflite(graph)).run(sample), expected, "written again")


def endless(model: Any) -> None:
    model.subgraphs[2].outputs[0] = 0  # the counter stays


def of_data(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.inputs = [*graph.inputs, graph.operators[0].inputs[0]]
    graph.tensors[graph.inputs[-1]].buffer = 0


def short(model: Any) -> None:
    model.subgraphs[2].outputs = model.subgraphs[2].outputs[:2]


REFUSED: tuple[tuple[LoopModel, Any, type[EdgebottleError], str], ...] = (
    (LoopModel(body=0), None, BadModel, "the graph 0 of the model calls itself"),
    (LoopModel(body=9), None, BadModel, "the model names graph 9 of 3"),
    (LoopModel(), of_data, UnsupportedOp, r"\(WHILE\) runs as often as its data say"),
    (LoopModel(), short, BadModel, r"\(WHILE\) has 3 values, its body leaves 2"),
    (LoopModel(n=9), None, BadModel, r"\(GATHER\) takes item 3 of 3"),
    (LoopModel(), endless, UnsupportedOp, r"\(WHILE\) becomes more than 20 repeats"),
)


@pytest.mark.parametrize(("made", "edit", "error", "message"), REFUSED)
def test_refused_in_one_line(
    made: LoopModel,
    edit: Any,
    error: type[EdgebottleError],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tflite_loops, "MAX_REPEATS", 20)
    if edit is not None:
        edit(made.model)
    with pytest.raises(error, match=message) as caught:
        load_tflite(made.data, "loop")
    assert "\n" not in str(caught.value)
