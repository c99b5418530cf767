"""Trains one candidate for boxes: images with labels as PASCAL VOC lays them out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.detection.precision import mean_precision
from edgebottle.detection.voc import BoxedImages, read_voc
from edgebottle.ir.graph import Shape
from edgebottle.pipeline import Model
from edgebottle.search.candidate_training import CandidateTraining
from edgebottle.search.settings import SearchSettings
from edgebottle.zoo.detection import (
    DetectionRecipe,
    detector_file,
    fit,
    float_precision,
    litert_precisions,
    quantized,
)
from edgebottle.zoo.kept_epochs import KeptEpochs
from quantize.search.space import Candidate

TRAIN, VALIDATION, TEST = "train", "val", "test"
"""Parts of the images: to learn from, to choose by, and to measure with."""

Progress = Callable[[str, int, int], None]


class SearchImages:
    """The images of a search with their boxes, in the resolutions that were asked for."""

    def __init__(self, settings: SearchSettings, learned: int | None = None) -> None:
        """Reads nothing yet.

        Args:
            settings: Of the search.
            learned: Images of the part to learn from, at most; None for all.
        """
        self.source, self._learned = Path(settings.source(settings.data)), learned
        self._labels = settings.space.labels
        self._parts: dict[tuple[str, Shape], BoxedImages] = {}

    def part(self, name: str, shape: tuple[int, int, int]) -> BoxedImages:
        """A part, in a resolution; raises as ``read_voc``."""
        if (name, shape) not in self._parts:
            found = read_voc(self.source, name, self._labels, shape)
            self._parts[name, shape] = evenly(found, self._learned) if name == TRAIN else found
        return self._parts[name, shape]


def evenly(images: BoxedImages, count: int | None) -> BoxedImages:
    """So many images at most, from first to last: those that follow each other may be alike."""
    if count is None or count >= len(images.images):
        return images
    which = np.linspace(0, len(images.images) - 1, count).astype(int)
    return replace(
        images,
        images=images.images[which],
        truths=tuple(images.truths[one] for one in which),
        names=tuple(images.names[one] for one in which),
    )


def box_recipe(candidate: Candidate, training: CandidateTraining) -> DetectionRecipe:
    """How a candidate is trained, in the words of the zoo."""
    return DetectionRecipe(candidate.architecture, epochs=training.epochs)


def float_detector(
    candidate: Candidate,
    images: SearchImages,
    training: CandidateTraining,
    progress: Progress = lambda what, done, total: None,
    kept: KeptEpochs | None = None,
) -> Any:
    """Trains a candidate with floats; the last epoch counts.

    Args:
        candidate: The network.
        images: That it learns from.
        training: How; the augmentation of classes is not for boxes, which have one of their own.
        progress: Told what is being done.
        kept: Where the newest epoch is kept, to go on with; None to keep none.

    Returns:
        A Keras model of batch 1.
    """
    progress("train with floats", 0, training.epochs)

    def told(done: int, total: int, line: str) -> None:
        progress(f"train with floats: {line}", done, total)

    learned = images.part(TRAIN, candidate.architecture.input_shape)
    return fit(box_recipe(candidate, training), learned, training.seed, told, kept)


class BoxAssessor:
    """How precise candidates are after a training: of the images that nothing is learned from."""

    def __init__(self, settings: SearchSettings, progress: Progress) -> None:
        """Reads nothing yet."""
        self._images = SearchImages(settings, settings.training.samples)
        self._progress = progress

    def accuracy(self, candidate: Candidate, training: CandidateTraining) -> float:
        """Mean average precision at an overlap of 0.5 with floats, 0 .. 1."""
        model = float_detector(candidate, self._images, training, self._progress)
        chosen = self._images.part(VALIDATION, candidate.architecture.input_shape)
        return float_precision(model, box_recipe(candidate, training), chosen)


class FinalBoxTraining:
    """Trains the candidate that is taken; accuracy is its mean average precision.

    Attributes:
        notes: What images serve what, in words.
    """

    metric = "mAP at 0.5"

    def __init__(
        self, settings: SearchSettings, candidate: Candidate, training: CandidateTraining
    ) -> None:
        """Reads the images; raises as ``read_voc``."""
        self._images, self._candidate, self._training = SearchImages(settings), candidate, training
        self._recipe = box_recipe(candidate, training)
        counts = {name: len(self._part(name).images) for name in (TRAIN, VALIDATION, TEST)}
        self.tested = counts[TEST]
        self.notes = (", ".join(f"{count} images {name}" for name, count in counts.items()),)

    def _part(self, name: str) -> BoxedImages:
        return self._images.part(name, self._candidate.architecture.input_shape)

    @cached_property
    def fixed(self) -> Mapping[str, float]:
        """What decides training besides, by name."""
        recipe = self._recipe
        return {
            "batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            "weight_decay": recipe.weight_decay,
            "box_weight": recipe.box_weight,
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all images and boxes."""
        found = hashlib.sha256()
        for part in map(self._part, (TRAIN, VALIDATION, TEST)):
            found.update(part.images.tobytes())
            for boxes in part.truths:
                found.update(boxes.tobytes())
        return found.hexdigest()

    def floats(self, progress: Progress, kept: KeptEpochs) -> Any:
        """The trained Keras model."""
        return float_detector(self._candidate, self._images, self._training, progress, kept)

    def file(self, model: Any, name: str, folder: Path, progress: Progress) -> bytes:
        """The int8 ``.tflite`` file, with what its outputs mean."""
        progress("convert to LiteRT, and quantize", 0, 0)
        graph = quantized(model, name, self._recipe, self._part(TRAIN))
        return detector_file(graph, self._recipe.boxes)

    def accuracy(self, model: Model, progress: Progress, *, is_test: bool) -> float:
        """Mean average precision at an overlap of 0.5 of the file, by LiteRT."""
        progress("measure precision", 0, 0)
        part = self._part(TEST if is_test else VALIDATION)
        return mean_precision(litert_precisions(model.imported, self._recipe.boxes, part))
