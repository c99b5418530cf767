"""CONV_2D: weights of a window over all input channels, or over those of a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import All, AxisMap, Listed
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Signature, where
from edgebottle.ops.conv_2d_kernels import KERNELS
from edgebottle.ops.convolution import Convolution
from edgebottle.ops.convolution_cases import (
    CONV_2D,
    INT16,
    OF_UINT8,
    Case,
    weighted_case,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.weights import exact_matmul, operands, ordered_matmul


@dataclass(frozen=True, kw_only=True)
class Conv2D(Convolution):
    """Convolution; weights are OHWI. Fewer weight than input channels mean groups.

    Limits:
        Channels form whole groups.
    """

    OP: ClassVar[str] = "CONV_2D"
    SIGNATURE: ClassVar[Signature] = Signature(
        "Conv2DOptions",
        2,
        3,
        optional=(2,),
        fields=("i8", "i32", "i32", "i8", "i32", "i32", "i8"),
        version=3,
    )
    CHANNEL_AXIS: ClassVar[int] = 0
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = KERNELS

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import Conv2DOptionsT

        if operands(ins)[2] is None:
            raise UnsupportedOp(f"{where(self)} has no bias, which LiteRT does not run")
        return self.fill_options(Conv2DOptionsT(), ins)

    def check_shapes(self, data: Shape, weights: Shape) -> None:
        """See ``Convolution``."""
        if data[3] % weights[3] or weights[0] % (data[3] // weights[3]):
            raise UnsupportedOp(
                f"{where(self)} has {data[3]} input channels, weights for {weights[3]}, and "
                f"{weights[0]} output channels: not a whole number of groups"
            )

    def channels_read(self, data: Tensor, weights: Tensor) -> AxisMap:
        """All of them, or those of its group."""
        outputs, depth = weights.shape[0], weights.shape[3]
        groups = data.shape[3] // depth
        if groups == 1:
            return All(depth)
        firsts = (output // (outputs // groups) * depth for output in range(outputs))
        return Listed(tuple(tuple(range(first, first + depth)) for first in firsts))

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """All of them; None where they form groups, of which each would have to lose as many."""
        access = super().channel_access(index, ins, outs)
        return access if isinstance(access, All) else None

    def sums(self, value: Array, weights: Array, shape: Shape) -> Array:
        """See ``Convolution``."""
        outputs, height, width, depth = weights.shape
        groups = value.shape[3] // depth
        if (height, width, groups) == (1, 1, 1):
            columns = self.tap(value, 0, 0, shape)[:, :, :, None, :]
        else:
            columns = np.empty((*shape[:3], height * width, value.shape[3]), value.dtype)
            for tap in range(height * width):
                columns[:, :, :, tap] = self.tap(value, tap // width, tap % width, shape)
        per_group = outputs // groups
        matrix = weights.reshape(outputs, -1).T
        results = []
        for group in range(groups):
            window = columns[..., group * depth : (group + 1) * depth]
            chosen = matrix[:, group * per_group : (group + 1) * per_group]
            rows = window.reshape(-1, matrix.shape[0])
            is_float = value.dtype == np.float32
            results.append(ordered_matmul(rows, chosen) if is_float else exact_matmul(rows, chosen))
        return np.concatenate(results, axis=1).reshape(shape)

    def more_fields(self, data: Shape, weights: Shape) -> dict[str, CValue]:
        """See ``Convolution``."""
        return {"output_channels": weights[0], "groups": data[3] // weights[3]}

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in (*CONV_2D, *INT16):
            yield cls._case(case)
        for case in OF_UINT8:
            yield Conv2DOfUint8._case(case)

    @classmethod
    def _case(cls, case: Case) -> Graph:
        channels = case.shape[3] // case.groups
        weights = (case.outputs, *case.kernel, channels)
        return weighted_case(cls, case, weights, axis=0)


@dataclass(frozen=True, kw_only=True)
class Conv2DOfUint8(Conv2D):
    """Such a layer of a uint8 network, shifted to int8 when it was imported."""

    OF_UINT8: ClassVar[bool] = True
