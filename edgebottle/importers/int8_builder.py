"""Builds an int8 graph from stored weights and scales: what was trained here becomes a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Shape, Tensor, unused_name
from edgebottle.ir.verify import verify
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Activation
from edgebottle.ops.fixed_point import round_half_away
from edgebottle.ops.softmax import OUTPUT_QUANTS
from edgebottle.ops.window_padding import SAME, VALID, padding_of

MAX_BIAS = 1 << 30
"""The largest stored bias; sums of products need the rest of int32."""


@dataclass(frozen=True)
class StoredWeights:
    """The constants of a layer with weights.

    Attributes:
        values: int8, in the order of axes that TFLite has.
        axis: That of the output channels.
        scales: float32, one for each output channel.
        bias: Real biases, one for each output channel.
    """

    values: Array
    axis: int
    scales: Array
    bias: Array


@dataclass(frozen=True)
class WindowMove:
    """How a window moves over an image.

    Attributes:
        size: Rows and pixels.
        strides: From one window to the next.
        is_same: TFLite's SAME padding, else VALID.
        dilation: From one tap to the next.
    """

    size: tuple[int, int]
    strides: tuple[int, int]
    is_same: bool
    dilation: tuple[int, int] = (1, 1)


class Int8Builder:
    """Adds layers one by one; each is named by the tensor that it computes."""

    def __init__(self, name: str, input_name: str, shape: Shape, quant: Quant) -> None:
        """Begins with the input.

        Args:
            name: C identifier of the network.
            input_name: Of its input.
            shape: Of the input, batch included.
            quant: Of the input.
        """
        self._name, self._input = name, input_name
        self._nodes: list[Node] = []
        self._tensors = {input_name: Tensor(input_name, shape, DType.I8, quant)}

    def convolution(
        self,
        name: str,
        source: str,
        weights: StoredWeights,
        window: WindowMove,
        quant: Quant,
        *,
        clamps: bool,
    ) -> None:
        """CONV_2D with weights OHWI, or of axis 3 DEPTHWISE_CONV_2D with weights 1HWC."""
        image = self._tensors[source].shape
        fields: dict[str, Any] = {
            "stride": window.strides,
            "dilation": window.dilation,
            "padding": self._padding(name, source, window),
            "activation": _clamp(clamps),
        }
        if weights.axis == 3:
            multiplier = weights.values.shape[3] // image[3]
            fields["depth_multiplier"] = multiplier
        op = "DEPTHWISE_CONV_2D" if weights.axis == 3 else "CONV_2D"
        self._add(op, name, (source, *self._constants(name, source, weights)), quant, **fields)

    def dense(
        self, name: str, source: str, weights: StoredWeights, quant: Quant, *, clamps: bool
    ) -> None:
        """FULLY_CONNECTED with weights (outputs, inputs)."""
        inputs = (source, *self._constants(name, source, weights))
        fields: dict[str, Any] = {"keep_num_dims": False, "activation": _clamp(clamps)}
        self._add("FULLY_CONNECTED", name, inputs, quant, **fields)

    def add(self, name: str, sources: tuple[str, str], quant: Quant, *, clamps: bool) -> None:
        """ADD."""
        self._add("ADD", name, sources, quant, activation=_clamp(clamps))

    def pool(self, name: str, source: str, window: WindowMove, *, is_maximum: bool) -> None:
        """MAX_POOL_2D or AVERAGE_POOL_2D."""
        fields: dict[str, Any] = {
            "filter": window.size,
            "stride": window.strides,
            "padding": self._padding(name, source, window),
            "activation": Activation.NONE,
        }
        op = "MAX_POOL_2D" if is_maximum else "AVERAGE_POOL_2D"
        self._add(op, name, (source,), self._quant(source), **fields)

    def mean(self, name: str, source: str, quant: Quant, *, keeps_axes: bool) -> None:
        """MEAN over all pixels."""
        axes = self._constant(f"{name}_axes", np.array([1, 2], np.int32), DType.I32)
        shape = self._tensors[source].shape
        fields: dict[str, Any] = {"axes": (1, 2), "keep_dims": keeps_axes}
        self._add("MEAN", name, (source, axes), quant, over=shape, **fields)

    def border(self, name: str, source: str, border: tuple[int, int, int, int]) -> None:
        """PAD of an image: rows and pixels at the top, bottom, left and right."""
        top, bottom, left, right = border
        paddings = ((0, 0), (top, bottom), (left, right), (0, 0))
        amounts = self._constant(f"{name}_border", np.array(paddings, np.int32), DType.I32)
        self._add("PAD", name, (source, amounts), self._quant(source), paddings=paddings)

    def reshape(self, name: str, source: str, shape: Shape) -> None:
        """RESHAPE; ``shape`` includes the batch."""
        self._add("RESHAPE", name, (source,), self._quant(source), shape=shape)

    def transpose(self, name: str, source: str, permutation: tuple[int, ...]) -> None:
        """TRANSPOSE: axis i of the output is axis ``permutation[i]``, the batch included."""
        order = self._constant(f"{name}_axes", np.array(permutation, np.int32), DType.I32)
        quant = self._quant(source)
        self._add("TRANSPOSE", name, (source, order), quant, permutation=permutation)

    def product(self, name: str, sources: tuple[str, str], quant: Quant) -> None:
        """BATCH_MATMUL of two tensors that are computed."""
        self._add("BATCH_MATMUL", name, sources, quant)

    def at_least(self, name: str, source: str, lowest: int) -> None:
        """MAXIMUM with a stored value."""
        quant = self._quant(source)
        bound = self._constant(f"{name}_lowest", np.array([lowest], np.int8), DType.I8, quant)
        self._add("MAXIMUM", name, (source, bound), quant, activation=Activation.NONE)

    def softmax(self, name: str, source: str) -> None:
        """SOFTMAX."""
        self._add("SOFTMAX", name, (source,), OUTPUT_QUANTS[DType.I8], beta=1.0, dtype=DType.I8)

    def graph(self, *outputs: str) -> Graph:
        """The network."""
        graph = Graph(self._name, self._tensors, (), (self._input,), outputs)
        result = graph.with_nodes(self._nodes)
        verify(result, "training")
        return result

    def _padding(self, name: str, source: str, window: WindowMove) -> tuple[int, int, int, int]:
        image = self._tensors[source].shape[1:3]
        code = SAME if window.is_same else VALID
        return padding_of(code, image, window.size, window.strides, window.dilation, name)

    def _quant(self, source: str) -> Quant:
        quant = self._tensors[source].quant
        assert quant is not None, "everything is int8"
        return quant

    def _constants(self, name: str, source: str, weights: StoredWeights) -> tuple[str, str]:
        scales = weights.scales.astype(np.float32)
        quant = _per_channel(scales, weights.axis)
        stored = self._constant(f"{name}_weights", weights.values, DType.I8, quant)
        sums = scales * np.float32(self._quant(source).scale[0])
        bias = np.clip(round_half_away(weights.bias / sums.astype(np.float64)), -MAX_BIAS, MAX_BIAS)
        values = bias.astype(np.int32)
        return stored, self._constant(f"{name}_bias", values, DType.I32, _per_channel(sums, 0))

    def _constant(self, name: str, values: Array, dtype: DType, quant: Quant | None = None) -> str:
        name = unused_name(name, self._tensors)
        self._tensors[name] = Tensor(name, values.shape, dtype, quant, values)
        return name

    def _add(
        self,
        op: str,
        name: str,
        inputs: tuple[str, ...],
        quant: Quant,
        *,
        over: Shape | None = None,
        **fields: Any,
    ) -> None:
        """Adds a node; ``over`` is the shape of its input, where its class depends on that."""
        kind: Any = BY_NAME[op]
        ends: Mapping[str, Any] = {"name": name, "inputs": inputs, "outputs": (name,)}
        node = kind(**ends, **fields) if over is None else kind.over(over, **ends, **fields)
        ((found, dtype),) = node.infer([self._tensors[one] for one in inputs])
        self._tensors[name] = Tensor(name, found, dtype, quant)
        self._nodes.append(node)


def _clamp(clamps: bool) -> Activation:
    return Activation.RELU if clamps else Activation.NONE


def _per_channel(scales: Array, axis: int) -> Quant:
    values = tuple(scales.astype(np.float32).tolist())
    if len(values) == 1:
        return Quant(values, (0,))
    return Quant(values, (0,) * len(values), axis)
