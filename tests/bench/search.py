"""What a search finds against what others do, at the same budgets and with the same training.

``python -m tests.bench.search FOLDER --data fashion --ram 8k 16k --seeds 0`` makes one cell after
the other, and adds a JSON line for each to FOLDER/cells.jsonl; cells that have a line are not made
again, and one that was stopped goes on where it was. ``--table`` shows means and spreads over
seeds, and which cells are missing. Every network is trained for the same epochs of the same samples
with the same augmentation, quantized alike, and held to LiteRT; accuracy is that of LiteRT on the
file and on samples that nothing was chosen by, RAM and flash are the build's.

Methods: ``joint`` (the search, with schedules and feeding), ``bits`` (with the bits of each stage
as well), ``uniform-w4a4`` (those bits in all stages), ``random`` (as many candidates, drawn at
random), ``sequential`` (searched layer by layer, the schedule chosen afterwards), ``largest`` (the
most multiplications that fit), and networks of others, scaled by hand: for each resolution the
widest that fits is trained, and the best on the samples that are set apart counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.boards import load_board
from edgebottle.cli.voice import progress_bar
from edgebottle.config import parse_bytes
from edgebottle.errors import DoesNotFit
from edgebottle.files import write_file
from edgebottle.search.beginning import data_facts, input_shapes
from edgebottle.search.candidate_training import CandidateTraining
from edgebottle.search.costs import Costs
from edgebottle.search.largest import largest
from edgebottle.search.running import run_study
from edgebottle.search.settings import (
    EPOCHS,
    SHARED_WEIGHTS,
    SHORT_TRAINING,
    SearchBudget,
    SearchSettings,
    TrainingBudget,
)
from edgebottle.search.settings_text import settings_text
from edgebottle.search.sharing import workplace
from edgebottle.search.smallest import fitting
from edgebottle.search.study import Limits, SearchStudy
from edgebottle.search.take_recipe import TakenCandidate
from edgebottle.search.taking import Taking, chosen_trial
from quantize.search.space import Space
from tests.bench.jsonl import add_line, is_known, lines_of
from tests.bench.scaled_networks import SCALED, smallest_run, widest
from tests.bench.search_data import CASES, files

SEARCHED: Mapping[str, Mapping[str, Any]] = {
    "joint": {},
    "random": {},
    "bits": {"bits": ("w4a4", "w4a8", "w8a8")},
    "uniform-w4a4": {"bits": ("w4a4",)},
    "sequential": {"schedules": ("layers",), "row_fed": (False,)},
}
"""Methods that search, and how their spaces differ."""

METHODS = (*SEARCHED, "largest", *SCALED)

FIGURES = ("accuracy", "validation", "searched", "ram", "flash", "ms", "macs", "instructions")
"""Of a network, that a line has."""


@dataclass(frozen=True)
class Comparison:
    """What all cells of a table share.

    Attributes:
        board: Id.
        flash_limit: Bytes of flash, at most.
        ms_limit: Milliseconds of a run, at most; None for any.
        epochs: Of every final training; None for those of the data.
        evaluator: Of the searches.
        trials: Candidates that each search assesses.
        search_epochs: Of the evaluator: of shared weights, or of the longest short training.
        search_samples: That each short training of a search learns from, at most; None for all.
        samples: To learn from and to test with, as many at most; None for all.
        sides: Resolutions to choose from, the largest of the data.
    """

    board: str
    flash_limit: int
    ms_limit: float | None
    epochs: int | None
    evaluator: str
    trials: int
    search_epochs: int
    search_samples: int | None
    samples: int | None
    sides: int | None

    def of(self, method: str) -> Comparison:
        """What matters to one method: how is searched does not where nothing is."""
        if method in SEARCHED:
            return self
        return replace(self, evaluator="", trials=0, search_epochs=0, search_samples=None)


@dataclass(frozen=True)
class SearchCell:
    """One network of the table.

    Attributes:
        data: Of ``CASES``.
        ram_limit: Bytes, at most.
        method: Of ``METHODS``.
        seed: Of search and training.
        shape: Of the input, such as ``28x28x1``, of a network that is scaled by hand.
    """

    data: str
    ram_limit: int
    method: str
    seed: int
    shape: str = ""


class CellMaker:
    """Makes the network of one cell."""

    def __init__(self, folder: Path, cell: SearchCell, shared: Comparison) -> None:
        """Reads what the samples are like.

        Args:
            folder: Of everything.
            cell: Which.
            shared: What it has in common with the others.
        """
        self.cell, self._shared = cell, shared.of(cell.method)
        digest = hashlib.sha256(json.dumps(asdict(self._shared)).encode()).hexdigest()[:6]
        self._folder = folder / "-".join(filter(None, (*map(str, asdict(cell).values()), digest)))
        case = CASES[cell.data]
        self.training = CandidateTraining(
            shared.epochs or case.epochs, cell.seed, case.augmentation
        )
        train, test = files(folder / "data", cell.data, cell.seed, shared.samples)
        facts = data_facts(str(train))
        shapes = input_shapes(facts.shape)[-shared.sides :] if shared.sides else None
        space = Space(
            facts.classes,
            shapes or input_shapes(facts.shape),
            schedules=("layers", "min-ram"),
            row_fed=(False, True),
        )
        self.settings = SearchSettings(
            name="search",
            data=str(train.absolute()),
            board=shared.board,
            evaluator=shared.evaluator,
            space=replace(space, **SEARCHED.get(cell.method, {})),
            budget=SearchBudget(cell.ram_limit, shared.flash_limit, shared.ms_limit),
            test=str(test.absolute()),
            objectives=(),
            sampler="random" if cell.method == "random" else "nsga2",
            trials=shared.trials,
            seed=cell.seed,
            training=TrainingBudget(
                shared.search_epochs,
                self.training.epochs,
                case.augmentation,
                shared.search_samples,
            ),
            path=self._folder / "search.toml",
        )
        self.limits = Limits.of(self.settings).most

    @cached_property
    def _costs(self) -> Costs:
        return Costs(load_board(self.settings.board))

    def line(self) -> dict[str, Any]:
        """What is known of the cell in the end."""
        with progress_bar() as progress:
            chosen = self._chosen(progress)
            if chosen is None:
                return {**asdict(self.cell), **asdict(self._shared), "why": "nothing fits"}
            folder = self._folder / "taken"
            taking = Taking(self.settings, self.limits, chosen, self.training, folder)
            try:
                taken = taking.known() or taking.run(progress)
            except DoesNotFit as error:
                return {**asdict(self.cell), **asdict(self._shared), "why": str(error)}
        figures = {name: getattr(taken, name) for name in FIGURES}
        words = ("network", "bits", "schedule", "row_fed", "excess")
        more = {name: getattr(taken, name) for name in words}
        return {**asdict(self.cell), **asdict(self._shared), **figures, **more}

    def _chosen(self, progress: Any) -> TakenCandidate | None:
        cell, space, limits = self.cell, self.settings.space, self.limits
        if cell.method in SCALED:
            height, width, channels = map(int, cell.shape.split("x"))
            progress(f"scale {cell.method} to {cell.shape}", 0, 0)
            shape = (height, width, channels)
            found = widest(cell.method, shape, space.classes, self._costs, limits)
            return None if found is None else TakenCandidate(found)
        if cell.method == "largest":
            first = fitting(space, self._costs, limits, progress)
            choice = largest(space, first, self._costs, limits, cell.seed, progress)
            return TakenCandidate(space.candidate(choice))
        found_one = self._searched(progress)
        if cell.method != "sequential":
            return found_one
        run = smallest_run(found_one.candidate, self._costs, limits)
        return replace(found_one, candidate=run)

    def _searched(self, progress: Any) -> TakenCandidate:
        """The best of a search."""
        settings = self.settings
        assert settings.path is not None
        write_file(settings.path, settings_text(settings).encode())
        self._weights_of_joint()
        with workplace(settings.place, settings.name) as place:
            study = SearchStudy(settings, place)

            def told(trial: object) -> None:
                what = f"{self.cell.method}: best {study.best:.2%}"
                progress(what, study.assessed, settings.trials)

            run_study(study, self._costs, progress, told)
            trials = study.trials()
        return TakenCandidate.of(chosen_trial(trials, settings.objectives))

    def _weights_of_joint(self) -> None:
        """A random search of the same space need not train the weights that all share again."""
        cell, name = self.cell, "search.weights.npz"
        if cell.method != "random" or self._shared.evaluator != SHARED_WEIGHTS:
            return
        joint = replace(cell, method="joint")
        there = CellMaker(self._folder.parent, joint, self._shared)._folder / name
        if there.exists() and not (self._folder / name).exists():
            shutil.copy(there, self._folder / name)


def cells_of(options: argparse.Namespace, folder: Path, shared: Comparison) -> Iterator[SearchCell]:
    """All cells that are asked for."""
    for ram in options.ram:
        for seed in options.seeds:
            for method in options.methods:
                cell = SearchCell(options.data, ram, method, seed)
                if method not in SCALED:
                    yield cell
                    continue
                for shape in CellMaker(folder, cell, shared).settings.space.shapes:
                    yield replace(cell, shape="x".join(map(str, shape)))


def best_shapes(lines: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of each network that was scaled by hand, data, budget and seed the best of its resolutions.

    That is the one with the best accuracy on the samples that are set apart, not on the test.
    """
    kinds: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in lines:
        if "accuracy" not in line:
            continue
        key = tuple(line[name] for name in ("data", "ram_limit", "seed", "method"))
        if key not in kinds or line["validation"] > kinds[key]["validation"]:
            kinds[key] = line
    yield from kinds.values()


COLUMNS = ("method", "seeds", "accuracy", "RAM", "flash", "ms", "MACs", "over", "missing")


def table(cells: Sequence[SearchCell], lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Rows of Markdown: means over seeds, with the spread of accuracy in percentage points."""
    known = {SearchCell(*(line[name] for name in asdict(cells[0]))): line for line in lines}
    for data, ram in dict.fromkeys((cell.data, cell.ram_limit) for cell in cells):
        yield f"\n{data}, {ram:,} bytes of RAM\n"
        yield f"| {' | '.join(COLUMNS)} |"
        yield f"|---|{'--:|' * (len(COLUMNS) - 1)}"
        for method in dict.fromkeys(cell.method for cell in cells):
            wanted = [
                one for one in cells if (one.data, one.ram_limit, one.method) == (data, ram, method)
            ]
            made = [known[one] for one in wanted if one in known]
            best = list(best_shapes(made))
            figures = ["-"] * 5
            if best:
                score = 100 * np.array([line["accuracy"] for line in best])
                figures = [f"{score.mean():.2f} ± {score.std():.2f}"]
                for name, form in (("ram", ",.0f"), ("flash", ",.0f"), ("ms", ".2f")):
                    figures.append(format(np.mean([line[name] for line in best]), form))
                figures.append(f"{np.mean([line['macs'] for line in best]):,.0f}")
            over = sum(bool(line["excess"]) for line in best)
            cell = (method, str(len(best)), *figures, str(over), str(len(wanted) - len(made)))
            yield f"| {' | '.join(cell)} |"


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", choices=list(CASES), default="fashion")
    parser.add_argument("--board", default="nucleo_l4r5zi")
    parser.add_argument("--ram", nargs="+", type=parse_bytes, default=[8192, 16384, 32768])
    parser.add_argument("--flash", dest="flash_limit", type=parse_bytes, default=65536)
    parser.add_argument("--ms", dest="ms_limit", type=float, help="of a run, at most")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--epochs", type=int, help="of every final training (default: the data's)")
    parser.add_argument("--evaluator", default=SHORT_TRAINING)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--search-epochs", type=int, help="of the evaluator (default: its own)")
    parser.add_argument("--search-samples", type=int, help="of each short training, at most")
    parser.add_argument("--samples", type=int, help="to learn from and to test with, at most")
    parser.add_argument("--sides", type=int, help="so many inputs, the largest of the data")
    parser.add_argument("--table", action="store_true", help="make nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Makes the cells that are missing, and shows the table."""
    options = parsed(arguments)
    options.search_epochs = options.search_epochs or EPOCHS.get(options.evaluator, 1)
    shared = Comparison(**{name: getattr(options, name) for name in Comparison.__annotations__})
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "cells.jsonl"
    cells = list(cells_of(options, options.folder, shared))
    for cell in () if options.table else cells:
        if is_known(file, {**asdict(cell), **asdict(shared.of(cell.method))}):
            continue
        start = time.monotonic()
        made = CellMaker(options.folder, cell, shared).line()
        # Of this run: what an earlier one that was stopped took is not counted.
        add_line(file, {**made, "seconds": round(time.monotonic() - start)})
    lines = [
        line for line in lines_of(file) if asdict(shared.of(line["method"])).items() <= line.items()
    ]
    print("\n".join(table(cells, lines)))


if __name__ == "__main__":
    main()
