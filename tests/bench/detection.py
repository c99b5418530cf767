"""Detectors with and without full convolutions, at the same time on a board.

``python -m tests.bench.detection FOLDER`` trains one cell after the other on the blood cells of
BCCD, and adds a JSON line for each to FOLDER/cells.jsonl; cells that have a line are not trained
again, so that it may be stopped at any time. ``--table`` shows means and spreads over seeds, and
which cells are missing; ``--costs BOARD`` what the files take on a board. Precision is that of the
int8 file in LiteRT, with boxes as boards make them; the part ``test`` chooses nothing.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.detection.precision import mean_precision
from edgebottle.zoo import blood_cells
from edgebottle.zoo.detection import (
    DetectionRecipe,
    detector_file,
    fit,
    float_precision,
    litert_precisions,
    quantized,
    read_parts,
)
from quantize.search.architecture import Architecture, Stem
from quantize.search.blocks import InvertedBottleneck, Separable
from tests.bench.jsonl import add_line, is_known, lines_of
from tests.bench.lowbit import built_and_measured
from tests.conftest import SHARED

DATA = SHARED / "train" / "bccd"

RECIPES: dict[str, DetectionRecipe] = {
    "full": blood_cells.RECIPE,
    "depthwise": replace(
        blood_cells.RECIPE,
        architecture=Architecture(
            blood_cells.RECIPE.architecture.input_shape,
            Stem(8, stride=2),
            (
                Separable(16, stride=2),
                InvertedBottleneck(24, stride=2, expand=3),
                InvertedBottleneck(24, expand=3),
                InvertedBottleneck(24, expand=3),
                InvertedBottleneck(32, stride=2, expand=3),
                InvertedBottleneck(32, expand=2),
            ),
            blood_cells.HEAD,
        ),
    ),
}
"""With full convolutions in the first blocks, and without any behind the stem: about as long on an
STM32F746, as ``--costs stm32f746`` says."""


@dataclass(frozen=True)
class DetectionCell:
    """One training.

    Attributes:
        network: Of ``RECIPES``.
        seed: Of the training.
        epochs: Passes over the images.
    """

    network: str
    seed: int
    epochs: int


def file_of(folder: Path, cell: DetectionCell) -> Path:
    """Where the network of a cell is kept."""
    return folder / f"{'_'.join(map(str, asdict(cell).values()))}.tflite"


def trained_cell(folder: Path, cell: DetectionCell, data: Path) -> dict[str, Any]:
    """Trains a cell; what its line says."""
    recipe = replace(RECIPES[cell.network], epochs=cell.epochs)
    parts, chosen = read_parts(data, recipe), read_parts(data, recipe, test="val").test

    def told(done: int, total: int, what: str) -> None:
        if done % 10 == 0:
            print(f"{cell.network} {cell.seed}: {done} of {total}, {what}", flush=True)

    start = time.process_time()
    model = fit(recipe, parts.train, cell.seed, told)
    seconds = round(time.process_time() - start)
    real = float_precision(model, recipe, chosen)
    graph = quantized(model, "blood_cells", recipe, parts.train)
    file_of(folder, cell).write_bytes(detector_file(graph, recipe.boxes))
    line: dict[str, Any] = {**asdict(cell), "float_val": real, "cpu_seconds": seconds}
    for name, images in (("val", chosen), ("test", parts.test)):
        labels = litert_precisions(graph, recipe.boxes, images)
        line[name] = mean_precision(labels)
        line[f"{name}_labels"] = {one.label: one.precision for one in labels}
    return line


def table(cells: Sequence[DetectionCell], lines: Sequence[dict[str, Any]]) -> str:
    """Means and spreads over seeds of the mean average precision, and of each label's on test."""
    rows = [f"{'network':10} {'epochs':>6} {'seeds':>5} {'val':>13} {'test':>13}  labels on test"]
    for kind in dict.fromkeys(replace(cell, seed=0) for cell in cells):
        wanted = [asdict(cell) for cell in cells if replace(cell, seed=0) == kind]
        known = [line for line in lines if {key: line[key] for key in wanted[0]} in wanted]
        figures, labels = "", ""
        if known:
            for name in ("val", "test"):
                scores = 100 * np.array([line[name] for line in known])
                figures += f" {scores.mean():6.2f} ± {scores.std():4.2f}"
            for label in known[0]["test_labels"]:
                mean = 100 * np.mean([line["test_labels"][label] for line in known])
                labels += f" {label} {mean:.1f}"
        missing = len(wanted) - len(known)
        note = f"  missing: {missing}" if missing else ""
        rows.append(
            f"{kind.network:10} {kind.epochs:6} {len(known):5}{figures or ' ' * 28} {labels}{note}"
        )
    return "\n".join(rows)


def costs(folder: Path, cells: Iterable[DetectionCell], board: str) -> Iterator[str]:
    """What the files of the first seeds take on a board, as rows of Markdown."""
    yield "| network | MACs | file | flash | arena | instructions | cycles, modelled | ms |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for cell in cells:
        path = file_of(folder, cell)
        if not path.exists():
            continue
        built, record = built_and_measured(path, board)
        figures = (
            *(built.model.macs(), path.stat().st_size, built.flash.bytes, built.plan.arena_bytes),
            *(record.instructions or 0, record.cycles or 0),
        )
        ms = record.latency_us[1] / 1000
        yield f"| {cell.network} | {' | '.join(f'{one:,}' for one in figures)} | {ms:.1f} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=DATA, help="of BCCD")
    parser.add_argument("--network", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=blood_cells.RECIPE.epochs)
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--costs", metavar="BOARD", help="what the files take on a board as well")
    options = parser.parse_args(arguments)
    pairs = itertools.product(options.seeds, options.network)
    cells = [DetectionCell(name, seed, options.epochs) for seed, name in pairs]
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "cells.jsonl"
    for cell in () if options.table else cells:
        if not is_known(file, asdict(cell)):
            add_line(file, trained_cell(options.folder, cell, options.data))
    print(table(cells, lines_of(file)))
    if options.costs:
        firsts = [cell for cell in cells if cell.seed == options.seeds[0]]
        for row in costs(options.folder, firsts, options.costs):
            print(row, flush=True)


if __name__ == "__main__":
    main()
