"""Takes a trained float network of the zoo to the few bits of its recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgebottle.exporters.tflite import write_tflite
from edgebottle.zoo.architectures import as_plain
from edgebottle.zoo.recipes import Data, Recipe
from quantize.lowbit.bits import Bits
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.samples import LabelledSamples, split

CHOOSING_SHARE = 0.1
"""Of the training images, by which the epoch of a training to few bits is chosen."""


def training_recipe(recipe: Recipe, epochs: int, seed: int) -> TrainingRecipe:
    """How a network of the zoo is trained to few bits: as ``edgebottle train`` does by itself."""
    return TrainingRecipe(
        epochs=epochs, batch_size=recipe.batch_size, seed=seed, augmentation=recipe.augmentation
    )


def parted(data: Data, share: float = CHOOSING_SHARE) -> tuple[Data, LabelledSamples]:
    """Data without a share of its training images, and these, by which the epoch is chosen."""
    samples = LabelledSamples(data.train_images, data.train_labels)
    learned, chosen = split(samples, share, seed=0)
    known = Data(learned.values, learned.labels, data.test_images, data.test_labels)
    return known, chosen


def few_bits_file(
    model: Any,
    name: str,
    recipe: Recipe,
    data: Data,
    chosen: LabelledSamples,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> bytes:
    """Trains a network to few bits.

    Args:
        model: Trained, of floats; it is not changed.
        name: Of the network.
        recipe: With ``few_bits``.
        data: That it learns from.
        chosen: By which the epoch is chosen.
        seed: Of the training.
        progress: Told what is being done.

    Returns:
        The ``.tflite`` file.
    """
    from quantize.lowbit.export import integer_network
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.trainer import Task, Trainer

    few = recipe.few_bits
    assert few is not None
    task = Task(
        network=read_network(as_plain(model, recipe), name),
        bits=Bits.parse(few.bits),
        recipe=training_recipe(recipe, few.epochs, seed),
        learned=LabelledSamples(data.train_images, data.train_labels),
        chosen=chosen,
        input_bounds=(0.0, 1.0),
    )
    return write_tflite(integer_network(Trainer(task, progress, lambda epoch: None).run()))
