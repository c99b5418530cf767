"""Takes away the transposes between operators, so that a network has its channels last throughout.

An importer of a format with channels first puts transposes around every operator that has them
last. Here no transpose is moved step by step: every tensor is known as another one seen with its
axes in some order (``View``). A TRANSPOSE only changes how its input is seen. An operator that
works in any order of axes computes in the order that its largest operand has, and its constants are
turned once, here. Only where an operator asks for one order and its operand has another is a
TRANSPOSE made.

The inputs of the network may be handed in with their channels last, the outputs handed out so. For
an input that is tried: what leaves fewer bytes to be moved is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.ir.graph import Graph
from edgebottle.passes.permuted import FIRST_TO_LAST, LAST_TO_FIRST, Order, Permuted, identity
from edgebottle.passes.permuted_nodes import HANDLERS


@dataclass(frozen=True)
class ChannelsLast:
    """A network with its channels last.

    Attributes:
        graph: The network.
        inputs: For each input the order in which its axes are now: axis i was axis ``order[i]``.
        outputs: The same for each output.
    """

    graph: Graph
    inputs: tuple[Order, ...]
    outputs: tuple[Order, ...]


def channels_last(graph: Graph, *, keep: bool = False) -> ChannelsLast:
    """The network without the transposes that changing the order of axes makes needless.

    Args:
        graph: The network.
        keep: Inputs and outputs stay as they are; a TRANSPOSE remains at the border where one is
            needed. Else both may get their channels last.

    Returns:
        A network of the same results, bit for bit, but for the order of sums over several axes.
    """
    orders = [identity(len(graph.tensors[name].shape)) for name in graph.inputs]
    best = _Try(graph, orders, keep)
    if not keep:
        for index, name in enumerate(graph.inputs):
            wanted = FIRST_TO_LAST.get(len(graph.tensors[name].shape))
            if wanted is not None:
                other = _Try(graph, [*orders[:index], wanted, *orders[index + 1 :]], keep)
                if other.moved < best.moved:
                    best, orders = other, other.orders
    return ChannelsLast(best.result, tuple(best.orders), best.outputs)


class _Try:
    """The network for one choice of the orders of its inputs.

    Attributes:
        orders: The choice.
        result: The network.
        outputs: The order of each output.
        moved: Bytes that its transposes move.
    """

    def __init__(self, graph: Graph, orders: Sequence[Order], keep: bool) -> None:
        self.orders = list(orders)
        walk = Permuted(graph, HANDLERS)
        for name, order in zip(graph.inputs, orders, strict=True):
            walk.take_input(name, order)
        for node in graph.nodes:
            walk.node(node)
        self.outputs = tuple(self._output(walk, name, keep) for name in graph.outputs)
        self.moved = walk.moved
        self.result = graph.with_nodes(walk.nodes, walk.tensors)

    @staticmethod
    def _output(walk: Permuted, name: str, keep: bool) -> Order:
        """Hands out an output, with its channels last where it has them last already."""
        order = identity(len(walk.graph.tensors[name].shape))
        view = walk.views[name]
        if not keep and view.order == LAST_TO_FIRST.get(len(order)) and walk.hand_out(name):
            return FIRST_TO_LAST[len(order)]
        walk.put_out(name)
        return order


__all__ = ["ChannelsLast", "Order", "channels_last"]
