"""What the schedules of real networks need: ``python -m quantize.patch.table [MODEL ...]``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgebottle.errors import UnsupportedOp
from edgebottle.importers import import_model
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise, strip_float_io
from edgebottle.plan.schedules import Schedule
from quantize.patch.fold import size
from quantize.patch.schedules import choose_schedule
from quantize.patch.search import Chosen, streamed_layers

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

NETWORKS = (
    "mlperf-tiny/pretrainedResnet_quant.tflite",
    "mlperf-tiny/kws_ref_model.tflite",
    "mlperf-tiny/vww_96_int8.tflite",
    "mlperf-tiny/ad01_int8.tflite",
    "tflite-micro/person_detect.tflite",
    "mcunet/tinyengine_vww.tflite",
    "mcunet/mcunet-320kb-1mb_imagenet.tflite",
    "mcunet/tinyengine_detection.tflite",
    "mcunet/tinyengine_mcunetv2_large.tflite",
)


def read_graph(path: Path) -> Graph:
    """The graph of a model file after the passes, with int8 inputs and outputs."""
    imported = import_model(path.read_bytes(), "model", path.suffix)
    return optimise(strip_float_io(imported))


def lines(path: Path) -> list[str]:
    """One line for each schedule of a network."""
    graph = read_graph(path)
    found = []
    for schedule, row_fed in (
        (Schedule.LAYERS, False),
        (Schedule.MIN_RAM, False),
        (Schedule.MIN_RAM, True),
    ):
        start = time.perf_counter()
        try:
            chosen = choose_schedule(graph, Isa.DSP, schedule, row_fed=row_fed)
        except UnsupportedOp:
            continue
        seconds = time.perf_counter() - start
        name = f"{schedule}, rows" if row_fed else schedule
        found.append(f"{path.stem:34}{name:16}{_columns(chosen)}{seconds:8.2f}")
    return found


def _columns(chosen: Chosen) -> str:
    plan = chosen.plan
    stages = [step.stage for step in plan.steps if step.stage is not None]
    calls = sum(size(stage.program) for stage in stages)
    kilobytes = plan.arena_bytes / 1024
    counts = f"{len(stages):8}{streamed_layers(plan):8}{calls:9}"
    macs = f"{chosen.extra_macs:11,}"
    return f"{plan.arena_bytes:11,}{kilobytes:8.2f}{plan.lower_bound:9,}{counts}{macs}"


def main(arguments: Sequence[str]) -> None:
    """Prints the table of the models named, or of those of the shared data."""
    folder = Path(os.environ.get("EDGEBOTTLE_SHARED", SHARED)) / "models"
    paths = [Path(name) for name in arguments] or [folder / name for name in NETWORKS]
    head = f"{'arena':>11}{'kB':>8}{'bound':>9}{'stages':>8}{'layers':>8}{'program':>9}"
    head += f"{'extra MACs':>11}{'s':>8}"
    print(f"{'network':34}{'schedule':16}{head}")
    for path in paths:
        for line in lines(path):
            print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
