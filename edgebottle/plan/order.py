"""Execution orders: candidates for the order of the nodes, judged by the memory they keep alive."""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Iterator

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.base import Operator

MAX_STATES = 20_000
"""Sets of finished nodes that the exact search looks at before it gives up."""

MAX_LOOKS = 250_000
"""Nodes that it looks at as the next one, for all of these sets together."""

MAX_NODES = 250
"""Larger graphs, such as those cut into many patches, keep the order they come in."""

MAX_READY = 64
"""Ready nodes that a greedy order chooses among, the first ones of the model."""

Key = Callable[["_State", int], tuple[int, ...]]


def candidate_orders(graph: Graph, *, is_cut: bool = False) -> dict[str, tuple[Node, ...]]:
    """Topological orders worth trying, by name; the model's own comes first.

    ``least-memory`` is the order of the smallest peak there is, where the search for it ends
    within its budget. ``smallest-first`` greedily runs the ready node that leaves the fewest bytes
    alive; ``finish-branch`` keeps to the branch it is in. On a chain all are the same and only one
    is returned.

    Args:
        graph: The graph.
        is_cut: Its image is cut into patches. They may run in any order, so that the search for
            the least memory would only spend its budget.
    """
    orders = {"model": graph.nodes}
    if len(graph.nodes) > MAX_NODES:
        return orders
    choosers: dict[str, Key] = {
        "smallest-first": lambda state, node: (state.live_after(node), node),
        "lowest-peak": lambda state, node: (state.live_during(node), state.live_after(node), node),
        "finish-branch": lambda state, node: (-state.recency(node), state.live_after(node)),
    }
    exact = None if is_cut else least_memory_order(graph)
    if exact is not None and exact not in orders.values():
        orders["least-memory"] = exact
    for name, key in choosers.items():
        order = _greedy(graph, key)
        if order not in orders.values():
            orders[name] = order
    return orders


def least_memory_order(
    graph: Graph, max_states: int = MAX_STATES, max_looks: int = MAX_LOOKS
) -> tuple[Node, ...] | None:
    """The order whose largest sum of live tensors is smallest, before scratch.

    A best-first search over the sets of finished nodes: what is alive depends on the set alone,
    so each set is expanded once, from the smallest peak on. (The idea of dynamic programming over
    downsets: Ahn et al., "Ordering Chaos", MLSys 2020.) A node that raises neither the peak nor
    what is alive behind it runs at once: with it moved to the front, no other order is worse.

    Args:
        graph: The graph.
        max_states: Sets to look at.
        max_looks: Next nodes to look at, in all of these sets.

    Returns:
        The order, or None where more would have to be looked at.
    """
    search = _Peaks(graph)
    start, goal = 0, (1 << len(graph.nodes)) - 1
    live = {start: search.live_at_start}
    ready = {start: search.ready_at_start}
    best = {start: search.live_at_start}
    came: dict[int, tuple[int, int]] = {}
    queue = [(best[start], 0, start)]
    states = looks = 0
    while queue:
        peak, _, done = heapq.heappop(queue)
        if done == goal:
            return _trace(graph, came, goal)
        if peak > best[done]:
            continue
        states += 1
        looks += ready[done].bit_count()
        if states > max_states or looks > max_looks:
            return None
        steps = []
        for index in _bits(ready[done]):
            after = done | 1 << index
            during, left = search.run(index, after, live[done])
            steps.append((index, after, during, left))
            if during <= peak and left <= live[done]:
                steps = steps[-1:]
                break
        for index, after, during, left in steps:
            higher = max(peak, during)
            if higher < best.get(after, higher + 1):
                best[after], live[after] = higher, left
                came[after] = (done, index)
                if after not in ready:
                    ready[after] = search.ready_after(ready[done], index, after)
                # Among equal peaks, the furthest set first: a chain then costs one look a node.
                heapq.heappush(queue, (higher, -after.bit_count(), after))
    return None


def _trace(graph: Graph, came: dict[int, tuple[int, int]], goal: int) -> tuple[Node, ...]:
    order = []
    while goal in came:
        goal, index = came[goal]
        order.append(graph.nodes[index])
    return tuple(reversed(order))


def _bits(number: int) -> Iterator[int]:
    """The places of its ones, from the lowest on."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


class _Flow:
    """Which node makes and reads what, by number.

    Attributes:
        inputs: For each node the tensors in the arena that it reads, each once.
        outputs: For each node the tensors that it makes.
        readers: For each tensor in the arena the nodes that read it.
        needs: For each node the nodes that it must wait for.
        size: Bytes of each tensor in the arena.
        kept: Tensors that stay alive to the end: outputs and state.
    """

    def __init__(self, graph: Graph) -> None:
        self.size = {n: tensor.nbytes for n, tensor in graph.tensors.items() if tensor.data is None}
        assigning = {i: node for i, node in enumerate(graph.nodes) if node.assigned is not None}
        for node in assigning.values():
            self.size[node.outputs[0]] = 0  # it is in the memory of the state
        self.kept = {name for name in self.size if graph.tensors[name].state} | set(graph.outputs)
        self.inputs: list[tuple[str, ...]] = []
        self.outputs = [node.outputs for node in graph.nodes]
        self.readers: dict[str, list[int]] = {name: [] for name in self.size}
        self.needs: list[tuple[int, ...]] = []
        makers = {name: i for i, outputs in enumerate(self.outputs) for name in outputs}
        for number, node in enumerate(graph.nodes):
            names = tuple(name for name in dict.fromkeys(node.inputs) if name in self.size)
            self.inputs.append(tuple(map(str, names)))
            for name in self.inputs[-1]:
                self.readers[name].append(number)
            found = (makers[name] for name in self.inputs[-1] if name in makers)
            self.needs.append(tuple(dict.fromkeys(found)))
        self._followers = [
            dict.fromkeys(r for name in outputs for r in self.readers[name])
            for outputs in self.outputs
        ]
        for number, node in assigning.items():
            readers = [r for r in self.readers[str(node.inputs[0])] if r != number]
            self.needs[number] = tuple(dict.fromkeys([*self.needs[number], *readers]))
            for reader in readers:
                self._followers[reader][number] = None

    def followers(self, number: int) -> dict[int, None]:
        """The nodes that must wait for a node: they read what it makes, or assign what it reads."""
        return self._followers[number]


class _Peaks:
    """Live bytes by the set of finished nodes, a set being the bits of an integer."""

    def __init__(self, graph: Graph) -> None:
        flow = _Flow(graph)
        self._place = {name: place for place, name in enumerate(graph.tensors)}
        self._readers = {
            name: sum(1 << number for number in numbers) for name, numbers in flow.readers.items()
        }
        self._needs = [sum(1 << number for number in numbers) for numbers in flow.needs]
        self._followers = [tuple(flow.followers(i)) for i in range(len(graph.nodes))]
        self._made = [sum(flow.size[name] for name in outputs) for outputs in flow.outputs]
        self._unread = [
            sum(
                flow.size[name]
                for name in outputs
                if name not in flow.kept and not self._readers[name]
            )
            for outputs in flow.outputs
        ]
        self._dying = [
            [(self._readers[name], flow.size[name]) for name in inputs if name not in flow.kept]
            for inputs in flow.inputs
        ]
        self._in_place = [
            [
                (self._readers[name], flow.size[name])
                for name in self._taken_over(graph, node)
                if name not in flow.kept
            ]
            for node in graph.nodes
        ]
        made = {name for outputs in flow.outputs for name in outputs}
        self.live_at_start = sum(
            size
            for name, size in flow.size.items()
            if name not in made and (name in flow.kept or self._readers[name])
        )
        self.ready_at_start = sum(1 << i for i, needs in enumerate(self._needs) if not needs)

    def _taken_over(self, graph: Graph, node: Node) -> list[str]:
        """Inputs whose memory the output may take, in the order of the graph's tensors."""
        if not isinstance(node, Operator):
            return []
        indices = node.overwrites(graph.ins(node), graph.outs(node))
        if node.VIEW:
            indices = (0,)
        names = {name for index in indices if (name := node.inputs[index]) is not None}
        taken = [name for name in names if graph.tensors[name].data is None]
        return sorted(taken, key=self._place.__getitem__)

    def ready_after(self, ready: int, index: int, after: int) -> int:
        """The nodes that can run after the nodes of ``after``, of which ``index`` was the last."""
        ready &= ~(1 << index)
        for other in self._followers[index]:
            needs = self._needs[other]
            if needs & after == needs and not after >> other & 1:
                ready |= 1 << other
        return ready

    def run(self, index: int, after: int, live: int) -> tuple[int, int]:
        """Bytes alive while node ``index`` runs, the last of ``after``, and once it has.

        Args:
            index: The node.
            after: The set of finished nodes with it.
            live: Bytes alive before.
        """
        during = live + self._made[index]
        left = during - self._unread[index]
        for readers, size in self._dying[index]:
            if not readers & ~after:
                left -= size
        for readers, size in self._in_place[index]:
            if not readers & ~after:
                return during - size, left  # the output takes its place
        return during, left


class _State:
    """A partial execution: what has run, what is ready, what is alive."""

    def __init__(self, graph: Graph) -> None:
        self._flow = flow = _Flow(graph)
        self.done: list[int] = []
        self._missing = [len(needs) for needs in flow.needs]
        self.ready = [number for number, missing in enumerate(self._missing) if not missing]
        self._left = {name: len(readers) for name, readers in flow.readers.items()}
        self._made_at: dict[str, int] = {}
        self._live = sum(flow.size[name] for name in set(graph.inputs))
        self._kept = set(graph.outputs)
        self._freed = {name for name in flow.size if graph.tensors[name].state}

    def recency(self, node: int) -> int:
        """How lately the newest input of ``node`` was computed."""
        return max((self._made_at.get(name, -1) for name in self._flow.inputs[node]), default=-1)

    def live_during(self, node: int) -> int:
        """Bytes alive while ``node`` runs."""
        return self._live + sum(self._flow.size[name] for name in self._flow.outputs[node])

    def live_after(self, node: int) -> int:
        """Bytes alive after ``node`` has run."""
        flow = self._flow
        freed = sum(flow.size[name] for name in flow.inputs[node] if self._dies(name, 1))
        freed += sum(flow.size[name] for name in flow.outputs[node] if self._dies(name, 0))
        return self.live_during(node) - freed

    def _dies(self, name: str, readers: int) -> bool:
        return self._left[name] == readers and name not in self._kept and name not in self._freed

    def run(self, node: int) -> None:
        """Runs ``node``."""
        self._live = self.live_after(node)
        self.ready.remove(node)
        for name in self._flow.inputs[node]:
            self._left[name] -= 1
        for name in self._flow.outputs[node]:
            self._made_at[name] = len(self.done)
        for other in self._flow.followers(node):
            self._missing[other] -= 1
            if not self._missing[other]:
                insort(self.ready, other)
        self.done.append(node)


def _greedy(graph: Graph, key: Key) -> tuple[Node, ...]:
    state = _State(graph)
    while state.ready:
        ready = state.ready[:MAX_READY]
        state.run(ready[0] if len(ready) == 1 else min(ready, key=lambda node: key(state, node)))
    return tuple(graph.nodes[number] for number in state.done)
