"""The scalar kernels where their inner loops are assembly: exact, and faster than plain loops."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle import fit
from edgebottle.boards import load_board
from edgebottle.errors import UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.measure import measure
from edgebottle.ops.base import Isa
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.kernel import Layer
from edgebottle.pipeline import build, load
from edgebottle.samples import edge_cases
from edgebottle.verify import verify_model
from tests.conftest import long

BOARDS = {
    "nucleo_g0b1re": "arm-none-eabi-gcc",
    "mps2_an385": "arm-none-eabi-gcc",
    "longan_nano": "riscv64-unknown-elf-gcc",
}
MOST_BYTES = 1500
"""Of the tensors of a case: all cases together must fit a small board."""

EACH = 10
"""Cases of an operator; the firmware takes 32 inputs."""

FASTER = 1.5
"""Instructions of plain loops over those of the scalar kernels, at least."""

OPERATORS = (Conv2D, DepthwiseConv2D, FullyConnected)
"""Those with scalar kernels."""


def cases() -> list[Graph]:
    """Ten of each operator's small int8 cases that the scalar kernels take, evenly chosen."""
    chosen = []
    for operator in OPERATORS:
        found = [graph for graph in operator.cases() if suits(graph)]
        chosen += [found[i * len(found) // EACH] for i in range(EACH)]
    return chosen


def suits(graph: Graph) -> bool:
    node = graph.nodes[0]
    ins, outs = graph.ins(node), graph.outs(node)
    tensors = [graph.tensors[name] for name in (*graph.inputs, *graph.outputs)]
    if outs[0].dtype is not DType.I8 or sum(tensor.nbytes for tensor in tensors) > MOST_BYTES:
        return False
    with suppress(UnsupportedOp):  # TFLite cannot express it
        node.to_tflite(ins, outs)
        kernel, _ = node.chosen(Layer(node, ins, outs), Isa.SCALAR)
        return Isa.PORTABLE not in kernel.ISAS
    return False


def side_by_side(graphs: list[Graph]) -> Graph:
    """One network of them all; each has inputs and outputs of its own."""
    tensors, nodes, inputs, outputs = {}, [], [], []
    for number, graph in enumerate(graphs):
        new = {name: f"{name}_{number}" for name in graph.tensors}
        tensors |= {
            new[name]: replace(tensor, name=new[name]) for name, tensor in graph.tensors.items()
        }
        for node in graph.nodes:
            ins = tuple(None if name is None else new[name] for name in node.inputs)
            outs = tuple(new[name] for name in node.outputs)
            nodes.append(replace(node, name=f"case_{number}", inputs=ins, outputs=outs))
        inputs += [new[name] for name in graph.inputs]
        outputs += [new[name] for name in graph.outputs]
    return Graph("cases", tensors, tuple(nodes), tuple(inputs), tuple(outputs))


@pytest.mark.parametrize(
    ("board", "toolchain"),
    [
        long("nucleo_g0b1re", "zig"),
        ("mps2_an385", "zig"),
        ("longan_nano", "gcc"),
        long("nucleo_g0b1re", "gcc"),
        long("mps2_an385", "gcc"),
        long("longan_nano", "zig"),
    ],
)
def test_cases_on_the_virtual_board(board: str, toolchain: str, tmp_path: Path) -> None:
    if toolchain == "gcc" and shutil.which(BOARDS[board]) is None:
        pytest.skip(f"{BOARDS[board]} is not installed")
    path = tmp_path / "cases.tflite"
    graph = side_by_side(cases())
    path.write_bytes(write_tflite(graph))
    result = verify_model(load(str(path)), load_board(board), samples=4, toolchain=toolchain)
    assert result.match and result.exact, str(result.difference)


@pytest.mark.parametrize(
    ("network", "flash", "isa"),
    [
        pytest.param("digits", 45 * 1024, Isa.PORTABLE, id="budget"),
        pytest.param("fashion", None, Isa.PORTABLE, id="full", marks=pytest.mark.long),
    ],
)
def test_plain_loops_where_flash_is_short(network: str, flash: int | None, isa: Isa) -> None:
    built = build(load(network), load_board("longan_nano"), wish=Wish(flash=flash))
    assert built.plan.isa == isa.value


@pytest.mark.parametrize("board", ["nucleo_g0b1re", long("mps2_an385"), long("longan_nano")])
def test_fewer_instructions_than_plain_loops(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("digits")
    counts = {}
    for isa in (Isa.SCALAR, Isa.PORTABLE):
        with monkeypatch.context() as patch:
            patch.setattr(fit, "kernel_variants", lambda board, isa=isa: (isa,))
            built = build(model, load_board(board))
        assert built.plan.isa == isa.value
        counts[isa] = measure(built, edge_cases(model.graph, 1)).instructions
    assert counts[Isa.PORTABLE] >= FASTER * counts[Isa.SCALAR]
