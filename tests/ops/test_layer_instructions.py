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
from tests.ops.test_scalar_boards import side_by_side
from tests.test_figures import MARGIN

CASES = {
    "transpose_conv_fours_same",
    "lstm_batch_major",
    "per_channel_row",
    "per_channel_halves",
}

PINNED = {
    "stm32f746": (1_069, 82_441, 2_013, 29_628),
    "nucleo_g0b1re": (3_800, 122_428, 5_816, 100_355),
}
"""Of the dense, transposed, dense and LSTM layer, as they are run."""


@pytest.mark.parametrize("board", ["stm32f746", long("nucleo_g0b1re")])
def test_instructions_of_layers(board: str, tmp_path: Path) -> None:
    path = tmp_path / "layers.tflite"
    every = (
        *TransposeConv.cases(),
        *UnidirectionalSequenceLstm.cases(),
        *FullyConnected.cases(),
    )
    path.write_bytes(write_tflite(side_by_side([case for case in every if case.name in CASES])))
    model = load(str(path))
    record = measure(build(model, load_board(board)), edge_cases(model.graph, 1))
    margin = 0 if record.compiler == read().compiler else 1 / MARGIN
    found = [layer.instructions for layer in record.layers]
    assert found == pytest.approx(PINNED[board], rel=margin, abs=0)
