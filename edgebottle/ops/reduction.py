"""What the operators that reduce axes to one element share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, All, AxisMap, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import CValue, RowOperator, Signature, where
from edgebottle.ops.kernel import AccumulatingKernelOperator, KernelOperator
from edgebottle.ops.movement import constant_ints, data_input, merged, normal_axis

MAX_AXES = 3
"""Axes of each kind that the kernels walk along."""


@dataclass(frozen=True, kw_only=True)
class Reduction(KernelOperator):
    """One element of all those along ``axes``.

    Limits:
        The axes are constants; neighbours counted as one, at most 3 are reduced and 3 stay.

    Attributes:
        axes: From the front, ascending, each once.
        keep_dims: The axes stay, with one element.
    """

    SIGNATURE: ClassVar[Signature] = Signature("ReducerOptions", 2, 2, fields=("bool",))

    axes: tuple[int, ...]
    keep_dims: bool

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
        shape = data_input(ins).shape
        axes = {normal_axis(axis, len(shape), label) for axis in constant_ints(ins[1], label)}
        return cls.over(
            shape,
            name=name,
            inputs=inputs,
            outputs=outputs,
            axes=tuple(sorted(axes)),
            keep_dims=bool(options.keepDims) if options is not None else False,
        )

    @classmethod
    def over(cls, shape: Shape, **fields: Any) -> Self:
        """The node for an input of ``shape``."""
        return cls(**fields)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import ReducerOptionsT

        options = ReducerOptionsT()
        options.keepDims = self.keep_dims
        return options

    def infer(self, ins: Tensors) -> tuple[tuple[Shape, DType], ...]:
        """See ``Node``."""
        data = data_input(ins)
        shape = tuple(
            1 if axis in self.axes else dim
            for axis, dim in enumerate(data.shape)
            if self.keep_dims or axis not in self.axes
        )
        return ((shape, data.dtype),)

    def check_axes(self, shape: Shape) -> None:
        """Refuses more axes than the kernels walk along."""
        if max(len(axes) for axes in self._groups(shape)) > MAX_AXES:
            raise UnsupportedOp(f"{where(self)} uses the axes {self.axes}: too many groups")

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Its own, unless channels are reduced too."""
        is_over_channels = len(data_input(ins).shape) - 1 in self.axes
        return Same() if index == 0 and not is_over_channels else None

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: output i is made of elements none of which comes before i."""
        return (0,)

    def _groups(self, shape: Shape) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Elements and stride of the axes that stay and of those that are reduced, merged."""
        strides = Layout.contiguous(shape, 8).byte_strides
        groups = []
        for wanted in (False, True):
            axes = [axis for axis in range(len(shape)) if (axis in self.axes) == wanted]
            steps = [strides[axis] for axis in axes]
            kind = merged(tuple(shape[axis] for axis in axes), steps, steps)
            groups.append([(count, stride) for count, stride, _ in kind])
        return groups[0], groups[1]

    def walk_fields(self, shape: Shape) -> dict[str, CValue]:
        """The fields of a kernel's parameters that say which elements it walks over."""
        kept, reduced = ([(1, 0)] * (MAX_AXES - len(axes)) + axes for axes in self._groups(shape))
        return {
            "kept": tuple(count for count, _ in kept),
            "kept_strides": tuple(stride for _, stride in kept),
            "reduced": tuple(count for count, _ in reduced),
            "reduced_strides": tuple(stride for _, stride in reduced),
        }


def is_global(shape: Shape, axes: tuple[int, ...], **fields: Any) -> bool:
    """Whether one image is reduced over height and width."""
    return len(shape) == 4 and shape[0] == 1 and set(axes) - {0} == {1, 2}


def is_of_channels(shape: Shape, axes: tuple[int, ...], keep_dims: bool, **fields: Any) -> bool:
    """Whether each pixel of images is reduced to one element."""
    return len(shape) == 4 and axes == (3,) and keep_dims


@dataclass(frozen=True, kw_only=True)
class ChannelReduction(Reduction, RowOperator):
    """A reduction for which ``is_of_channels`` holds: a row becomes as many elements as pixels."""

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """All channels of the same pixel."""
        return (Same(), Same(), Same(), All(data_input(ins).shape[3])) if index == 0 else None

    def walk_fields(self, shape: Shape) -> dict[str, CValue]:
        """Those of one row."""
        return super().walk_fields((1, 1, *shape[2:]))


@dataclass(frozen=True, kw_only=True)
class GlobalReduction(Reduction, AccumulatingKernelOperator):
    """A reduction for which ``is_global`` holds: one output row, of rank 4 or less.

    Its kernels are of ``AccumulatingKernel``, and have four bytes for each channel.
    """

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """All pixels of the channel; without a relation where the axes of pixels are dropped."""
        if index != 0 or not self.keep_dims:
            return None
        _, height, width, _ = data_input(ins).shape
        return (Same(), All(height), All(width), Same())

    def row_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """All of them, whatever the axes of the output."""
        return All(data_input(ins).shape[1]) if index == 0 else None

    def accumulates(self, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        """See ``AccumulatingOperator``."""
        return True

    def accumulator_bytes(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """See ``AccumulatingOperator``: a sum for each channel."""
        return 4 * outs[0].size
