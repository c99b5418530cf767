"""What recipes of detectors share: images with boxes, training, quantization, precision.

TensorFlow is imported only when something is trained.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.detection.boxes import SUBPIXELS, BoxDecoder, Boxes, real_boxes
from edgebottle.detection.description import BoxDescription, BoxRules
from edgebottle.detection.metadata import with_boxes
from edgebottle.detection.precision import (
    LabelPrecision,
    TrueBoxes,
    label_precisions,
    mean_precision,
)
from edgebottle.detection.voc import BoxedImages, read_voc
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers import import_model
from edgebottle.ir.graph import Graph
from edgebottle.litert import LiteRTModel
from edgebottle.tensorflow_process import convert_with_tensorflow
from edgebottle.zoo.anchors import Anchors
from edgebottle.zoo.architectures import fused_normalization, tensorflow
from edgebottle.zoo.augmentation import Floats
from edgebottle.zoo.kept_epochs import KeptEpochs
from quantize.post.quantizer import Options, quantize_graph
from quantize.post.runner import Runner
from quantize.search.architecture import Architecture
from quantize.search.keras_model import keras_model

Progress = Callable[[int, int, str], None]

MIN_VISIBLE = 0.4
"""Share of a box that must be left in a moved image for it to be learned."""

FIRST_PROBABILITY = 0.02
"""Of each label at each anchor before training, as most anchors have nothing (Lin et al., 2017)."""


@dataclass(frozen=True)
class BoxAugmentation:
    """Random changes of images with boxes.

    Attributes:
        scale: Largest relative change of size either way.
        shift: Largest translation along each axis, as a share of the image.
        light: Largest relative change of brightness, and of each colour half as much.
    """

    scale: float = 0.2
    shift: float = 0.1
    light: float = 0.2


@dataclass(frozen=True)
class DetectionRecipe:
    """Everything that decides what training gives, apart from the data and the seed.

    Attributes:
        architecture: With a head for detection.
        epochs: Passes over the training images.
        batch_size: Images a step.
        learning_rate: At the first step; falls to zero along a cosine.
        weight_decay: Of AdamW.
        augmentation: What is done to the training images: mirrored both ways as well.
        rules: How boxes come of the outputs.
        box_weight: Of the loss of boxes against that of scores.
        calibration_images: That set the ranges of the int8 activations.
    """

    architecture: Architecture
    epochs: int = 60
    batch_size: int = 8
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    augmentation: BoxAugmentation = BoxAugmentation()
    rules: BoxRules = field(default_factory=BoxRules)
    box_weight: float = 1.0
    calibration_images: int = 128

    @property
    def boxes(self) -> BoxDescription:
        """What the outputs mean."""
        return self.architecture.boxes(self.rules)


@dataclass(frozen=True)
class DetectionData:
    """Images to learn from and to test with."""

    train: BoxedImages
    test: BoxedImages


def read_parts(
    source: Path, recipe: DetectionRecipe, train: str = "train", test: str = "test"
) -> DetectionData:
    """Both parts of a data set in the layout of PASCAL VOC; raises as ``read_voc`` does."""
    labels, shape = recipe.boxes.labels, recipe.architecture.input_shape
    return DetectionData(*(read_voc(source, part, labels, shape) for part in (train, test)))


def augmented(
    images: Floats, truths: Sequence[TrueBoxes], how: BoxAugmentation, random: np.random.Generator
) -> tuple[Floats, list[TrueBoxes]]:
    """Changes each image at random, and its boxes with it; its border goes on outside of it.

    Args:
        images: (n, height, width, channels), 0 .. 1.
        truths: Of each image.
        how: What may change and how much.
        random: The source of chance.
    """
    count, height, width, channels = images.shape
    zoom = 1 + random.uniform(-how.scale, how.scale, count)
    mirrors = np.where(random.random((2, count)) < 0.5, -1.0, 1.0)
    sides, moved = (height, width), []
    factors, offsets = [], []
    for side, mirror in zip(sides, mirrors, strict=True):
        shift = random.uniform(-how.shift, how.shift, count) * side
        factors.append(mirror * zoom)
        offsets.append((side - mirror * zoom * side) / 2 + shift)
        places = (np.arange(side) + 0.5 - offsets[-1][:, None]) / factors[-1][:, None] - 0.5
        moved.append(np.clip(places, 0, side - 1))
    light = 1 + random.uniform(-how.light, how.light, (count, 1, 1, 1))
    colour = 1 + random.uniform(-how.light / 2, how.light / 2, (count, 1, 1, channels))
    seen = np.stack([_resampled(*one) for one in zip(images, *moved, strict=True)])
    result = np.clip(seen * (light * colour).astype(np.float32), 0, 1)
    ends = (np.array(sides * 2) * SUBPIXELS).astype(np.int32)
    boxes = []
    for number, each in enumerate(truths):
        by = np.array([factors[axis][number] for axis in (0, 1)] * 2)
        past = np.array([offsets[axis][number] for axis in (0, 1)] * 2) * SUBPIXELS
        boxes.append(_cut(each, each[:, :4] * by + past, ends))
    return result, boxes


def _resampled(image: Floats, y: np.ndarray, x: np.ndarray) -> Floats:
    """An image read at rows ``y`` and columns ``x``, linear along each axis.

    As two products of matrices: reading single pixels takes several times as long.
    """
    height, width, channels = image.shape
    rows = _shares(y, height) @ image.reshape(height, -1)
    turned = rows.reshape(height, width, channels).transpose(1, 0, 2).reshape(width, -1)
    columns = _shares(x, width) @ turned
    return np.asarray(columns.reshape(width, height, channels).transpose(1, 0, 2))


def _shares(places: np.ndarray, length: int) -> Floats:
    """What each place takes of each pixel of an axis, (places, length)."""
    far = np.abs(places[:, None] - np.arange(length))
    return np.asarray(np.maximum(1 - far, 0), np.float32)


def _cut(truths: TrueBoxes, corners: np.ndarray, ends: np.ndarray) -> TrueBoxes:
    """The boxes that are still seen, cut at the border of the image."""
    first, last = corners[:, :2], corners[:, 2:]
    ordered = np.concatenate([np.minimum(first, last), np.maximum(first, last)], axis=1)
    inside = np.clip(ordered, 0, ends)
    whole, left = (np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (ordered, inside))
    kept = left >= MIN_VISIBLE * np.maximum(whole, 1)
    found = np.column_stack([np.rint(inside), truths[:, 4]])
    return np.asarray(found[kept], np.int32)


def fit(
    recipe: DetectionRecipe,
    train: BoxedImages,
    seed: int,
    progress: Progress | None = None,
    kept: KeptEpochs | None = None,
) -> Any:
    """Trains a float Keras model, whose outputs are those of its architecture.

    The same seed gives the same model on the same machine and versions, whether training was
    stopped between two epochs or not.

    Args:
        recipe: What is trained, and how.
        train: That it learns from.
        seed: Decides the first weights, the order and the augmentation.
        progress: Called after every epoch.
        kept: Where the newest epoch is kept, to go on with; None to keep none.
    """
    tf = tensorflow()
    keras = tf.keras
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = recipe.architecture.network()
    model = keras_model(network, normalization=fused_normalization(tf))
    for name in network.outputs:
        if name.endswith("scores"):
            first = np.log(FIRST_PROBABILITY / (1 - FIRST_PROBABILITY))
            bias = model.get_layer(name).bias
            bias.assign(np.full(bias.shape, first, np.float32))
    labels = len(recipe.boxes.labels)
    flat = keras.Model(model.input, _flat(keras, model.outputs, labels))
    steps = -(-len(train.images) // recipe.batch_size) * recipe.epochs
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=recipe.weight_decay, clipnorm=GRADIENT_NORM
    )
    flat.compile(optimizer=optimizer, loss=detection_loss(recipe.box_weight))
    optimizer.build(flat.trainable_variables)  # else an update is traced twice
    anchors = Anchors.of(recipe.boxes, train.truths)
    images = train.images.astype(np.float32) / np.float32(255)
    for epoch in range(kept.restore(flat) if kept else 0, recipe.epochs):
        random = np.random.default_rng([seed, epoch])  # so that each epoch can be the first one
        order = random.permutation(len(images))
        ordered = [train.truths[one] for one in order]
        seen, truths = augmented(images[order], ordered, recipe.augmentation, random)
        targets = np.stack([anchors.targets(one) for one in truths])
        history = flat.fit(
            seen, targets, recipe.batch_size, epochs=1, shuffle=False, verbose=0
        ).history
        if kept:
            kept.save(flat, epoch + 1)
        if progress:
            progress(epoch + 1, recipe.epochs, f"loss {history['loss'][0]:.3f}")
    plain = keras_model(network, batch=1)
    plain.set_weights(model.get_weights())
    return plain


GRADIENT_NORM = 5.0
"""At most, of each weight: the first updates of a detector are large."""


def _flat(keras: Any, outputs: Sequence[Any], labels: int) -> Any:
    """(batch, anchors, 4 + labels) of boxes and scores of each map."""
    layers = keras.layers
    pairs = zip(outputs[::2], outputs[1::2], strict=True)
    parts = [
        layers.Concatenate()([layers.Reshape((-1, 4))(one), layers.Reshape((-1, labels))(two)])
        for one, two in pairs
    ]
    return layers.Concatenate(axis=1)(parts) if len(parts) > 1 else parts[0]


FOCUS, BALANCE = 2.0, 0.25
"""Of the focal loss: gamma and alpha (Lin et al., "Focal Loss for Dense Detection", 2017)."""


def detection_loss(box_weight: float) -> Callable[[Any, Any], Any]:
    """The loss of Keras: focal for scores, smooth absolute difference for boxes (Girshick, 2015).

    Args:
        box_weight: Of the latter.
    """

    def loss(targets: Any, found: Any) -> Any:
        """By image, over the weights of the learned boxes of a mean image."""
        from keras import ops

        counts, wanted, logits = targets[..., 4], targets[..., 5:], found[..., 4:]
        truth = ops.maximum(wanted, 0.0)
        entropy = ops.softplus(logits) - truth * logits
        right = ops.sigmoid(ops.where(truth > 0, logits, -logits))
        weight = ops.where(truth > 0, BALANCE * counts[..., None], 1 - BALANCE)
        weight = weight * ops.power(1 - right, FOCUS)
        scores = ops.where(wanted < 0, 0.0, weight * entropy)
        far = ops.abs(found[..., :4] - targets[..., :4])
        distance = ops.where(far < 1, 0.5 * far * far, far - 0.5)
        boxes = counts * ops.sum(distance, axis=-1)
        total = ops.sum(scores, axis=(1, 2)) + box_weight * ops.sum(boxes, axis=1)
        return total / ops.maximum(ops.mean(ops.sum(counts, axis=1)), 1.0)

    return loss


def float_precision(model: Any, recipe: DetectionRecipe, data: BoxedImages) -> float:
    """Mean average precision of a float Keras model of batch 1."""
    boxes = []
    for image in data.images:
        outputs = model(image[None].astype(np.float32) / 255, training=False)
        boxes.append(real_boxes(recipe.boxes, [np.asarray(one) for one in outputs]))
    return mean_precision(label_precisions(recipe.boxes.labels, boxes, data.truths))


def quantized(model: Any, name: str, recipe: DetectionRecipe, train: BoxedImages) -> Graph:
    """The int8 graph of a trained Keras model of batch 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        model.save(path)
        graph = import_model(convert_with_tensorflow(path), name, ".tflite")
    # TensorFlow numbers outputs in their order, and then writes them in one of its own.
    graph = replace(graph, outputs=tuple(sorted(graph.outputs, key=_number)))
    chosen = np.linspace(0, len(train.images) - 1, recipe.calibration_images).astype(int)
    inputs = [(train.images[one][None].astype(np.float32) / 255,) for one in chosen]
    options = Options(input_bounds={graph.inputs[0]: (0.0, 1.0)})
    with Runner() as runner:
        found = quantize_graph(graph, inputs, options, runner, lambda what, done, total: None)
    return replace(found.graph, name=name)


def _number(output: str) -> int:
    """Of an output that TensorFlow calls ``StatefulPartitionedCall:NUMBER``."""
    return int(output.rpartition(":")[2])


def detector_file(graph: Graph, description: BoxDescription) -> bytes:
    """The ``.tflite`` file of a detector, with the description of its boxes."""
    description.check(graph)
    return with_boxes(write_tflite(graph), description)


def litert_boxes(graph: Graph, description: BoxDescription, data: BoxedImages) -> list[Boxes]:
    """The boxes of an int8 network that takes pixels 0 .. 255 as -128 .. 127, by LiteRT."""
    model, decoder = LiteRTModel(write_tflite(graph)), BoxDecoder(description, graph)
    stored = (data.images.astype(np.int16) - 128).astype(np.int8)
    return [decoder.boxes(model.run([image[None]])) for image in stored]


def litert_precisions(
    graph: Graph, description: BoxDescription, data: BoxedImages
) -> tuple[LabelPrecision, ...]:
    """Average precision of each label by an int8 network, with LiteRT's reference kernels."""
    return label_precisions(description.labels, litert_boxes(graph, description, data), data.truths)
