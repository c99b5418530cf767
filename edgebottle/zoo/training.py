"""What every recipe of the zoo shares: train, quantize to int8 or to few bits, evaluate.

TensorFlow is imported only when something is trained.
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

from edgebottle.detection.precision import mean_precision
from edgebottle.errors import BadInput
from edgebottle.zoo import registry
from edgebottle.zoo.architectures import as_plain, build_network, tensorflow
from edgebottle.zoo.augmentation import Floats, augment
from edgebottle.zoo.kept_epochs import KeptEpochs
from edgebottle.zoo.recipes import Data, Labels, Recipe

Progress = Callable[[int, int, str], None]
"""Called with (epochs done, epochs in all, a line to show)."""


@dataclass(frozen=True)
class Trained:
    """What came of training.

    Attributes:
        path: the .tflite file.
        accuracy: of that file on the test images, 0..1, LiteRT's reference kernels; of a detector
            its mean average precision at an overlap of 0.5.
        size: of that file, in bytes.
        seed: the seed it was trained with.
    """

    path: Path
    accuracy: float
    size: int
    seed: int


def fit(
    recipe: Recipe,
    data: Data,
    seed: int,
    progress: Progress | None = None,
    kept: KeptEpochs | None = None,
) -> Any:
    """Trains a float Keras model; the last epoch counts, the test images are never looked at.

    The same seed gives the same model on the same machine and versions, whether training was
    stopped between two epochs or not.

    Args:
        recipe: What is trained, and how.
        data: That it learns from.
        seed: Decides the first weights, the order and the augmentation.
        progress: Called after every epoch.
        kept: Where the newest epoch is kept, to go on with; None to keep none.
    """
    tf = tensorflow()
    keras = tf.keras
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    steps = -(-len(data.train_images) // recipe.batch_size) * recipe.epochs
    model = build_network(recipe)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps),
            weight_decay=recipe.weight_decay,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
    )
    # TensorFlow traces an update twice where that makes variables, which takes seconds.
    model.optimizer.build(model.trainable_variables)
    targets = np.eye(recipe.classes, dtype=np.float32)[data.train_labels]
    for epoch in range(kept.restore(model) if kept else 0, recipe.epochs):
        random = np.random.default_rng([seed, epoch])  # so that each epoch can be the first one
        order = random.permutation(len(targets))
        images = augment(data.train_images[order], recipe.augmentation, random)
        seen = model.fit(
            images, targets[order], recipe.batch_size, epochs=1, shuffle=False, verbose=0
        ).history
        if kept:
            kept.save(model, epoch + 1)
        if progress:
            progress(epoch + 1, recipe.epochs, f"loss {seen['loss'][0]:.3f}")
    return model


def quantize(model: Any, recipe: Recipe, data: Data) -> bytes:
    """Converts a trained model to a .tflite file: int8 throughout, weights per channel, batch 1."""
    tf = tensorflow()
    images = data.train_images
    converter = _converter(model, recipe)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # Evenly spaced: a data set may be sorted by class, and one class does not show the ranges.
    chosen = np.linspace(0, len(images) - 1, recipe.calibration_images).astype(int)
    converter.representative_dataset = lambda: ([image[None]] for image in images[chosen])
    return _converted(converter)


def float_file(model: Any, recipe: Recipe) -> bytes:
    """Converts a trained model to a .tflite file of floats, of batch 1."""
    return _converted(_converter(model, recipe))


def _converter(model: Any, recipe: Recipe) -> Any:
    return tensorflow().lite.TFLiteConverter.from_keras_model(as_plain(model, recipe, batch=1))


def _converted(converter: Any) -> bytes:
    """The converter reports to standard output, which belongs to the command's own result."""
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
        epochs: fewer or more than the recipe's, with floats and with few bits.

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
    if network.detects:
        return _detector(module, target, data, seed, progress, epochs)
    recipe: Recipe = module.RECIPE
    if epochs is not None:
        recipe = with_epochs(recipe, epochs)
    images: Data = module.load_data(data)
    if recipe.few_bits is None:
        model = quantize(fit(recipe, images, seed, progress), recipe, images)
    else:
        model = _few_bits(name, recipe, images, seed, progress)
    interpreter = open_model(model)
    inputs = int8_inputs(interpreter, images.test_images)
    score = accuracy(interpreter, inputs, images.test_labels)
    _write(target, model)
    if recipe.samples_per_class:
        samples = _samples(inputs, images.test_labels, recipe)
        _write(target.with_name(f"{target.stem}_samples.npz"), samples)
    return Trained(target, score, len(model), seed)


def _detector(
    module: ModuleType,
    target: Path,
    data: Path | None,
    seed: int,
    progress: Progress | None,
    epochs: int | None,
) -> Trained:
    """Trains a detector, whose accuracy is its mean average precision."""
    from edgebottle.zoo import detection

    recipe: detection.DetectionRecipe = module.RECIPE
    recipe = replace(recipe, epochs=recipe.epochs if epochs is None else epochs)
    images: detection.DetectionData = module.load_data(data)
    model = detection.fit(recipe, images.train, seed, progress)
    graph = detection.quantized(model, target.stem, recipe, images.train)
    labels = detection.litert_precisions(graph, recipe.boxes, images.test)
    written = detection.detector_file(graph, recipe.boxes)
    _write(target, written)
    return Trained(target, mean_precision(labels), len(written), seed)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """The same with so many epochs, with floats and with few bits."""
    few = recipe.few_bits
    return replace(
        recipe, epochs=epochs, few_bits=None if few is None else replace(few, epochs=epochs)
    )


def _few_bits(name: str, recipe: Recipe, data: Data, seed: int, progress: Progress | None) -> bytes:
    from edgebottle.zoo.few_bits import few_bits_file, parted

    known, chosen = parted(data)
    model = fit(recipe, known, seed, progress)

    def told(what: str, done: int, total: int) -> None:
        if progress:
            progress(done, total, what)

    return few_bits_file(model, name, recipe, known, chosen, seed, told)


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
