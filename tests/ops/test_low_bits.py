"""Layers with weights and inputs of few bits, every pair: C of every variant equals int8."""

from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.levels import Levels, levels_of
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa
from edgebottle.passes.find_levels import without_levels
from edgebottle.passes.narrow import narrow
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch.schedules import make_schedule
from tests.conftest import long
from tests.ops.compiled import run_compiled
from tests.ops.low_bits import BITS, SHAPES, low_bit_network
from tests.samples import assert_same, samples

NEON = (Isa.NEON, Isa.NEON_COUNTS, long(Isa.NEON_DOT), long(Isa.NEON_ANY))


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([-1, 1], Levels(1, -1, 2)),
        ([-3, 3, 1, -1], Levels(2, -3, 2)),
        ([-1, 0, 1], Levels(2, -1, 1)),
        ([-128, 127], Levels(1, -128, 255)),
        ([5, 5], Levels(1, 5, 1)),
        ([*range(-8, 8)], Levels(4, -8, 1)),
        ([0, 1, 17], None),
        ([*range(17)], None),
    ],
)
def test_levels(values: list[int], levels: Levels | None) -> None:
    array = np.array(values, np.int8)
    assert levels_of(array) == levels
    if levels is not None:
        assert (levels.lowest + levels.step * levels.codes(array).astype(int) == array).all()


@pytest.mark.parametrize("part", [3, long(1)])
@pytest.mark.parametrize("isa", [long(Isa.PORTABLE), Isa.SCALAR, Isa.DSP, long(Isa.MVE), *NEON])
def test_compiled_c_equals_the_layers_of_int8(isa: Isa, part: int, tmp_path: Path) -> None:
    """Of every pair each ``part``-th shape."""
    runs, plans, expected = [], [], []
    pairs = [(weights, inputs) for weights in BITS for inputs in BITS if (weights, inputs) < (8, 8)]
    for number, (weights, inputs) in enumerate(pairs):
        first = len(SHAPES) * number
        for seed in range(first + number % part, first + len(SHAPES), part):
            shape = SHAPES[seed % len(SHAPES)]
            graph = low_bit_network(shape, weights, inputs, seed)
            small = narrow(graph)
            verify(small, "narrow")
            values = [one for _, one in samples(graph)][-3:]
            wide = Interpreter(without_levels(graph))
            is_streamed = seed % 2 and shape.operator != "dense"
            runs.append((small, values))
            plans.append(
                make_schedule(small, isa, Schedule.MIN_RAM)
                if is_streamed
                else make_plan(small, isa)
            )
            expected.append([wide.run(one) for one in values])
    found = run_compiled(runs, isa, tmp_path, plans)
    for (graph, _), outputs, wanted in zip(runs, found, expected, strict=True):
        for one, other in zip(outputs, wanted, strict=True):
            assert_same(one, other, graph.name)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_are_spread(bits: int) -> None:
    """Inputs and outputs take most of their values, or that they are equal would prove nothing."""
    for seed, shape in enumerate(SHAPES):
        graph = low_bit_network(shape, bits, bits, seed)
        interpreter = Interpreter(graph)
        seen, outputs = set(), []
        for _, values in samples(graph):
            outputs += interpreter.run(values)
            seen |= set(interpreter.values[graph.nodes[0].outputs[0]].ravel().tolist())
        assert min(seen) == 128 - (1 << bits) and max(seen) == 127, graph.name
        assert len(seen) > (1 << bits) // 2, graph.name
        found, counts = np.unique(np.stack(outputs), return_counts=True)
        least = (1 << bits) // 2 if shape.clamped and not shape.followed else 4
        assert len(found) > least and counts.max() < 0.9 * counts.sum(), graph.name
