"""Recipes as data: the network, the samples it learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.zoo.augmentation import Augmentation, Floats
from quantize.search.architecture import Architecture

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """Images as float32 in 0..1, shape (n, height, width, channels), with labels from 0."""

    train_images: Floats
    train_labels: Labels
    test_images: Floats
    test_labels: Labels


@dataclass(frozen=True)
class FewBits:
    """Training to few bits, from the trained network of floats.

    Attributes:
        bits: as ``edgebottle train --bits`` takes them.
        epochs: passes over the training images.
    """

    bits: str
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what training gives, apart from the data and the seed.

    Attributes:
        architecture: the network.
        augmentation: what is done to the training images.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at the first step; falls to zero along a cosine.
        weight_decay: of AdamW.
        label_smoothing: share of the target spread evenly over all classes.
        few_bits: how it then gets few bits; None for int8 by its ranges.
        calibration_images: training images that set the ranges of the int8 activations.
        samples_per_class: test images of each class that ship with the network.
    """

    architecture: Architecture
    augmentation: Augmentation
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    few_bits: FewBits | None = None
    calibration_images: int = 500
    samples_per_class: int = 0

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        return self.architecture.head.classes
