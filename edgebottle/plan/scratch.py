"""Scratch of layers: every order and every form of a network asks for that of the same ones."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node
from edgebottle.ir.remembered import Remembered
from edgebottle.ops.base import Isa, Operator

REMEMBERED = 512
"""Layers whose scratch is remembered."""

_found = Remembered[int](REMEMBERED)


def scratch_of(graph: Graph, node: Node, isa: Isa) -> int:
    """Bytes of scratch that a layer needs with the kernels of a variant."""
    if not isinstance(node, Operator):
        return 0
    ins, outs = graph.ins(node), graph.outs(node)
    return _found.of((node, *ins, *outs), isa.value, lambda: node.scratch_bytes(ins, outs, isa))
