"""Patch grids compute the same bits, cost just the MACs they say, and copy nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa
from edgebottle.plan.planner import make_plan
from quantize.patch.grid import Stage, extra_macs, patch_grid
from tests.ops.compiled import run_compiled
from tests.plan.test_plan import check_plan
from tests.quantize.stages import random_stage

NETWORKS = 250
IN_C = 40


def inputs(graph: Graph, seed: int) -> list[Array]:
    random = np.random.default_rng(seed)
    return [random.integers(-128, 128, graph.tensors[n].shape, np.int8) for n in graph.inputs]


def random_grid(graph: Graph, names: tuple[str, ...], seed: int) -> tuple[int, int]:
    stage = Stage.of(graph, names)
    random = np.random.default_rng(1000 + seed)
    _, height, width, _ = graph.tensors[stage.output].shape
    m, n = (int(random.integers(1, min(size, 5) + 1)) for size in (height, width))
    return m, n


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


@pytest.mark.parametrize("seed", range(0, NETWORKS, 4))
def test_plans_of_patches_are_sound(seed: int) -> None:
    graph, names = random_stage(seed, largest=12)
    patched = patch_grid(graph, names, *random_grid(graph, names, seed))
    for isa in Isa:
        check_plan(patched, make_plan(patched, isa))


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
