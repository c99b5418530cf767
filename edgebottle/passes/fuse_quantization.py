"""Makes integer layers of floating-point ones between DEQUANTIZE and QUANTIZE.

That is how ONNX writes an int8 network (QDQ). Weights are constants on a grid: floating-point
tensors with a quantization. What cannot be computed in integers stays as it is, between its
conversions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Quant, Tensor, unused_name
from edgebottle.ops.base import Activation, Operator
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.dequantize import Dequantize
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.maximum import Extreme
from edgebottle.ops.pad import Pad
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.reduce_max import ReduceMax
from edgebottle.ops.reduce_min import ReduceMin
from edgebottle.ops.relu import Relu
from edgebottle.ops.relu6 import Relu6
from edgebottle.ops.relu_n1_to_1 import ReluN1To1
from edgebottle.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgebottle.passes.drop_dead import drop_dead

_CLAMPS: dict[type[Node], Activation] = {
    Relu: Activation.RELU,
    Relu6: Activation.RELU6,
    ReluN1To1: Activation.RELU_N1_TO_1,
}


_SELECTING: tuple[type[Node], ...] = (
    *(MaxPool2D, Pad, ReduceMax, ReduceMin, ResizeNearestNeighbor),
)
"""Operators each of whose results is one of their operands, or zero."""


@dataclass(frozen=True)
class _Target:
    """What a layer's output is quantized to.

    Attributes:
        quantize: The QUANTIZE.
        clamp: The activation between, if there is one.
    """

    quantize: Node
    clamp: Node | None


def fuse_quantization(graph: Graph) -> Graph:
    """Integer layers where all operands are dequantized or on a grid, and the result is quantized.

    Layers that only move elements take and give integers wherever they stand.
    """
    if not any(isinstance(node, Dequantize) for node in graph.nodes):
        return plain_constants(graph)
    return plain_constants(drop_dead(_Fusion(graph).graph()))


def plain_constants(graph: Graph) -> Graph:
    """Forgets the grids of constants that stay floating-point."""
    tensors = {
        name: replace(tensor, quant=None) if tensor.dtype is DType.F32 else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


class _Fusion:
    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.tensors = dict(graph.tensors)
        self.nodes: list[Node] = []
        self.stored: dict[str, str] = {}
        """Floating-point tensors, and the integers that they are the values of."""
        self.real: set[str] = set()
        """Those of them that are computed in the new network as well."""
        self.done: set[str] = set()
        """Nodes that are part of a layer before them."""

    def graph(self) -> Graph:
        for node in self.old.nodes:
            if node.name not in self.done:
                self._node(node)
        for name in self.old.outputs:
            self._materialize(name)
        return self.old.with_nodes(self.nodes, self.tensors)

    def _node(self, node: Node) -> None:
        if isinstance(node, Dequantize) and self.tensors[node.inputs[0] or ""].dtype is DType.I8:
            self.stored[node.outputs[0]] = node.inputs[0] or ""
        elif isinstance(node, Quantize) and node.inputs[0] in self.stored:
            self._requantize(self.stored[node.inputs[0]], node.outputs[0], node.name)
        elif not self._moved(node) and not self._fused(node):
            for name in node.inputs:
                if name is not None:
                    self._materialize(name)
            self.nodes.append(node)

    def _materialize(self, name: str) -> None:
        """Computes the real numbers of what is held in integers."""
        if name in self.stored and name not in self.real:
            self.real.add(name)
            source = self.stored[name]
            self.nodes.append(
                Dequantize(name=f"{name}/Dequantize", inputs=(source,), outputs=(name,))
            )

    def _requantize(self, source: str, target: str, name: str) -> None:
        self.nodes.append(Quantize(name=name, inputs=(source,), outputs=(target,), dtype=DType.I8))

    def _moved(self, node: Node) -> bool:
        """Moves integers instead of real numbers, all of one quantization."""
        if not isinstance(node, Operator) or not (
            node.VIEW or node.MOVES or type(node) in _SELECTING
        ):
            return False
        data = [
            name
            for name in node.inputs
            if name is not None and self.tensors[name].dtype is DType.F32
        ]
        if not data or not all(name in self.stored for name in data):
            return False
        quants = {self.tensors[self.stored[name]].quant for name in data}
        if len(quants) != 1:
            return False
        inputs = tuple(self.stored.get(name or "", name) for name in node.inputs)
        outputs = []
        for name in node.outputs:
            own = unused_name(f"{name}/Stored", self.tensors)
            self.tensors[own] = replace(
                self.tensors[name], name=own, dtype=DType.I8, quant=next(iter(quants))
            )
            self.stored[name] = own
            outputs.append(own)
        self.nodes.append(replace(node, inputs=inputs, outputs=tuple(outputs)))
        return True

    def _fused(self, node: Node) -> bool:
        """Adds the layer in integers, and whatever comes before its QUANTIZE."""
        target = self._target(node)
        if target is None or not isinstance(node, Operator):
            return False
        if isinstance(node, Concatenation):
            return self._joined(node, target)
        changed: Any = node
        if target.clamp is not None:
            if getattr(node, "activation", None) is not Activation.NONE:
                return False
            changed = replace(node, activation=_CLAMPS[type(target.clamp)])  # type: ignore[call-arg]
        output = self.tensors[target.quantize.outputs[0]]
        for quant in self._quants(node, output.quant):
            made = self._integer(changed, output, quant)
            if made is None:
                continue
            self.nodes.append(made)
            if made.outputs[0] != output.name:
                self._requantize(made.outputs[0], output.name, target.quantize.name)
            self.done.add(target.quantize.name)
            self.done.update([target.clamp.name] if target.clamp is not None else [])
            return True
        return False

    def _joined(self, node: Concatenation, target: _Target) -> bool:
        """Joins integers, all brought to the quantization of the result first."""
        output = self.tensors[target.quantize.outputs[0]]
        if target.clamp is not None or not all(name in self.stored for name in node.inputs):
            return False
        inputs = []
        for index, name in enumerate(node.inputs):
            source = self.stored[name or ""]
            if self.tensors[source].quant != output.quant:
                own = unused_name(f"{node.name}/Operand{index}", self.tensors)
                self.tensors[own] = replace(self.tensors[source], name=own, quant=output.quant)
                self._requantize(source, own, own)
                source = own
            inputs.append(source)
        self.nodes.append(replace(node, inputs=tuple(inputs), outputs=(output.name,)))
        self.done.add(target.quantize.name)
        return True

    def _target(self, node: Node) -> _Target | None:
        """The only reader of a layer, where that is a QUANTIZE, or one behind an activation."""
        if len(node.outputs) != 1:
            return None
        clamp, name = None, node.outputs[0]
        readers = self.old.consumers(name)
        if name in self.old.outputs or len(readers) != 1:
            return None
        if type(readers[0]) in _CLAMPS:
            clamp, name = readers[0], readers[0].outputs[0]
            readers = self.old.consumers(name)
            if name in self.old.outputs or len(readers) != 1:
                return None
        return _Target(readers[0], clamp) if isinstance(readers[0], Quantize) else None

    def _quants(self, node: Operator, wanted: Quant | None) -> Iterator[Quant]:
        """Quantizations that the output may have: as wanted, or with a QUANTIZE behind it."""
        if node.INT8_OUTPUT is not None:
            yield node.INT8_OUTPUT
            return
        data = self.stored.get(node.inputs[0] or "")
        own = None if data is None else self.tensors[data].quant
        yield from (quant for quant in (wanted, own) if quant is not None)

    def _integer(self, node: Operator, output: Tensor, quant: Quant) -> Operator | None:
        """The layer in integers; None where it does not take them."""
        extra: dict[str, Tensor] = {}
        inputs = self._inputs(node, extra, quant)
        if inputs is None:
            return None
        if isinstance(node, Extreme) and any(
            (extra.get(name or "") or self.tensors[name or ""]).quant != quant for name in inputs
        ):
            return None  # it compares what is stored
        target = output
        if quant != output.quant:
            own = unused_name(f"{node.outputs[0]}/Stored", self.tensors)
            target = extra[own] = replace(output, name=own, quant=quant)
        fields: dict[str, Any] = {"inputs": inputs, "outputs": (target.name,)}
        if hasattr(node, "dtype"):
            fields["dtype"] = DType.I8
        made = replace(node, **fields)
        ins = [None if name is None else extra.get(name) or self.tensors[name] for name in inputs]
        try:
            if made.infer(ins) != ((target.shape, DType.I8),):
                return None
            made.check(ins, [target])
        except UnsupportedOp:
            return None
        self.tensors.update(extra)
        return made

    def _inputs(
        self, node: Operator, extra: dict[str, Tensor], quant: Quant
    ) -> tuple[str | None, ...] | None:
        """The operands in integers; None where one of them is real."""
        names: list[str | None] = []
        for index, name in enumerate(node.inputs):
            tensor = None if name is None else self.tensors[name]
            if tensor is None or tensor.dtype is not DType.F32:
                names.append(name)
            elif tensor.name in self.stored:
                names.append(self.stored[tensor.name])
            else:
                grid = quant if isinstance(node, Extreme) else tensor.quant
                made = self._constant(node, index, replace(tensor, quant=grid), names)
                if made is None:
                    return None
                extra[made.name] = made
                names.append(made.name)
        return tuple(names) if any(name in self.stored for name in node.inputs if name) else None

    def _constant(
        self, node: Operator, index: int, tensor: Tensor, before: Sequence[str | None]
    ) -> Tensor | None:
        """A constant in integers: on its grid, one number, or the bias of a layer with weights."""
        if tensor.data is None:
            return None
        weights = self._weights(node, index)
        own = unused_name(f"{tensor.name}/Stored", self.tensors)
        if weights is not None:
            data = next(self.tensors[n] for n in before if n and self.tensors[n].dtype is DType.I8)
            assert data.quant is not None and weights.quant is not None
            scales = np.array(weights.quant.scale) * data.quant.scale[0]
            stored = np.round(tensor.data.astype(np.float64) / scales)
            if np.abs(stored).max(initial=0) >= 2**31:
                return None
            quant = Quant(tuple(map(float, scales)), (0,) * len(scales), 0)
            return Tensor(own, tensor.shape, DType.I32, quant, stored.astype(np.int32))
        quant_of = tensor.quant
        if quant_of is None and tensor.size == 1 and float(tensor.data.ravel()[0]) != 0:
            quant_of = Quant((abs(float(tensor.data.ravel()[0])) / 127,), (0,))
        if quant_of is None:
            return None
        shape = [1] * len(tensor.shape)
        if quant_of.axis is not None:
            shape[quant_of.axis] = -1
        scale, point = (
            np.array(one, np.float64).reshape(shape)
            for one in (quant_of.scale, quant_of.zero_point)
        )
        stored = np.clip(np.round(tensor.data / scale) + point, -128, 127).astype(np.int8)
        return Tensor(own, tensor.shape, DType.I8, quant_of, stored.reshape(tensor.shape))

    def _weights(self, node: Operator, index: int) -> Tensor | None:
        """The weights that input ``index`` is the bias of; None where it is none."""
        if not hasattr(node, "activation") or index < 2 or len(node.inputs) <= index:
            return None
        for name in node.inputs[1:index]:
            tensor = None if name is None else self.tensors[name]
            if tensor is not None and tensor.dtype is DType.F32 and tensor.quant is not None:
                return tensor
        return None
