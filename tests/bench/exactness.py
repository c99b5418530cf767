"""Proves that training, LiteRT and every board compute the same integers, at each pair of bits.

``python -m tests.bench.exactness`` trains a small network for a few steps at each pair. Of the
same samples it compares every tensor of the simulation with LiteRT's, and as ``edgebottle verify``
does the outputs of LiteRT, NumPy, C on this computer and virtual boards. Exit status 1 if a bit
differs.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.boards import load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.ir.graph import Graph
from edgebottle.litert import LiteRTModel
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from edgebottle.samples import Samples, edge_cases
from edgebottle.training import start_keras
from edgebottle.verify import references, verify_model
from quantize.lowbit.network import INPUT
from quantize.post.affine import dequantized
from tests.quantize.lowbit_networks import silent, task_of

WIDTHS = (1, 2, 3, 4, 8)

PAIRS = tuple(f"w{w}a{a}" for w, a in itertools.product(WIDTHS, WIDTHS))

BOARDS = ("nucleo_l4r5zi", "stm32f746", "arduino_zero", "longan_nano")
"""Cortex-M4, M7, M0+, and RV32 without DSP instructions."""

EPOCHS = 3


def every_layer(keras: Any) -> Any:
    """All that can be trained: windows, depthwise, 1x1; signed values that are read; pools."""
    layers = keras.layers
    image = keras.Input((8, 8, 2))
    x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    y = layers.BatchNormalization()(layers.Conv2D(12, 1, use_bias=False)(y))
    y = layers.ReLU()(layers.Conv2D(16, 1)(y))
    x = layers.ReLU()(layers.Add()([x, y]))
    y = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(32, (1, 2), activation="relu")(x)
    x = layers.Conv2D(20, 1, activation="relu")(layers.AveragePooling2D((2, 1), 1)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(10, activation="relu")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def trained(keras: Any, bits: str) -> Any:
    """The simulation after a few steps of training."""
    from quantize.lowbit.trainer import Trainer

    keras.utils.set_random_seed(0)
    return Trainer(task_of(keras, every_layer, bits, epochs=EPOCHS), silent, silent).run()


def differing(simulation: Any, file: bytes, graph: Graph, inputs: Samples) -> list[str]:
    """Tensors that the trainer's integers and LiteRT's do not agree on: which, by how much."""
    from keras import ops

    from quantize.lowbit.integers import integer_values

    stored = np.concatenate([sample[0] for sample in inputs.inputs])
    integers = integer_values(simulation, graph, dequantized(stored, graph.tensors[INPUT].quant))
    names = [INPUT, *(step.name for step in simulation.network.steps)]
    litert = LiteRTModel(file)
    runs = [litert.trace(sample, names) for sample in inputs.inputs]
    lines = []
    for index, name in enumerate(names):
        expected = np.concatenate([run[index] for run in runs]).astype(np.int32)
        off = np.abs(ops.convert_to_numpy(integers[name]) - expected)
        if off.any():
            count = np.count_nonzero(off)
            lines.append(f"training, {name}: {count} of {off.size} values, by up to {off.max()}")
    return lines


def verified(
    path: Path, boards: Sequence[str], schedule: Schedule, samples: int
) -> tuple[list[str], list[int]]:
    """Boards that compute something else, and the instructions of a run on each."""
    model, lines, counts = load(str(path)), [], []
    expected = references(model, samples)
    for board in boards:
        wish = Wish(schedule=schedule)
        found = verify_model(model, load_board(board), wish=wish, expected=expected)
        counts.append(found.instructions or 0)
        if found.difference is not None:
            lines.append(f"{board}: {found.difference}")
        if found.litert_refusal is not None:
            lines.append(f"{board}: LiteRT refuses the model: {found.litert_refusal}")
    return lines, counts


def main(arguments: list[str] | None = None) -> int:
    """Prints a line for each pair; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exactness", description=__doc__)
    parser.add_argument("--bits", nargs="+", choices=PAIRS, default=PAIRS, metavar="WxAy")
    parser.add_argument("--board", nargs="*", default=BOARDS, help="default: " + " ".join(BOARDS))
    parser.add_argument("--schedule", type=Schedule, choices=list(Schedule), default=Schedule.AUTO)
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args(arguments)
    start_keras()
    warnings.simplefilter("ignore")  # of TensorFlow, that its pipeline of data stays as it is
    import keras
    import tensorflow

    tensorflow.config.run_functions_eagerly(True)  # to trace takes longer than to run so little
    from quantize.lowbit.export import integer_network

    print(f"{'':6} {'':8} {' '.join(f'{board:>14}' for board in options.board)}", flush=True)
    wrong = 0
    for bits in options.bits:
        simulation = trained(keras, bits)
        graph = integer_network(simulation)
        file = write_tflite(graph)
        lines = differing(simulation, file, graph, edge_cases(graph, options.samples))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{bits}.tflite"
            path.write_bytes(file)
            found, counts = verified(path, options.board, options.schedule, options.samples)
        lines += found
        shown = " ".join(f"{count:>14,}" for count in counts)
        print(f"{bits:6} {'differs' if lines else 'exact':8} {shown}", flush=True)
        for line in lines:
            print(f"      {line}", flush=True)
        wrong += bool(lines)
    print(f"{len(options.bits) - wrong} of {len(options.bits)} pairs are exact")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
