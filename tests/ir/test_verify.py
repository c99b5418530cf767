"""The verifier refuses what is not a graph, and says after which stage."""

from dataclasses import replace

import numpy as np
import pytest

from edgebottle.errors import BadInput, BadModel, UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter, initial_state
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.ops.relu import Relu

Q = Quant((0.5,), (3,))


def chain() -> Graph:
    """x -> relu -> h -> relu -> y"""
    names = ("x", "h", "y")
    tensors = {name: Tensor(name, (1, 2, 2, 3), DType.I8, Q) for name in names}
    nodes = (
        Relu(name="first", inputs=("x",), outputs=("h",)),
        Relu(name="second", inputs=("h",), outputs=("y",)),
    )
    return Graph("chain", tensors, nodes, ("x",), ("y",))


def changed(which: str, **fields) -> Graph:
    graph = chain()
    return replace(graph, tensors={**graph.tensors, which: replace(graph.tensors[which], **fields)})


def with_third(node: Relu) -> Graph:
    return replace(chain(), nodes=(*chain().nodes, node))


def test_a_good_graph_passes():
    verify(chain())


BAD = [
    ("order", replace(chain(), nodes=chain().nodes[::-1]), "reads 'h' before"),
    ("twice", with_third(replace(chain().nodes[0], name="third")), "'h' is computed twice"),
    ("name", with_third(chain().nodes[0]), "two nodes have the name 'first'"),
    ("filed", changed("h", name="other"), "filed under 'h'"),
    ("shape", changed("h", shape=(1, 2, 2, 4)), "must give"),
    ("type", changed("h", dtype=DType.F32, quant=None), "must give"),
    ("empty", changed("x", shape=(1, 0)), r"has the shape \[1, 0\]"),
    ("data-type", changed("x", data=np.zeros((1, 2, 2, 3), np.float32)), "contradicts its type"),
    ("data-shape", changed("x", data=np.zeros((2, 2, 3), np.int8)), "contradicts its type"),
    ("output", replace(chain(), outputs=("z",)), "'z' is never computed"),
    ("input", replace(chain(), inputs=()), "reads 'x' before"),
]


@pytest.mark.parametrize(("graph", "message"), [r[1:] for r in BAD], ids=[r[0] for r in BAD])
def test_a_bad_graph_is_named(graph, message):
    with pytest.raises(BadModel, match=message) as caught:
        verify(graph, "fuse_nothing")
    assert str(caught.value).startswith("after fuse_nothing: ")


def test_dump_is_what_a_reader_expects():
    assert dump(chain()) == (
        "graph chain\n"
        "  input  %x: 1x2x2x3 i8 q[0.5, 3]\n"
        "  %h: 1x2x2x3 i8 q[0.5, 3] = RELU(%x)\n"
        "  %y: 1x2x2x3 i8 q[0.5, 3] = RELU(%h)\n"
        "  output %y\n"
    )


def test_graph_answers_who_makes_and_who_reads():
    graph = chain()
    assert graph.producer("h") is graph.nodes[0]
    assert graph.producer("x") is None
    assert graph.consumers("h") == (graph.nodes[1],)
    assert graph.with_nodes(()).tensors.keys() == {"x", "y"}


@pytest.mark.parametrize(
    ("shape", "dtype", "nbytes"),
    [
        ((), DType.F32, 4),
        ((3,), DType.I1, 1),
        ((9,), DType.I1, 2),
        ((3,), DType.I4, 2),
        ((5,), DType.I2, 2),
        ((2, 3), DType.I16, 12),
        ((70_000, 70_000), DType.I8, 4_900_000_000),
    ],
)
def test_bytes_of_a_tensor(shape, dtype, nbytes):
    assert Tensor("t", shape, dtype).nbytes == nbytes


def test_rows_of_a_tensor():
    image, vector = Tensor("t", (2, 5, 3, 4), DType.I8), Tensor("t", (2, 12), DType.I8)
    assert (image.rows, image.layout.row_elements) == (10, 12)
    assert (vector.rows, vector.layout.row_elements) == (1, 24)


def test_what_a_tensor_lacks_is_named():
    plain = Tensor("t", (2,), DType.I8, Quant((1.0, 2.0), (0, 0), 0))
    for ask in (lambda: plain.scale, lambda: plain.zero_point, plain.constant):
        with pytest.raises(UnsupportedOp, match="'t'"):
            ask()


def test_interpreter_checks_its_inputs_and_keeps_every_tensor():
    runner = Interpreter(chain())
    with pytest.raises(BadInput, match=r"takes \[1, 2, 2, 3\] i8"):
        runner.run([np.zeros((1, 2, 2, 3), np.float32)])
    (result,) = runner.run([np.arange(-6, 6, dtype=np.int8).reshape(1, 2, 2, 3)])
    np.testing.assert_array_equal(result.ravel(), np.maximum(np.arange(-6, 6), 3))
    assert set(runner.values) == {"x", "h", "y"}


def test_state_starts_at_its_zero_point():
    assert (initial_state(Tensor("s", (3,), DType.I8, Q, state=True)) == 3).all()
    assert (initial_state(Tensor("s", (3,), DType.F32, state=True)) == 0).all()
