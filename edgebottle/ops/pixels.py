"""What operators share that compute the channels of a pixel from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.ir.access import Access, All, Same
from edgebottle.ir.graph import Tensor, Tensors
from edgebottle.ops.base import Emitter
from edgebottle.ops.channel_range import Range
from edgebottle.ops.kernel import KernelOperator, Layer
from edgebottle.ops.table import UnaryOperator, UnaryRows


class PixelRows(UnaryRows):
    """A row, pixel by pixel."""

    def emit(self, layer: Layer[Any], packed: tuple[()], e: Emitter) -> str:
        """See ``Kernel``."""
        layout = layer.output.layout
        e.include(self.header)
        arguments = (
            *(str(layout.pixels), str(layout.pixel_elements), e.row(0), e.out_row()),
            *(str(e.out_pixel_stride()), *self.rest(layer, e)),
        )
        return f"{self.function}({', '.join(arguments)});"


@dataclass(frozen=True, kw_only=True)
class PixelOperator(KernelOperator, UnaryOperator):
    """The channels of each pixel, from all of them."""

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access:
        """All channels of the same pixel."""
        shape = outs[0].shape
        return (*(Same(),) * (len(shape) - 1), All(shape[-1]))

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """Nothing is known: each value depends on all channels."""
        return None
