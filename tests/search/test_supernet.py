"""The parts of the network that holds the weights of all candidates."""

import importlib.util
from typing import Any

import numpy as np
import pytest

from quantize.lowbit.network import INPUT, MovingWindow, Normalization, Product, Weighted
from quantize.search.boxed_adam import BoxedAdam

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

CONVOLUTION, DEPTHWISE, DENSE = Product.CONVOLUTION, Product.DEPTHWISE, Product.DENSE

LAYERS: dict[str, tuple[Product, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "convolution": (CONVOLUTION, (3, 3, 5, 6), (8, 9, 5), {"window": MovingWindow(is_same=True)}),
    "strided": (
        *(CONVOLUTION, (5, 5, 5, 6), (8, 9, 5)),
        {"window": MovingWindow(strides=(2, 2), is_same=True), "is_clamped": True, "ceiling": 6.0},
    ),
    "depthwise": (
        *(DEPTHWISE, (3, 3, 5, 1), (9, 8, 5)),
        {"window": MovingWindow(strides=(2, 2), is_same=True), "is_clamped": True},
    ),
    "of a signal": (
        DEPTHWISE,
        (1, 3, 5, 1),
        (1, 16, 5),
        {"window": MovingWindow(strides=(1, 2), is_same=True)},
    ),
    "with a bias": (CONVOLUTION, (1, 1, 5, 6), (4, 4, 5), {"norm": None}),
    "dense": (DENSE, (5, 6), (5,), {"norm": None}),
    "normalized dense": (DENSE, (5, 6), (5,), {"is_clamped": True}),
}
"""Product, shape of the kernel, shape of what is read, and what else there is to the layer."""


@needs_tensorflow
@pytest.mark.parametrize("name", LAYERS)
def test_a_compiled_layer_is_the_layer_of_keras(name: str) -> None:
    import tensorflow as tf
    from keras import ops

    from quantize.lowbit.simulation import product_of
    from quantize.search.compiled_layers import layer_result

    product, kernel_shape, shape, about = LAYERS[name]
    random = np.random.default_rng(0)
    channels = kernel_shape[2 if product is DEPTHWISE else -1]
    kernel, values = (
        random.standard_normal(one, np.float32) for one in (kernel_shape, (16, *shape))
    )
    gamma, beta = random.standard_normal((2, channels), np.float32)
    norm = Normalization(gamma, beta, beta, gamma, 1e-3)
    step = Weighted(
        name="layer",
        sources=(INPUT,),
        shape=(channels,),
        product=product,
        kernel=kernel,
        bias=beta,
        **{"norm": norm, **about},
    )
    numbers = [
        tf.constant(one) for one in (kernel, *((beta,) if step.norm is None else (gamma, beta)))
    ]

    def plain(kernel: Any, *vectors: Any) -> Any:
        sums = product_of(values, kernel, product, step.window)
        if step.norm is None:
            sums = sums + vectors[0]
        else:
            mean, variance = ops.moments(sums, axes=tuple(range(len(sums.shape) - 1)))
            gamma, beta = vectors
            sums = (sums - mean) * gamma * ops.rsqrt(variance + 1e-3) + beta
        return ops.clip(sums, 0, step.ceiling or np.inf) if step.is_clamped else sums

    found = []
    for function in (lambda *n: layer_result(step, tf.constant(values), n), plain):
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            result = function(*numbers)
            weights = np.random.default_rng(2).standard_normal(result.shape, np.float32)
            weighed = tf.reduce_sum(result * weights)
        found.append([result, *tape.gradient(weighed, numbers)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


def gradients(updates: int) -> list[np.ndarray]:
    """Of an array of 6 x 5."""
    return list(np.random.default_rng(1).standard_normal((updates, 6, 5), np.float32))


def test_adam_changes_only_what_has_a_gradient() -> None:
    array = np.ones((6, 5), np.float32)
    adam = BoxedAdam({"array": array}, lambda update: 0.1)
    for gradient in gradients(3):
        adam.update({"array": [((slice(1, 4), slice(0, 2)), gradient[1:4, :2])]})
    changed = array != 1
    assert changed[1:4, :2].all() and changed.sum() == 6


def test_parts_of_a_gradient_add_up() -> None:
    arrays = {name: np.ones((6, 5), np.float32) for name in ("parts", "whole")}
    adam = BoxedAdam(arrays, lambda update: 0.1)
    for gradient in gradients(4):
        parts = [
            ((slice(0, 4), slice(0, 5)), gradient[:4]),
            ((slice(2, 6), slice(1, 3)), gradient[2:, 1:3]),
        ]
        whole = np.zeros((6, 5), np.float32)
        for box, values in parts:
            whole[box] += values
        adam.update({"parts": parts, "whole": [((slice(0, 6), slice(0, 5)), whole)]})
    np.testing.assert_allclose(arrays["parts"], arrays["whole"], rtol=1e-6)


def test_a_rare_element_learns_as_a_frequent_one() -> None:
    array = np.zeros((2, 1), np.float32)
    adam = BoxedAdam({"array": array}, lambda update: 0.1)
    whole, first = (slice(0, 2), slice(0, 1)), (slice(0, 1), slice(0, 1))
    for _ in range(50):
        adam.update({"array": [(first, np.ones((1, 1), np.float32))]})
    before = array.copy()
    adam.update({"array": [(whole, np.ones((2, 1), np.float32))]})
    np.testing.assert_allclose(array - before, -0.1, rtol=1e-3)


@needs_tensorflow
def test_adam_of_a_whole_array_is_that_of_keras() -> None:
    import keras

    array = np.ones((6, 5), np.float32)
    adam = BoxedAdam({"array": array}, lambda update: 0.1 / (1 + update))
    theirs = keras.Variable(array.copy())
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([theirs])
    for number, gradient in enumerate(gradients(20)):
        optimizer.learning_rate = 0.1 / (1 + number)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        adam.update({"array": [((slice(0, 6), slice(0, 5)), gradient)]})
    np.testing.assert_allclose(array, np.asarray(theirs), rtol=1e-4, atol=1e-6)


def test_adam_goes_on_where_it_was() -> None:
    box = (slice(0, 6), slice(0, 5))
    arrays = [np.ones((6, 5), np.float32) for _ in range(2)]
    one, other = (
        BoxedAdam({"array": array}, lambda update: 0.1 / (1 + update)) for array in arrays
    )
    for gradient in gradients(5):
        one.update({"array": [(box, gradient)]})
    arrays[1][...] = arrays[0]
    other.restore(one.state())
    for gradient in gradients(3):
        one.update({"array": [(box, gradient)]})
        other.update({"array": [(box, gradient)]})
    assert np.array_equal(*arrays)
