"""Instructions of fast kernels that no network of ``test_figures.py`` has, pinned likewise."""

from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.measure import measure
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.transpose_conv import TransposeConv
from edgebottle.ops.unidirectional_sequence_lstm import UnidirectionalSequenceLstm
from edgebottle.pipeline import build, load
from edgebottle.samples import edge_cases
from tests.bench.figures import read
from tests.conftest import long
from tests.ops.low_bits import Shape, low_bit_network
from tests.ops.test_scalar_boards import side_by_side
from tests.test_figures import MARGIN

CASES = {
    "transpose_conv_fours_same",
    "lstm_batch_major",
    "per_channel_row",
    "per_channel_halves",
}

WINDOWS = Shape("conv", 32, 32, 6, (3, 3), clamped=True, followed=True)
DEPTHWISE = Shape("depthwise", 16, 16, 9, (3, 3), clamped=True, followed=True)
LOW_BITS = (
    *((WINDOWS, weights, inputs) for weights, inputs in ((4, 8), (2, 8), (1, 8), (2, 2), (1, 1))),
    *((DEPTHWISE, 2, 2), (Shape("dense", 128, 32, 1), 2, 8)),
)
"""Layers of few bits: of how many weights and inputs are."""

PINNED = {
    "stm32f746": {
        **{"output_2": 1_138, "y_1": 82_451, "output_3": 2_123, "output_0": 31_794},
        **{"conv_1_4": 255_112, "conv_1_5": 198_312, "conv_1_6": 187_737},
        **{"conv_1_7": 174_500, "conv_1_8": 83_636, "depthwise_0_9": 18_872, "dense_1_10": 3_794},
    },
    "nucleo_g0b1re": {
        **{"output_2": 3_802, "y_1": 122_447, "output_3": 5_818, "output_0": 100_421},
        **{"conv_1_4": 718_071, "conv_1_5": 624_163, "conv_1_6": 857_879},
        **{"conv_1_7": 418_353, "conv_1_8": 215_037, "depthwise_0_9": 70_556},
        **{"dense_1_10": 13_534},
    },
}
"""Of a dense, a transposed, a dense and an LSTM layer; and of those of ``LOW_BITS``.

With int8, the ones of 3x3 windows take 240,000 and 787,000 (``conv_1_6``, whose sums no short
multiplier scales, 857,873), the depthwise one 18,902 and 70,566, the dense one 4,668 and 17,512.
"""


@pytest.mark.parametrize("board", ["stm32f746", long("nucleo_g0b1re")])
def test_instructions_of_layers(board: str, tmp_path: Path) -> None:
    path = tmp_path / "layers.tflite"
    every = (
        *TransposeConv.cases(),
        *UnidirectionalSequenceLstm.cases(),
        *FullyConnected.cases(),
    )
    cases = [case for case in every if case.name in CASES]
    cases += [low_bit_network(*layer, seed) for seed, layer in enumerate(LOW_BITS)]
    path.write_bytes(write_tflite(side_by_side(cases)))
    model = load(str(path))
    record = measure(build(model, load_board(board)), edge_cases(model.graph, 1))
    margin = 0 if record.compiler == read().compiler else 1 / MARGIN
    found = {layer.name: layer.instructions for layer in record.layers}
    wanted = PINNED[board]
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=margin, abs=0)
