"""What is found out once about a network, whatever it is then planned for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, lru_cache

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.passes.find_levels import without_levels
from edgebottle.passes.narrow import Group, narrow, packed_groups, read_packed
from edgebottle.passes.upright import upright
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import Orders, make_plan
from quantize.patch.rows import RowNode, row_nodes
from quantize.patch.segment import OrderFacts

REMEMBERED = 12
"""Networks that are remembered: one and its five other forms (see ``schedules``), twice."""


class Known:
    """What all plans of a graph have in common. It saves time, and changes no plan.

    Attributes:
        graph: The graph.
        facts: By the name of an order.
    """

    def __init__(self, graph: Graph) -> None:
        """Nothing is known yet."""
        self.graph = graph
        self.facts: defaultdict[str, OrderFacts] = defaultdict(OrderFacts)
        self._packed: dict[Isa, Graph] = {}
        self._layers: dict[Isa, Plan] = {}
        self._row_nodes: dict[Isa, dict[str, RowNode | None]] = {}

    @cached_property
    def orders(self) -> Orders:
        """``candidate_orders``."""
        return candidate_orders(self.graph)

    @cached_property
    def standing(self) -> Graph:
        """The graph with images of one row stood up, the graph itself where there are none."""
        return upright(self.graph)

    @cached_property
    def groups(self) -> list[Group]:
        """``packed_groups``."""
        return packed_groups(self.graph)

    @cached_property
    def narrowed(self) -> Graph:
        """The graph with tensors of few bits, the graph itself where there are none."""
        return narrow(self.graph, self.groups)

    @cached_property
    def wide(self) -> Graph:
        """The graph with weights of 8 bits, the graph itself where all have as many."""
        return without_levels(self.graph)

    def packed(self, isa: Isa) -> Graph:
        """The graph with tensors of few bits where kernels read them so, or the graph itself."""
        if isa not in self._packed:
            self._packed[isa] = narrow(self.graph, read_packed(self.graph, self.groups, isa))
        return self._packed[isa]

    def layers(self, isa: Isa) -> Plan:
        """The plan of one layer after the other."""
        if isa not in self._layers:
            self._layers[isa] = make_plan(self.graph, isa, orders=self.orders)
        return self._layers[isa]

    def row_nodes(self, isa: Isa) -> dict[str, RowNode | None]:
        """``row_nodes``."""
        if isa not in self._row_nodes:
            others = next(iter(self._row_nodes.values()), None)
            self._row_nodes[isa] = row_nodes(self.graph, isa, others)
        return self._row_nodes[isa]


def known(graph: Graph) -> Known:
    """What is known of ``graph``."""
    return _known(_Same(graph))


@dataclass(frozen=True, eq=False)
class _Same:
    """A graph that equals itself alone."""

    graph: Graph

    def __eq__(self, other: object) -> bool:
        """The very same graph."""
        return isinstance(other, _Same) and other.graph is self.graph

    def __hash__(self) -> int:
        """By identity."""
        return id(self.graph)


@lru_cache(maxsize=REMEMBERED)
def _known(same: _Same) -> Known:
    return Known(same.graph)
