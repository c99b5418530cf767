"""How accurate candidates are after a short training of each, most of them stopped early.

Successive halving without waiting: a candidate is trained for an eighth of the epochs, and again
for twice as many as long as it is among the better half of all that were trained so. Source: Li et
al., "A System for Massively Parallel Hyperparameter Tuning" (ASHA), 2020.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Shape
from edgebottle.search.box_training import BoxAssessor
from edgebottle.search.candidate_training import (
    CandidateSamples,
    CandidateTraining,
    float_accuracy,
    float_model,
    integer_graph_of,
    search_data,
)
from edgebottle.search.settings import SearchSettings
from edgebottle.search.trials import network_key
from edgebottle.training import litert_accuracy, start_keras
from quantize.lowbit.samples import LabelledSamples
from quantize.search.space import Candidate

CUTS = 3
"""How often a candidate may be stopped before its last training."""

FACTOR = 2
"""One of so many goes on, and is trained so many times as long. With 4 a network that learns more
slowly than others, and ends above them, was stopped on the way."""

MIN_COMPARED = 4
"""Candidates that are trained alike before any of them is stopped."""

Progress = Callable[[str, int, int], None]


def rungs(epochs: int) -> tuple[int, ...]:
    """The epochs of the trainings that a candidate may get, ascending: the last has all.

    Each begins anew, so that its learning rate falls to zero and its accuracy can be compared.
    """
    return tuple(sorted({max(1, epochs // FACTOR**n) for n in range(CUTS + 1)}))


def goes_on(accuracy: float, others: list[float]) -> bool:
    """Whether a candidate is trained for longer.

    Args:
        accuracy: After this training.
        others: Of all others after as long a one.
    """
    if len(others) + 1 < MIN_COMPARED:
        return True
    better = sum(one > accuracy for one in others)
    return FACTOR * better < len(others) + 1


class ShortTraining:
    """An evaluator: a candidate is as accurate as it is after the last of its trainings."""

    def __init__(self, settings: SearchSettings, progress: Progress) -> None:
        """Reads the samples, and what is kept of trainings before.

        Args:
            settings: Of the search.
            progress: Told what is being done.

        Raises:
            BadInput: the samples cannot serve.
            ToolMissing: Keras is not installed.
        """
        start_keras()
        self._settings = settings
        assessor = BoxAssessor if settings.space.labels else ClassAssessor
        self._assessor: BoxAssessor | ClassAssessor = assessor(settings, progress)
        self._path = settings.beside("short.jsonl")

    def accuracy(self, candidate: Candidate) -> float:
        """Of the samples that nothing is learned from, 0 .. 1: see ``Evaluator``."""
        import keras

        key, found = network_key(candidate), 0.0
        for epochs in rungs(self._settings.training.epochs):
            how = CandidateTraining(
                epochs, self._settings.seed, self._settings.training.augmentation
            )
            known = _known(self._path, self._said(how))
            if key not in known:
                keras.utils.clear_session()  # else hundreds of networks stay in memory
                known[key] = self._assessor.accuracy(candidate, how)
                _keep(self._path, self._said(how), key, known[key])
            found = known.pop(key)
            if not goes_on(found, list(known.values())):
                break
        return found

    def _said(self, how: CandidateTraining) -> dict[str, Any]:
        """What decides an accuracy besides the network, as lines say it."""
        said, samples = asdict(how), self._settings.training.samples
        return said if samples is None else {**said, "learned": samples}


class ClassAssessor:
    """How accurate candidates are after a training: of samples that nothing is learned from."""

    def __init__(self, settings: SearchSettings, progress: Progress) -> None:
        """Reads the samples; raises ``BadInput`` where they cannot serve."""
        self._progress, self._seed = progress, settings.seed
        self._learned = settings.training.samples
        self._data = search_data(settings)
        self._samples: dict[Shape, tuple[CandidateSamples, LabelledSamples]] = {}

    def accuracy(self, candidate: Candidate, training: CandidateTraining) -> float:
        """Share of right classes, 0 .. 1."""
        samples, compared = self._samples_of(candidate.architecture.input_shape)
        model = float_model(candidate, samples, training, self._progress)
        if not candidate.bits.is_narrow:
            return float_accuracy(model, compared)
        graph = integer_graph_of(candidate, model, samples, training, progress=self._progress)
        # The reference kernels would take a third of the time of a search.
        return litert_accuracy(graph, compared, self._progress, reference=False)

    def _samples_of(self, shape: Shape) -> tuple[CandidateSamples, LabelledSamples]:
        """What candidates of a resolution learn from, and are compared by; resized once for all.

        Where they learn from a part, as many of the rest serve for comparing as well: the fewer
        samples there are, the more is chance in which candidate is the best.
        """
        if shape not in self._samples:
            found = CandidateSamples.of(self._data, shape, self._seed)
            # They are parted at random, so that the first are as good as any.
            order = np.arange(len(found.learned))
            count = self._learned or len(order)
            few, rest = (found.learned.picked(order[at:][:count]) for at in (0, count))
            self._samples[shape] = replace(found, learned=few), found.chosen.with_more(rest)
        return self._samples[shape]


def _keep(path: Path, said: Mapping[str, Any], key: str, accuracy: float) -> None:
    """Adds a line, whole: several workers may do so at once."""
    table = {"network": key, "accuracy": accuracy, "training": said}
    with path.open("ab", buffering=0) as out:
        # Whatever was cut off before has a line of its own.
        out.write(("\n" + json.dumps(table) + "\n").encode())


def _known(path: Path, said: Mapping[str, Any]) -> dict[str, float]:
    """Accuracies after such a training, by network; a line that was cut off is none."""
    found = {}
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            table = json.loads(line)
        except ValueError:
            continue
        try:
            if table["training"] == said:
                found[str(table["network"])] = float(table["accuracy"])
        except (ValueError, TypeError, KeyError) as error:
            raise BadInput(f"{path}, line {number}: is nothing that a search wrote") from error
    return found
