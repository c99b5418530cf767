"""Execution orders: candidates for the order of the nodes, judged by the memory they keep alive."""

from collections.abc import Callable

from edgebottle.ir.graph import Graph, Node


def candidate_orders(graph: Graph) -> dict[str, tuple[Node, ...]]:
    """Topological orders worth trying, by name; the model's own comes first.

    ``smallest-first`` greedily runs the ready node that leaves the fewest bytes alive;
    ``finish-branch`` keeps to the branch it is in. On a chain all are the same and only one is
    returned.
    """
    orders = {"model": graph.nodes}
    choosers: dict[str, Callable[[_State, Node], tuple[int, ...]]] = {
        "smallest-first": lambda state, node: (state.live_after(node), state.position(node)),
        "lowest-peak": lambda state, node: (
            state.live_during(node),
            state.live_after(node),
            state.position(node),
        ),
        "finish-branch": lambda state, node: (-state.recency(node), state.live_after(node)),
    }
    for name, key in choosers.items():
        order = _greedy(graph, key)
        if order not in orders.values():
            orders[name] = order
    return orders


class _State:
    """A partial execution: what has run, what is ready, what is alive."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.done: list[Node] = []
        self._positions = {node.name: index for index, node in enumerate(graph.nodes)}
        self._readers = {name: {n.name for n in graph.consumers(name)} for name in graph.tensors}
        self._available = {
            name
            for name, tensor in graph.tensors.items()
            if tensor.data is not None or tensor.state or name in graph.inputs
        }
        self._live = set(graph.inputs)
        self._finished: set[str] = set()

    def position(self, node: Node) -> int:
        return self._positions[node.name]

    def ready(self) -> list[Node]:
        return [
            node
            for node in self.graph.nodes
            if node.name not in self._finished
            and all(name is None or name in self._available for name in node.inputs)
        ]

    def recency(self, node: Node) -> int:
        """How lately the newest input of ``node`` was computed."""
        made = {name: index for index, done in enumerate(self.done) for name in done.outputs}
        return max((made.get(name, -1) for name in node.inputs if name is not None), default=-1)

    def _freed(self, node: Node) -> set[str]:
        after = self._finished | {node.name}
        return {
            name
            for name in self._live | set(node.outputs)
            if name not in self.graph.outputs and self._readers[name] <= after
        }

    def _bytes(self, names: set[str]) -> int:
        return sum(self.graph.tensors[name].nbytes for name in names)

    def live_during(self, node: Node) -> int:
        return self._bytes(self._live | set(node.outputs))

    def live_after(self, node: Node) -> int:
        return self._bytes((self._live | set(node.outputs)) - self._freed(node))

    def run(self, node: Node) -> None:
        self._live = (self._live | set(node.outputs)) - self._freed(node)
        self._finished.add(node.name)
        self._available.update(node.outputs)
        self.done.append(node)


def _greedy(graph: Graph, key: Callable[[_State, Node], tuple[int, ...]]) -> tuple[Node, ...]:
    state = _State(graph)
    while len(state.done) < len(graph.nodes):
        ready = state.ready()
        state.run(ready[0] if len(ready) == 1 else min(ready, key=lambda node: key(state, node)))
    return tuple(state.done)
