"""Recipes as data: the network, the samples it learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgebottle.zoo.augmentation import Augmentation, Floats

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """Images as float32 in 0..1, shape (n, height, width, channels), with labels from 0."""

    train_images: Floats
    train_labels: Labels
    test_images: Floats
    test_labels: Labels


@dataclass(frozen=True)
class Bottleneck:
    """One inverted bottleneck (Sandler et al., "MobileNetV2", 2018, section 3).

    A 1x1 convolution widens the pixel, a 3x3 depthwise convolution filters it, a 1x1 convolution
    without activation narrows it, and where input and output have the same shape the input is
    added.

    Attributes:
        expand: how many times the depthwise convolution is wider than the block's input, >= 1.
        channels: output channels.
        stride: 1 or 2, of the depthwise convolution.
    """

    expand: int
    channels: int
    stride: int = 1


@dataclass(frozen=True)
class Residual:
    """Two 3x3 convolutions, to which the input is added (He et al., 2016).

    Where the shape changes, the input goes through a 1x1 convolution.

    Attributes:
        channels: output channels.
        stride: 1 or 2, of the first convolution.
    """

    channels: int
    stride: int = 1


@dataclass(frozen=True)
class Separable:
    """A 3x3 depthwise and a 1x1 convolution (Zhang et al., "Hello Edge", 2017).

    Attributes:
        channels: output channels.
        stride: 1 or 2, of the depthwise convolution.
    """

    channels: int
    stride: int = 1


NetworkBlock = Bottleneck | Residual | Separable


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
        classes: outputs of the network.
        stem_channels: output channels of the first convolution.
        stem_stride: its stride.
        blocks: what follows, in order.
        head_channels: output channels of the 1x1 convolution before the global average; 0 for none.
        augmentation: what is done to the training images.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at the first step; falls to zero along a cosine.
        stem_size: height and width of the first convolution.
        weight_decay: of AdamW.
        label_smoothing: share of the target spread evenly over all classes.
        few_bits: how it then gets few bits; None for int8 by its ranges.
        calibration_images: training images that set the ranges of the int8 activations.
        samples_per_class: test images of each class that ship with the network.
    """

    classes: int
    stem_channels: int
    stem_stride: int
    blocks: tuple[NetworkBlock, ...]
    head_channels: int
    augmentation: Augmentation
    epochs: int
    batch_size: int
    learning_rate: float
    stem_size: int = 3
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    few_bits: FewBits | None = None
    calibration_images: int = 500
    samples_per_class: int = 0
