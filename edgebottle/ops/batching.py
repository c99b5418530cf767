"""What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND share: images cut into parts, and put together.

The image is cut into blocks of ``block`` pixels. Part (i, j) has the pixel (i, j) of each block,
and the parts of a batch of images follow each other along the batch: part by part, image by image.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor, Tensors
from edgebottle.ops.base import CValue, Emitter, Operator, one_node_graph
from edgebottle.ops.case_tensors import activation, constant, indices, quantized
from edgebottle.ops.movement import check_movable, constant_ints, data_input

Borders = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class BatchingOperator(Operator):
    """Images of 3 or 4 axes; input 1 holds the sizes of a block, input 2 the borders.

    Limits:
        3 or 4 axes. Block and borders are constants.

    Attributes:
        block: Pixels of a block along each spatial axis.
        borders: Pixels before and after the image along each spatial axis, which only the parts
            have.
    """

    block: tuple[int, ...]
    borders: Borders

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
        axes = len(data_input(ins).shape) - 2
        block, flat = constant_ints(ins[1], label), constant_ints(ins[2], label)
        if axes not in (1, 2) or len(block) != axes or len(flat) != 2 * axes:
            raise UnsupportedOp(
                f"{label} has blocks of {list(block)} and borders of {list(flat)} for a tensor of "
                f"{axes + 2} axes"
            )
        if min(block) < 1 or min(flat) < 0:
            raise UnsupportedOp(f"{label} has blocks of {list(block)}, borders of {list(flat)}")
        borders = tuple(zip(flat[::2], flat[1::2], strict=True))
        return cls(name=name, inputs=inputs, outputs=outputs, block=block, borders=borders)

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_movable(self, ins, outs, 0)

    def split(self, images: Array) -> Array:
        """The parts of images with their borders; ``block`` divides them."""
        batch, *sizes, channels = images.shape
        grid = [size // step for size, step in zip(sizes, self.block, strict=True)]
        pairs = [extent for pair in zip(grid, self.block, strict=True) for extent in pair]
        axes = range(len(grid))
        order = [*(2 * axis + 2 for axis in axes), 0, *(2 * axis + 1 for axis in axes)]
        apart = images.reshape(batch, *pairs, channels).transpose(*order, 2 * len(grid) + 1)
        return np.ascontiguousarray(apart.reshape(batch * prod(self.block), *grid, channels))

    def joined(self, parts: Array) -> Array:
        """The inverse of ``split``."""
        batch, *grid, channels = parts.shape
        count = len(grid)
        apart = parts.reshape(*self.block, batch // prod(self.block), *grid, channels)
        order = [count]
        for axis in range(count):
            order += [count + 1 + axis, axis]
        sizes = [size * step for size, step in zip(grid, self.block, strict=True)]
        whole = apart.transpose(*order, 2 * count + 1)
        return np.ascontiguousarray(whole.reshape(batch // prod(self.block), *sizes, channels))

    def params(self, e: Emitter, images: Tensor, parts: Tensor, value: str) -> str:
        """Registers the parameters of the kernels; ``value`` are the bits of the border.

        Tensors of 3 axes are lines of pixels: images that are one pixel wide.
        """
        (height, width), (part_height, part_width) = (
            (*tensor.shape[1:-1], 1)[:2] for tensor in (images, parts)
        )
        block_height, block_width = (*self.block, 1)[:2]
        (top, _), (left, _) = (*self.borders, (0, 0))[:2]
        fields: dict[str, CValue] = {
            "batches": images.shape[0],
            "height": height,
            "width": width,
            "part_height": part_height,
            "part_width": part_width,
            "block_height": block_height,
            "block_width": block_width,
            "top": top,
            "left": left,
            "pixel_bytes": images.layout.pixel_bytes,
            "element_bytes": images.layout.element_bytes,
            "value": value,
        }
        e.include("eb_space_to_batch.h")
        return e.params("eb_space_to_batch", fields)

    @classmethod
    @abstractmethod
    def of_images(cls, shape: Shape, block: tuple[int, ...], borders: Borders) -> Shape:
        """The shape of the input whose images have ``shape``, for a test case."""

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case, shape, block, borders, dtype in _CASES:
            node = cls(
                name="move",
                inputs=("x", "block", "borders"),
                outputs=("y",),
                block=block,
                borders=borders,
            )
            data = activation("x", cls.of_images(shape, block, borders), dtype)
            if case == "image":  # the border is the zero point of the output
                data = quantized("x", data.shape, 0.05, -128)
            ((out_shape, _),) = node.infer([data])
            tensors = [
                data,
                indices("block", *block),
                constant("borders", np.array(borders, np.int32)),
                Tensor("y", out_shape, dtype, data.quant),
            ]
            yield one_node_graph(f"{cls.OP.lower()}_{case}", node, tensors)


_CASES: tuple[tuple[str, Shape, tuple[int, ...], Borders, DType], ...] = (
    ("image", (1, 7, 6, 3), (2, 3), ((1, 2), (2, 1)), DType.I8),
    ("whole", (1, 4, 6, 2), (2, 2), ((0, 0), (0, 0)), DType.I8),
    ("one_block", (1, 3, 2, 5), (1, 1), ((0, 0), (0, 0)), DType.I8),
    ("batch", (3, 5, 4, 2), (3, 2), ((0, 1), (3, 1)), DType.I8),
    ("border_of_a_block", (1, 2, 2, 1), (2, 4), ((4, 2), (0, 6)), DType.I8),
    ("line", (1, 11, 4), (4,), ((3, 2),), DType.I8),
    ("lines", (2, 6, 3), (3,), ((0, 0),), DType.I8),
    ("f32", (1, 5, 4, 2), (2, 2), ((1, 0), (1, 1)), DType.F32),
    ("i32", (1, 5, 4, 2), (2, 2), ((1, 0), (1, 1)), DType.I32),
)
