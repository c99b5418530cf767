"""The DSP tiles in assembly, with every number of steps, on the cores that have them.

Where a tile is entered depends on how many steps it takes, and each core has steps of its own.
"""

from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.measure import measure
from edgebottle.ops.fully_connected_kernels import LONG_PRODUCTS
from edgebottle.pipeline import build, load
from edgebottle.samples import edge_cases
from tests.graphs import Builder

FOURS = 18
"""Of taps: more than twice as many as any tile has steps."""


def tile_graph() -> Graph:
    """Dense layers, small and large, and a convolution for each number of taps.

    Of pairs of pixels one is left.
    """
    builder = Builder("tiles", seed=3)
    outputs = []
    for fours in range(1, FOURS + 1):
        for count in (6, -(-LONG_PRODUCTS // (4 * fours))):
            outputs.append(builder.dense(builder.input(1, 4 * fours), count, keep_num_dims=False))
        image = builder.input(1, 1, 3, 4 * fours)
        outputs.append(builder.conv(image, 6, (1, 1)))
    return builder.graph(*outputs)


@pytest.mark.parametrize("board", ["nucleo_l4r5zi", "stm32f746"])
def test_every_number_of_steps(board: str, tmp_path: Path) -> None:
    path = tmp_path / "tiles.tflite"
    path.write_bytes(write_tflite(tile_graph()))
    model = load(str(path))
    record = measure(build(model, load_board(board)), edge_cases(model.graph, 3))
    assert record.match and record.exact
