"""DEPTHWISE_CONV_2D: each input channel with its own windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import AxisMap, Broadcast, Listed, Same
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.convolution_cases import (
    DEPTHWISE_CONV_2D,
    INT16,
    OF_UINT8,
    Case,
    weighted_case,
)
from edgebottle.ops.depthwise_cases import DEPTHWISE_3X3
from edgebottle.ops.depthwise_kernels import KERNELS
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.weights import operands


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Convolution):
    """Depthwise convolution; weights are 1HWC, C = input channels x depth_multiplier.

    Attributes:
        depth_multiplier: Output channels per input channel; those of one lie together.
    """

    OP: ClassVar[str] = "DEPTHWISE_CONV_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "DepthwiseConv2DOptions",
        2,
        3,
        optional=(2,),
        fields=("i8", "i32", "i32", "i32", "i8", "i32", "i32"),
        version=3,
    )
    CHANNEL_AXIS: ClassVar[int] = 3
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = KERNELS

    depth_multiplier: int

    def channels_read(self, data: Tensor, weights: Tensor) -> AxisMap:
        """Each its own."""
        if self.depth_multiplier == 1:
            return Same()
        outputs = weights.shape[3]
        return Listed(tuple((channel // self.depth_multiplier,) for channel in range(outputs)))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Each its own; where the input has but one, its outputs come and go alone."""
        if index == 0 and operands(ins)[0].shape[3] == 1:
            return Broadcast()
        return super().channel_access(index, ins, outs)

    @classmethod
    def more_options(cls, label: str, ins: Tensors, options: Any) -> dict[str, Any]:
        """See ``Convolution``. LiteRT takes the multiplier from the shapes, and so do we."""
        data, weights, _ = operands(ins)
        return {"depth_multiplier": max(weights.shape[3] // data.shape[3], 1)}

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import DepthwiseConv2DOptionsT

        options = self.fill_options(DepthwiseConv2DOptionsT(), ins)
        options.depthMultiplier = self.depth_multiplier
        return options

    def check_shapes(self, data: Shape, weights: Shape) -> None:
        """See ``Convolution``."""
        if weights[0] != 1 or weights[3] != data[3] * self.depth_multiplier:
            raise UnsupportedOp(
                f"{where(self)} has {data[3]} input channels, a depth multiplier of "
                f"{self.depth_multiplier} and weights of the shape {list(weights)}"
            )

    def sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """See ``Convolution``."""
        narrow = {np.dtype(np.float32): np.float32, np.dtype(np.int16): np.int32}
        numpy = narrow.get(value.dtype, np.int64)
        wide = value.astype(numpy)
        spread = weights[0].astype(numpy)
        if self.depth_multiplier > 1:
            wide = np.repeat(wide, self.depth_multiplier, axis=3)
        total = np.zeros(shape, numpy)
        for ky in range(weights.shape[1]):
            for kx in range(weights.shape[2]):
                total += self.tap(wide, ky, kx, shape) * spread[ky, kx]
        return total

    def more_fields(self, data: Shape, weights: Shape) -> dict[str, CValue]:
        """See ``Convolution``."""
        return {"depth_multiplier": self.depth_multiplier}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        int16 = (case for case in INT16 if case.bias_bits == 64)  # others LiteRT does not take
        for case in (*DEPTHWISE_CONV_2D, *DEPTHWISE_3X3, *int16):
            yield cls._case(case)
        for case in OF_UINT8:
            yield DepthwiseConv2DOfUint8._case(case)

    @classmethod
    def _case(cls, case: Case) -> Graph:
        weights = (1, *case.kernel, case.outputs)
        multiplier = case.outputs // case.shape[3]
        return weighted_case(cls, case, weights, axis=3, depth_multiplier=multiplier)


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2DOfUint8(DepthwiseConv2D):
    """Such a layer of a uint8 network, shifted to int8 when it was imported."""

    OF_UINT8: ClassVar[bool] = True
