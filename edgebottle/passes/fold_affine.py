"""Folds MUL, ADD and SUB by constants of each channel into the weights before them.

That is what BatchNormalization is at run time: Ioffe and Szegedy, "Batch Normalization", 2015; the
folding is in Jacob et al., 2018, section 3.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Tensor, unused_name
from edgebottle.ops.base import Activation, Operator
from edgebottle.passes.rewrite import Rewrite


def fold_affine(graph: Graph) -> Graph:
    """Layers with weights take over a factor and a summand for each of their channels.

    Only where nothing else reads the layer's output, it has no activation yet, and nothing else
    has its constants.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        if node.OP in ("MUL", "ADD", "SUB"):
            _fold(rewrite, node)
    return rewrite.graph()


def _fold(rewrite: Rewrite, node: Node) -> None:
    for data, other in ((0, 1), (1, 0)):
        source = node.inputs[data]
        constant = rewrite.ins(node)[other]
        maker = rewrite.producer(source)
        if source is None or constant is None or constant.data is None or maker is None:
            continue
        if (node.OP == "SUB" and data == 1) or not rewrite.is_read_once(source):
            continue
        if not isinstance(maker, Operator) or not _is_linear(maker):
            continue
        if rewrite.outs(node)[0].shape != rewrite.tensors[source].shape:
            continue  # the constant has more axes
        folded = _folded(rewrite, maker, node.OP, constant)
        if folded is not None:
            rewrite.remove(node)
            activation = getattr(node, "activation", Activation.NONE)
            rewrite.put(replace(folded, outputs=node.outputs, activation=activation))  # type: ignore[call-arg]
            return


def _is_linear(maker: Node) -> bool:
    return getattr(maker, "activation", None) is Activation.NONE


def _folded(rewrite: Rewrite, maker: Operator, kind: str, constant: Tensor) -> Operator | None:
    """The layer with other weights and biases; None where it has none to change."""
    ins, outs = rewrite.ins(maker), rewrite.outs(maker)
    places = maker.weighted_operands()
    if places is None or constant.dtype is not DType.F32:
        return None
    weights, bias, axis = places.weights, places.bias, places.axis
    kernel = ins[weights]
    values = per_channel(constant, outs[0].shape[-1])
    if kernel is None or kernel.data is None or values is None:
        return None
    old = ins[bias] if bias < len(ins) else None
    added = np.zeros(len(values)) if old is None else old.constant().astype(np.float64).ravel()
    inputs = [*maker.inputs, *[None] * (bias + 1 - len(maker.inputs))]
    if kind == "MUL":
        shape = [1] * len(kernel.shape)
        shape[axis] = -1
        scaled = kernel.data * values.reshape(shape)
        inputs[weights] = _put(rewrite, kernel.name, scaled)
        added = added * values
    else:
        added = added + (values if kind == "ADD" else -values)
    inputs[bias] = _put(rewrite, f"{maker.name}_bias" if old is None else old.name, added)
    return replace(maker, inputs=tuple(inputs))


def per_channel(constant: Tensor, channels: int) -> Array | None:
    """One value for each channel; None where they differ along other axes."""
    data = constant.constant().astype(np.float64)
    if data.size == 1:
        return np.full(channels, data.ravel()[0])
    return data.ravel() if data.shape[-1] == data.size == channels else None


def _put(rewrite: Rewrite, name: str, values: Array) -> str:
    """A new constant; others may read the old one."""
    name = unused_name(name, rewrite.tensors)
    data = values.astype(np.float32)
    rewrite.tensors[name] = Tensor(name, data.shape, DType.F32, data=data)
    return name


def affine_of(graph: Graph, node: Node) -> tuple[str, Array, Array] | None:
    """What MUL, ADD or SUB reads, and its factor and summand of each channel, float64.

    None for other operators, and where it has an activation or constants of other axes.
    """
    if node.OP not in ("MUL", "ADD", "SUB"):
        return None
    if getattr(node, "activation", None) is not Activation.NONE:
        return None
    for data, other in ((0, 1), (1, 0)):
        source, constant = (graph.ins(node)[index] for index in (data, other))
        assert source is not None and constant is not None, "binary operators have two inputs"
        if constant.data is None or source.data is not None or source.dtype is not DType.F32:
            continue
        channels = source.shape[-1] if source.shape else 1
        values = per_channel(constant, channels)
        if values is None or source.shape != graph.outs(node)[0].shape:
            continue
        ones, zeros = np.ones(channels), np.zeros(channels)
        if node.OP == "MUL":
            return source.name, values, zeros
        if node.OP == "ADD":
            return source.name, ones, values
        return (source.name, ones, -values) if data == 0 else (source.name, -ones, values)
    return None
