"""CONV_2D and DEPTHWISE_CONV_2D of float32 by int8 weights: see ``hybrid.py``."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Shape, Tensor, Tensors
from edgebottle.ops.base import Emitter, where
from edgebottle.ops.case_tensors import constant
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.convolution_cases import RELU, RELU6, Case, weighted_case
from edgebottle.ops.convolution_kernels import Convolved, geometry, matrix_of
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.hybrid import check_hybrid, quantize_inputs, weight_scales
from edgebottle.ops.kernel import AnyKernel, Kernel
from edgebottle.ops.weighted_sums import WeightedOperands
from edgebottle.ops.weights import bias_values, operands
from edgebottle.ops.window_padding import check_padding


class HybridLayer(Kernel[Convolution, Array]):
    """The only kernel: the whole layer, a depthwise one as groups of one channel."""

    FUNCTION = "eb_conv_2d_hybrid_layer"

    def suits(self, layer: Convolved) -> bool:
        """Every layer."""
        return True

    def pack(self, layer: Convolved) -> Array:
        """The bias."""
        return bias_values(operands(layer.ins)[2], layer.output.shape[3], DType.F32)

    def scratch(self, layer: Convolved) -> int:
        """One image, quantized."""
        data = operands(layer.ins)[0]
        return data.size // data.shape[0]

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_hybrid.h")
        node, (data, weights, _) = layer.node, operands(layer.ins)
        assert isinstance(node, HybridConvolution)
        low, high = node.activation.float_range()
        fields = geometry(layer)
        fields.pop("depth_multiplier", None)
        fields |= {
            "batches": data.shape[0],
            "input_height": data.shape[1],
            "output_height": layer.output.shape[1],
            "output_channels": layer.output.shape[3],
            "stride_height": node.stride[0],
            "dilation_height": node.dilation[0],
            "pad_top": node.padding[0],
            "groups": node.groups(data.shape, weights.shape),
            "is_symmetric": int(node.is_symmetric(layer.ins)),
            "scales_apart": int(node.multiplies_apart(layer.ins)),
            "low": low,
            "high": high,
        }
        arguments = (
            e.params("eb_conv_2d_hybrid", fields),
            *(e.input(0), e.output()),
            e.constant("weights", matrix_of(layer)),
            e.constant("scales", weight_scales(weights, node.CHANNEL_AXIS)),
            e.constant("bias", packed),
            e.scratch(),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"


@dataclass(frozen=True, kw_only=True)
class HybridConvolution(Convolution):
    """A convolution whose input is quantized at run time, by the range of each image.

    So it needs all of an image before its first row, and no pass knows its sums.
    """

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (HybridLayer(),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_hybrid(self, ins, outs, self.CHANNEL_AXIS)
        data, weights, _ = operands(ins)
        check_padding(data.shape, self.padding, where(self))
        assert weights.quant is not None
        is_whole = len(weights.quant.scale) == weights.shape[self.CHANNEL_AXIS]
        if not is_whole and not self.is_symmetric(
            ins
        ):  # LiteRT reads a scale for each, there or not
            raise UnsupportedOp(f"{where(self)} has groups of int8 weights with one scale for all")

    def groups(self, data: Shape, weights: Shape) -> int:
        """Of input channels; a depthwise layer has as many as channels."""
        return data[3] // weights[3]

    def is_symmetric(self, ins: Tensors) -> bool:
        """Inputs are quantized without a zero point: with one scale for all weights."""
        data, weights, _ = operands(ins)
        assert weights.quant is not None
        return len(weights.quant.scale) == 1 and self.groups(data.shape, weights.shape) == 1

    def multiplies_apart(self, ins: Tensors) -> bool:
        """Sums are multiplied by the scale of the weights, and the result by that of the input."""
        return not self.is_symmetric(ins)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        value, weight = values[0], values[1]
        assert value is not None and weight is not None
        images = value.reshape(value.shape[0], -1).astype(np.float32)
        steps, scale = quantize_inputs(images, symmetric=self.is_symmetric(ins))
        sums = self.sums(self.padded(steps.reshape(value.shape)), weight, outs[0].shape)
        factor = weight_scales(operands(ins)[1], self.CHANNEL_AXIS)
        scale = scale.reshape(-1, 1, 1, 1)
        real = sums.astype(np.float32)
        real = real * factor * scale if self.multiplies_apart(ins) else real * (factor * scale)
        real = real + bias_values(operands(ins)[2], outs[0].shape[3], DType.F32)
        return (np.clip(real, *self.activation.float_range()).astype(np.float32),)

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: an image is read before anything is written."""
        return (0,) if outs[0].shape[0] == 1 else ()

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """None: every output depends on the range of the whole input."""
        return None

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """None, as ``access``."""
        return None

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """None, as ``access``."""
        return {}

    def weighted_operands(self) -> WeightedOperands | None:  # type: ignore[override]
        """None: nothing can be folded into weights without changing the range of the input."""
        return None


@dataclass(frozen=True, kw_only=True)
class HybridConv2D(HybridConvolution, Conv2D):
    """CONV_2D of float32 by int8 weights."""

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in _CONV_2D:
            weights = (case.outputs, *case.kernel, case.shape[3] // case.groups)
            yield with_int8_weights(weighted_case(cls, case, weights, axis=0), case.per_channel, 0)


@dataclass(frozen=True, kw_only=True)
class HybridDepthwiseConv2D(HybridConvolution, DepthwiseConv2D):
    """DEPTHWISE_CONV_2D of float32 by int8 weights."""

    def groups(self, data: Shape, weights: Shape) -> int:
        """See ``HybridConvolution``."""
        return data[3]

    def is_symmetric(self, ins: Tensors) -> bool:
        """See ``HybridConvolution``: never."""
        return False

    def multiplies_apart(self, ins: Tensors) -> bool:
        """See ``HybridConvolution``: the scales are multiplied first."""
        return False

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in _DEPTHWISE:
            weights = (1, *case.kernel, case.outputs)
            multiplier = case.outputs // case.shape[3]
            graph = weighted_case(cls, case, weights, axis=3, depth_multiplier=multiplier)
            yield with_int8_weights(graph, per_channel=True, axis=3)


def with_int8_weights(graph: Graph, per_channel: bool, axis: int) -> Graph:
    """A float case with random int8 weights of random scales in the place of its own."""
    rng = np.random.default_rng(zlib.crc32(graph.name.encode()))
    shape = graph.tensors["weights"].shape
    scales = tuple(float(2.0**-exponent) for exponent in rng.uniform(4, 9, shape[axis]))
    used = scales if per_channel else scales[:1]
    quant = Quant(used, (0,) * len(used), axis if per_channel else None)
    weights = constant("weights", rng.integers(-127, 128, shape).astype(np.int8), quant)
    return replace(graph, tensors={**graph.tensors, "weights": weights})


_WINDOW: dict[str, Any] = {"is_float": True, "kernel": (3, 3)}
_CONV_2D = (
    Case(name="hybrid", shape=(1, 5, 6, 3), outputs=4, **_WINDOW),
    Case(name="hybrid_batch", shape=(3, 4, 3, 2), outputs=5, activation=RELU, **_WINDOW),
    Case(name="hybrid_one_scale", shape=(2, 5, 5, 3), outputs=4, per_channel=False, **_WINDOW),
    Case(name="hybrid_groups", shape=(1, 4, 4, 4), outputs=6, groups=2, **_WINDOW),
    Case(name="hybrid_strided", shape=(1, 7, 6, 2), outputs=3, stride=(2, 3), **_WINDOW),
    Case(name="hybrid_dilated", shape=(1, 7, 6, 2), outputs=3, dilation=(2, 2), **_WINDOW),
)
_DEPTHWISE = (
    Case(name="hybrid_depthwise", shape=(1, 5, 4, 3), outputs=3, activation=RELU6, **_WINDOW),
    Case(name="hybrid_multiplied", shape=(2, 5, 4, 2), outputs=6, stride=(2, 2), **_WINDOW),
)
