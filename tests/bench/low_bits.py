"""Prints what layers of few bits cost beside the same layers of int8, on virtual boards."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from edgebottle.boards import load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish, kernel_variant
from edgebottle.ir.graph import Graph, Quant
from edgebottle.measure import measure
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation, Operator
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.pooling import Pool2D
from edgebottle.pipeline import Model, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.samples import edge_cases
from hil.records import Record
from quantize.patch import choose_schedule
from tests.graphs import Builder
from tests.ops.low_bits import SPREAD, WEIGHTS, ZERO_POINT, draw_weights, spread

PAIRS = ((4, 8), (2, 8), (1, 8), (4, 4), (2, 4), (2, 2), (1, 1))
"""Bits of weights and of what layers read of each other."""


@dataclass(frozen=True)
class Cost:
    """What a network costs on a board.

    Attributes:
        instructions: Of one run.
        weights: Bytes of flash of all constants.
        arena: Bytes of RAM.
        layers: Instructions of each layer, by its name.
    """

    instructions: int
    weights: int
    arena: int
    layers: tuple[tuple[str, int], ...]


def windows(b: Builder) -> str:
    """3x3 windows, as a ResNet has them."""
    x = b.conv(b.input(1, 16, 16, 3), 32)
    x = b.conv(x, 32)
    x = b.conv(x, 64, stride=2)
    return b.conv(x, 64)


def separable(b: Builder) -> str:
    """Depthwise and 1x1 layers of the shapes of a DS-CNN that spots keywords."""
    x = b.conv(b.input(1, 49, 10, 1), 64, (10, 4), stride=2)
    for _ in range(2):
        x = b.conv(b.depthwise(x), 64, (1, 1))
    return x


def dense(b: Builder) -> str:
    """Fully connected layers, as an autoencoder has them."""
    x = b.input(1, 256)
    for outputs in (128, 128, 16):
        x = b.dense(x, outputs, keep_num_dims=False)
    return x


def keywords(b: Builder) -> str:
    """A DS-CNN that spots keywords, whole: means of the pixels, and what they are told apart by."""
    x = separable(b)
    for _ in range(2):
        x = b.conv(b.depthwise(x), 64, (1, 1))
    return b.dense(b.pool(x, AveragePool2D, 25, 25), 12, keep_num_dims=False)


def residual(b: Builder) -> str:
    """Windows whose results are added to what they read, and pools."""
    x = b.conv(b.input(1, 16, 16, 3), 32)
    x = b.pool(b.add(x, b.conv(x, 32)), MaxPool2D, 2, 2)
    x = b.pool(b.add(x, b.conv(x, 32)), AveragePool2D, 2, 2)
    return b.dense(x, 10, keep_num_dims=False)


NETWORKS: dict[str, Callable[[Builder], str]] = {
    "windows": windows,
    "separable": separable,
    "dense": dense,
    "keywords": keywords,
    "residual": residual,
}


def network(name: str, weights: int, inputs: int) -> Graph:
    """A network all of whose weights, and outputs of layers, have so many bits."""
    b = Builder(f"{name}_w{weights}a{inputs}", seed=1)
    last = NETWORKS[name](b)
    quant = Quant((SPREAD / (1 << inputs),), (ZERO_POINT[inputs],))
    for index, node in enumerate(b.nodes):
        (output,) = node.outputs
        assert isinstance(node, Operator)
        is_weighted = node.weighted_operands() is not None
        if weights != 8 and is_weighted:
            draw_weights(b, output, WEIGHTS[weights][0])
        b.tensors[output] = replace(b.tensors[output], quant=quant)
        if not isinstance(node, Pool2D):
            b.nodes[index] = replace(node, activation=Activation.RELU)  # type: ignore[call-arg]
        if is_weighted:
            spread(b, output)
    return b.graph(last)


def cost(model: Model, board: str, schedule: Schedule, *, narrow: bool) -> Cost:
    """Builds and runs a network, one layer at a time; a wrong output raises ``Mismatch``."""
    built = build(model, load_board(board), wish=Wish(schedule=schedule, narrow=narrow))
    record: Record = measure(built, edge_cases(model.graph, 1))
    assert record.instructions is not None
    return Cost(
        record.instructions,
        built.flash.weights,
        built.plan.arena_bytes,
        tuple((layer.name, layer.instructions or 0) for layer in record.layers),
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.low_bits", description=__doc__)
    parser.add_argument("--network", action="append", choices=NETWORKS, help="may be repeated")
    parser.add_argument("--board", action="append", help="may be repeated; default: stm32f746")
    parser.add_argument("--bits", action="append", help="as w4a8; may be repeated")
    parser.add_argument("--file", action="append", type=Path, help="a .tflite instead")
    parser.add_argument("--schedule", choices=list(Schedule), default=Schedule.AUTO)
    parser.add_argument("--layers", action="store_true", help="show each layer as well")
    parser.add_argument("--arenas", action="store_true", help="plan only: arenas by schedule")
    options = parser.parse_args(arguments)
    show: Callable[[Path, str], None] = partial(
        _compare, schedule=Schedule(options.schedule), with_layers=options.layers
    )
    if options.arenas:
        show = _compare_arenas
        print(f"{'network':24} {'board':16} {'':6} {'layers':>16} {'min-ram':>16} {'rows':>16}")
    else:
        titles = f"{'instructions':>14} {'weights':>16} {'arena':>16}"
        print(f"{'network':24} {'board':16} {'':6} {titles}")
    for board in options.board or ["stm32f746"]:
        for path in options.file or []:
            show(path, board)
        if options.file:
            continue
        for name in options.network or NETWORKS:
            for weights, inputs in PAIRS:
                if options.bits and f"w{weights}a{inputs}" not in options.bits:
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / f"{name}_w{weights}a{inputs}.tflite"
                    path.write_bytes(write_tflite(network(name, weights, inputs)))
                    show(path, board)
    return 0


def _compare_arenas(path: Path, board: str) -> None:
    """Of one layer at a time, of the smallest arena, and of that with input row by row."""
    graph, isa = load(str(path)).graph, kernel_variant(load_board(board))
    ways = ((Schedule.LAYERS, False), (Schedule.MIN_RAM, False), (Schedule.MIN_RAM, True))
    wide, narrow = (
        [
            choose_schedule(graph, isa, way, row_fed=row_fed, narrow=is_narrow).plan.arena_bytes
            for way, row_fed in ways
        ]
        for is_narrow in (False, True)
    )
    print(f"{path.stem:24} {board:16} int8   " + " ".join(f"{one:>10,}{'':6}" for one in wide))
    shown = (f"{one:>10,}{one / two:5.2f}x" for one, two in zip(narrow, wide, strict=True))
    print(f"{'':24} {'':16} packed " + " ".join(shown))


def _compare(path: Path, board: str, schedule: Schedule, with_layers: bool) -> None:
    model = load(str(path))
    wide, narrow = (cost(model, board, schedule, narrow=is_narrow) for is_narrow in (False, True))
    print(f"{path.stem:24} {board:16} int8   {_figures(wide, wide)}", flush=True)
    print(f"{'':24} {'':16} packed {_figures(narrow, wide)}", flush=True)
    if with_layers:
        for (name, before), (_, after) in zip(wide.layers, narrow.layers, strict=True):
            print(f"    {name:36} {before:>12,} {after:>12,} {after / max(before, 1):6.2f}x")


def _figures(found: Cost, other: Cost) -> str:
    pairs = (
        (found.instructions, other.instructions, 14),
        (found.weights, other.weights, 10),
        (found.arena, other.arena, 10),
    )
    if found == other:
        return " ".join(f"{one:>{width},}" + " " * 6 for one, _, width in pairs)
    return " ".join(f"{one:>{width},}{one / two:5.2f}x" for one, two, width in pairs)


if __name__ == "__main__":
    sys.exit(main())
