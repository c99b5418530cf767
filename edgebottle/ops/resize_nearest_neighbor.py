"""RESIZE_NEAREST_NEIGHBOR: an image of another size, of copied pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgebottle.ir.access import Listed
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Tensor, Tensors
from edgebottle.ops.base import Emitter, Signature
from edgebottle.ops.channel_range import Range
from edgebottle.ops.fixed_point import round_half_away
from edgebottle.ops.movement import check_movable, data_input
from edgebottle.ops.resizing import Resize


@dataclass(frozen=True, kw_only=True)
class ResizeNearestNeighbor(Resize):
    """Every output pixel is a copy of the input pixel next to it."""

    OP: ClassVar[str] = "RESIZE_NEAREST_NEIGHBOR"
    SIGNATURE: ClassVar[Signature] = Signature(
        "ResizeNearestNeighborOptions", 2, 2, fields=("bool", "bool")
    )
    CASE_TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.F32, DType.I16)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)
        super().check(ins, outs)

    def _sources(self, before: int, after: int) -> Array:
        """The input index of each output index along one axis, in float32 as LiteRT does."""
        if self.align_corners and after > 1:
            scale = np.float32(before - 1) / np.float32(after - 1)
        else:
            scale = np.float32(before) / np.float32(after)
        offset = np.float32(0.5 if self.half_pixel_centers else 0.0)
        position = (np.arange(after).astype(np.float32) + offset) * scale
        whole = round_half_away(position) if self.align_corners else np.floor(position)
        return np.clip(whole.astype(np.int64), 0, before - 1)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        data = values[0]
        assert data is not None
        rows = self._sources(data.shape[1], self.size[0])
        columns = self._sources(data.shape[2], self.size[1])
        return (np.ascontiguousarray(data[:, rows][:, :, columns]),)

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """That of the input."""
        return ranges[0]

    def along(self, before: int, after: int, dtype: DType) -> Listed:
        """See ``Resize``."""
        return Listed(tuple((place,) for place in self._sources(before, after).tolist()))

    def emit(self, e: Emitter) -> str:
        """See ``Operator``."""
        data = data_input(e.tensors[0])
        columns = self._sources(data.shape[2], self.size[1]).astype(np.uint16)
        e.include("eb_resize.h")
        return (
            f"eb_resize_nearest_row({e.row(0)}, {e.out_row()}, {e.constant('columns', columns)}, "
            f"{self.size[1]}, {data.layout.pixel_bytes}, "
            f"{e.out_pixel_stride() * data.layout.element_bytes});"
        )
