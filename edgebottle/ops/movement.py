"""What the operators that only move bytes share: types, layouts, and the strided copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Shape, Tensor, Tensors
from edgebottle.ir.layout import Layout
from edgebottle.ops.base import CValue, Emitter, require_dtype, where

MOVABLE = tuple(one for one in DType if one.bits >= 8 and one is not DType.F16)
"""Types whose elements are whole bytes, and that are computed with."""

FEW_BITS = (DType.U4, DType.U2, DType.U1)
"""Types of which bytes are moved, where no byte is taken apart."""

MAX_RANK = 6
"""``EB_MAX_RANK`` of ``edgebottle.h``."""


Copy = tuple[Layout, Layout]
"""From where to where elements are moved."""

MAX_OPERANDS = 64
"""Numbers of a shape, axes or paddings: many times those of the most axes."""


def merged(
    shape: Shape, in_strides: Sequence[int], out_strides: Sequence[int]
) -> list[tuple[int, int, int]]:
    """Merges neighbouring axes that are one axis in both layouts.

    Returns:
        (elements, input stride, output stride) of each axis left, outermost first.
    """
    axes: list[tuple[int, int, int]] = []
    for dim, source, target in zip(shape, in_strides, out_strides, strict=True):
        if dim == 1:
            continue
        if axes and axes[-1][1:] == (dim * source, dim * target):
            axes[-1] = (axes[-1][0] * dim, source, target)
        else:
            axes.append((dim, source, target))
    return axes


def check_axes(node: Node, source: Layout, target: Layout) -> None:
    """Refuses a copy over more axes than the kernel walks."""
    axes = merged(source.shape, source.byte_strides, target.byte_strides)
    if len(axes) > MAX_RANK:
        raise UnsupportedOp(
            f"{where(node)} copies along {len(axes)} axes, at most {MAX_RANK} are supported"
        )


def copy_fields(source: Layout, target: Layout) -> dict[str, CValue]:
    """The fields of ``eb_strided_copy`` for a copy between two layouts of the same shape.

    Raises:
        ValueError: it takes bytes apart.
    """
    source, target = source.in_bytes, target.in_bytes
    axes = merged(source.shape, source.byte_strides, target.byte_strides)
    run = element_bytes = source.element_bytes
    if axes and axes[-1][1:] == (element_bytes, element_bytes):
        run *= axes.pop()[0]
    axes = [(1, 0, 0)] * (MAX_RANK - len(axes)) + axes
    return {
        "run_bytes": run,
        "counts": tuple(axis[0] for axis in axes),
        "in_strides": tuple(axis[1] for axis in axes),
        "out_strides": tuple(axis[2] for axis in axes),
    }


def copy_params(e: Emitter, source: Layout, target: Layout) -> str:
    """Registers the parameters of a strided copy; returns the pointer to them."""
    e.include("eb_strided_copy.h")
    return e.params("eb_strided_copy", copy_fields(source, target))


def copy_call(params: str, source: str, source_offset: int, target: str, target_offset: int) -> str:
    """The call of a strided copy between two pointers, with offsets in bytes."""
    return (
        f"eb_strided_copy_all({params}, {byte_pointer(source, source_offset, const=True)}, "
        f"{byte_pointer(target, target_offset)});"
    )


def byte_pointer(pointer: str, offset: int, *, const: bool = False) -> str:
    """``pointer`` moved on by ``offset`` bytes."""
    if offset == 0:
        return pointer
    return f"({'const ' if const else ''}uint8_t *){pointer} + {offset}"


def view_call(e: Emitter, ins: Tensors) -> str:
    """The copy that stands in for a view."""
    data = ins[0]
    assert data is not None
    e.include("string.h")
    return f"memcpy({e.output()}, {e.input(0)}, {data.nbytes});"


def check_movable(
    node: Node,
    ins: Tensors,
    outs: Sequence[Tensor],
    *data: int,
    copies: Callable[[], Sequence[Copy]] | None = None,
) -> None:
    """Refuses too many axes, and types of few bits where bytes would be taken apart.

    Args:
        node: The node.
        ins: Its inputs.
        outs: Its outputs.
        data: Indices of the inputs that move to the outputs.
        copies: All that is moved, or raises ``ValueError``; None for an operator that moves no
            types of few bits.
    """
    moved = [tensor for index in data if (tensor := ins[index]) is not None]
    if copies is not None and outs[0].dtype in FEW_BITS:
        _check_whole_bytes(node, copies)
    for tensor in (*moved, *outs):
        require_dtype(node, tensor, *MOVABLE, *(FEW_BITS if copies is not None else ()))
        if len(tensor.shape) > MAX_RANK:
            raise UnsupportedOp(
                f"{where(node)}: tensor '{tensor.name}' has {len(tensor.shape)} axes, "
                f"at most {MAX_RANK} are supported"
            )


def _check_whole_bytes(node: Node, copies: Callable[[], Sequence[Copy]]) -> None:
    try:
        for source, target in copies():
            copy_fields(source, target)
    except ValueError as error:
        raise UnsupportedOp(f"{where(node)} takes bytes apart: {error}") from None


def check_view(node: Node, ins: Tensors, outs: Sequence[Tensor]) -> None:
    """``check_movable`` of a node whose output is the very bytes of its input."""

    def seen() -> list[Copy]:
        same = data_input(ins).layout.reshaped(outs[0].shape)
        return [(same, outs[0].layout)]

    check_movable(node, ins, outs, 0, copies=seen)


def normal_axis(axis: int, rank: int, node_name: str) -> int:
    """An axis counted from the front; raises ``UnsupportedOp`` when there is no such axis."""
    if not -rank <= axis < rank:
        raise UnsupportedOp(f"{node_name} uses axis {axis} of a tensor with {rank} axes")
    return axis % rank


def constant_ints(tensor: Tensor | None, node_name: str) -> tuple[int, ...]:
    """The integers of a constant operand such as a shape or axes."""
    if tensor is None:
        raise UnsupportedOp(f"{node_name} lacks an operand")
    values = tensor.constant()
    if values.dtype.kind != "i":
        raise UnsupportedOp(
            f"{node_name}: operand '{tensor.name}' is {tensor.dtype.label}; supported: integers"
        )
    if values.size > MAX_OPERANDS:
        raise UnsupportedOp(f"{node_name} has an operand of {values.size} numbers")
    return tuple(int(value) for value in values.ravel())


def constant_int(tensor: Tensor | None, node_name: str) -> int:
    """The one integer of a constant operand such as an axis."""
    values = constant_ints(tensor, node_name)
    if len(values) != 1:
        raise UnsupportedOp(f"{node_name} has an operand of {len(values)} numbers instead of 1")
    return values[0]


def data_input(ins: Tensors, index: int = 0) -> Tensor:
    """An input that must be there; raises ``UnsupportedOp``."""
    tensor = ins[index] if index < len(ins) else None
    if tensor is None:
        raise UnsupportedOp(f"input {index} is absent")
    return tensor
