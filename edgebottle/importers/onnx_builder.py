"""What the translations of ONNX operators build with: tensors, and nodes of edgebottle's own.

A translation sees the values of its inputs, constants as arrays and the rest as tensors of the
graph, in the order of axes that ONNX has. It adds nodes and returns the values of the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.importers.onnx_node import OnnxNode, Value
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Node, Quant, Shape, Tensor
from edgebottle.ops import BY_NAME
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.fold_constants import folded

TO_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
"""The order of axes that puts the channels last, by the number of axes."""

TO_FIRST = {3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
"""The order that brings them back."""

_NEVER_NEGATIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX", "ABS")

MAX_ELEMENTS = 1 << 27
"""Of a tensor: far more than a microcontroller's."""

MAX_NODES = 20_000
"""Nodes of a network: a long sequence that is unrolled may make more, which no board could hold."""

_KINDS = {"f": DType.F32, "i": DType.I32, "u": DType.I32, "b": DType.BOOL}


def stored_type(array: Array) -> DType:
    """The type of the graph for a constant: real numbers are f32, integers i32."""
    return _KINDS[array.dtype.kind]


def turned_quant(quant: Quant | None, order: Sequence[int]) -> Quant | None:
    """The quantization of a tensor whose axes are put into another order."""
    if quant is None or quant.axis is None:
        return quant
    return replace(quant, axis=tuple(order).index(quant.axis))


class Builder:
    """A graph while it grows.

    Attributes:
        tensors: By name.
        nodes: In an order that can be executed.
        shifted: Names of tensors that are uint8 in the file, and int8 here: 128 less.
    """

    def __init__(self) -> None:
        self.shifted: set[str] = set()
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self._base, self._first = "constant", 0
        self._names: dict[str, int] = {}

    def begin(self, node: OnnxNode) -> None:
        """From here on names derive from ``node``, and nodes are its own."""
        self._first = len(self.nodes)
        self._base = next((name for name in node.outputs if name), node.name)

    def fresh(self, what: str) -> str:
        """A name for ``what`` of the present node that no tensor has.

        It begins with a capital, by which ``layer_names`` knows that it names no layer.
        """
        base = f"{self._base}/{what}"
        while True:
            count = self._names.get(base, 0)
            self._names[base] = count + 1
            name = f"{base}_{count}" if count else base
            if name not in self.tensors:
                return name

    def tensor(self, value: Value) -> Tensor:
        """The tensor of a value; a constant becomes f32, i32 or bool."""
        if isinstance(value, Tensor):
            return self.tensors[value.name]
        dtype = stored_type(value)
        stored = (
            np.ascontiguousarray(value, dtype.numpy) if value.ndim else value.astype(dtype.numpy)
        )
        name = self.fresh("Constant")
        self.tensors[name] = Tensor(name, value.shape, dtype, None, np.asarray(stored))
        return self.tensors[name]

    def on_grid(self, value: Array, quant: Quant) -> Tensor:
        """A constant of real numbers that are quantized in the file."""
        name = self.fresh("Constant")
        self.tensors[name] = Tensor(name, value.shape, DType.F32, quant, value)
        return self.tensors[name]

    def ints(self, *values: int) -> Tensor:
        """A constant operand such as axes."""
        return self.tensor(np.array(values, np.int32))

    def add(
        self,
        op: str,
        *ins: Value | None,
        outputs: int = 1,
        quant: Quant | None = None,
        **attributes: Any,
    ) -> Tensor:
        """Adds a node of one output; see ``add_many``."""
        return self.add_many(op, *ins, outputs=outputs, quant=quant, **attributes)[0]

    def add_many(
        self,
        op: str,
        *ins: Value | None,
        outputs: int = 1,
        quant: Quant | None = None,
        **attributes: Any,
    ) -> tuple[Tensor, ...]:
        """Adds a node, or the constants that it computes.

        Args:
            op: The operator, by its name in TFLite's schema.
            ins: Inputs, those that only repeat attributes as well.
            outputs: How many.
            quant: Of outputs of 8 bits; that of the first such input where it is not given.
            attributes: Of the operator's class.

        Raises:
            UnsupportedOp: the operator is not there, or does not take its inputs.
        """
        if op not in BY_NAME:
            raise UnsupportedOp(f"'{self._base}' needs {op}, which edgebottle does not support yet")
        kind: Any = BY_NAME[op]
        tensors = [None if one is None else self.tensor(one) for one in ins]
        names = tuple(self.fresh(kind.__name__) for _ in range(outputs))
        node = kind(
            name=names[0],
            inputs=tuple(None if one is None else one.name for one in tensors),
            outputs=names,
            **attributes,
        )
        stored = next((one for one in tensors if one is not None and one.dtype is DType.I8), None)
        if quant is None and stored is not None:
            quant = stored.quant
        outs = [
            Tensor(name, shape, dtype, quant if dtype is DType.I8 else None)
            for name, (shape, dtype) in zip(names, node.infer(tensors), strict=True)
        ]
        for one in outs:
            if prod(one.shape) > MAX_ELEMENTS:
                raise UnsupportedOp(f"'{self._base}' has the shape {list(one.shape)}: too large")
        constants = folded(node, tensors, outs)
        if constants is None:
            self.nodes.append(node)
        if len(self.nodes) > MAX_NODES:
            raise UnsupportedOp(f"the model has more than {MAX_NODES:,} operators")
        made = tuple(constants or outs)
        self.tensors.update({one.name: one for one in made})
        if any(one is not None and one.name in self.shifted for one in tensors):
            self.shifted.update(one.name for one in made if one.dtype is DType.I8)
        return made

    def as_integers(self, tensor: Tensor) -> Tensor:
        """``tensor``; the integers themselves where it has 8 bits without a quantization."""
        if tensor.dtype is DType.I8 and tensor.quant is None:
            quant = Quant((1.0,), (-128 if tensor.name in self.shifted else 0,))
            self.tensors[tensor.name] = replace(tensor, quant=quant)
        return self.tensors[tensor.name]

    def settle(self) -> None:
        """Gives every tensor of 8 bits a quantization: that of what it becomes, or integers."""
        for node in reversed(self.nodes):
            quants = [self.tensors[one].quant for one in node.outputs]
            for name in node.inputs:
                tensor = None if name is None else self.tensors[name]
                if tensor is not None and tensor.dtype is DType.I8 and tensor.quant is None:
                    self.tensors[tensor.name] = replace(tensor, quant=quants[0])
        for tensor in tuple(self.tensors.values()):
            self.as_integers(tensor)

    def reshape(self, value: Value, shape: Sequence[int]) -> Tensor:
        """``value`` under another shape of as many elements."""
        tensor, wanted = self.tensor(value), tuple(shape)
        if tensor.shape == wanted:
            return tensor
        if tensor.data is not None:
            whole = tensor.quant is not None and len(tensor.quant.scale) == 1
            plain = tensor if whole else replace(tensor, quant=None)
            return self.constant_like(plain, tensor.data.reshape(wanted))
        node = Reshape(
            name=self.fresh("Reshape"),
            inputs=(tensor.name,),
            outputs=(self.fresh("Reshape"),),
            shape=wanted,
        )
        return self._put(node, replace(tensor, name=node.outputs[0], shape=wanted))

    def copy(self, tensor: Tensor) -> Tensor:
        """A tensor of its own with the same elements."""
        node = Reshape(
            name=self.fresh("Reshape"),
            inputs=(tensor.name,),
            outputs=(self.fresh("Reshape"),),
            shape=tensor.shape,
        )
        return self._put(node, replace(tensor, name=node.outputs[0]))

    def transpose(self, value: Value, permutation: Sequence[int]) -> Tensor:
        """``value`` with its axes in another order."""
        tensor, order = self.tensor(value), tuple(permutation)
        if order == tuple(range(len(order))):
            return tensor
        if tensor.data is not None:
            quant = turned_quant(tensor.quant, order)
            turned = replace(tensor, quant=quant)
            return self.constant_like(turned, tensor.data.transpose(order))
        node = Transpose(
            name=self.fresh("Transpose"),
            inputs=(tensor.name, self.ints(*order).name),
            outputs=(self.fresh("Transpose"),),
            permutation=order,
        )
        shape = tuple(tensor.shape[axis] for axis in order)
        return self._put(node, replace(tensor, name=node.outputs[0], shape=shape))

    def constant_like(self, tensor: Tensor, data: Array) -> Tensor:
        """A constant of the type of ``tensor``."""
        name = self.fresh("Constant")
        whole = np.ascontiguousarray(data) if data.ndim else data
        self.tensors[name] = replace(tensor, name=name, shape=data.shape, data=whole)
        return self.tensors[name]

    def _put(self, node: Node, output: Tensor) -> Tensor:
        self.nodes.append(node)
        self.tensors[output.name] = output
        if node.inputs[0] in self.shifted:
            self.shifted.add(output.name)
        return output

    def channels_last(self, value: Value) -> Tensor:
        """``value``, of 3 to 5 axes, with its channels last."""
        tensor = self.tensor(value)
        return self.transpose(tensor, TO_LAST[len(tensor.shape)])

    def channels_first(self, value: Value) -> Tensor:
        """The inverse of ``channels_last``."""
        tensor = self.tensor(value)
        return self.transpose(tensor, TO_FIRST[len(tensor.shape)])

    def image(self, value: Value) -> Tensor:
        """``value`` with its channels last and 4 axes: a signal is an image of one row."""
        last = self.channels_last(value)
        return last if len(last.shape) == 4 else self.reshape(last, _one_row(last.shape))

    def from_image(self, image: Tensor, rank: int) -> Tensor:
        """The inverse of ``image``, for a value that had ``rank`` axes."""
        if rank == 3:
            image = self.reshape(image, (image.shape[0], *image.shape[2:]))
        return self.channels_first(image)

    def is_never_negative(self, tensor: Tensor) -> bool:
        """Whether what computes a tensor gives nothing below zero, seen through moves."""
        name: str | None = tensor.name
        while name is not None:
            node = next((one for one in reversed(self.nodes) if name in one.outputs), None)
            if node is None or node.OP in _NEVER_NEGATIVE:
                return node is not None
            name = node.inputs[0] if node.OP in ("TRANSPOSE", "RESHAPE", "MAX_POOL_2D") else None
        return False

    def rename(self, tensor: Tensor, name: str) -> Tensor:
        """Gives the output of the node that was added last ``name``, where no tensor has it.

        And where the node is one of the present ones: others may know it by its name already.
        """
        is_own = len(self.nodes) > self._first and tensor.name in self.nodes[-1].outputs
        if not is_own or name in self.tensors:
            return tensor
        node = self.nodes[-1]
        outputs = tuple(name if one == tensor.name else one for one in node.outputs)
        self.nodes[-1] = replace(node, outputs=outputs)
        del self.tensors[tensor.name]
        self.tensors[name] = replace(tensor, name=name)
        if tensor.name in self.shifted:
            self.shifted.add(name)
        return self.tensors[name]


def _one_row(shape: Shape) -> Shape:
    return (shape[0], 1, *shape[1:])
