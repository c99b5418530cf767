"""Trains the candidate that is taken, for classes or for boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from edgebottle.exporters.tflite import write_tflite
from edgebottle.pipeline import Model
from edgebottle.search.box_training import FinalBoxTraining
from edgebottle.search.candidate_training import (
    CandidateSamples,
    CandidateTraining,
    float_model,
    float_recipe,
    integer_graph_of,
    resized_samples,
    search_data,
)
from edgebottle.search.settings import SearchSettings
from edgebottle.training import litert_accuracy
from edgebottle.zoo.kept_epochs import KeptEpochs
from quantize.search.space import Candidate

Progress = Callable[[str, int, int], None]


class FinalTraining(Protocol):
    """Trains one candidate to the end."""

    @property
    def notes(self) -> Sequence[str]:
        """What samples serve what, in words."""

    @property
    def metric(self) -> str:
        """What accuracy is, in words."""

    @property
    def tested(self) -> int:
        """Samples that accuracy is measured with."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """What decides training besides what can be chosen, by name."""

    @property
    def digest(self) -> str:
        """SHA-256 of all samples."""

    def floats(self, progress: Progress, kept: KeptEpochs) -> Any:
        """The trained Keras model, whose newest epoch is kept until then."""

    def file(self, model: Any, name: str, folder: Path, progress: Progress) -> bytes:
        """The int8 ``.tflite`` file of it.

        Args:
            model: Of ``floats``.
            name: Of the network, a C identifier.
            folder: Where epochs with few bits are kept.
            progress: Told what is being done.
        """

    def accuracy(self, model: Model, progress: Progress, *, is_test: bool) -> float:
        """Of the file in LiteRT, 0 .. 1, on the samples for the test or those chosen by."""


def final_training(
    settings: SearchSettings, candidate: Candidate, training: CandidateTraining
) -> FinalTraining:
    """For what the space of the settings is for; raises ``BadInput`` where samples cannot serve."""
    kind = FinalBoxTraining if settings.space.labels else FinalClassTraining
    return kind(settings, candidate, training)


class FinalClassTraining:
    """Trains the candidate that is taken; accuracy is its share of right classes.

    Attributes:
        notes: What samples serve what, in words.
    """

    metric = "accuracy"

    def __init__(
        self, settings: SearchSettings, candidate: Candidate, training: CandidateTraining
    ) -> None:
        """Reads the samples; raises ``BadInput``."""
        self._candidate, self._training = candidate, training
        self._data = search_data(settings)
        self.notes, self.tested = self._data.notes, len(self._data.test)
        shape = candidate.architecture.input_shape
        self._samples = CandidateSamples.of(self._data, shape, settings.seed)

    @cached_property
    def fixed(self) -> Mapping[str, float]:
        """See ``FinalTraining``."""
        how = float_recipe(self._candidate, self._samples, self._training)
        return {
            "few_bits_epochs": self._training.few_bits_epochs,
            "batch_size": how.batch_size,
            "learning_rate": how.learning_rate,
            "weight_decay": how.weight_decay,
        }

    @cached_property
    def digest(self) -> str:
        """See ``FinalTraining``."""
        found = hashlib.sha256()
        for part in (self._data.samples, self._data.test):
            found.update(part.values.tobytes() + part.labels.tobytes())
        return found.hexdigest()

    def floats(self, progress: Progress, kept: KeptEpochs) -> Any:
        """See ``FinalTraining``."""
        return float_model(self._candidate, self._samples, self._training, progress, kept)

    def file(self, model: Any, name: str, folder: Path, progress: Progress) -> bytes:
        """See ``FinalTraining``."""
        graph = integer_graph_of(
            *(self._candidate, model, self._samples, self._training),
            name=name,
            folder=folder,
            progress=progress,
        )
        return write_tflite(graph)

    def accuracy(self, model: Model, progress: Progress, *, is_test: bool) -> float:
        """See ``FinalTraining``."""
        samples = self._samples.chosen
        if is_test:
            samples = resized_samples(self._data.test, self._candidate.architecture.input_shape)
        return litert_accuracy(model.imported, samples, progress)
