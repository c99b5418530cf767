"""RESIZE_BILINEAR: an image of another size, interpolated between four pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Listed
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature, require_dtype, where
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, TypedKernel
from edgebottle.ops.movement import data_input
from edgebottle.ops.resizing import Resize

UNIT = 1 << 10
"""Positions of quantized images are in 1/1024 of a pixel."""


class _BilinearS8(TypedKernel["ResizeBilinear"]):
    """Positions and weights in fixed point, computed on the target."""

    def emit(self, layer: Layer[ResizeBilinear], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node, data = layer.node, data_input(layer.ins)
        e.include("eb_resize.h")
        (step_y, start_y), (step_x, start_x) = (
            node.grid(data.shape[axis], node.size[axis - 1]) for axis in (1, 2)
        )
        params = e.params(
            "eb_resize_bilinear",
            {
                "out_width": node.size[1],
                "channels": data.shape[3],
                "last_row": data.shape[1] - 1,
                "last_column": data.shape[2] - 1,
                "step_y": step_y,
                "start_y": start_y,
                "step_x": step_x,
                "start_x": start_x,
            },
        )
        pointers = f"{e.rows(0)}, {e.y()}, {e.out_row()}"
        return f"{self.function}({params}, {pointers}, {e.out_pixel_stride()});"


class _BilinearF32(TypedKernel["ResizeBilinear"]):
    """Positions and weights in tables."""

    def emit(self, layer: Layer[ResizeBilinear], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        node, data = layer.node, data_input(layer.ins)
        e.include("eb_resize.h")
        _, _, weights_y = node.neighbours(data.shape[1], node.size[0], DType.F32)
        left, right, weights_x = node.neighbours(data.shape[2], node.size[1], DType.F32)
        columns = e.constant("columns", np.stack([left, right], axis=1).astype(np.uint16))
        across = e.constant("weights_x", weights_x)
        down = e.constant("weights_y", weights_y)
        return (
            f"{self.function}({e.rows(0)}, {down}[{e.y()}], {e.out_row()}, "
            f"{e.out_pixel_stride()}, {columns}, {across}, {node.size[1]}, {data.shape[3]});"
        )


class _BilinearU8(_BilinearF32):
    """Of what was uint8, less 128."""


@dataclass(frozen=True, kw_only=True)
class ResizeBilinear(KernelOperator, Resize):
    """Every output pixel is the weighted mean of the four input pixels around it.

    For int8 positions and weights have 10 bits and the mean is rounded half away from zero.

    Limits:
        int8 images are enlarged only as far as positions of 10 bits can express.
    """

    OP: ClassVar[str] = "RESIZE_BILINEAR"
    SIGNATURE: ClassVar[Signature] = Signature(
        "ResizeBilinearOptions", 2, 2, fields=("-", "-", "bool", "bool")
    )
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _BilinearS8((DType.I8,), "eb_resize_bilinear_s8_row"),
        _BilinearF32((DType.F32,), "eb_resize_bilinear_f32_row"),
    )

    OF_UINT8: ClassVar[bool] = False
    """Of a network that was uint8."""

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        data = data_input(ins)
        require_dtype(self, data, DType.I8, DType.F32)
        super().check(ins, outs)
        for before, after in zip(data.shape[1:3], self.size, strict=True):
            step, start = self.grid(before, after)
            if data.dtype is DType.I8 and (after - 1) * step + start >= before * UNIT:
                # The step is rounded; LiteRT reads beyond the image here.
                raise UnsupportedOp(
                    f"{where(self)} enlarges {before} to {after}, which the 10-bit positions of "
                    "its int8 form cannot express"
                )

    def grid(self, before: int, after: int) -> tuple[int, int]:
        """Step from one output pixel to the next and position of the first, in ``UNIT``s."""
        if self.align_corners and after > 1:
            step = (UNIT * (before - 1) + (after - 1) // 2) // (after - 1)
        else:
            step = (UNIT * before + after // 2) // after
        return step, step // 2 - UNIT // 2 if self.half_pixel_centers else 0

    def neighbours(self, before: int, after: int, dtype: DType) -> tuple[Array, Array, Array]:
        """Lower and upper input index of each output index, and the weight of the upper one."""
        if dtype is DType.F32:
            positions = self._float_positions(before, after)
            lower = np.clip(np.floor(positions), 0, before - 1).astype(np.int64)
            weights = np.clip(positions - lower.astype(np.float32), 0, 1).astype(np.float32)
        else:
            step, start = self.grid(before, after)
            positions = np.maximum(np.arange(after) * step + start, 0)
            lower = np.minimum(positions // UNIT, before - 1)
            weights = positions % UNIT
        # After the last pixel there is only that pixel.
        weights = np.where(lower == before - 1, weights.dtype.type(0), weights)
        return lower, np.minimum(lower + 1, before - 1), weights

    def _float_positions(self, before: int, after: int) -> Array:
        if self.align_corners and after > 1:
            scale = np.float32(before - 1) / np.float32(after - 1)
        else:
            scale = np.float32(before) / np.float32(after)
        index = np.arange(after).astype(np.float32)
        if self.half_pixel_centers:
            return np.asarray((index + np.float32(0.5)) * scale - np.float32(0.5))
        return np.asarray(index * scale)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data, dtype = values[0], outs[0].dtype
        assert data is not None
        top, bottom, wy = self.neighbours(data.shape[1], self.size[0], dtype)
        left, right, wx = self.neighbours(data.shape[2], self.size[1], dtype)
        one = np.float32(1) if dtype is DType.F32 else np.int64(UNIT)
        wide = data if dtype is DType.F32 else data.astype(np.int64)
        weights_x = wx[:, np.newaxis]
        weights_y = wy[:, np.newaxis, np.newaxis]
        across = wide[:, :, left] * (one - weights_x) + wide[:, :, right] * weights_x
        total = across[:, top] * (one - weights_y) + across[:, bottom] * weights_y
        if dtype is DType.F32:
            return (np.asarray(total, np.float32),)
        rounded = np.sign(total) * ((np.abs(total) + UNIT * UNIT // 2) // (UNIT * UNIT))
        return (rounded.astype(np.int8),)

    def along(self, before: int, after: int, dtype: DType) -> Listed:
        """See ``Resize``."""
        low, high, _ = self.neighbours(before, after, dtype)
        return Listed(tuple(zip(low.tolist(), high.tolist(), strict=True)))

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Those of uint8 as well."""
        yield from super().cases()
        if cls is ResizeBilinear:
            for graph in ResizeBilinearOfUint8.cases():
                if "_half_" in graph.name:
                    yield replace(graph, name=f"{graph.name}_of_uint8")


@dataclass(frozen=True, kw_only=True)
class ResizeBilinearOfUint8(ResizeBilinear):
    """Such a layer of a uint8 network, which LiteRT interpolates in single precision."""

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (
        _BilinearU8((DType.I8,), "eb_resize_bilinear_u8_row"),
    )
    CASE_TYPES: ClassVar[tuple[DType, ...]] = (DType.I8,)
    OF_UINT8: ClassVar[bool] = True

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """None."""
        raise UnsupportedOp(f"{where(self)} was uint8: no int8 file gives the same results")

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        require_dtype(self, data_input(ins), DType.I8)
        Resize.check(self, ins, outs)

    def neighbours(self, before: int, after: int, dtype: DType) -> tuple[Array, Array, Array]:
        """See ``ResizeBilinear``; the weight is below 0 before the first pixel."""
        positions = self._float_positions(before, after).astype(np.float32)
        lower = np.maximum(np.floor(positions), 0).astype(np.int64)
        upper = np.minimum(np.ceil(positions), before - 1).astype(np.int64)
        weights = (positions - lower.astype(np.float32)).astype(np.float32)
        return np.minimum(lower, before - 1), np.maximum(upper, 0), weights

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``: the products in LiteRT's order."""
        assert values[0] is not None
        data, one = values[0].astype(np.float32) + np.float32(128), np.float32(1)
        top, bottom, wy = self.neighbours(data.shape[1], self.size[0], DType.I8)
        left, right, wx = self.neighbours(data.shape[2], self.size[1], DType.I8)
        x, y = wx[:, np.newaxis], wy[:, np.newaxis, np.newaxis]
        above, below = data[:, top], data[:, bottom]
        total = above[:, :, left] * (one - y) * (one - x) + below[:, :, left] * y * (one - x)
        total = total + above[:, :, right] * (one - y) * x + below[:, :, right] * y * x
        return ((np.floor(total + np.float32(0.5)) - np.float32(128)).astype(np.int8),)
