"""Keras layers as steps, by the name of their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Array, Shape
from quantize.lowbit.loose_steps import LooseClamp, LooseNormalization, LooseSoftmax
from quantize.lowbit.network import (
    Addition,
    AxesMoved,
    LayerStep,
    MatrixProduct,
    MeanOfPixels,
    MovingWindow,
    NewShape,
    Normalization,
    Pool,
    Product,
    SoftmaxOfRows,
    Weighted,
    ZeroBorder,
)

Steps = Sequence[LayerStep]
Sources = tuple[str, ...]
Layer = Callable[[Any, Sources, Sequence[Shape], Shape], Steps]
"""From a layer, what it reads, the shapes of that and its own to steps, the last its output."""


def image_shape(shape: Shape, name: str) -> Shape:
    """A shape of Keras, without its batch, as the trainer has it: a signal is an image of one row.

    Raises:
        UnsupportedOp: it has more than three axes, or none.
    """
    if len(shape) == 2:
        return (1, *shape)
    if len(shape) not in (1, 3):
        raise UnsupportedOp(
            f"layer '{name}' computes {list(shape)}: neither image, signal nor vector"
        )
    return shape


def layer_steps(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    """The steps of a layer.

    Args:
        layer: Of Keras.
        sources: Names of the values that it reads.
        shapes: Theirs, as ``image_shape`` gives them.
        shape: Of what it computes, likewise.

    Raises:
        UnsupportedOp: it cannot be quantized; names it.
    """
    kind = type(layer).__name__
    if kind not in _LAYERS:
        known = "convolutions, Dense, BatchNormalization, ReLU, Add, pools"
        raise UnsupportedOp(
            f"layer '{layer.name}' is of {kind}, which cannot be trained to few bits: "
            f"it takes {known} and what only moves values (docs/lowbit.md)"
        )
    order = getattr(layer, "data_format", None)
    if order not in (None, "channels_last"):
        raise UnsupportedOp(f"layer '{layer.name}' has its channels first: use channels_last")
    return _LAYERS[kind](layer, sources, shapes, shape)


def _array(variable: Any) -> Array:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _activated(step: LayerStep, activation: Any) -> Steps:
    """A step and the activation that Keras has as its option."""
    kind = getattr(activation, "__name__", str(activation))
    if activation is None or kind == "linear":
        return [step]
    name = f"{step.name}_{kind}"
    after = {"name": name, "sources": (step.name,), "shape": step.shape}
    if kind in ("relu", "relu6"):
        return [step, LooseClamp(**after, ceiling=6.0 if kind == "relu6" else None)]  # type: ignore[arg-type]
    if kind == "softmax":
        return [step, LooseSoftmax(**after)]  # type: ignore[arg-type]
    raise UnsupportedOp(
        f"layer '{step.name}' has the activation {kind}, which cannot be trained to few bits: use "
        "relu (softmax in the last layer)"
    )


def _bias(layer: Any, channels: int) -> Array:
    return _array(layer.bias) if layer.use_bias else np.zeros(channels, np.float32)


def _pair(values: Any) -> tuple[int, int]:
    """Rows and pixels; what counts along a signal counts pixels."""
    found = (values,) if isinstance(values, int) else tuple(int(value) for value in values)
    return (1, found[0]) if len(found) == 1 else (found[0], found[1])


def _window(layer: Any) -> MovingWindow:
    dilation = _pair(getattr(layer, "dilation_rate", (1, 1)))
    return MovingWindow(
        strides=_pair(layer.strides), is_same=layer.padding == "same", dilation=dilation
    )


def _image_kernel(values: Array, rank: int) -> Array:
    return values[None] if rank == 1 else values


def _causal(layer: Any, sources: Sources, shapes: Sequence[Shape]) -> tuple[Steps, Sources]:
    """Zeros before a signal, where the layer looks only back."""
    if layer.padding != "causal":
        return [], sources
    left = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    height, width, channels = shapes[0]
    name = f"{layer.name}_past"
    shape = (height, width + left, channels)
    return [ZeroBorder(name=name, sources=sources, shape=shape, border=(0, 0, left, 0))], (name,)


def _convolution(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    before, sources = _causal(layer, sources, shapes)
    step = Weighted(
        name=layer.name,
        sources=sources,
        shape=shape,
        product=Product.CONVOLUTION,
        kernel=_image_kernel(_array(layer.kernel), layer.rank),
        bias=_bias(layer, shape[-1]),
        window=_window(layer),
    )
    return [*before, *_activated(step, layer.activation)]


def _depthwise(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    before, sources = _causal(layer, sources, shapes)
    step = Weighted(
        name=layer.name,
        sources=sources,
        shape=shape,
        product=Product.DEPTHWISE,
        kernel=_image_kernel(_array(layer.kernel), layer.rank),
        bias=_bias(layer, shape[-1]),
        window=_window(layer),
    )
    return [*before, *_activated(step, layer.activation)]


def _separable(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    before, sources = _causal(layer, sources, shapes)
    kernel = _image_kernel(_array(layer.depthwise_kernel), layer.rank)
    channels = kernel.shape[-2] * kernel.shape[-1]
    first = Weighted(
        name=f"{layer.name}_depthwise",
        sources=sources,
        shape=(*shape[:-1], channels),
        product=Product.DEPTHWISE,
        kernel=kernel,
        bias=np.zeros(channels, np.float32),
        window=_window(layer),
    )
    second = Weighted(
        name=layer.name,
        sources=(first.name,),
        shape=shape,
        product=Product.CONVOLUTION,
        kernel=_image_kernel(_array(layer.pointwise_kernel), layer.rank),
        bias=_bias(layer, shape[-1]),
    )
    return [*before, first, *_activated(second, layer.activation)]


def _dense(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    is_vector = len(shape) == 1
    kernel = _array(layer.kernel)
    step = Weighted(
        name=layer.name,
        sources=sources,
        shape=shape,
        product=Product.DENSE if is_vector else Product.CONVOLUTION,
        kernel=kernel if is_vector else kernel[None, None],
        bias=_bias(layer, shape[-1]),
    )
    return _activated(step, layer.activation)


def _normalization(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if axis not in (-1, len(layer.moving_mean.shape), getattr(layer.input_spec, "ndim", 0) - 1):
        raise UnsupportedOp(f"layer '{layer.name}' normalizes axis {axis}, not the channels")
    channels = shape[-1]
    norm = Normalization(
        gamma=_array(layer.gamma) if layer.scale else np.ones(channels, np.float32),
        beta=_array(layer.beta) if layer.center else np.zeros(channels, np.float32),
        mean=_array(layer.moving_mean),
        variance=_array(layer.moving_variance),
        epsilon=float(layer.epsilon),
    )
    return [LooseNormalization(name=layer.name, sources=sources, shape=shape, norm=norm)]


def _relu(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    if getattr(layer, "negative_slope", 0) or getattr(layer, "threshold", 0):
        raise UnsupportedOp(
            f"layer '{layer.name}' is a ReLU with a slope or a threshold, which cannot be trained "
            "to few bits: use a plain one"
        )
    ceiling = getattr(layer, "max_value", None)
    ceiling = 6.0 if type(layer).__name__ == "Relu6" else ceiling
    return [LooseClamp(name=layer.name, sources=sources, shape=shape, ceiling=ceiling)]


def _activation(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    plain = NewShape(name=layer.name, sources=sources, shape=shape)
    return _activated(plain, layer.activation)


def _softmax(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    if layer.axis != -1:
        raise UnsupportedOp(f"layer '{layer.name}' is a softmax of another axis than the last")
    if len(shape) != 1:
        return [SoftmaxOfRows(name=layer.name, sources=sources, shape=shape)]
    return [LooseSoftmax(name=layer.name, sources=sources, shape=shape)]


def _axes_moved(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    """Keras counts axes from 1 on; before the two of a signal there is one more."""
    dims = tuple(layer.dims)
    order = tuple(axis - 1 for axis in dims) if len(dims) == len(shape) else (0, *dims)
    return [AxesMoved(name=layer.name, sources=sources, shape=shape, order=order)]


def _product(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    """``keras.ops.matmul`` of two values of the network."""
    if len(sources) != 2 or any(len(one) != 3 for one in shapes) or shapes[0][0] != shapes[1][0]:
        raise UnsupportedOp(
            f"layer '{layer.name}' multiplies {[list(one) for one in shapes]}: training to few "
            "bits takes two values with as many matrices"
        )
    depth = shapes[0][-1]
    return [MatrixProduct(name=layer.name, sources=sources, shape=shape, depth=depth)]


def _add(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    if any(each != shape for each in shapes) or len(sources) < 2:
        raise UnsupportedOp(f"layer '{layer.name}' adds something else than tensors of one shape")
    steps: list[LayerStep] = []
    total = sources[0]
    for number, source in enumerate(sources[1:], start=2):
        name = layer.name if number == len(sources) else f"{layer.name}_{number}"
        steps.append(Addition(name=name, sources=(total, source), shape=shape))
        total = name
    return steps


def _pool(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    is_maximum = type(layer).__name__.startswith("Max")
    size, window = _pair(layer.pool_size), _window(layer)
    return [
        Pool(
            name=layer.name,
            sources=sources,
            shape=shape,
            is_maximum=is_maximum,
            size=size,
            window=window,
        )
    ]


def _global_mean(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    return [MeanOfPixels(name=layer.name, sources=sources, shape=shape, keeps_axes=len(shape) == 3)]


def _global_maximum(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    height, width, channels = shapes[0]
    pool = Pool(
        name=layer.name,
        sources=sources,
        shape=(1, 1, channels),
        is_maximum=True,
        size=(height, width),
        window=MovingWindow(strides=(height, width)),
    )
    flat = NewShape(name=f"{layer.name}_flat", sources=(pool.name,), shape=shape)
    return [pool, flat] if len(shape) == 1 else [pool]


def _border(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    amounts = layer.padding
    if len(amounts) == 2 and all(isinstance(each, int) for each in amounts):
        amounts = ((0, 0), tuple(amounts))  # of a signal
    (top, bottom), (left, right) = amounts
    border = (top, bottom, left, right)
    return [ZeroBorder(name=layer.name, sources=sources, shape=shape, border=border)]


def _new_shape(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    return [NewShape(name=layer.name, sources=sources, shape=shape)]


def _rescaling(layer: Any, sources: Sources, shapes: Sequence[Shape], shape: Shape) -> Steps:
    """A depthwise convolution of one pixel."""
    channels = shape[-1]
    if len(shape) != 3:
        raise UnsupportedOp(f"layer '{layer.name}' rescales vectors, which cannot be quantized")
    factors = np.broadcast_to(np.asarray(layer.scale, np.float32), channels)
    summands = np.broadcast_to(np.asarray(layer.offset, np.float32), channels)
    return [
        Weighted(
            name=layer.name,
            sources=sources,
            shape=shape,
            product=Product.DEPTHWISE,
            kernel=factors.reshape(1, 1, channels, 1).copy(),
            bias=summands.copy(),
        )
    ]


_LAYERS: Mapping[str, Layer] = {
    **dict.fromkeys(("Conv1D", "Conv2D"), _convolution),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    "Dense": _dense,
    "BatchNormalization": _normalization,
    **dict.fromkeys(("ReLU", "Relu", "Relu6"), _relu),
    "Activation": _activation,
    "Softmax": _softmax,
    "Permute": _axes_moved,
    "Matmul": _product,
    "Add": _add,
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), _pool),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D"), _pool),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), _global_mean),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _global_maximum),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _border),
    "Rescaling": _rescaling,
    **dict.fromkeys(
        ("Flatten", "Reshape", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "Identity"),
        _new_shape,
    ),
    **dict.fromkeys(("GaussianNoise", "ActivityRegularization"), _new_shape),
}
