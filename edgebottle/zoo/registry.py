"""The networks that ship with edgebottle, and what is known about each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgebottle.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Spread:
    """What the recipe gave over several seeds, measured as ``ZooNetwork.accuracy`` is.

    Attributes:
        low: lowest accuracy, 0..1.
        high: highest accuracy, 0..1.
        seeds: how many seeds were trained, counted from 0.
    """

    low: float
    high: float
    seeds: int


@dataclass(frozen=True)
class ZooNetwork:
    """One network of the zoo.

    Attributes:
        name: what the user calls it.
        file: name of the int8 .tflite in this folder, trained with seed 0.
        task: what it tells apart, and the data.
        recipe: module of this package that trains it (``RECIPE`` and ``load_data``).
        accuracy: of the file on the whole test set, 0..1, LiteRT's reference kernels; of a detector
            its mean average precision at an overlap of 0.5.
        spread: accuracy over seeds.
        input: shape, type and meaning of the input.
        output: shape, type and meaning of the output.
        samples: name of the .npz with labelled inputs (``x``, ``y``) in this folder, or None.
        samples_accuracy: of the file on the samples, 0..1, or None.
        description: one line for tables.
        detects: whether it makes boxes, as a ``DetectionRecipe`` does.
    """

    name: str
    file: str
    task: str
    recipe: str
    accuracy: float
    spread: Spread
    input: str
    output: str
    samples: str | None
    samples_accuracy: float | None
    description: str
    detects: bool = False


NETWORKS: dict[str, ZooNetwork] = {
    network.name: network
    for network in (
        ZooNetwork(
            name="digits",
            file="digits.tflite",
            task="handwritten digits 0..9 (scikit-learn's, 8x8)",
            recipe="edgebottle.zoo.digits",
            accuracy=0.9933,
            spread=Spread(low=0.9867, high=0.9978, seeds=5),
            input="1x8x8x1 int8: pixel/16, scale 1/255, zero point -128",
            output="1x10 int8: probabilities, scale 1/256, zero point -128",
            samples="digits_samples.npz",
            samples_accuracy=1.0,
            description="five inverted bottlenecks, small enough for 16 kB of RAM",
        ),
        ZooNetwork(
            name="fashion",
            file="fashion.tflite",
            task="clothing in ten classes (Fashion-MNIST, 28x28)",
            recipe="edgebottle.zoo.fashion",
            accuracy=0.9188,
            spread=Spread(low=0.9156, high=0.9188, seeds=2),
            input="1x28x28x1 int8: pixel - 128, scale 1/255, zero point -128",
            output="1x10 int8: probabilities, scale 1/256, zero point -128",
            samples=None,
            samples_accuracy=None,
            description="six inverted bottlenecks, 18 kB of arena",
        ),
        ZooNetwork(
            name="spoken_digits",
            file="spoken_digits.tflite",
            task="spoken digits 0..9 (Free Spoken Digit Dataset, one second)",
            recipe="edgebottle.zoo.spoken_digits",
            accuracy=0.98,
            spread=Spread(low=0.9667, high=0.98, seeds=3),
            input="1x48x32x1 int8: log mel energies, scale 1/255, zero point -128",
            output="1x10 int8: probabilities, scale 1/256, zero point -128",
            samples=None,
            samples_accuracy=None,
            description="three separable blocks, weights and activations of 4 bits",
        ),
        ZooNetwork(
            name="digits_w2a2",
            file="digits_w2a2.tflite",
            task="handwritten digits 0..9 (scikit-learn's, 8x8)",
            recipe="edgebottle.zoo.digits_w2a2",
            accuracy=0.9822,
            spread=Spread(low=0.98, high=0.9822, seeds=3),
            input="1x8x8x1 int8: pixel/16, scale 1/255, zero point -128",
            output="1x10 int8: probabilities, scale 1/256, zero point -128",
            samples=None,
            samples_accuracy=None,
            description="a residual block, weights and activations of 2 bits",
        ),
        ZooNetwork(
            name="blood_cells",
            file="blood_cells.tflite",
            task="boxes of red and white blood cells and platelets (BCCD, 120x160)",
            recipe="edgebottle.zoo.blood_cells",
            accuracy=0.7254,
            spread=Spread(low=0.7254, high=0.7254, seeds=1),
            input="1x120x160x3 int8: pixel - 128, scale 1/255, zero point -128",
            output="1x15x20x8 int8: boxes of the first map, scale 1/27, zero point 2",
            samples=None,
            samples_accuracy=None,
            description="two fused and four inverted bottlenecks; mean average precision",
            detects=True,
        ),
    )
}

DEFAULT = "digits"
"""The network of ``demo``, and of ``build`` when no model is named."""

_FOLDER = Path(__file__).resolve().parent


def find(name: str) -> ZooNetwork:
    """Returns the network called ``name``.

    Raises:
        BadInput: there is none; the message suggests the nearest name.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        near = difflib.get_close_matches(name, NETWORKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(NETWORKS))}"
        raise BadInput(f"the zoo has no network {name!r}: {hint}") from None


def load(name: str = DEFAULT) -> Path:
    """Returns the path of a network's .tflite file.

    Raises:
        BadInput: the zoo has no such network, or the file is missing.
    """
    return _existing(find(name).file)


def load_samples(name: str = DEFAULT) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """Returns the samples that ship with a network.

    Returns:
        Inputs as the network takes them, int8 of shape (n, height, width, channels), and the
        labels, uint8 of shape (n,).

    Raises:
        BadInput: the zoo has no such network, or it ships without samples.
    """
    import numpy

    network = find(name)
    if network.samples is None:
        raise BadInput(f"the network {name} ships without samples")
    with numpy.load(_existing(network.samples)) as arrays:
        return arrays["x"], arrays["y"]


def _existing(file: str) -> Path:
    path = _FOLDER / file
    if not path.is_file():
        raise BadInput(f"{path} is missing: reinstall edgebottle")
    return path
