"""verify: what it says when something differs, or when LiteRT cannot run the model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle import reference
from edgebottle import verify as verify_module
from edgebottle.boards import load_board
from edgebottle.errors import BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from edgebottle.verify import verify_model
from tests.conftest import long, needs_qemu
from tests.graphs import Builder

BOARD_BYTES = 5120
"""About what stack and bench application take of RAM."""


def network() -> Graph:
    b = Builder("small")
    x = b.conv(b.input(1, 6, 6, 2), 3)
    y = b.depthwise(x)
    return b.graph(b.add(b.relu(y), x))


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_tflite(network()))
    return path


def test_all_agree(model_file: Path) -> None:
    result = verify_model(load(str(model_file)), load_board("host"), samples=5)
    assert result.match and result.exact
    assert result.implementations == ("LiteRT", "NumPy", "host C")


@pytest.mark.parametrize(
    ("board", "wish"),
    [
        long("stm32f746", Wish()),
        long("nucleo_l4r5zi", Wish(ram=BOARD_BYTES + 2400)),
        ("nucleo_g0b1re", Wish(ram=BOARD_BYTES + 2100, schedule=Schedule.MIN_TIME)),
        pytest.param("mps3_an547", Wish(schedule=Schedule.MIN_RAM, row_fed=True), marks=needs_qemu),
        ("stm32f746", Wish(schedule=Schedule.PATCHES)),
    ],
)
def test_the_host_runs_the_plan_of_the_board(
    board: str, wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    honest = verify_module.build

    def noted(*arguments, **options):
        built.append(honest(*arguments, **options))
        return built[-1]

    monkeypatch.setattr(verify_module, "build", noted)
    result = verify_model(load("digits"), load_board(board), samples=4, wish=wish)
    assert result.match and result.exact
    target, host = built
    assert host.board.is_host and host.plan == target.plan
    assert host.model.graph is target.model.graph


def test_litert_refuses(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every model that edgebottle compiles runs in LiteRT; the result says who was compared."""

    def refuse(data: bytes) -> None:
        raise BadModel("LiteRT cannot run it")

    monkeypatch.setattr(reference, "LiteRTProcess", refuse)
    result = verify_model(load(str(model_file)), load_board("host"), samples=3)
    assert result.match
    assert result.implementations == ("NumPy", "host C")
    assert result.litert_refusal == "LiteRT cannot run it"


def test_names_the_first_layer_that_numpy_gets_wrong(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(str(model_file))
    wrong = next(node for node in model.imported.nodes if node.OP == "DEPTHWISE_CONV_2D")
    honest = type(wrong).reference

    def off_by_one(self: object, *arguments: object) -> tuple[Array, ...]:
        (value,) = honest(self, *arguments)  # type: ignore[arg-type]
        return (np.where(value < 127, value + 1, value).astype(value.dtype),)

    monkeypatch.setattr(type(wrong), "reference", off_by_one)
    result = verify_model(model, load_board("host"), samples=2)
    assert result.difference is not None
    assert result.difference.implementation == "NumPy"
    assert result.difference.layer == wrong.name
    assert result.difference.index


def test_names_the_first_layer_that_c_gets_wrong(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The C of one layer gets another bias: the board's CRC of each step finds that layer."""
    model = load(str(model_file))
    wrong = next(node for node in model.graph.nodes if node.OP == "DEPTHWISE_CONV_2D")
    bias = wrong.inputs[2]
    assert bias is not None
    honest = verify_module.build

    def build_with_a_fault(model, board, **options):
        tensors = dict(model.graph.tensors)
        old: Tensor = tensors[bias]
        assert old.data is not None
        tensors[bias] = replace(old, data=(old.data + 4000).astype(np.int32))
        built = honest(
            replace(model, graph=replace(model.graph, tensors=tensors)), board, **options
        )
        return replace(built, model=model)

    monkeypatch.setattr(verify_module, "build", build_with_a_fault)
    result = verify_model(model, load_board("host"), samples=4)
    assert result.difference is not None
    assert result.difference.implementation == "host C"
    assert result.difference.layer == wrong.name
