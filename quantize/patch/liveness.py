"""Which tensors of an order are there when, and which memory is free to be written over."""

from __future__ import annotations

from edgebottle.plan.lifetimes import live_bytes
from edgebottle.plan.limits import NEVER
from edgebottle.plan.storage import Block
from quantize.patch.rows import RowGraph


class Liveness:
    """What is alive in one order.

    Attributes:
        before: For each node the bytes of what is there before it runs and is needed by it or
            later.
    """

    def __init__(self, rows: RowGraph) -> None:
        """Counts what is held whole between the nodes."""
        self._rows = rows
        self.before = self._live_bytes()
        self._dead = {name: self._dead_from(name) for name in rows.maker}

    def _live_bytes(self) -> list[int]:
        """Bytes of what is there before each node runs and is needed by it or later."""
        rows = self._rows
        blocks = []
        for name, maker in rows.maker.items():
            is_fed = rows.fed is not None and name == rows.fed.output
            if name not in rows.source and not is_fed:
                blocks.append(Block(rows.size(name), maker + 1, rows.last[name]))
        return live_bytes(blocks, len(rows.order))[1:]

    def root(self, name: str) -> str:
        """The tensor in whose memory ``name`` is found: a view's, else itself."""
        while name in self._rows.source:
            name = self._rows.source[name]
        return name

    def inputs(self, number: int) -> list[str]:
        """Tensors in the arena that a node reads, behind their views."""
        names = [name for name in self._rows.order[number].inputs if name in self._rows.maker]
        return list(dict.fromkeys(self.root(str(name)) for name in names))

    def dying(self, number: int) -> list[str]:
        """Tensors that node ``number`` reads row by row, and that nothing needs after it."""
        names = dict.fromkeys(edge.tensor for edge in self._rows.node(number).edges)
        return [name for name in names if self.dies(name, number + 1)]

    def dies(self, name: str, end: int) -> bool:
        """Nothing needs the memory of a tensor from node ``end`` on."""
        return self._dead[name] <= end

    def _dead_from(self, name: str) -> int:
        """The node from which on nothing needs the memory of a tensor; ``NEVER`` for none."""
        rows, root = self._rows, self.root(name)
        if rows.graph.tensors[root].state or rows.size(name) != rows.size(root):
            return NEVER
        return rows.last[root] + 1

    def reads_fed(self, number: int) -> bool:
        """Whether node ``number`` reads the input that is fed row by row."""
        fed = self._rows.fed
        return fed is not None and fed.output in self._rows.order[number].inputs
