"""Holds every kind of layer, at every pair of bits, to the same layer in int8, on virtual boards.

``python -m tests.bench.low_bit_layers`` prints instructions beside those of ``--no-narrow``, as a
ratio, and marks those above 1. A chain has all weights' bits that go with activations of one number
of bits: windows, depthwise, 1x1, and fully connected layers, each between tensors of those bits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgebottle.boards import load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.ir.graph import Graph, Quant
from edgebottle.ir.levels import Levels
from edgebottle.measure import measure
from edgebottle.ops.base import Activation
from edgebottle.pipeline import Model, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.samples import edge_cases
from tests.graphs import Builder
from tests.ops.low_bits import SPREAD, draw_weights, spread

BOARDS = ("nucleo_l4r5zi", "stm32f746", "nucleo_g0b1re", "longan_nano")
"""Cortex-M4, M7, M0+, and RV32 without DSP instructions."""

PAIRS: dict[int, tuple[int, ...]] = {8: (4, 2, 1), 4: (8, 4, 2, 1), 3: (3,), 2: (4, 2), 1: (8, 1)}
"""By the bits of activations, those of weights."""

LEVELS = {
    4: Levels(4, -126, 18),
    3: Levels(4, -126, 42),
    2: Levels(2, -126, 84),
    1: Levels(1, -127, 254),
}
"""By the bits of weights, what ``edgebottle train`` writes of them."""

COUNTS = {4: 15, 3: 7, 2: 4, 1: 2}
"""How many values that is."""

KINDS = ("conv 3x3", "depthwise", "conv 1x1", "dense")

CHANNELS, SIDE, INPUTS = 32, 10, 64


@dataclass(frozen=True)
class Cell:
    """A layer of few bits beside the same layer of int8.

    Attributes:
        board: Its name.
        bits: Such as w4a8.
        kind: One of ``KINDS``.
        narrow: Instructions, and modelled cycles.
        wide: The same of int8.
        constants: Bytes of flash of the whole chain: of few bits, and of int8.
    """

    board: str
    bits: str
    kind: str
    narrow: tuple[int, int]
    wide: tuple[int, int]

    @property
    def ratio(self) -> float:
        """Of the instructions."""
        return self.narrow[0] / self.wide[0]

    @property
    def cycle_ratio(self) -> float:
        """Of the modelled cycles."""
        return self.narrow[1] / self.wide[1]


Names = dict[str, tuple[int, str]]
"""By the name of a layer: bits of its weights, and its kind."""


def chain(activations: int, weights: Sequence[int]) -> tuple[Graph, Names]:
    """All kinds of layers with each number of bits of weights, one after the other."""
    b = Builder(f"a{activations}", seed=1)
    names: Names = {}

    def layer(output: str, bits: int, kind: str | None) -> str:
        steps = 1 << activations
        quant = Quant((SPREAD / steps,), (128 - steps,))
        b.tensors[output] = replace(b.tensors[output], quant=quant)
        b.nodes[-1] = replace(b.nodes[-1], activation=Activation.RELU)  # type: ignore[call-arg]
        if bits != 8:
            draw_weights(b, output, LEVELS[bits], COUNTS[bits])
        spread(b, output)
        if kind is not None:
            names[output] = bits, kind
        return output

    image = layer(b.conv(b.input(1, SIDE, SIDE, 4), CHANNELS, (1, 1)), 8, None)
    values = layer(b.dense(b.input(1, 32), INPUTS, keep_num_dims=False), 8, None)
    for bits in weights:
        image = layer(b.conv(image, CHANNELS), bits, "conv 3x3")
        image = layer(b.depthwise(image), bits, "depthwise")
        image = layer(b.conv(image, CHANNELS, (1, 1)), bits, "conv 1x1")
        values = layer(b.dense(values, INPUTS, keep_num_dims=False), bits, "dense")
    return b.graph(b.conv(image, 4, (1, 1)), b.dense(values, 4, keep_num_dims=False)), names


def costs(model: Model, board: str, *, narrow: bool) -> dict[str, tuple[int, int]]:
    """Instructions and cycles by layer; raises ``Mismatch`` for a wrong output."""
    wish = Wish(schedule=Schedule.LAYERS, narrow=narrow)
    record = measure(build(model, load_board(board), wish=wish), edge_cases(model.graph, 1))
    return {one.name: (one.instructions or 0, one.cycles or 0) for one in record.layers}


def cells(board: str, activations: int, weights: Sequence[int]) -> list[Cell]:
    """Those of a chain."""
    graph, names = chain(activations, weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{graph.name}.tflite"
        path.write_bytes(write_tflite(graph))
        model = load(str(path))
    narrow, wide = (costs(model, board, narrow=is_narrow) for is_narrow in (True, False))
    return [
        Cell(board, f"w{bits}a{activations}", kind, narrow[name], wide[name])
        for name, (bits, kind) in names.items()
    ]


def shown(found: Sequence[Cell]) -> str:
    """A line for each pair of bits; what is above 1 is marked."""
    lines = []
    for bits in dict.fromkeys(cell.bits for cell in found):
        row = {cell.kind: cell for cell in found if cell.bits == bits}
        figures = (
            f"{row[kind].ratio:6.2f}{'!' if row[kind].ratio > 1 else ' '} "
            f"({row[kind].cycle_ratio:4.2f}{'!' if row[kind].cycle_ratio > 1 else ' '})"
            for kind in KINDS
        )
        lines.append(f"{found[0].board:16} {bits:6} " + " ".join(figures))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns 1 where a layer takes more instructions than in int8."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", nargs="+", default=BOARDS, help="default: " + " ".join(BOARDS))
    parser.add_argument("--activations", nargs="+", type=int, choices=PAIRS, default=list(PAIRS))
    parser.add_argument("--weights", nargs="+", type=int, help="those of each pair by default")
    options = parser.parse_args(arguments)
    print(f"{'':23} " + " ".join(f"{kind:>14}" for kind in KINDS))
    slower = 0
    for board in options.board:
        for activations in options.activations:
            found = cells(board, activations, options.weights or PAIRS[activations])
            print(shown(found), flush=True)
            slower += sum(cell.ratio > 1 for cell in found)
    print(f"{slower} layers take more instructions than in int8")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
