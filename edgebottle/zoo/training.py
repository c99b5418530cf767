"""What every recipe of the zoo shares: build, train, quantize to int8, evaluate.

The network is a stack of inverted bottlenecks (Sandler et al., "MobileNetV2: Inverted Residuals
and Linear Bottlenecks", 2018, section 3): a 1x1 convolution widens the pixel, a 3x3 depthwise
convolution filters it, a 1x1 convolution without activation narrows it, and where input and output
have the same shape the input is added. TensorFlow is imported only when something is trained.
"""

import contextlib
import importlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import BadInput, ToolMissing
from edgebottle.zoo import registry
from edgebottle.zoo.augmentation import Augmentation, Floats, augment

Labels = NDArray[np.int64]
Progress = Callable[[int, int, str], None]
"""Called with (epochs done, epochs in all, a line to show)."""


@dataclass(frozen=True)
class Data:
    """Images as float32 in 0..1, shape (n, height, width, channels), with labels from 0."""

    train_images: Floats
    train_labels: Labels
    test_images: Floats
    test_labels: Labels


@dataclass(frozen=True)
class Bottleneck:
    """One inverted bottleneck.

    Attributes:
        expand: how many times the depthwise convolution is wider than the block's input, >= 1.
        channels: output channels.
        stride: 1 or 2, of the depthwise convolution.
    """

    expand: int
    channels: int
    stride: int = 1


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what training gives, apart from the data and the seed.

    Attributes:
        classes: outputs of the network.
        stem_channels: output channels of the first 3x3 convolution.
        stem_stride: its stride.
        blocks: the inverted bottlenecks, in order.
        head_channels: output channels of the 1x1 convolution before the global average.
        augmentation: what is done to the training images.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at the first step; falls to zero along a cosine.
        weight_decay: of AdamW.
        label_smoothing: share of the target spread evenly over all classes.
        calibration_images: training images that set the ranges of the int8 activations.
        samples_per_class: test images of each class that ship with the network.
    """

    classes: int
    stem_channels: int
    stem_stride: int
    blocks: tuple[Bottleneck, ...]
    head_channels: int
    augmentation: Augmentation
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    calibration_images: int = 500
    samples_per_class: int = 0


@dataclass(frozen=True)
class Trained:
    """What came of training.

    Attributes:
        path: the .tflite file.
        accuracy: of that file on the test images, 0..1, LiteRT's reference kernels.
        size: of that file, in bytes.
        seed: the seed it was trained with.
    """

    path: Path
    accuracy: float
    size: int
    seed: int


def tensorflow() -> ModuleType:
    """Imports TensorFlow without its start-up chatter.

    Raises:
        ToolMissing: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow
    except ImportError as error:
        raise ToolMissing(
            "training needs TensorFlow, which is not installed: pip install 'edgebottle[train]'"
        ) from error
    tensorflow.get_logger().setLevel("ERROR")
    module: ModuleType = tensorflow
    return module


def _batch_normalization(tf: Any) -> Any:
    """Returns Keras's batch normalization, trained by TensorFlow's fused kernel.

    The networks here are so thin that Keras's own, many passes over memory, would take a third of
    the training time. Weights and inference are the same.
    """
    plain = tf.keras.layers.BatchNormalization

    class FusedBatchNormalization(plain):  # type: ignore[misc, valid-type]
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not training:
                return super().call(inputs, training=False)
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
            )
            keep = self.momentum
            self.moving_mean.assign(keep * self.moving_mean + (1 - keep) * mean)
            self.moving_variance.assign(keep * self.moving_variance + (1 - keep) * variance)
            return outputs

    return FusedBatchNormalization


def build_network(recipe: Recipe, shape: tuple[int, ...], batch: int | None = None) -> Any:
    """Builds the untrained Keras model.

    Args:
        recipe: the architecture.
        shape: (height, width, channels) of an image.
        batch: a fixed batch dimension, which the exported model has, or None.
    """
    tf = tensorflow()
    layers, normalization = tf.keras.layers, _batch_normalization(tf)

    def convolve(x: Any, channels: int, size: int = 1, stride: int = 1) -> Any:
        x = layers.Conv2D(channels, size, stride, padding="same", use_bias=False)(x)
        return normalization()(x)

    def activate(x: Any) -> Any:
        return layers.ReLU(6.0)(x)

    def bottleneck(x: Any, block: Bottleneck) -> Any:
        shortcut, channels_in = x, x.shape[-1]
        if block.expand > 1:
            x = activate(convolve(x, channels_in * block.expand))
        x = layers.DepthwiseConv2D(3, block.stride, padding="same", use_bias=False)(x)
        x = convolve(activate(normalization()(x)), block.channels)
        same_shape = block.stride == 1 and block.channels == channels_in
        return layers.Add()([shortcut, x]) if same_shape else x

    image = tf.keras.Input(batch_shape=(batch, *shape), name="image")
    x = activate(convolve(image, recipe.stem_channels, 3, recipe.stem_stride))
    for block in recipe.blocks:
        x = bottleneck(x, block)
    x = layers.GlobalAveragePooling2D()(activate(convolve(x, recipe.head_channels)))
    x = layers.Dense(recipe.classes, activation="softmax", name="probabilities")(x)
    return tf.keras.Model(image, x)


def fit(recipe: Recipe, data: Data, seed: int, progress: Progress | None = None) -> Any:
    """Trains a float Keras model; the last epoch counts, the test images are never looked at.

    The same seed gives the same model on the same machine and versions.
    """
    tf = tensorflow()
    keras = tf.keras
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(seed)
    steps = -(-len(data.train_images) // recipe.batch_size) * recipe.epochs
    model = build_network(recipe, data.train_images.shape[1:])
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps),
            weight_decay=recipe.weight_decay,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    targets = np.eye(recipe.classes, dtype=np.float32)[data.train_labels]
    for epoch in range(recipe.epochs):
        images = augment(data.train_images, recipe.augmentation, random)
        seen = model.fit(images, targets, recipe.batch_size, epochs=1, verbose=0).history
        if progress:
            progress(epoch + 1, recipe.epochs, f"loss {seen['loss'][0]:.3f}")
    return model


def quantize(model: Any, recipe: Recipe, data: Data) -> bytes:
    """Converts a trained model to a .tflite file: int8 throughout, weights per channel, batch 1."""
    tf = tensorflow()
    images = data.train_images
    fixed = build_network(recipe, images.shape[1:], batch=1)
    fixed.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # Evenly spaced: a data set may be sorted by class, and one class does not show the ranges.
    chosen = np.linspace(0, len(images) - 1, recipe.calibration_images).astype(int)
    converter.representative_dataset = lambda: ([image[None]] for image in images[chosen])
    # The converter reports to standard output, which belongs to the command's own result.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted: bytes = converter.convert()
    return converted


def open_model(model: bytes | Path) -> Any:
    """Opens a .tflite with LiteRT's reference kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    interpreter = Interpreter(**source, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    return interpreter


def accuracy(interpreter: Any, inputs: NDArray[np.int8], labels: NDArray[Any]) -> float:
    """Returns the share of the int8 ``inputs`` whose largest output is at the label."""
    feed = interpreter.get_input_details()[0]["index"]
    fetch = interpreter.get_output_details()[0]["index"]
    right = 0
    for image, label in zip(inputs, labels, strict=True):
        interpreter.set_tensor(feed, image[None])
        interpreter.invoke()
        right += int(np.argmax(interpreter.get_tensor(fetch)[0]) == label)
    return right / len(labels)


def int8_inputs(interpreter: Any, images: Floats) -> NDArray[np.int8]:
    """Quantizes images in 0..1 the way the network's input wants them."""
    scale, zero_point = interpreter.get_input_details()[0]["quantization"]
    quantized = np.rint(images / np.float32(scale)) + zero_point
    result: NDArray[np.int8] = np.clip(quantized, -128, 127).astype(np.int8)
    return result


def train(
    name: str,
    out: Path,
    data: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    epochs: int | None = None,
) -> Trained:
    """Trains a network of the zoo and writes its int8 .tflite file.

    Where the recipe has samples, they are written beside it, as ``<out>_samples.npz``.

    Args:
        name: of the network.
        out: the file to write, or a folder, in which it gets the name it has in the zoo.
        data: folder of the training data; None lets the recipe find it.
        seed: decides the first weights, the order and the augmentation.
        progress: called after every epoch.
        epochs: fewer or more than the recipe's.

    Raises:
        BadInput: no such network, no such data, or ``out`` cannot be written.
        ToolMissing: TensorFlow or scikit-learn is not installed.
    """
    network = registry.find(name)
    target = out / network.file if out.is_dir() else out
    if not os.access(target.parent, os.W_OK):  # said now, not after minutes of training
        raise BadInput(f"cannot write {target}: the folder is missing or read-only")
    tensorflow()
    module = importlib.import_module(network.recipe)
    recipe: Recipe = module.RECIPE
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    images: Data = module.load_data(data)
    model = quantize(fit(recipe, images, seed, progress), recipe, images)
    interpreter = open_model(model)
    inputs = int8_inputs(interpreter, images.test_images)
    score = accuracy(interpreter, inputs, images.test_labels)
    _write(target, model)
    if recipe.samples_per_class:
        samples = _samples(inputs, images.test_labels, recipe)
        _write(target.with_name(f"{target.stem}_samples.npz"), samples)
    return Trained(target, score, len(model), seed)


def _samples(inputs: NDArray[np.int8], labels: Labels, recipe: Recipe) -> bytes:
    """Packs the first test images of each class, in the order of the test set."""
    each = [np.flatnonzero(labels == c)[: recipe.samples_per_class] for c in range(recipe.classes)]
    chosen = np.sort(np.concatenate(each))
    packed = io.BytesIO()
    np.savez_compressed(packed, x=inputs[chosen], y=labels[chosen].astype(np.uint8))
    return packed.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Writes beside ``path`` and renames, so that a failure leaves what was there."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
