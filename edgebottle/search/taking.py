"""Takes a network of a study: trains it to the end, quantizes, verifies and builds it.

What is finished is kept beside the folder of the result, so that a taking that was stopped goes on
behind it; the folder itself is written in the end.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, load_board
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.naming import MAX_MODEL_NAME, identifier, shortened
from edgebottle.errors import BadInput, DoesNotFit, Mismatch
from edgebottle.files import check_creatable, read_file, write_file
from edgebottle.fit import Wish
from edgebottle.measure import measure
from edgebottle.pipeline import Built, Model, build, load
from edgebottle.samples import edge_cases
from edgebottle.search.beginning import named_from
from edgebottle.search.candidate_training import CandidateTraining
from edgebottle.search.costs import Costs
from edgebottle.search.final_training import final_training
from edgebottle.search.settings import SearchSettings
from edgebottle.search.settings_text import settings_text
from edgebottle.search.take_recipe import MAX_BYTES, TakenCandidate, TakeRecipe
from edgebottle.search.trials import SearchTrial, front
from edgebottle.training import start_keras
from edgebottle.verify import verify_model
from edgebottle.zoo.kept_epochs import KeptEpochs
from quantize.search.report import network_words
from quantize.search.taken import TakenNetwork

VERIFIED = 10
"""Inputs that every implementation runs."""

FLOATS, RECIPE, RESULT, SETTINGS = "float.keras", "recipe.json", "result.json", "search.toml"
"""What lies in the folder beside the ``.tflite`` file and ``PROJECT``."""

EPOCH = "float-epoch.npz"
"""The newest epoch with floats, until all are done."""

PROJECT = "project"
"""The folder of the firmware."""

Progress = Callable[[str, int, int], None]


def chosen_trial(
    trials: Sequence[SearchTrial], objectives: Sequence[str], number: int | None = None
) -> SearchTrial:
    """The trial whose candidate is taken.

    Args:
        trials: Of a study, as ``SearchStudy.trials`` gives them.
        objectives: What is small beside accuracy.
        number: Of the trial; None for the most accurate, and of equals the smallest.

    Raises:
        BadInput: there is none of that number, or none that keeps to the budgets.
    """
    within = [one for one in trials if one.result.accuracy is not None]
    if not within:
        raise BadInput("no network of the study has been assessed yet: run it first")
    best = front(within, objectives)
    if number is None:
        return best[0]
    found = next((one for one in trials if one.number == number), None)
    if found in within and found is not None:
        return found
    known = ", ".join(str(one.number) for one in best)
    what = "there is no such trial" if found is None else f"it is {found.result.outcome.value}"
    raise BadInput(f"trial {number} cannot be taken: {what}; the best are {known}")


def small_enough(
    model: Model,
    board: Board,
    wish: Wish,
    flash: float,
    progress: Progress = lambda what, done, total: None,
) -> Wish:
    """How a model is built: for size where it takes too much flash otherwise, which costs time.

    Args:
        model: The model.
        board: The board.
        wish: How it is built otherwise.
        flash: Bytes that it shall take at most.
        progress: Told what is being done.
    """
    try:
        taken: float = build(model, board, wish=wish, progress=progress).flash.bytes
    except DoesNotFit:
        taken = math.inf
    return wish if taken <= flash else replace(wish, optimize=Optimize.SIZE.value)


class Taking:
    """Makes the result of one candidate in one folder.

    Attributes:
        finished: What is done, in words, for whoever stops it.
        notes: What samples serve what, in words.
    """

    def __init__(
        self,
        settings: SearchSettings,
        limits: Mapping[str, float],
        taken: TakenCandidate,
        training: CandidateTraining,
        folder: Path,
    ) -> None:
        """Reads the samples, and trains nothing yet.

        Args:
            settings: Of the search.
            limits: What it shall take at most, by name.
            taken: What.
            training: How.
            folder: Of the result.

        Raises:
            BadInput: the samples cannot serve, or the folder cannot be written.
            ToolMissing: Keras is not installed.
        """
        check_creatable(folder)
        start_keras()
        self.finished: list[str] = []
        self._settings, self._limits, self._taken = settings, dict(limits), taken
        self._training, self._folder = training, folder
        self._candidate = taken.candidate
        self._board = load_board(settings.board)
        self._final = final_training(settings, taken.candidate, training)
        self.notes = self._final.notes
        self._name = shortened(identifier(settings.name), MAX_MODEL_NAME)

    @cached_property
    def recipe(self) -> TakeRecipe:
        """All that decides the result."""
        return TakeRecipe(
            name=self._name,
            board=self._board.id,
            limits=self._limits,
            taken=self._taken,
            training=self._training,
            fixed=self._final.fixed,
            samples=self._final.digest,
            split_seed=self._settings.seed,
        )

    def known(self, *, force: bool = False) -> TakenNetwork | None:
        """What the folder holds already, where that is the result of this very recipe.

        Args:
            force: Whatever it holds is to be written over.

        Raises:
            BadInput: it holds something else.
        """
        folder = self._folder
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is a file: give a folder with --out")
        if not folder.exists() or not any(folder.iterdir()):
            return None
        try:
            recipe = TakeRecipe.read(folder / RECIPE)
            if force or not (folder / RESULT).exists():
                return None
            found = TakenNetwork.of_json(json.loads(read_file(folder / RESULT, MAX_BYTES)))
        except (BadInput, ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{folder} holds files that are no result of a search: give another folder with "
                "--out"
            ) from error
        if recipe == self.recipe:
            return found
        trial = "a network" if found.trial is None else f"trial {found.trial}"
        raise BadInput(
            f"{folder} holds {trial} with {found.accuracy:.2%}, made by another recipe: give "
            "another folder with --out, or write over it with --force"
        )

    def run(self, progress: Progress) -> TakenNetwork:
        """Does what is not done yet, and writes the folder.

        Args:
            progress: Told what is being done.

        Raises:
            DoesNotFit: the board is too small.
            Mismatch: two implementations do not compute the same.
            BuildFailed: the compiler failed.
            ToolMissing: a tool is not installed.
        """
        model = self._model(progress)
        built, instructions = self._verified(model, progress)
        self.finished.append("verification")
        record = measure(built, edge_cases(built.model.graph, 1))
        result = TakenNetwork(
            file=str(self._folder / model.path.name),
            trial=self._taken.trial,
            searched=self._taken.searched,
            accuracy=self._final.accuracy(model, progress, is_test=True),
            tested=self._final.tested,
            validation=self._final.accuracy(model, progress, is_test=False),
            board=self._board.id,
            network=network_words(self._candidate),
            bits=str(self._candidate.bits),
            schedule=self._candidate.schedule,
            row_fed=self._candidate.row_fed,
            optimize=built.wish.optimize,
            macs=built.model.macs(),
            ram=built.ram.bytes,
            flash=built.flash.bytes,
            instructions=instructions,
            ms=record.milliseconds(record.cycles) or 0.0,
            limits=self._limits,
            verified=VERIFIED,
            metric=self._final.metric,
        )
        self._write(result, model, built)
        return result

    @cached_property
    def _kept(self) -> Path:
        """Where finished stages are, apart from those of any other recipe."""
        beside = self._folder.with_name(f"{self._folder.name}.training")
        return beside / self.recipe.digest[:12]

    def _model(self, progress: Progress) -> Model:
        """The model of the file, which is made of what is there."""
        path = self._kept / f"{self._name}.tflite"
        if path.exists():
            self.finished += ["training", "quantization"]
            return load(str(path))
        floats = self._floats(progress)
        self.finished.append("training")
        write_file(path, self._final.file(floats, self._name, self._kept / "few-bits", progress))
        self.finished.append("quantization")
        return load(str(path))

    def _floats(self, progress: Progress) -> Any:
        """The trained Keras model."""
        import keras

        path = self._kept / FLOATS
        if path.exists():
            return keras.models.load_model(path, compile=False)

        def told(what: str, done: int, total: int) -> None:
            if done:
                self.finished[:] = [f"epoch {done} of {total} with floats"]
            progress(what, done, total)

        kept = KeptEpochs(self._kept / EPOCH)
        model = self._final.floats(told, kept)
        self._kept.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.keras")
        model.save(partial)
        partial.replace(path)  # whole, or not there
        return model

    def _verified(self, model: Model, progress: Progress) -> tuple[Built, int | None]:
        """The firmware, which computes what LiteRT does; and the instructions of a run."""
        limit = self._limits.get("flash", math.inf)
        wish = small_enough(
            model, self._board, Costs(self._board).wish_of(self._candidate), limit, progress
        )
        found = verify_model(model, self._board, samples=VERIFIED, wish=wish, progress=progress)
        if found.difference is not None:
            raise Mismatch(f"{model.path}: {found.difference}")
        return found.built, found.instructions

    def _write(self, result: TakenNetwork, model: Model, built: Built) -> None:
        """The folder; the result last, so that one without it is not whole."""
        folder, settings = self._folder, self._settings
        (folder / RESULT).unlink(missing_ok=True)
        write_file(folder / RECIPE, self.recipe.to_json().encode())
        build(model, self._board, out=folder / PROJECT, wish=built.wish)
        write_file(folder / model.path.name, model.data)
        write_file(folder / FLOATS, (self._kept / FLOATS).read_bytes())
        sources = {
            name: named_from(settings.source(said), folder)
            for name, said in (("data", settings.data), ("test", settings.test))
            if said is not None
        }
        how = replace(
            settings.training,
            final_epochs=self._training.epochs,
            augmentation=self._training.augmentation,
        )
        text = settings_text(replace(settings, **sources, training=how))  # type: ignore[arg-type]
        write_file(folder / SETTINGS, text.encode())
        write_file(folder / RESULT, json.dumps(result.to_json(), indent=1).encode())
        shutil.rmtree(self._kept)
        if not any(self._kept.parent.iterdir()):
            self._kept.parent.rmdir()
