"""Execution orders: candidates for the order of the nodes, judged by the memory they keep alive."""

import heapq
from collections.abc import Callable

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import Operator

MAX_STATES = 20_000
"""Sets of finished nodes that the exact search looks at before it gives up."""

MAX_TENSORS = 4_000_000
"""Tensors it looks at, in all of these sets: large graphs have larger sets."""

MAX_NODES = 250
"""Larger graphs, such as those cut into many patches, keep the order they come in."""


def candidate_orders(graph: Graph) -> dict[str, tuple[Node, ...]]:
    """Topological orders worth trying, by name; the model's own comes first.

    ``least-memory`` is the order of the smallest peak there is, where the search for it ends in
    time. ``smallest-first`` greedily runs the ready node that leaves the fewest bytes alive;
    ``finish-branch`` keeps to the branch it is in. On a chain all are the same and only one is
    returned.
    """
    orders = {"model": graph.nodes}
    if len(graph.nodes) > MAX_NODES:
        return orders
    choosers: dict[str, Callable[[_State, Node], tuple[int, ...]]] = {
        "smallest-first": lambda state, node: (state.live_after(node), state.position(node)),
        "lowest-peak": lambda state, node: (
            state.live_during(node),
            state.live_after(node),
            state.position(node),
        ),
        "finish-branch": lambda state, node: (-state.recency(node), state.live_after(node)),
    }
    exact = least_memory_order(graph)
    if exact is not None and exact not in orders.values():
        orders["least-memory"] = exact
    for name, key in choosers.items():
        order = _greedy(graph, key)
        if order not in orders.values():
            orders[name] = order
    return orders


def least_memory_order(graph: Graph, max_states: int = MAX_STATES) -> tuple[Node, ...] | None:
    """The order whose largest sum of live tensors is smallest, before scratch.

    A best-first search over the sets of finished nodes: what is alive depends on the set alone,
    so each set is expanded once, from the smallest peak on. (The idea of dynamic programming over
    downsets: Ahn et al., "Ordering Chaos", MLSys 2020.)

    Args:
        graph: The graph.
        max_states: Sets to look at.

    Returns:
        The order, or None where more sets than that would have to be looked at.
    """
    search = _Peaks(graph)
    start, goal = 0, (1 << len(graph.nodes)) - 1
    best = {start: search.live_bytes(start)}
    came: dict[int, tuple[int, int]] = {}
    queue = [(best[start], 0, start)]
    looked = tensors = 0
    while queue:
        peak, _, done = heapq.heappop(queue)
        if done == goal:
            return _trace(graph, came, goal)
        if peak > best[done]:
            continue
        looked += 1
        ready = search.ready(done)
        tensors += len(ready) * search.tensors
        if looked > max_states or tensors > MAX_TENSORS:
            return None
        for index in ready:
            after = done | 1 << index
            higher = max(peak, search.bytes_during(done, index))
            if higher < best.get(after, higher + 1):
                best[after] = higher
                came[after] = (done, index)
                # Among equal peaks, the furthest set first: a chain then costs one look a node.
                heapq.heappush(queue, (higher, -after.bit_count(), after))
    return None


def _trace(graph: Graph, came: dict[int, tuple[int, int]], goal: int) -> tuple[Node, ...]:
    order = []
    while goal in came:
        goal, index = came[goal]
        order.append(graph.nodes[index])
    return tuple(reversed(order))


class _Peaks:
    """Live bytes by the set of finished nodes, a set being the bits of an integer."""

    def __init__(self, graph: Graph) -> None:
        index = {node.name: number for number, node in enumerate(graph.nodes)}
        makers = {out: index[node.name] for node in graph.nodes for out in node.outputs}
        self._readers: dict[str, int] = dict.fromkeys(graph.tensors, 0)
        self._needs: list[int] = []
        for number, node in enumerate(graph.nodes):
            sources = {name for name in node.inputs if name is not None}
            self._needs.append(sum(1 << makers[name] for name in sources if name in makers))
            for name in sources:
                self._readers[name] |= 1 << number
        self._tensors = [
            (name, makers.get(name, -1), self._kept(graph, name), tensor.nbytes)
            for name, tensor in graph.tensors.items()
            if tensor.data is None
        ]
        self._in_place = [self._takes_over(graph, node) for node in graph.nodes]
        self.tensors = len(self._tensors)

    @staticmethod
    def _kept(graph: Graph, name: str) -> bool:
        return name in graph.outputs or graph.tensors[name].state

    @staticmethod
    def _takes_over(graph: Graph, node: Node) -> tuple[str, ...]:
        """Inputs whose memory the output may take."""
        if not isinstance(node, Operator):
            return ()
        indices = node.overwrites(graph.ins(node), graph.outs(node))
        if node.VIEW:
            indices = (0,)
        names = (node.inputs[index] for index in indices)
        return tuple(
            name for name in names if name is not None and graph.tensors[name].data is None
        )

    def ready(self, done: int) -> list[int]:
        """Nodes that are not finished and whose inputs are."""
        return [
            index
            for index, needs in enumerate(self._needs)
            if not done >> index & 1 and needs & done == needs
        ]

    def live_bytes(self, done: int) -> int:
        """Bytes alive after the nodes of ``done``."""
        return sum(
            size
            for name, maker, kept, size in self._tensors
            if (maker < 0 or done >> maker & 1) and (kept or self._readers[name] & ~done)
        )

    def bytes_during(self, done: int, index: int) -> int:
        """Bytes alive while node ``index`` runs."""
        after = done | 1 << index
        live = self.live_bytes(done) + sum(
            size for _, maker, _, size in self._tensors if maker == index
        )
        for name, _, kept, size in self._tensors:
            if name in self._in_place[index] and not kept and not self._readers[name] & ~after:
                return live - size  # the output takes its place
        return live


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
