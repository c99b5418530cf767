"""What the operator files share: activations, padding, and how an operator emits its C call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol, Self, TypeGuard

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.access import Access, AxisMap, Broadcast, Offset, Same
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Quant, Tensor, Tensors
from edgebottle.ops.activation import Activation as Activation
from edgebottle.ops.channel_range import Range
from edgebottle.ops.inlining import Inlining
from edgebottle.ops.read_again import ReadAgain
from edgebottle.ops.signature import MANY as MANY
from edgebottle.ops.signature import Signature as Signature
from edgebottle.ops.weighted_sums import OtherOperands, WeightedOperands, WeightedSums


class Isa(Enum):
    """Kernel variant, by instruction set.

    Attributes:
        PORTABLE: Plain loops, for any computer.
        SCALAR: Any core with a multiplier of 32 bits, tuned for those without the DSP extension.
        DSP: Cores with the DSP extension of Armv7E-M or Armv8-M. MVE: With vectors of Armv8.1-M.
        NEON: Cortex-A, with vectors. NEON_COUNTS, NEON_DOT: Those that count bits faster than they
            multiply bytes, and those that have SDOT. NEON_ANY: All of 64 bits: only the program
            that runs there finds whether there is SDOT.
    """

    PORTABLE, SCALAR, DSP, MVE = "portable", "scalar", "dsp", "mve"
    NEON, NEON_COUNTS, NEON_DOT, NEON_ANY = "neon", "neon-counts", "neon-dot", "neon-any"


CValue = int | float | str | Sequence[int]
"""A field of a C parameter struct: a number, a C expression, or an array of integers."""


class Emitter(Protocol):
    """What an operator may ask of the code generator while it emits its call.

    Pointer expressions are C expressions of type ``const T *`` (inputs) or ``T *`` (outputs), T
    being the C type of the tensor's elements.
    """

    isa: Isa
    """The variant the model is compiled for."""

    inlined: bool
    """The layer is to have a kernel of its own; only where ``inlining`` has offered one."""

    @property
    def tensors(self) -> tuple[Tensors, Sequence[Tensor]]:
        """The input and the output tensors of the node."""

    def include(self, header: str) -> None:
        """Includes a kernel header of ``firmware/lib/edgebottle/include``."""

    def constant(self, suffix: str, values: Array) -> str:
        """Registers a constant array of this layer in flash; returns its identifier.

        The C element type follows the NumPy dtype.
        """

    def params(self, struct: str, fields: Mapping[str, CValue]) -> str:
        """Registers ``static const struct ..._params = {...}``; returns a pointer expression."""

    def input(self, index: int) -> str:
        """Pointer to the whole of a contiguous input."""

    def output(self, index: int = 0) -> str:
        """Pointer to the whole of a contiguous output."""

    def rows(self, index: int) -> str:
        """Row operators: ``const void *const *``, the rows named by ``row_access``, in its order.

        NULL stands for a row outside of the tensor.
        """

    def row(self, index: int) -> str:
        """Row operators whose window is one row: pointer to that row (never NULL)."""

    def out_row(self) -> str:
        """Row operators: pointer to the first element of the output row."""

    def out_pixel_stride(self) -> int:
        """Row operators: elements from one output pixel to the next (>= channels).

        Bytes, where an element has less than 8 bits.
        """

    def y(self) -> str:
        """Row operators: the number of the output row within its image, a C expression."""

    def accumulator(self) -> str:
        """``void *`` to the accumulator of an ``AccumulatingOperator``, 4-byte aligned."""

    def scratch(self) -> str:
        """``void *`` to ``scratch_bytes`` bytes, 4-byte aligned, undefined content."""

    def scratch_place(self) -> str:
        """The same as a constant, for a struct in flash; a kernel must not see its value."""

    def copy_place(self, nbytes: int) -> str | None:
        """Where the plan has the ``nbytes`` of ``read_again`` copied to; None: to nowhere.

        A constant, 4-byte aligned.
        """


@dataclass(frozen=True, kw_only=True)
class Operator(Node):
    """A node that edgebottle can compile: it reads TFLite's options and emits C."""

    SIGNATURE: ClassVar[Signature]
    """What the importer expects of the operator in a file."""

    VIEW: ClassVar[bool] = False
    """Output 0 is the very bytes of input 0 under another shape (RESHAPE, SQUEEZE).

    The plan gives both one memory where it can; ``emit`` is the copy for where it cannot.
    """

    MOVES: ClassVar[bool] = False
    """Each output element is an element of an input, unchanged: the one that ``access`` says.

    So a join or a crop need not be computed where its parts can lie where they belong.
    """

    INT8_OUTPUT: ClassVar[Quant | None] = None
    """The quantization that LiteRT's int8 kernel demands of the output, or has built in."""

    def access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> Access | None:
        """How output 0 reads input ``index``: a relation for each axis of the output.

        None where there is none: the input is no data (weights, sizes), or all depends on all.
        """
        return None

    def accesses(self, ins: Tensors, outs: Sequence[Tensor]) -> Sequence[Access | None]:
        """``access`` of each input."""
        return [self.access(index, ins, outs) for index in range(len(ins))]

    def attribute_operands(self) -> Mapping[int, Sequence[int]]:
        """Constant inputs that only repeat attributes, such as paddings: index and elements."""
        return {}

    def channel_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Which channels of input ``index``, that is indices of its last axis, output 0 reads.

        Channels can be taken away by it: those that stay are computed as before once shapes and
        ``channel_operands`` have shrunk. None where they would not be, or the input is no data.
        """
        access = self.access(index, ins, outs)
        if access is None:
            return None
        return access[-1] if access else Same()

    def clamp(self, out: Tensor) -> tuple[int, int] | None:
        """What output 0, of int8 or int16, is clamped to, if ``Tensor.bounds`` can set that."""
        return None

    def weighted_operands(self) -> WeightedOperands | None:
        """Where weights and biases are, of a layer that sums products with constant weights."""
        return None

    def other_operands(self) -> OtherOperands | None:
        """Where factors, biases and states are, of layers that sum products in other ways."""
        return None

    def channel_operands(self, ins: Tensors, outs: Sequence[Tensor]) -> Mapping[int, int]:
        """Constant inputs that hold something of each output channel: index and axis.

        A layer that has them computes some of its channels from its slices of them.
        """
        return {}

    def channel_range(
        self, ranges: Mapping[int, Range], ins: Tensors, outs: Sequence[Tensor]
    ) -> Range | None:
        """The values that the channels of output 0 can take, whatever the input is.

        Only asked of operators whose input 0 and whose only output are int8.

        Args:
            ranges: Of the int8 inputs, by index.
            ins: The input tensors.
            outs: The output tensors.

        Returns:
            None where nothing is known.
        """
        return ranges[0].regrouped(outs[0].layout.pixel_elements) if self.VIEW else None

    def weighted_sums(self, ins: Tensors, outs: Sequence[Tensor]) -> WeightedSums | None:
        """Output 0 as sums of input 0 before they are requantized; None where it is no such sums.

        Only of int8 layers with constant weights.
        """
        return None

    def inlining(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> Inlining | None:
        """What a kernel compiled for this layer alone would bring; None where there is none."""
        return None

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
        """Builds the node from the model's operator; here one that has no attributes.

        Args:
            name: Name of the layer.
            inputs: Names of the inputs.
            outputs: Names of the outputs.
            ins: The input tensors.
            outs: The output tensors.
            options: Object of the schema (such as ``Conv2DOptionsT``), None when absent.

        Raises:
            UnsupportedOp: an attribute that is not supported.
        """
        return cls(name=name, inputs=inputs, outputs=outputs)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """The schema's options object of this node (the inverse of ``from_tflite``), or None.

        Used to hand a node to LiteRT. Raises ``UnsupportedOp`` where TFLite cannot express it
        (explicit padding that is neither SAME nor VALID). Here the schema's defaults.
        """
        from ai_edge_litert import schema_py_generated as schema

        return getattr(schema, f"{kind}T")() if (kind := self.SIGNATURE.options) else None

    def with_intermediates(self, quants: Sequence[Quant | None]) -> Self:
        """The same operator with the quantizations of what it computes on the way.

        A file has them as tensors beside the inputs and outputs; few operators do.
        """
        return self

    def intermediates(self) -> Sequence[tuple[DType, Quant | None]]:
        """What ``with_intermediates`` takes, with the types of these tensors."""
        return ()

    def custom_options(self) -> bytes | None:
        """The options of an operator that TFLite has no schema for; ``from_tflite`` reads them."""
        return None

    @abstractmethod
    def emit(self, e: Emitter) -> str:
        """The C statement that computes the outputs, or one output row for a ``RowOperator``."""

    def scratch_bytes(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> int:
        """Bytes of scratch the kernel of ``isa`` needs."""
        return 0

    def read_again(self, ins: Tensors, outs: Sequence[Tensor], isa: Isa) -> ReadAgain | None:
        """What the kernel of ``isa`` could have copied to RAM first; None where it could not."""
        return None

    @classmethod
    @abstractmethod
    def cases(cls) -> Iterator[Graph]:
        """Test cases: graphs of one node, named after what they try, the same at every call."""


@dataclass(frozen=True, kw_only=True)
class RowOperator(Operator):
    """An operator that computes output rows from input rows (rank 4; other ranks are one row).

    The kernel is called once per output row, in ascending order. Row numbers count within one
    image; the code generator adds the loop over the batch.
    """

    STRIDED_OUTPUT: ClassVar[bool] = False
    """The kernel can leave gaps between output pixels, as writing into a concatenation needs."""

    def row_access(self, index: int, ins: Tensors, outs: Sequence[Tensor]) -> AxisMap | None:
        """Which rows of input ``index`` an output row reads; None where it is not read by rows.

        As many for every row; those below 0 or beyond the last are padding (NULL in the kernel).
        """
        access, data, row_axis = self.access(index, ins, outs), ins[index], outs[0].layout.row_axis
        if access is None or data is None:
            return None
        if row_axis is None or data.layout.row_axis is None:
            return Broadcast()  # all of it is one row
        return access[row_axis]

    def input_rows(
        self, index: int, y: int, ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[int, ...]:
        """The rows of ``row_access`` of output row ``y``; none where it is not read by rows."""
        access = self.row_access(index, ins, outs)
        return () if access is None else access.reads(y)

    def emit_layer(self, e: Emitter, walk: Mapping[str, CValue]) -> str | None:
        """The C call that computes all output rows of a layer whose tensors are held whole.

        Its arguments are one struct in flash, which is far smaller than the code of a loop.

        Args:
            e: The emitter.
            walk: The fields of the struct that make up its ``eb_walk``.

        Returns:
            None where only rows can be asked for.
        """
        return None

    def is_pixelwise(self, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        """Whether an output pixel depends on the same pixel of the inputs alone.

        If so, rows that follow each other in memory without a gap may be computed in one call, as
        one long row. Inputs of one pixel are the same for all.
        """
        for access, data in zip(self.accesses(ins, outs), ins, strict=True):
            if access is None or data is None:
                continue
            is_pixel = data.layout.size == data.layout.pixel_elements
            alike = (Same, Broadcast) if is_pixel else (Same,)
            if not all(isinstance(axis, alike) for axis in access[:-1]):
                return False
            if not is_pixel and isinstance(access[-1], Broadcast | Offset):
                return False
        return True

    def bordered(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """The same operator with other padding before and after the rows and columns it reads.

        Raises:
            TypeError: it has no padding.
        """
        if (rows, columns) != ((0, 0), (0, 0)):
            raise TypeError(f"{where(self)} has no padding")
        return self


@dataclass(frozen=True, kw_only=True)
class AccumulatingOperator(RowOperator):
    """A row operator that can also take its input row by row as it comes (global pooling).

    Only for an output of one row that reads each row of input 0 once. An accumulator is held, not
    the input.
    """

    def accumulates(self, ins: Tensors, outs: Sequence[Tensor]) -> bool:
        """Whether the shapes allow it; if so the three calls below may be emitted."""
        return False

    def accumulator_bytes(self, ins: Tensors, outs: Sequence[Tensor]) -> int:
        """Bytes of the accumulator."""
        return 0

    def emit_begin(self, e: Emitter) -> str:
        """The C statement before the first row; ``e.accumulator()`` is the accumulator."""
        raise NotImplementedError

    def emit_accumulate(self, e: Emitter) -> str:
        """The C statement that takes one input row, ``e.row(0)``."""
        raise NotImplementedError

    def emit_end(self, e: Emitter) -> str:
        """The C statement that writes the output row, ``e.out_row()``."""
        raise NotImplementedError


def works_by_rows(node: Node, ins: Tensors, outs: Sequence[Tensor]) -> TypeGuard[RowOperator]:
    """Whether a layer computes rows from rows: not every shape of an operator's tensors has any."""
    return isinstance(node, RowOperator) and any(
        node.row_access(index, ins, outs) is not None for index in range(len(ins))
    )


def where(node: Node) -> str:
    """The layer and its operator, for messages: ``conv2d_3 (CONV_2D)``."""
    return f"{node.name} ({node.OP})"


def one_node_graph(case: str, node: Node, tensors: Sequence[Tensor]) -> Graph:
    """A graph of one node: its inputs are the node's inputs that are neither constant nor state."""
    pool = {tensor.name: tensor for tensor in tensors}
    read = dict.fromkeys(name for name in node.inputs if name is not None)
    inputs = tuple(name for name in read if pool[name].data is None and not pool[name].state)
    return Graph(case, pool, (node,), inputs, node.outputs)


def require_dtype(node: Node, tensor: Tensor, *allowed: DType) -> None:
    """Raises ``UnsupportedOp`` unless ``tensor`` has one of the types ``allowed``."""
    if tensor.dtype not in allowed:
        names = " or ".join(dtype.label for dtype in allowed)
        raise UnsupportedOp(
            f"{where(node)}: tensor '{tensor.name}' is {tensor.dtype.label}; supported: {names}"
        )
