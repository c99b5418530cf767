"""Patch grids compute the same bits, cost just the MACs they say, and copy nothing."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from edgebottle.codegen.model import write_model
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import make_schedule
from quantize.patch.grid import extra_macs, patch_grid
from tests.graphs import Builder
from tests.ops.compiled import run_compiled
from tests.plan.test_plan import check_plan
from tests.quantize.patch_fuzz import patches
from tests.quantize.stages import random_grid, random_stage

NETWORKS = 120
IN_C = 6
SOUND = range(0, 128, 8)
KINDS = (
    *("ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"),
    *("MUL", "PAD", "RELU", "rows", "columns"),
)
"""What the networks of ``SOUND`` must have among them."""


def inputs(graph: Graph, seed: int) -> list[Array]:
    random = np.random.default_rng(seed)
    return [random.integers(-128, 128, graph.tensors[n].shape, np.int8) for n in graph.inputs]


def outputs(graph: Graph, values: list[Array]) -> list[bytes]:
    return [value.tobytes() for value in Interpreter(graph).run(values)]


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_stages_compute_the_same_bits(seed: int) -> None:
    graph, names = random_stage(seed)
    verify(graph)
    m, n = random_grid(graph, names, seed)
    patched = patch_grid(graph, names, m, n)
    verify(patched)
    values = inputs(graph, seed)
    assert outputs(graph, values) == outputs(patched, values)
    assert patched.macs() - graph.macs() == extra_macs(graph, names, m, n)


@pytest.mark.parametrize(("seed", "isa"), list(zip(SOUND, cycle(Isa), strict=False)))
def test_plans_of_patches_are_sound(seed: int, isa: Isa) -> None:
    """One variant for each network; ``patch_fuzz.py`` tries all of them, on many more."""
    graph, _ = patches(seed)
    check_plan(graph, make_plan(graph, isa))


def test_networks_of_patches_are_of_every_kind() -> None:
    covered = sum((patches(seed)[1] for seed in SOUND), Counter())
    assert min(covered[kind] for kind in KINDS) >= 1, covered


@pytest.mark.parametrize("isa", Isa)
def test_c_of_patches_computes_the_same_bits(isa: Isa, tmp_path: Path) -> None:
    runs, expected = [], []
    for seed in range(IN_C):
        graph, names = random_stage(5000 + seed)
        patched = patch_grid(graph, names, *random_grid(graph, names, seed))
        samples = [inputs(graph, seed), inputs(graph, seed + 1)]
        runs.append((patched, samples))
        expected.append([outputs(graph, sample) for sample in samples])
    for found, wanted in zip(run_compiled(runs, isa, tmp_path), expected, strict=True):
        assert [[value.tobytes() for value in values] for values in found] == wanted


def vision(name: str = "vision") -> tuple[Graph, tuple[str, ...]]:
    """A network whose first layers hold nearly all of its memory, with a residual, and these."""
    b = Builder(name)
    x = b.conv(b.input(1, 48, 48, 3), 16, stride=2)
    y = b.conv(b.depthwise(b.conv(x, 32, (1, 1))), 16, (1, 1))
    x = b.depthwise(b.add(x, y), stride=2)
    stage = tuple(node.name for node in b.nodes)
    return b.graph(b.conv(b.pool(x, MaxPool2D, 2, 2), 8)), stage


GRIDS = [(2, 2), (3, 1), (1, 4), (3, 5), (2, 3), (4, 2), (5, 1), (1, 3)]


@pytest.mark.parametrize(("isa", "grid"), list(zip(Isa, GRIDS, strict=True)))
def test_nothing_is_copied_and_memory_shrinks(isa: Isa, grid: tuple[int, int]) -> None:
    graph, names = vision()
    patched = patch_grid(graph, names, *grid)
    plan = make_plan(patched, isa)
    check_plan(patched, plan)
    moved = {n.name for n in patched.nodes if n.OP in ("STRIDED_SLICE", "CONCATENATION")}
    assert moved and moved == {step.node for step in plan.steps if step.elided}
    assert plan.arena_bytes < 0.8 * make_plan(graph, isa).arena_bytes
    assert 0 < extra_macs(graph, names, *grid) < graph.macs()


def test_weights_are_stored_once() -> None:
    graph, names = vision()
    sizes = [
        sum(write_model(g, make_plan(g, Isa.PORTABLE)).constants.values())
        for g in (graph, patch_grid(graph, names, 2, 2))
    ]
    assert sizes[0] == sizes[1]


def test_a_grid_of_one_patch_changes_nothing() -> None:
    graph, names = vision()
    assert patch_grid(graph, names, 1, 1) is graph
    assert extra_macs(graph, names, 1, 1) == 0


def test_patches_of_patches() -> None:
    graph, names = vision()
    once = patch_grid(graph, names[:1], 2, 2)
    twice = patch_grid(once, names[1:], 3, 2)
    verify(twice)
    values = inputs(graph, 0)
    assert outputs(graph, values) == outputs(twice, values)
    check_plan(twice, make_plan(twice, Isa.DSP))


@pytest.mark.parametrize(
    ("names", "grid", "message"),
    [
        (("conv_9",), (2, 2), "no layer 'conv_9'"),
        ((), (2, 2), "no layers"),
        (("conv_0", "conv_1"), (2, 2), "one tensor must leave a stage of patches, but 2 do"),
        (("conv_0",), (25, 1), "24 x 24 pixels: no grid of 25 x 1 patches"),
        (("conv_0",), (0, 1), "no grid of 0 x 1"),
        (("reshape_0",), (1, 1), "cannot be part of a patch grid"),
        (("relu_0",), (1, 1), "patches need images of 4 axes"),
    ],
)
def test_what_is_no_stage(names: tuple[str, ...], grid: tuple[int, int], message: str) -> None:
    b = Builder("no_stage")
    x = b.conv(b.input(1, 48, 48, 3), 2, stride=2)
    y = b.add(x, b.conv(x, 2))
    graph = b.graph(b.relu(b.reshape(y, 24, 48), same_quant=False))
    with pytest.raises(BadInput, match=message):
        patch_grid(graph, names, *grid)


@pytest.mark.parametrize("isa", Isa)
def test_patches_run_row_by_row_too(isa: Isa, tmp_path: Path) -> None:
    """Row streaming on top of patches: stages read crops and write parts of joins in place."""
    runs, plans, expected = [], [], []
    for seed in range(IN_C // 2):
        graph, names = random_stage(7000 + seed, largest=14)
        m, n = random_grid(graph, names, seed)
        patched = patch_grid(graph, names, min(m, 3), min(n, 3))
        samples = [inputs(graph, seed)]
        runs.append((patched, samples))
        plans.append(make_schedule(patched, isa, Schedule.MIN_RAM))
        expected.append([outputs(graph, sample) for sample in samples])
    assert any(step.stage for plan in plans for step in plan.steps)
    for found, wanted in zip(run_compiled(runs, isa, tmp_path, plans), expected, strict=True):
        assert [[value.tobytes() for value in values] for values in found] == wanted
