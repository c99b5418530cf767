"""Looks for cliffs: layers that take many more instructions with some constants than with others.

``python -m tests.bench.cliffs`` draws networks that have the same layers and differ in constants
alone: scales, zero points, clamps, biases and weights, all of them legal. It runs them on a virtual
board and prints, for each kind of layer, the fewest and the most instructions that any of them
took, their ratio, and which kernel and constants the most have. A ratio above 1.3 is a cliff.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgebottle.boards import Board, load_board
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.ir.graph import Quant
from edgebottle.measure import measure
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Activation
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.pipeline import Built, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.samples import edge_cases
from tests.graphs import Builder

MAX_RATIO = 1.3
"""Of the most instructions of a kind of layer and the fewest."""

KNOWN_CLIFFS = {"add": 1.9}
"""Each layer has a copy of its own, of which compilers leave out what its constants make needless:
a rounding where a sign is known, bounds that are those of int8."""

KINDS: Mapping[str, Callable[[Builder], str]] = {
    "conv 3x3 of an image": lambda b: b.conv(b.input(1, 12, 12, 3), 16, stride=2),
    "conv 3x3": lambda b: b.conv(b.input(1, 8, 8, 16), 16),
    "conv 3x3, stride 2": lambda b: b.conv(b.input(1, 9, 9, 16), 16, stride=2),
    "conv 1x1": lambda b: b.conv(b.input(1, 8, 8, 32), 32, (1, 1)),
    "conv 10x4": lambda b: b.conv(b.input(1, 24, 10, 1), 16, (10, 4), 2),
    "depthwise 3x3": lambda b: b.depthwise(b.input(1, 10, 10, 16)),
    "depthwise 3x3, stride 2": lambda b: b.depthwise(b.input(1, 11, 11, 16), stride=2),
    "depthwise 5x5": lambda b: b.depthwise(b.input(1, 10, 10, 16), (5, 5)),
    "depthwise 3x1": lambda b: b.depthwise(b.input(1, 16, 4, 16), (3, 1)),
    "dense": lambda b: b.dense(b.input(1, 256), 32, keep_num_dims=False),
    "add": lambda b: b.add(b.input(1, 8, 8, 16), b.input(1, 8, 8, 16)),
    "relu": lambda b: b.relu(b.input(1, 8, 8, 16), same_quant=False),
    "average pool": lambda b: b.pool(b.input(1, 8, 8, 16), AveragePool2D, 2, 2),
    "max pool": lambda b: b.pool(b.input(1, 8, 8, 16), MaxPool2D, 2, 2),
    "mean": lambda b: b.mean(b.input(1, 6, 6, 16), 1, 2, keep_dims=False),
}
"""What adds a layer of a kind to a network, with inputs of its own."""

CLAMPS = (Activation.NONE, Activation.RELU, Activation.RELU6)

MAX_CLAMPED = 64
"""Zero points of clamped outputs are less: others would leave next to no values."""


@dataclass(frozen=True)
class Drawn:
    """A layer as it was drawn.

    Attributes:
        kind: Of ``KINDS``.
        constants: What was drawn, in words.
    """

    kind: str
    constants: str


@dataclass(frozen=True)
class Cost:
    """What a layer took.

    Attributes:
        seed: Of its network.
        layer: What it is.
        kernel: That runs it.
        instructions: On the board.
    """

    seed: int
    layer: Drawn
    kernel: str
    instructions: int


def draw_zero_point(b: Builder) -> int:
    """Anywhere in int8, often at an end, as that of what is never negative is."""
    chosen, anywhere = b.random.random(), int(b.random.integers(-128, 128))
    return -128 if chosen < 0.4 else 127 if chosen < 0.45 else anywhere


def draw_constants(b: Builder, output: str) -> str:
    """Gives the last layer, whose output this is, other constants; returns them in words."""
    random, node = b.random, b.nodes[-1]
    for name in node.inputs:
        if name in b.inputs:
            scale = float(np.float32(2.0 ** random.uniform(-9, 0)))
            b.tensors[name] = replace(b.tensors[name], quant=Quant((scale,), (draw_zero_point(b),)))
    if isinstance(node, AveragePool2D | MaxPool2D):
        b.tensors[output] = replace(b.tensors[output], quant=b.tensors[node.inputs[0]].quant)  # type: ignore[index]
        return draw_clamp(b, output)
    largest = max(b.tensors[name].scale for name in node.inputs if name in b.inputs)
    words = ""
    if len(node.inputs) == 3:
        largest *= draw_weights(b, *node.inputs)  # type: ignore[arg-type]
        words = f"{len(b.tensors[node.inputs[1]].quant.scale)} scales, "  # type: ignore
    scale = float(np.float32(largest * 2.0 ** random.uniform(-0.5, 4)))
    b.tensors[output] = replace(b.tensors[output], quant=Quant((scale,), (draw_zero_point(b),)))
    return words + draw_clamp(b, output)


def draw_weights(b: Builder, data: str, weights: str, bias: str) -> float:
    """Draws weights and their scales; returns about the deviation of sums, in the data's scale."""
    random, old = b.random, b.tensors[weights]
    quant = old.quant
    assert quant is not None and quant.axis is not None
    axis, is_each = quant.axis, bool(random.random() < 0.8)
    count = old.shape[axis] if is_each else 1
    spread = random.uniform(0, 2)
    scales = 2.0 ** (random.uniform(-12, -3) + random.uniform(-spread, spread, count))
    quant = Quant(tuple(float(np.float32(one)) for one in scales), (0,) * count, axis)
    width = random.choice([20.0, 40.0, 200.0])
    values = np.clip(np.round(random.normal(0, width, old.shape)), -127, 127).astype(np.int8)
    b.tensors[weights] = replace(old, quant=quant, data=values)
    taps = old.size / old.shape[axis]
    deviation = float(np.sqrt(taps) * values.std() * 40)
    sums = random.normal(0, deviation * random.choice([0.0, 0.3, 3.0]), b.shape(bias))
    b.tensors[bias] = replace(b.tensors[bias], data=sums.round().astype(np.int32))
    b._scale_bias(data, weights, bias)
    return deviation * float(np.mean(scales)) / 128


def draw_clamp(b: Builder, output: str) -> str:
    """Draws an activation, where the layer has one; returns the constants of the output."""
    node, quant = b.nodes[-1], b.tensors[output].quant
    assert quant is not None
    if hasattr(node, "activation"):
        drawn = CLAMPS[b.random.integers(len(CLAMPS))]
        some = drawn if quant.zero_point[0] < MAX_CLAMPED else Activation.NONE
        node = replace(node, activation=some)  # type: ignore[call-arg]
        b.nodes[-1] = node
    clamp = node.activation.name.lower() if hasattr(node, "activation") else "none"
    return f"{clamp} at {quant.scale[0]:.4g} from {quant.zero_point[0]}"


def drawn(seed: int) -> tuple[Builder, dict[str, Drawn]]:
    """A network of one layer of each kind, side by side, and its layers by their names."""
    b, layers = Builder(f"cliffs_{seed}", seed), {}
    for kind, add in KINDS.items():
        output = add(b)
        layers[output] = Drawn(kind, draw_constants(b, output))
    return b, layers


def built(seed: int, board: Board) -> tuple[Built, dict[str, Drawn], dict[str, str]]:
    """A network for a board, what its layers are, and their kernels."""
    b, layers = drawn(seed)
    graph = b.graph(*layers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{graph.name}.tflite"
        path.write_bytes(write_tflite(graph))
        model = load(str(path))
    made = build(model, board, wish=Wish(schedule=Schedule.LAYERS))
    return made, layers, {one.layer: one.kernel for one in made.project.source.kernels}


def costs(seed: int, board: Board) -> Iterator[Cost]:
    """Of the layers of a network; raises ``Mismatch`` for a wrong output."""
    made, layers, kernels = built(seed, board)
    record = measure(made, edge_cases(made.model.graph, 1))
    for one in record.layers:
        if one.name in layers:
            yield Cost(seed, layers[one.name], kernels[one.name], one.instructions or 0)


def extremes(found: Sequence[Cost]) -> dict[str, tuple[Cost, Cost]]:
    """By kind, the layer of the fewest and that of the most instructions."""
    kinds: dict[str, list[Cost]] = {}
    for cost in found:
        kinds.setdefault(cost.layer.kind, []).append(cost)
    ordered = {kind: sorted(some, key=lambda c: c.instructions) for kind, some in kinds.items()}
    return {kind: (some[0], some[-1]) for kind, some in ordered.items()}


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns 1 where there is a cliff."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="nucleo_l4r5zi")
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first")
    options = parser.parse_args(arguments)
    found: list[Cost] = []
    for seed in range(options.seed, options.seed + options.networks):
        found += costs(seed, load_board(options.board))
        print(f"\r{seed + 1 - options.seed} of {options.networks}", end="", file=sys.stderr)
    print(file=sys.stderr)
    cliffs = 0
    for kind, (least, most) in extremes(found).items():
        ratio = most.instructions / least.instructions
        cliffs += ratio > KNOWN_CLIFFS.get(kind, MAX_RATIO)
        mark = "!" if ratio > MAX_RATIO else " "
        print(
            f"{kind:24} {least.instructions:8,} {most.instructions:8,} {ratio:5.2f}{mark} "
            f"{least.kernel}, {most.kernel}: {most.layer.constants} (network {most.seed})"
        )
    known = " and ".join(f"{kind} ({ratio})" for kind, ratio in KNOWN_CLIFFS.items())
    print(f"{cliffs} kinds of layers take more than {MAX_RATIO} times their best case, but {known}")
    return 1 if cliffs else 0


if __name__ == "__main__":
    sys.exit(main())
