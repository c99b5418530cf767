"""Runs a Graph in NumPy: the oracle that everything else is compared with."""

from collections.abc import Sequence

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array, Graph, Tensor


class Interpreter:
    """Runs a graph, keeping its state from run to run as the firmware does."""

    def __init__(self, graph: Graph) -> None:
        """Prepares ``graph``, its state as before the first run."""
        self.graph = graph
        self.values: dict[str, Array] = {
            name: tensor.data for name, tensor in graph.tensors.items() if tensor.data is not None
        }
        self.reset()

    def reset(self) -> None:
        """Puts the state back to its beginning."""
        for name, tensor in self.graph.tensors.items():
            if tensor.state:
                self.values[name] = initial_state(tensor)

    def run(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Runs once.

        Args:
            inputs: One array per input, of its shape and type.

        Returns:
            One array per output; ``self.values`` holds every tensor of the run by name.

        Raises:
            BadInput: shape or type of an input is wrong.
        """
        for name, value in zip(self.graph.inputs, inputs, strict=True):
            tensor = self.graph.tensors[name]
            if value.shape != tensor.shape or value.dtype != np.dtype(tensor.dtype.numpy):
                raise BadInput(
                    f"input '{name}' takes {list(tensor.shape)} {tensor.dtype.label}, "
                    f"not {list(value.shape)} {value.dtype}"
                )
            self.values[name] = value
        for node in self.graph.nodes:
            arguments = [None if name is None else self.values[name] for name in node.inputs]
            results = node.reference(arguments, self.graph.ins(node), self.graph.outs(node))
            states = [node.inputs[index] for index in node.state_inputs]
            for target, value in zip([*node.outputs, *states], results, strict=True):
                assert target is not None, "a state input cannot be absent"
                self.values[target] = value
        return tuple(self.values[name] for name in self.graph.outputs)


def initial_state(tensor: Tensor) -> Array:
    """The value of a state tensor before the first run."""
    if tensor.initial is not None:
        return tensor.initial
    zero = 0 if tensor.quant is None else tensor.quant.zero_point[0]
    return np.full(tensor.shape, zero, dtype=tensor.dtype.numpy)
