"""Layers of candidates as compiled functions of TensorFlow, one for all channels and resolutions.

Each update of shared weights trains networks that were never seen before. Run operation by
operation, nearly all the time went into Python; compiled as a whole, into tracing. A layer comes
again and again, with other numbers of channels, which are arguments here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import tensorflow as tf

from quantize.lowbit.network import MovingWindow, Product, Weighted


@dataclass(frozen=True)
class LayerKind:
    """What a function is compiled for.

    Attributes:
        product: Of weights and values.
        strides: Of the window, along height and width.
        padding: Of the window, ``same`` or ``valid``.
        epsilon: Of the normalization by the batch; None where a bias is added instead.
        is_clamped: At zero.
        ceiling: What it is clamped at from above.
    """

    product: Product
    strides: tuple[int, int]
    padding: str
    epsilon: float | None
    is_clamped: bool
    ceiling: float | None


def layer_result(step: Weighted, values: Any, numbers: Sequence[Any]) -> Any:
    """What a layer makes of a batch.

    Args:
        step: The layer.
        values: What it reads, (samples, height, width, channels) or (samples, channels).
        numbers: The kernel, and the bias, or gamma and beta of the normalization.
    """
    window: MovingWindow = step.window
    assert tuple(window.dilation) == (1, 1), "architectures have no dilated windows"
    strides = (window.strides[0], window.strides[1])
    if step.product is Product.DEPTHWISE and values.shape[1] == 1:
        strides = (strides[1], strides[1])  # TensorFlow has no others; of a signal there is one row
    epsilon = None if step.norm is None else step.norm.epsilon
    kind = LayerKind(
        *(step.product, strides, window.padding, epsilon, step.is_clamped, step.ceiling)
    )
    return _compiled(kind)(values, *numbers)


@cache
def _compiled(kind: LayerKind) -> Callable[..., Any]:
    rank = 2 if kind.product is Product.DENSE else 4
    vectors = 1 if kind.epsilon is None else 2
    shapes = [[None] * rank, [None] * rank, *([None] for _ in range(vectors))]

    def result(values: Any, kernel: Any, *vectors: Any) -> Any:
        sums = _product(kind, values, kernel)
        sums = sums + vectors[0] if kind.epsilon is None else _normalized(kind, sums, *vectors)
        if not kind.is_clamped:
            return sums
        return tf.nn.relu(sums) if kind.ceiling is None else tf.clip_by_value(sums, 0, kind.ceiling)

    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    return tf.function(result, input_signature=signature, autograph=False)  # type: ignore[no-any-return]


def _product(kind: LayerKind, values: Any, kernel: Any) -> Any:
    if kind.product is Product.DENSE:
        return tf.matmul(values, kernel)
    strides, padding = [1, *kind.strides, 1], kind.padding.upper()
    if kind.product is Product.DEPTHWISE:
        return tf.nn.depthwise_conv2d(values, kernel, strides, padding)
    return tf.nn.conv2d(values, kernel, strides, padding)


def _normalized(kind: LayerKind, sums: Any, gamma: Any, beta: Any) -> Any:
    """Normalized by the batch itself."""
    is_flat = kind.product is Product.DENSE
    image = sums[:, None, None, :] if is_flat else sums
    result, _, _ = tf.compat.v1.nn.fused_batch_norm(
        image, gamma, beta, epsilon=kind.epsilon, is_training=True
    )
    return result[:, 0, 0, :] if is_flat else result


@tf.function(autograph=False)  # type: ignore[untyped-decorator]
def sandwich_loss(logits: Sequence[Any], labels: Any, taught: float) -> Any:
    """The mean over networks: the first learns the labels, the others what it says too.

    Args:
        logits: Of each network, (samples, classes).
        labels: (samples).
        taught: How much of what the others learn is what the first says, 0 .. 1.
    """
    hard = tf.one_hot(labels, tf.shape(logits[0])[-1])
    soft = (1.0 - taught) * hard + taught * tf.stop_gradient(tf.nn.softmax(logits[0]))
    targets = [hard, *(soft for _ in logits[1:])]
    losses = [
        tf.nn.softmax_cross_entropy_with_logits(target, one)
        for target, one in zip(targets, logits, strict=True)
    ]
    return tf.reduce_mean(tf.stack(losses))
