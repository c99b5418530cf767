"""What RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR share: the size, the flags, the cases."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, Listed, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import RowOperator, one_node_graph, where
from edgebottle.ops.case_tensors import activation, indices
from edgebottle.ops.movement import constant_ints, data_input


@dataclass(frozen=True, kw_only=True)
class Resize(RowOperator):
    """An image of another height and width; input 1 holds them.

    Limits:
        4 axes; the size is a constant, no side has 32,768 pixels or more. The output has the scale
        and zero point of the input. Not both align_corners and half_pixel_centers.

    Attributes:
        size: Height and width of the output.
        align_corners: The centers of the corner pixels coincide.
        half_pixel_centers: Pixel i is at i + 0.5.
    """

    STRIDED_OUTPUT: ClassVar[bool] = True
    CASE_TYPES: ClassVar[tuple[DType, ...]] = (DType.I8, DType.F32)

    size: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """See ``Operator``."""
        label = f"{name} ({cls.OP})"
        size = constant_ints(ins[1], label)
        if len(data_input(ins).shape) != 4 or len(size) != 2 or min(size) < 1:
            raise UnsupportedOp(f"{label} needs an input of 4 axes and a size of 2 numbers")
        align_corners = bool(options is not None and options.alignCorners)
        half_pixel_centers = bool(options is not None and options.halfPixelCenters)
        if align_corners and half_pixel_centers:
            raise UnsupportedOp(f"{label} uses both align_corners and half_pixel_centers")
        return cls(
            name=name,
            inputs=inputs,
            outputs=outputs,
            size=(size[0], size[1]),
            align_corners=align_corners,
            half_pixel_centers=half_pixel_centers,
        )

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        options = super().to_tflite(ins, outs)
        options.alignCorners = self.align_corners
        options.halfPixelCenters = self.half_pixel_centers
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        return (((data.shape[0], *self.size, data.shape[3]), data.dtype),)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``: the kernels do not rescale, neither do LiteRT's."""
        data = data_input(ins)
        if max(*data.shape, *outs[0].shape) >= 1 << 15:
            raise UnsupportedOp(f"{where(self)} has an image with a side of 32768 or more")
        if data.quant != outs[0].quant:
            raise UnsupportedOp(
                f"{where(self)} changes the quantization, which edgebottle does not support yet"
            )

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """Pixels of the input around the place of each; the size is no data."""
        if index != 0:
            return None
        data = data_input(ins)
        height, width = (
            self.along(before, after, data.dtype)
            for before, after in zip(data.shape[1:3], self.size, strict=True)
        )
        return (Same(), height, width, Same())

    @abstractmethod
    def along(self, before: int, after: int, dtype: DType) -> Listed:
        """The indices that each reads, along an axis of ``before`` that gets ``after``."""

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, size in _CASES:
            for flags, align_corners, half_pixel_centers in _FLAGS:
                for dtype in cls.CASE_TYPES:
                    node = cls(
                        name="resize",
                        inputs=("x", "size"),
                        outputs=("y",),
                        size=size,
                        align_corners=align_corners,
                        half_pixel_centers=half_pixel_centers,
                    )
                    data = activation("x", shape, dtype)
                    ((out_shape, _),) = node.infer([data])
                    output = activation("y", out_shape, dtype)
                    yield one_node_graph(
                        f"{cls.OP.lower()}_{case}_{flags}_{dtype.label}",
                        node,
                        [data, indices("size", *size), output],
                    )


_FLAGS = (("plain", False, False), ("align", True, False), ("half", False, True))

_CASES: tuple[tuple[str, Shape, tuple[int, int]], ...] = (
    ("double", (1, 4, 5, 3), (8, 10)),
    ("odd", (1, 3, 5, 2), (7, 11)),
    ("shrink", (1, 9, 7, 3), (4, 3)),
    ("one_pixel", (1, 1, 1, 2), (3, 4)),
    ("to_one_pixel", (1, 5, 4, 2), (1, 1)),
    ("batch", (2, 2, 3, 2), (5, 4)),
    ("large", (1, 2, 2, 1), (37, 128)),
)
