"""What few bits lose, and what each method of training to them gives, in LiteRT.

``python -m tests.bench.lowbit FOLDER`` trains float networks into FOLDER, then one cell after the
other, and adds a JSON line for each to FOLDER/cells.jsonl; cells that have a line are not trained
again, so that it may be stopped at any time. ``--table`` shows means and spreads over seeds, and
which cells are missing. The epoch of each cell is chosen by a part of the training samples that
nothing is trained with; the test samples only measure.
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

from edgebottle.boards import load_board
from edgebottle.measure import measure
from edgebottle.pipeline import Built, build, load
from edgebottle.samples import edge_cases
from edgebottle.training import litert_accuracy, read_trained, start_keras, train
from edgebottle.zoo.few_bits import training_recipe
from edgebottle.zoo.recipes import Data
from hil.records import Record
from quantize.lowbit.bits import Bits
from quantize.lowbit.methods.gradient_scale import GradientScale
from quantize.lowbit.methods.learned_step import LearnedStep
from quantize.lowbit.recipe import DEFAULT_METHODS, METHODS, TrainingRecipe
from quantize.lowbit.samples import LabelledSamples
from tests.bench.jsonl import add_line, is_known, lines_of
from tests.bench.lowbit_mixed import MIXED, mixed_bits
from tests.bench.lowbit_networks import CASES, train_once

PLAIN = (LearnedStep(), GradientScale())
"""The methods of the variant ``plain``: LSQ as it was published."""


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        network: Of ``NETWORKS``.
        bits: As ``edgebottle train --bits`` takes them, or ``mixed-w2a2`` for bits that are chosen
            for the flash of such uniform ones.
        variant: ``default``, ``plain``, ``-METHOD`` or ``-METHOD,METHOD`` (the default without
            them), ``+METHOD``, or ``plain+METHOD+METHOD``.
        seed: Of the float network and of the training.
        epochs: Passes over the samples.
    """

    network: str
    bits: str
    variant: str
    seed: int
    epochs: int

    def recipe(self) -> TrainingRecipe:
        """How it is trained."""
        recipe = training_recipe(CASES[self.network].recipe, self.epochs, self.seed)
        if self.variant.startswith("-"):
            return recipe.without(self.variant[1:].split(","))
        base, *added = self.variant.split("+")
        methods = PLAIN if base == "plain" else DEFAULT_METHODS
        return replace(recipe, methods=(*methods, *(METHODS[name]() for name in added)))


def file_of(folder: Path, cell: Cell) -> Path:
    """Where the network of a cell is kept."""
    return folder / f"{'_'.join(map(str, asdict(cell).values()))}.tflite"


def trained_cell(folder: Path, cell: Cell) -> dict[str, Any]:
    """Trains a cell; what its line says."""
    data, chosen = CASES[cell.network].parts()
    source = train_once(folder, cell.network, cell.seed)
    start_keras()
    import keras

    keras.utils.set_random_seed(cell.seed)
    model = keras.models.load_model(source, compile=False)
    real = model.predict(data.test_images, verbose=0).argmax(axis=1)
    start = time.process_time()
    trained = train(
        model,
        bits_of(cell, source, data),
        data.train_images,
        data.train_labels,
        recipe=cell.recipe(),
        validation=(chosen.values, chosen.labels),
    )
    seconds = round(time.process_time() - start)
    test = LabelledSamples(data.test_images, data.test_labels)
    after = litert_accuracy(trained.graph, test, lambda what, done, total: None)
    trained.save(file_of(folder, cell))
    before = float(np.mean(real == data.test_labels))
    best = max(one.validation for one in trained.epochs if one.is_best)
    return {
        **asdict(cell),
        "float": before,
        "accuracy": after,
        "validation": best,
        "cpu_seconds": seconds,
    }


def bits_of(cell: Cell, source: Path, data: Data) -> Bits:
    """The bits of each layer."""
    if not cell.bits.startswith(MIXED):
        return Bits.parse(cell.bits)
    network = read_trained(source)
    uniform = cell.bits.removeprefix(MIXED)
    return mixed_bits(network, data.train_images, data.train_labels, uniform)


def epochs_of(network: str) -> int:
    """Of a training to few bits."""
    few = CASES[network].recipe.few_bits
    assert few is not None
    return few.epochs


def table(cells: Sequence[Cell], lines: Sequence[dict[str, Any]]) -> str:
    """Means and spreads over seeds of accuracy and of what was lost, in percentage points."""
    rows = [f"{'network':10} {'bits':5} {'variant':18} {'seeds':>5} {'accuracy':>15} {'lost':>13}"]
    kinds = dict.fromkeys(replace(cell, seed=0) for cell in cells)
    for kind in kinds:
        wanted = [asdict(cell) for cell in cells if replace(cell, seed=0) == kind]
        known = [line for line in lines if {key: line[key] for key in wanted[0]} in wanted]
        figures = ""
        if known:
            scores = 100 * np.array([line["accuracy"] for line in known])
            lost = 100 * np.array([line["float"] for line in known]) - scores
            figures = "".join(f" {one.mean():6.2f} ± {one.std():4.2f}" for one in (scores, lost))
        missing = len(wanted) - len(known)
        note = f"  missing: {missing}" if missing else ""
        seeds = f"{len(known)}"
        rows.append(f"{kind.network:10} {kind.bits:5} {kind.variant:18} {seeds:>5}{figures}{note}")
    return "\n".join(rows)


def built_and_measured(path: Path, board: str) -> tuple[Built, Record]:
    """The firmware of a file for a board, and what a run of it takes."""
    model = load(str(path))
    built = build(model, load_board(board))
    return built, measure(built, edge_cases(model.graph, 1))


def costs(folder: Path, kinds: Iterable[Cell], board: str) -> Iterator[str]:
    """What the files of the first seeds take on a board, as rows of Markdown."""
    yield "| network | bits | weights | flash | arena | instructions | cycles, modelled |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for kind in kinds:
        path = file_of(folder, kind)
        if not path.exists():
            continue
        built, record = built_and_measured(path, board)
        figures = (
            built.flash.weights,
            built.flash.bytes,
            built.plan.arena_bytes,
            record.instructions or 0,
            record.cycles or 0,
        )
        yield f"| {kind.network} | {kind.bits} | {' | '.join(f'{one:,}' for one in figures)} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--bits", nargs="+", default=["w4a8", "w4a4", "w3a3", "w2a2"])
    parser.add_argument("--variant", nargs="+", default=["default", "plain"])
    parser.add_argument("--ablation", action="store_true", help="each method left out, or added")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="instead of those of the network")
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--costs", metavar="BOARD", help="what the files take on a board as well")
    options = parser.parse_args(arguments)
    variants = list(options.variant)
    if options.ablation:
        used = [method.NAME for method in DEFAULT_METHODS]
        steps = [name for name in used if issubclass(METHODS[name], LearnedStep)]
        variants += [f"-{name}" for name in used]
        variants.append(f"-{','.join(steps)}")  # either of them learns the steps of the other
        variants += [f"+{name}" for name in METHODS if name not in used]
    cells = [
        Cell(name, *found, options.epochs or epochs_of(name))
        for name in options.network
        for found in itertools.product(options.bits, variants, options.seeds)
    ]
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "cells.jsonl"
    for cell in () if options.table else cells:
        if not is_known(file, asdict(cell)):
            add_line(file, trained_cell(options.folder, cell))
    print(table(cells, lines_of(file)))
    if options.costs:
        kinds = dict.fromkeys(replace(cell, seed=options.seeds[0]) for cell in cells)
        for row in costs(options.folder, kinds, options.costs):
            print(row, flush=True)


if __name__ == "__main__":
    main()
