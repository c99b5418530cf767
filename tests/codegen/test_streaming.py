"""Stages and row-fed inputs as C: bits, sanitizers, refusals, and how the text reads."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgebottle.codegen.model import write_model
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.add import Add
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Isa
from edgebottle.ops.transpose_conv import TransposeConv
from edgebottle.plan.schedules import Schedule
from quantize.patch import make_schedule
from tests.codegen.stream_fuzz import run_trials, trials
from tests.codegen.streaming import plain_plan
from tests.ops.compiled import run_compiled
from tests.passes.dying_networks import DyingBuilder
from tests.quantize.random_graphs import RowBuilder
from tests.samples import assert_same, samples

NETWORKS = 3
"""In a program for each kernel variant; ``python -m tests.codegen.stream_fuzz`` tries more."""
GOLDEN = Path(__file__).resolve().parent.parent / "golden"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
"""UPDATE_GOLDEN=1 writes the golden files anew; read the difference before it is committed."""


@pytest.mark.parametrize("isa", Isa)
def test_random_schedules(isa: Isa, tmp_path: Path) -> None:
    first = NETWORKS * list(Isa).index(isa)
    batch = [trial for seed in range(first, first + NETWORKS) for trial in trials(seed, isa)]
    assert any(trial.plan.row_fed for trial in batch)
    assert any(step.stage for trial in batch for step in trial.plan.steps)
    run_trials(batch, isa, tmp_path)


def small_network() -> Graph:
    """A strided convolution, a residual block, and a global pool that adds up rows."""
    b = RowBuilder("small", 1)
    narrow = b.conv(b.input(1, 16, 8, 1), 2, (3, 3), 2)
    wide = b.conv(b.depthwise(b.conv(narrow, 4, (1, 1))), 2, (1, 1))
    return b.graph(b.global_pool(b.add(narrow, wide), AveragePool2D))


@pytest.mark.parametrize("row_fed", [False, True], ids=["stage", "row_fed_stage"])
def test_golden(row_fed: bool) -> None:
    graph = small_network()
    plan = plain_plan(graph, Isa.PORTABLE, np.random.default_rng(5), row_fed=row_fed)
    assert plan is not None
    text = write_model(graph, plan).files["eb_small_model.c"]
    text = text[text.index("/* Where each") : text.index("static void (*const steps")]
    path = GOLDEN / f"{'row_fed_stage' if row_fed else 'stage'}.c.txt"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("isa", Isa)
def test_sums_of_long_rows(isa: Isa, tmp_path: Path) -> None:
    """Sums of 256 pixels are added up apart; the samples reach both ends of int8."""
    runs, plans = [], []
    for channels in (3, 4, 9):
        b = RowBuilder(f"wide_{channels}", 3)
        x = b.input(1, 3, 700, channels)
        graph = b.graph(b.global_pool(b.relu(x, same_quant=False), AveragePool2D), b.mean(x))
        plans.append(make_schedule(graph, isa, Schedule.MIN_RAM, row_fed=True))
        assert any(step.stage and step.stage.accumulators for step in plans[-1].steps)
        inputs = [values for _, values in samples(graph, 2)]
        assert {-128, 127} <= {int(values[0].flat[0]) for values in inputs}
        runs.append((graph, inputs))
    found = run_compiled(runs, isa, tmp_path, plans)
    for (graph, inputs), outputs in zip(runs, found, strict=True):
        for sample, output in zip(inputs, outputs, strict=True):
            assert_same(output, Interpreter(graph).run(sample), graph.name)


def test_an_operand_without_batch_in_a_stage(tmp_path: Path) -> None:
    """Its rows are those of the output, though it is held whole."""
    b = DyingBuilder("positions", 4)
    x = b.conv(b.input(1, 20, 16, 1), 4)
    graph = b.graph(b.conv(b.binary(Add, b.operand(20, 16, 4), x), 2, (3, 3), 2))
    plan = make_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM, row_fed=True)
    assert any(step.stage and "add_0" in step.stage.nodes for step in plan.steps)
    inputs = [values for _, values in samples(graph, 1)]
    (found,) = run_compiled([(graph, inputs)], Isa.PORTABLE, tmp_path, [plan])
    for sample, output in zip(inputs, found, strict=True):
        assert_same(output, Interpreter(graph).run(sample), "positions")


def test_rows_that_are_read_upwards_from_a_ring(tmp_path: Path) -> None:
    """The last row comes first where a kernel lists what its windows reach back to."""
    graphs = [graph for graph in TransposeConv.cases() if "stride_1_" in graph.name]
    random = np.random.default_rng(0)
    found = [plain_plan(graph, Isa.PORTABLE, random, row_fed=True) for graph in graphs]
    fed = [plan for plan in found if plan is not None]
    assert len(fed) == 2 and all(any(p.ring_rows > 1 for p in plan.placements) for plan in fed)
    inputs = [[values for _, values in samples(graph, 1)] for graph in graphs]
    runs = list(zip(graphs, inputs, strict=True))
    for (graph, mine), outputs in zip(
        runs, run_compiled(runs, Isa.PORTABLE, tmp_path, fed), strict=True
    ):
        for sample, output in zip(mine, outputs, strict=True):
            assert_same(output, Interpreter(graph).run(sample), graph.name)


def test_counts_beyond_int16(tmp_path: Path) -> None:
    b = RowBuilder("long", 2)
    sound = b.input(1, 60000, 1, 1)
    graph = b.graph(b.global_pool(b.conv(sound, 2, (3, 1)), AveragePool2D))
    plan = make_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM, row_fed=True)
    inputs = [values for _, values in samples(graph, 1)][-2:]
    (found,) = run_compiled([(graph, inputs)], Isa.PORTABLE, tmp_path, [plan])
    for sample, output in zip(inputs, found, strict=True):
        assert_same(output, Interpreter(graph).run(sample), "long")
