"""Small inputs that failed once, or their kin: each gives what LiteRT gives, or one line."""

from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.errors import DoesNotFit, EdgebottleError, UnsupportedOp
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops.base import Isa
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from edgebottle.verify import verify_model
from quantize.patch import choose_schedule
from tests.conftest import SHARED, long
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples

pytestmark = pytest.mark.shared

CASES = SHARED / "cases"

EXACT = (
    "commands",
    "const_output",
    "conv1d_long_swapped",
    "fc3d_flag_off",
    "input_is_output",
    "int16x8_fc",
    "k_attention",
    "k_cnn_plain",
    "k_convtranspose",
    "k_conv1d_long",
    "k_dilated2d",
    "k_dynrange",
    "k_gmax",
    "k_leaky",
    "k_lstm_float",
    "k_maximum",
    "k_posmap",
    "k_prelu",
    "k_statevar",
    "mul_rank3_rank4",
    "stale_shapes",
    "two_reshapes_as_outputs",
    "zero_scale_dead_channel",
)

REFUSED: tuple[tuple[str, type[EdgebottleError], str], ...] = (
    ("conv_huge", DoesNotFit, r"alone needs [\d.]+ kB; the largest board, .*: [\d.]+ kB too much"),
    ("shape_huge2", DoesNotFit, r"alone needs [\d.]+ kB; the largest board, .* kB too much"),
    ("requant_2p33", UnsupportedOp, r"conv_2d \(CONV_2D\) scales by 8\.6e\+09, .* 0 to 2\^30"),
    ("scale_ratio_shift_131", UnsupportedOp, r"CONV_2D\) scales by 2\.3e\+39, .* 0 to 2\^30"),
    ("relu6_scale_infinite", UnsupportedOp, r"y \(RELU6\) scales by inf, .* 0 to 2\^22"),
)


@pytest.mark.parametrize("isa", [long(Isa.PORTABLE), Isa.DSP], ids=lambda isa: isa.value)
def test_exact(isa: Isa, tmp_path: Path) -> None:
    """LiteRT, the NumPy reference, and C of the schedule with the least memory."""
    runs, plans = [], []
    for name in EXACT:
        path = CASES / f"{name}.tflite"
        litert = LiteRTModel(path.read_bytes())
        chosen = choose_schedule(load(str(path)).graph, isa, Schedule.MIN_RAM)
        graph = chosen.graph
        runs.append((graph, [values for _, values in samples(graph)]))
        plans.append(chosen.plan)
        reference = Interpreter(graph)
        for inputs in runs[-1][1]:
            assert_same(reference.run(inputs), litert.run(inputs), name)
    for (graph, every), outputs in zip(runs, run_compiled(runs, isa, tmp_path, plans), strict=True):
        reference = Interpreter(graph)
        for inputs, found in zip(every, outputs, strict=True):
            assert_same(found, reference.run(inputs), graph.name)


@pytest.mark.parametrize("isa", [Isa.SCALAR, Isa.DSP], ids=lambda isa: isa.value)
def test_a_signal_takes_as_little_memory_lying_as_standing(isa: Isa) -> None:
    lying, standing = (
        choose_schedule(
            load(str(CASES / f"{name}.tflite")).graph, isa, Schedule.MIN_RAM
        ).plan.arena_bytes
        for name in ("k_conv1d_long", "conv1d_long_swapped")
    )
    assert lying == standing == {Isa.SCALAR: 8904, Isa.DSP: 8332}[isa]


def test_dilation_by_batches_becomes_dilation() -> None:
    graph = load(str(CASES / "k_dilated2d.tflite")).graph
    assert [node.OP for node in graph.nodes] == ["CONV_2D", "RELU", "MEAN", "FULLY_CONNECTED"]
    assert graph.nodes[0].dilation == (2, 2)  # type: ignore[attr-defined]


ON_A_BOARD = (
    ("many_inputs", "microbit"),
    ("const_output", "nucleo_g0b1re"),
    ("input_is_output", "nucleo_g0b1re"),
)
"""The model, and a board on which it ran wrong, or on which its outputs may be in flash."""


@pytest.mark.parametrize(("name", "board"), ON_A_BOARD)
def test_exact_on_a_board(name: str, board: str) -> None:
    result = verify_model(load(str(CASES / f"{name}.tflite")), load_board(board), samples=3)
    assert result.match and result.exact, str(result.difference)


@pytest.mark.parametrize(("name", "error", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refused_in_one_line(name: str, error: type[EdgebottleError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        load(str(CASES / f"{name}.tflite"))
    assert "\n" not in str(caught.value)
