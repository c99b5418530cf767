"""Measures one model under one schedule on one virtual board."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from edgebottle.build.toolchains import TOOLCHAINS
from edgebottle.errors import EdgebottleError, ToolMissing
from edgebottle.plan.schedules import Schedule
from hil.records import Record

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EDGEBOTTLE_SHARED", ROOT.parent / "shared" / "data"))

MODELS: dict[str, tuple[str, str]] = {
    "ad": ("mlperf-tiny/ad01_int8.tflite", "keep"),
    "kws": ("mlperf-tiny/kws_ref_model.tflite", "keep"),
    "ic": ("mlperf-tiny/pretrainedResnet_quant.tflite", "keep"),
    "vww": ("mlperf-tiny/vww_96_int8.tflite", "keep"),
    "person_detect": ("tflite-micro/person_detect.tflite", "keep"),
    "micro_speech": ("tflite-micro/micro_speech_quantized.tflite", "keep"),
    "magic_wand": ("magic-wand/quantized_model.tflite", "keep"),
    "mcunet_vww": ("mcunet/tinyengine_vww.tflite", "int8"),
    "mcunet_320kb": ("mcunet/mcunet-320kb-1mb_imagenet.tflite", "keep"),
    "mcunet_detection": ("mcunet/tinyengine_detection.tflite", "int8"),
}
"""File below the shared models, and what becomes of floating-point inputs and outputs."""

SCHEDULES: dict[str, tuple[Schedule, bool]] = {
    "auto": (Schedule.AUTO, False),
    "layers": (Schedule.LAYERS, False),
    "min-ram": (Schedule.MIN_RAM, False),
    "min-time": (Schedule.MIN_TIME, False),
    "rows": (Schedule.MIN_RAM, True),
    "patches": (Schedule.PATCHES, False),
}
"""The schedule, and whether the input is fed row by row."""

BOARDS = ("nucleo_l4r5zi", "stm32f746")


@dataclass(frozen=True)
class Row:
    """One line of the benchmark.

    Attributes:
        model: Key of ``MODELS``.
        schedule: Key of ``SCHEDULES``.
        board: Board id.
        toolchain: Name of the compiler.
        planning_s: Seconds of planning; None if there is no plan.
        ram: Bytes of the arena, known as soon as there is a plan.
        macs: Multiply-accumulates of one run.
        instructions: Of one run, exact.
        cycles: Of one run, modelled; None where there is no model of the core.
        code: Bytes of flash beside the weights.
        reason: Why there are no figures, empty if there are.
    """

    model: str
    schedule: str
    board: str
    toolchain: str
    planning_s: float | None = None
    ram: int | None = None
    macs: int | None = None
    instructions: int | None = None
    cycles: int | None = None
    code: int | None = None
    reason: str = ""


def run(
    models: tuple[str, ...],
    schedules: tuple[str, ...],
    boards: tuple[str, ...],
    toolchains: tuple[str, ...] = ("zig",),
    *,
    plan_only: bool,
) -> Iterator[tuple[Row, Record | None]]:
    """Each row as soon as it is known, with its record."""
    for model, schedule, board, toolchain in product(models, schedules, boards, toolchains):
        yield measure_row(model, schedule, board, toolchain, plan_only=plan_only)


def installed_toolchains(board_id: str) -> tuple[str, ...]:
    """The compilers for ``board_id`` that this computer has."""
    from edgebottle.boards import load_board
    from edgebottle.build.toolchains import cross_compiler

    found = []
    for toolchain in TOOLCHAINS:
        with suppress(ToolMissing):
            cross_compiler(load_board(board_id), toolchain)
            found.append(toolchain)
    return tuple(found)


def measure_row(
    name: str, schedule: str, board_id: str, toolchain: str = "zig", *, plan_only: bool
) -> tuple[Row, Record | None]:
    """Plans, builds and runs; what fails is said in the row."""
    from edgebottle.boards import load_board
    from edgebottle.fit import Wish, fit
    from edgebottle.measure import measure
    from edgebottle.pipeline import build, load
    from edgebottle.samples import edge_cases

    file, io = MODELS[name]
    path = SHARED / "models" / file
    row = Row(name, schedule, board_id, toolchain)
    record = None
    try:
        if not path.is_file():
            return replace(row, reason=f"no file {path}"), None
        model, board = load(str(path), io=io, name=name), load_board(board_id)
        wish = Wish(schedule=SCHEDULES[schedule][0], row_fed=SCHEDULES[schedule][1])
        start = time.perf_counter()
        fitted = fit(model.graph, board, wish)
        seconds = round(time.perf_counter() - start, 2)
        row = replace(
            row, planning_s=seconds, ram=fitted.plan.arena_bytes, macs=fitted.graph.macs()
        )
        if not plan_only:
            built = build(model, board, toolchain=toolchain, wish=wish)
            record = measure(built, edge_cases(model.graph, 1))
            row = replace(
                row,
                code=built.flash.code,
                instructions=record.instructions,
                cycles=record.cycles,
            )
    except (EdgebottleError, NotImplementedError) as error:
        row = replace(row, reason=str(error) or type(error).__name__)
    return row, record
