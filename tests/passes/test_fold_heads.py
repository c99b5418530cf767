"""Attention: its head transposes become strides, and its scores come a token at a time."""

from pathlib import Path

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.base import Isa
from edgebottle.ops.transpose import Transpose
from edgebottle.passes import optimise
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from quantize.patch.check import check_plan
from tests.ops.compiled import run_compiled
from tests.samples import samples
from tests.transformers import TransformerBuilder, transformer

NETWORKS = (
    transformer(9, 8, 2, 1),
    transformer(7, 6, 1, 1, masked=True),
    transformer(6, 12, 3, 1, masked=True, turned=False),
)
"""Heads or one, turned by a transpose or by the product, masked or not."""


def two_images() -> Graph:
    b = TransformerBuilder("two_images")
    return b.graph(b.attention(b.input(2, 5, 8), 2))


def product_of_images() -> Graph:
    """Matrices of an image that nothing turns: rows are not those of the tensor."""
    b = TransformerBuilder("product_of_images")
    x = b.input(1, 3, 4, 5)
    return b.graph(b.product(x, b.relu(x), transposes=True))


def test_attention_gives_the_same_bytes_in_every_schedule(tmp_path: Path) -> None:
    """The interpreter before the passes, the checker of plans, and C under sanitizers."""
    runs, plans, expected = [], [], []
    for before in (*NETWORKS, two_images(), product_of_images()):
        inputs = [values for _, values in samples(before)]
        found = [Interpreter(before).run(values)[0] for values in inputs]
        assert len(np.unique(found)) > 4, before.name
        after = optimise(before)
        assert not any(isinstance(node, Transpose) for node in after.nodes)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM):
            chosen = choose_schedule(after, Isa.DSP, schedule)
            check_plan(chosen.graph, chosen.plan)
            runs.append((chosen.graph, inputs))
            plans.append(chosen.plan)
            expected.append(found)
    for results, wanted in zip(run_compiled(runs, Isa.DSP, tmp_path, plans), expected, strict=True):
        for (result,), value in zip(results, wanted, strict=True):
            assert np.array_equal(result, value)


def test_ram_of_a_small_vision_transformer() -> None:
    """The figures of docs/models.md: 64 tokens of width 64, 4 heads, 2 blocks."""
    graph = optimise(transformer(64, 64, 4, 2))
    layers, rows = (
        choose_schedule(graph, Isa.DSP, schedule)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM)
    )
    assert layers.plan.arena_bytes == 32_800
    assert rows.plan.arena_bytes == 16_776
    places = {place.tensor: place for place in rows.plan.placements}
    scores = [name for name, one in rows.graph.tensors.items() if one.shape == (1, 64, 4, 64)]
    assert len(scores) == 6
    assert all(places[name].ring_rows == 1 for name in scores)
