"""Every case of every operator: LiteRT, the NumPy reference and compiled C must agree."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import edgebottle
from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.litert import LiteRTModel
from edgebottle.ops import HYBRID, OPERATORS
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.transpose_conv import TransposeConv
from edgebottle.ops.window_padding import MAX_SIDE
from tests.graphs import Builder
from tests.ops.compiled import has_variants, run_models, variants_that_differ, word
from tests.samples import assert_same, samples

EVERY = (*OPERATORS, *HYBRID.values())
GRAPHS = {
    (operator.OP if operator in OPERATORS else operator.__name__): list(operator.cases())
    for operator in EVERY
}
CASES_OF_A_PROGRAM = 100


def programs() -> Iterator[list[str]]:
    """Operators whose cases are compiled together: to start a compiler takes as long as 30."""
    group: list[str] = []
    for name, operator in zip(GRAPHS, EVERY, strict=True):
        group.append(name)
        if has_variants(operator) or sum(len(GRAPHS[one]) for one in group) >= CASES_OF_A_PROGRAM:
            yield group
            group = []
    if group:
        yield group


PROGRAMS = list(programs())


def with_bias(graph: Graph) -> Graph:
    """Gives integer convolutions without a bias one of zeros: LiteRT insists on it."""
    tensors, nodes = dict(graph.tensors), []
    for node in graph.nodes:
        output = graph.outs(node)[0]
        if "CONV" in node.OP and node.inputs[2:] == (None,) and output.dtype is DType.I8:
            shape = output.shape[-1:]
            weights = graph.tensors[str(node.inputs[1])]
            scale = tuple(tensors[str(node.inputs[0])].scale * s for s in weights.quant.scale)
            quant = Quant(scale, (0,) * len(scale), None if len(scale) == 1 else 0)
            tensors["zeros"] = Tensor("zeros", shape, DType.I32, quant, np.zeros(shape, np.int32))
            node = replace(node, inputs=(*node.inputs[:2], "zeros"))
        nodes.append(node)
    return replace(graph, tensors=tensors, nodes=tuple(nodes))


@pytest.mark.parametrize("operator", EVERY, ids=lambda operator: operator.__name__)
def test_cases_are_named_apart_and_stay_the_same(operator):
    first, second = list(operator.cases()), list(operator.cases())
    assert first, f"{operator.OP} has no test cases"
    assert [dump(graph) for graph in first] == [dump(graph) for graph in second]
    assert len({graph.name for graph in first}) == len(first)
    assert all(node.OP == operator.OP for graph in first for node in graph.nodes)


@pytest.mark.parametrize("operator", GRAPHS)
def test_reference_equals_litert(operator):
    """Every case that TFLite can express, to the last one: all that differ are named."""
    beyond, wrong = [], []
    for graph in GRAPHS[operator]:
        verify(graph)
        try:
            data = write_tflite(with_bias(graph))
        except UnsupportedOp as error:
            beyond.append(f"{graph.name}: TFLite cannot express this: {error}")
            continue
        try:
            if not compared_with_litert(graph, data):
                beyond.append(f"{graph.name}: its 8 bits saturate where LiteRT's 16 go on")
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(wrong)
    if len(beyond) == len(GRAPHS[operator]):
        pytest.skip("; ".join(beyond))


def compared_with_litert(graph: Graph, data: bytes) -> int:
    """The number of samples that gave the same."""
    litert, reference = litert_model(data), Interpreter(graph)
    for number, (kind, inputs) in enumerate(gentle_first(graph)):
        actual = reference.run(inputs)
        if saturated(reference):
            return number  # the gentle samples came first and have been compared
        assert_same(actual, litert.run(inputs), f"{graph.name}, {kind}")
    return number + 1


def litert_model(data: bytes) -> LiteRTModel:
    """LiteRT with its plain kernels; with its others where it has no plain one of an operator."""
    try:
        return LiteRTModel(data)
    except BadModel as error:
        if "Didn't find op for builtin opcode" not in str(error):
            raise
        return LiteRTModel(data, reference=False)


def gentle_first(graph: Graph):
    """The samples; those near the zero point first, for a state that must not saturate."""
    every = samples(graph)
    narrow = any(tensor.state and tensor.dtype is DType.I8 for tensor in graph.tensors.values())
    return sorted(every, key=lambda sample: sample[0] not in ("zero", "random-1") and narrow)


def saturated(reference: Interpreter) -> bool:
    """A state of 8 bits has reached an end of its range, where LiteRT's of 16 bits goes on."""
    return any(
        tensor.state
        and tensor.dtype is DType.I8
        and np.isin(reference.values[name], (-128, 127)).any()
        for name, tensor in reference.graph.tensors.items()
    )


@pytest.mark.parametrize("operator", GRAPHS)
def test_round_trip_through_tflite(operator):
    """Every case that TFLite can express."""
    tried = 0
    for graph in GRAPHS[operator]:
        if graph.nodes[0].assigned is not None:
            continue  # what is read after an assignment is the value itself: see test_variables.py
        try:
            data = write_tflite(graph)
        except UnsupportedOp:
            continue
        tried += 1
        again = load_tflite(data, graph.name)
        assert _unnamed(dump(again)) == _unnamed(dump(graph)), graph.name
        for name, tensor in again.tensors.items():
            assert (tensor.data is None) == (graph.tensors[name].data is None), graph.name
            if tensor.data is not None:
                assert_same([tensor.data], [graph.tensors[name].data], f"{graph.name}, {name}")
    if not tried:
        pytest.skip("TFLite expresses no case, or none that it reads as it was written")


def _unnamed(text: str) -> str:
    """Without the name of the graph, and with attributes as exact as the file's float32."""
    text = re.sub(r"^graph .*", "", text)
    return re.sub(r"\d+\.\d+(e[-+]?\d+)?", lambda found: f"{np.float32(found[0]):.9g}", text)


@pytest.mark.parametrize("operators", PROGRAMS, ids="-".join)
def test_compiled_c_equals_reference(operators, tmp_path):
    """Under every variant that compiles to another text than those before it."""
    programs = {isa: [] for isa in Isa}
    for operator in operators:
        for number, graph in enumerate(GRAPHS[operator]):
            kinds, inputs = zip(*samples(graph), strict=True)
            reference = Interpreter(graph)
            expected = [reference.run(sample) for sample in inputs]
            named = replace(graph, name=f"c{number}_{word(operator)}_{word(graph.name)}")
            for isa, model in variants_that_differ(named, inputs).items():
                programs[isa].append((model, kinds, expected))
    for isa, rows in programs.items():
        if not rows:
            continue
        actual = run_models([model for model, _, _ in rows], isa, tmp_path)
        for (model, kinds, expected), outputs in zip(rows, actual, strict=True):
            for kind, found, wanted in zip(kinds, outputs, expected, strict=True):
                assert_same(found, wanted, f"{model.graph.name}, {kind}, {isa.value}")
        # Whole names are found with grep, from C and from Python alike.
        called = re.findall(r"\beb_(?!c\d+_)\w+(?=\()", (tmp_path / f"{isa.value}.c").read_text())
        assert set(called) <= names_in_python()


@cache
def names_in_python() -> set[str]:
    """The C names that operators, and what generates code around them, spell out."""
    package = Path(edgebottle.__file__).parent
    sources = [*package.glob("ops/*.py"), *package.glob("codegen/*.py")]
    return set(re.findall(r"\beb_\w+", "".join(path.read_text() for path in sources)))


@pytest.mark.parametrize("kind", ["dilation", "pool"])
def test_a_window_far_beyond_its_image_is_refused(kind):
    """A computer could not hold the padded image, and 32 bits not count its rows."""
    b = Builder("far")
    x = b.input(1, 6, 5, 4)
    b.conv(x, 4, dilation=(1 << 31) - 1) if kind == "dilation" else b.pool(x, MaxPool2D, 1 << 31, 1)
    node = b.nodes[-1]
    graph = b.graph(*node.outputs)
    with pytest.raises(UnsupportedOp, match=rf"{node.name} .*pads an image of 6 x 5 with [0-9]+ r"):
        node.check(graph.ins(node), graph.outs(node))


@pytest.mark.parametrize(
    ("kernel", "changed"),
    [
        ((1, MAX_SIDE + 1), {}),
        ((1, 1), {"stride": (MAX_SIDE + 1, 1)}),
        ((1, 1), {"dilation": (1, MAX_SIDE + 1)}),
        ((1, 1), {"padding": (0, 0, 0, MAX_SIDE + 1)}),
    ],
)
def test_sides_that_parameters_cannot_hold_are_refused(
    kernel: tuple[int, int], changed: dict[str, tuple[int, ...]]
) -> None:
    b = Builder("long")
    b.conv(b.input(1, 1, MAX_SIDE + 1, 1), 1, kernel)
    (node,), graph = b.nodes, b.graph(*b.nodes[0].outputs)
    ins, outs = graph.ins(node), graph.outs(node)
    longest = {
        "stride": (MAX_SIDE,) * 2,
        "dilation": (MAX_SIDE,) * 2,
        "padding": (0, 0, *(MAX_SIDE,) * 2),
    }
    if kernel == (1, 1):
        replace(node, **longest).check(ins, outs)
    with pytest.raises(UnsupportedOp, match=rf"of {MAX_SIDE + 1} pixels.*at most {MAX_SIDE}"):
        replace(node, **changed).check(ins, outs)


@pytest.mark.parametrize("size", [(65536, 8), (9, 8), (4, 8)])
def test_a_transposed_convolution_that_does_not_fit_its_output_is_refused(size):
    graph = next(graph for graph in TransposeConv.cases() if "two_same" in graph.name)
    (node,) = graph.nodes
    with pytest.raises(UnsupportedOp, match=rf"makes {size[0]} x {size[1]} pixels of 3 x 4"):
        replace(node, size=size).infer(graph.ins(node))
