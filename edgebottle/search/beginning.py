"""What a new search begins with: classes and inputs of the data, and the usual space."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.archives import read_arrays
from edgebottle.boards import load_board
from edgebottle.detection.boxes import SUBPIXELS
from edgebottle.detection.voc import is_voc, read_voc, voc_labels, voc_shape
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array
from edgebottle.sample_sources import called_arrays, class_names, first_image
from edgebottle.samples import LABEL_KEYS
from edgebottle.search.settings import (
    EPOCHS,
    SHARED_WEIGHTS,
    SHORT_TRAINING,
    SearchBudget,
    SearchSettings,
    TrainingBudget,
)
from edgebottle.user_functions import is_function
from quantize.search.space import Space

SIDES = (12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160)
"""Of the shorter side of images, that a search may choose from."""

MAX_SIDES = 4
"""That a new search chooses from: the largest that the data has."""

COLOUR = 3
"""Channels."""

ANCHORS = 4
"""Of a detector, that a new search begins with."""

ROUNDS = 30
"""In which sizes of boxes are grouped."""


@dataclass(frozen=True)
class DataFacts:
    """What a network for some data takes in and tells apart.

    Attributes:
        shape: Of a sample: height, width, channels.
        classes: How many.
    """

    shape: tuple[int, int, int]
    classes: int


def new_settings(
    data: str, board: str, budget: SearchBudget, evaluator: str, name: str
) -> SearchSettings:
    """Settings for some data, as a file is written with them.

    Args:
        data: A source of samples.
        board: Id.
        budget: What must be kept.
        evaluator: What says how accurate a candidate is.
        name: Of the study.

    Raises:
        BadInput: the data are no samples with classes.
        BoardNotFound: there is no such board.
    """
    load_board(board)
    if not is_function(data) and is_voc(Path(data)):
        space = detection_space(Path(data))
    else:
        facts = data_facts(data)
        space = Space(classes=facts.classes, shapes=input_shapes(facts.shape))
    if space.labels and evaluator == SHARED_WEIGHTS:
        evaluator = SHORT_TRAINING  # shared weights learn classes alone
    plain = TrainingBudget()
    training = TrainingBudget(epochs=EPOCHS.get(evaluator, plain.epochs))
    where = f"{name}.journal"
    return SearchSettings(
        name, data, board, evaluator, space, budget, storage=where, training=training
    )


def detection_space(source: Path) -> Space:
    """The space of detectors for images with labelled boxes, laid out as PASCAL VOC.

    Raises:
        BadInput: a file of the data is missing or broken.
        ToolMissing: Pillow is not installed.
    """
    labels = voc_labels(source)
    shapes = input_shapes(voc_shape(source))
    truths = np.concatenate(read_voc(source, "train", labels, shapes[-1]).truths)
    anchors = box_sizes((truths[:, 2:4] - truths[:, :2]) / SUBPIXELS, ANCHORS)
    return Space(
        classes=len(labels),
        shapes=shapes,
        stem_strides=(2,),
        strides=(1, 2),
        head_channels=(0, 16, 32),
        labels=labels,
        anchors=anchors,
    )


def box_sizes(sides: Array, count: int) -> tuple[tuple[int, int], ...]:
    """Sizes that boxes are like, from small to large: geometric means of groups (k-means).

    Args:
        sides: (boxes, 2): heights and widths in pixels.
        count: Of groups; sizes that are equal are one.
    """
    logs = np.log(np.maximum(sides, 1.0))
    ordered = logs[np.argsort(logs.sum(axis=1), kind="stable")]
    means = ordered[((np.arange(count) + 0.5) * len(logs) / count).astype(int)]
    for _ in range(ROUNDS):
        nearest = np.square(logs[:, None] - means).sum(axis=2).argmin(axis=1)
        for group in np.unique(nearest):
            means[group] = logs[nearest == group].mean(axis=0)
    found = {(int(height), int(width)) for height, width in np.rint(np.exp(means))}
    return tuple(sorted(found, key=lambda size: size[0] * size[1]))


def named_from(source: str, folder: Path) -> str:
    """A source of samples as a file in a folder names it, by a path from there.

    Args:
        source: As it is named here.
        folder: Of the file.
    """
    if is_function(source) or Path(source).is_absolute():
        return source
    try:
        return Path(os.path.relpath(source, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return str(Path(source).absolute())


def data_facts(source: str) -> DataFacts:
    """What samples are like.

    Raises:
        BadInput: they have no classes, or fewer than two, or are no images and no signals.
        ToolMissing: they are images, and Pillow is not installed.
    """
    path = Path(source)
    if path.is_dir():
        names = class_names(source)
        if len(names) < 2:
            raise BadInput(
                f"{source} holds images of {len(names)} classes: it needs a folder for each, two "
                "or more"
            )
        return DataFacts(first_image(path), len(names))
    arrays = called_arrays(source) if is_function(source) else read_arrays(path)
    labels = next((arrays[key] for key in LABEL_KEYS if key in arrays), None)
    samples = next((array for key, array in arrays.items() if key not in LABEL_KEYS), None)
    if samples is None or labels is None:
        raise BadInput(f"{source} must hold samples, such as x, and their classes, such as y")
    return DataFacts(_shape(source, samples), _classes(source, labels))


def _shape(source: str, samples: Array) -> tuple[int, int, int]:
    """Of an image, or of a signal as an image of the width 1."""
    rest = samples.shape[1:]
    full = {1: (*rest, 1, 1), 2: (*rest, 1), 3: rest}.get(len(rest))
    if full is None or 0 in samples.shape:
        raise BadInput(
            f"{source} holds an array of the shape {list(samples.shape)}: samples are "
            "(samples, height, width, channels), (samples, height, width) or (samples, length)"
        )
    height, width, channels = map(int, full)
    return height, width, channels


def _classes(source: str, labels: Array) -> int:
    count = labels.shape[1] if labels.ndim == 2 else len(np.unique(labels))
    if count < 2:
        raise BadInput(f"{source} holds samples of {count} class: there is nothing to tell apart")
    return int(count)


def input_shapes(shape: tuple[int, int, int]) -> tuple[tuple[int, int, int], ...]:
    """Inputs to choose from, from small to large: smaller images, and grey ones of colour."""
    height, width, channels = shape
    short = min(height, width)
    if short == 1:
        return (shape,)
    sides = [side for side in SIDES if side < short] + [short] * (short <= SIDES[-1])
    colours = (1, COLOUR) if channels == COLOUR else (channels,)
    return tuple(
        (round(height * side / short), round(width * side / short), number)
        for side in sides[-MAX_SIDES:]
        for number in colours
    )
