"""The chosen grid fits, costs least, and is as exact as any."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from edgebottle.boards import load_board
from edgebottle.ops.base import Isa
from edgebottle.pipeline import Model, load
from edgebottle.plan import order
from edgebottle.plan.planner import make_plan
from edgebottle.verify import verify_model
from quantize.patch.grid import PatchStage, extra_macs, patch_grid
from quantize.patch.grid_choice import (
    _Axes,
    least_macs,
    least_ram,
    live_bytes,
    patch_bytes,
)
from quantize.patch.known import known
from tests.conftest import SHARED, long
from tests.quantize.stages import random_stage
from tests.quantize.test_grid import check_plan, inputs, outputs, vision
from tests.waiting import calls_of

MCUNET_VWW = "mcunet/tinyengine_vww.tflite"


@pytest.mark.parametrize("seed", range(20))
def test_costs_of_all_grids(seed: int) -> None:
    """The quick count is the slow one, and the lower bound of a patch is one."""
    graph, names = random_stage(seed)
    stage = PatchStage.of(graph, names)
    axes = _Axes(stage, 3)
    for grid in axes.grids:
        assert axes.extra_macs(*grid) == extra_macs(graph, names, *grid)
        patched = patch_grid(graph, names, *grid)
        assert patch_bytes(stage, axes.middle(*grid)) <= max(live_bytes(patched, Isa.PORTABLE))


def test_fewest_macs_that_fit() -> None:
    graph, _ = vision()
    whole = make_plan(graph, Isa.DSP).arena_bytes
    easy, hard = (least_macs(graph, Isa.DSP, int(share * whole)) for share in (0.9, 0.6))
    assert easy is not None and hard is not None
    assert easy.plan.arena_bytes <= 0.9 * whole and hard.plan.arena_bytes <= 0.6 * whole
    assert 0 < easy.extra_macs <= hard.extra_macs
    assert hard.graph.macs() - graph.macs() == hard.extra_macs
    check_plan(hard.graph, hard.plan)
    assert least_macs(graph, Isa.DSP, 1000) is None
    kept = least_macs(graph, Isa.DSP, whole)
    assert kept is not None and kept.graph is graph and kept.grid == (1, 1)


def test_patches_are_not_searched_for_the_order_of_least_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph, _ = vision()
    whole = known(graph).layers(Isa.DSP).arena_bytes
    monkeypatch.setattr(order, "least_memory_order", None)
    least = least_ram(graph, Isa.DSP)
    assert least.plan.arena_bytes < whole
    assert least_macs(graph, Isa.DSP, whole - 1) is not None


def test_least_ram_within_a_budget_of_macs() -> None:
    graph, _ = vision()
    none, few, many = (least_ram(graph, Isa.DSP, limit) for limit in (0, 20_000, None))
    assert none.extra_macs <= 0 and few.extra_macs <= 20_000
    assert none.plan.arena_bytes >= few.plan.arena_bytes >= many.plan.arena_bytes
    values = inputs(graph, 3)
    assert outputs(graph, values) == outputs(many.graph, values)


def test_stages_end_where_one_tensor_is_left() -> None:
    graph, _ = vision()
    ends = [stage.nodes[-1].name for stage in PatchStage.beginnings(graph)]
    assert ends == ["conv_0", "add_0", "depthwise_1", "pool_0", "conv_3"]


MAX_CALLS = 30_000_000
"""Functions called, by Python's profiler: about twice what the largest network takes."""


@cache
def model(file: str, io: str) -> Model:
    return load(str(SHARED / "models" / file), io=io)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "most"),
    [
        long("mcunet/mcunet-320kb-1mb_imagenet.tflite", 195_728),
        (MCUNET_VWW, 42_888),
        long("mcunet/tinyengine_mcunetv2_large.tflite", 409_264),
    ],
)
def test_the_search_is_quick(file: str, most: int) -> None:
    graph = model(file, "int8").graph
    least, calls = calls_of(lambda: least_ram(graph, Isa.DSP))
    assert least.plan.arena_bytes <= most
    assert calls < MAX_CALLS


@pytest.mark.shared
def test_mcunet_vww_beside_tinyengine() -> None:
    """TinyEngine needs 81,552 bytes with 2x2 patches, the image counted."""
    graph = model(MCUNET_VWW, "int8").graph
    fits = least_macs(graph, Isa.DSP, 81_552)
    assert fits is not None and fits.extra_macs < 0.01 * graph.macs()
    assert fits.plan.arena_bytes <= 61_120
    small = least_ram(graph, Isa.DSP, graph.macs() // 40)
    assert small.plan.arena_bytes <= 45_640


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "io", "layers", "grid"),
    [
        long(MCUNET_VWW, "int8", 6, (2, 3)),
        long(MCUNET_VWW, "int8", 15, (2, 2)),
        long("mlperf-tiny/vww_96_int8.tflite", "keep", 4, (2, 3)),
        ("mlperf-tiny/kws_ref_model.tflite", "keep", 9, (3, 2)),
        long("mlperf-tiny/pretrainedResnet_quant.tflite", "keep", 4, (2, 2)),
    ],
)
def test_real_models_in_patches(file: str, io: str, layers: int, grid: tuple[int, int]) -> None:
    whole = model(file, io)
    names = tuple(node.name for node in whole.graph.nodes[:layers])
    patched = replace(whole, graph=patch_grid(whole.graph, names, *grid))
    result = verify_model(patched, load_board("stm32f746"), samples=4)
    assert result.exact and result.match, str(result.difference)
