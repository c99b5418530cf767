"""A Keras network, Functional or Sequential, as steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Shape, unused_name
from quantize.lowbit.fusing import fused
from quantize.lowbit.keras_layers import image_shape, layer_steps
from quantize.lowbit.network import INPUT, FloatNetwork, LayerStep, NewShape, Weighted


def read_network(model: Any, name: str) -> FloatNetwork:
    """The steps of a built Keras model.

    Args:
        model: Functional or Sequential; it is not changed.
        name: C identifier of the network.

    Raises:
        UnsupportedOp: a layer of it cannot be quantized; names it.
    """
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise UnsupportedOp(
            "the network has no graph of layers: only Functional and Sequential models, built with "
            "keras.Input, can be trained to few bits"
        )
    if len(inputs) != 1 or len(outputs) != 1:
        raise UnsupportedOp(
            f"the network has {len(inputs)} inputs and {len(outputs)} outputs, and training to few "
            "bits takes one of each"
        )
    reader = _Reader(_shape(inputs[0], INPUT))
    reader.read(outputs[0], {id(inputs[0]): reader.begin()})
    steps, has_softmax = fused(reader.steps)
    if not any(isinstance(step, Weighted) for step in steps):
        raise UnsupportedOp("the network has no layer with weights")
    if len(steps[-1].shape) != 1 or steps[-1].shape[0] < 2:
        raise UnsupportedOp(
            f"the network computes {list(steps[-1].shape)}, and training to few bits takes one "
            "number for each of two or more classes"
        )
    return FloatNetwork(name, _shape(inputs[0], INPUT), steps, has_softmax)


def _shape(tensor: Any, name: str) -> Shape:
    dims = tuple(tensor.shape)[1:]
    if None in dims:
        raise UnsupportedOp(f"layer '{name}' has the free shape {dims}: give it a fixed one")
    return tuple(int(dim) for dim in dims)


class _Reader:
    """Follows the tensors of Keras back to the input."""

    def __init__(self, shape: Shape) -> None:
        self.steps: list[LayerStep] = []
        self._shape = shape
        self._shapes: dict[str, Shape] = {INPUT: shape}
        self._seen: set[int] = set()

    def begin(self) -> str:
        """The name of the input's value, an image or a vector."""
        shape = image_shape(self._shape, INPUT)
        if shape == self._shape:
            return INPUT
        self._add([NewShape(name=f"{INPUT}_image", sources=(INPUT,), shape=shape)])
        return f"{INPUT}_image"

    def read(self, tensor: Any, values: dict[int, str]) -> str:
        """The name of the value of a tensor.

        Args:
            tensor: Of Keras.
            values: Names of the values that are known, by the identity of their tensors.
        """
        if id(tensor) in values:
            return values[id(tensor)]
        layer, number, index = tensor._keras_history
        node = layer._inbound_nodes[number]
        sources = tuple(self.read(each, values) for each in node.input_tensors)
        inner = getattr(layer, "outputs", None)
        if inner:
            known = dict(zip(map(id, layer.inputs), sources, strict=True))
            value = self.read(inner[index], known)
        else:
            value = self._layer(layer, sources, _shape(tensor, layer.name))
        values[id(tensor)] = value
        return value

    def _layer(self, layer: Any, sources: tuple[str, ...], shape: Shape) -> str:
        if id(layer) in self._seen and layer.weights:
            raise UnsupportedOp(
                f"layer '{layer.name}' is used more than once, which cannot be trained to few "
                "bits: give each place a layer of its own"
            )
        self._seen.add(id(layer))
        shapes = [self._shapes[source] for source in sources]
        steps = layer_steps(layer, sources, shapes, image_shape(shape, layer.name))
        return self._add(steps)

    def _add(self, steps: Sequence[LayerStep]) -> str:
        """Adds steps under names that no other has; the name of the last one."""
        names: dict[str, str] = {}
        for step in steps:
            sources = tuple(names.get(source, source) for source in step.sources)
            names[step.name] = unused_name(step.name, self._shapes)
            step = replace(step, name=names[step.name], sources=sources)
            self._shapes[step.name] = step.shape
            self.steps.append(step)
        return self.steps[-1].name
