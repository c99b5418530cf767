"""Stores tensors that can take few values with few bits, to the last bit the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.kernel import KernelOperator, Layer
from edgebottle.ops.narrowed import Narrowed
from edgebottle.ops.pad import Pad
from edgebottle.ops.width import STORED, Width
from edgebottle.passes.channels.ranges import channel_ranges

WORTH = 64
"""Multiply-accumulates on few bits that are worth an element unpacked elsewhere: each saves a
quarter of an instruction or more, and unpacking takes 4, of each row up to three times."""

Extent = tuple[int, int]
"""The lowest and the highest value of a tensor."""


def narrow_widths(graph: Graph) -> dict[str, Width]:
    """How many bits each int8 tensor between two layers needs, of those that need less than 8.

    By interval analysis over the exact integer arithmetic: clamps, zero points, weights.
    """
    widths = {name: _width([extent]) for name, extent in _extents(graph).items()}
    return {name: width for name, width in widths.items() if width is not None}


Group = dict[str, Width]
"""Tensors that are packed together or not at all: how each is stored."""


def packed_groups(graph: Graph) -> list[Group]:
    """The tensors that can be packed.

    Layers that move or view bytes go on doing so, if the tensors on both sides are stored alike
    and no byte is taken apart. Others unpack and pack. What saves no byte stays as it is.
    """
    extents, groups = _extents(graph), list[Group]()
    for names in _moved_together(graph):
        known = [extents[name] for name in names if name in extents]
        width = _width(known) if len(known) == len(names) else None
        if width is not None and _saves([graph.tensors[name] for name in names], width):
            nodes = {node.name: node for name in names for node in _around(graph, name)}
            group = dict.fromkeys(names, width)
            if all(_can(graph, node, group) for node in nodes.values()):
                groups.append(group)
    return groups


def read_packed(graph: Graph, groups: Sequence[Group], isa: Isa) -> list[Group]:
    """Those that layers which compute with them read as they are stored.

    Such layers have kernels of this variant for few bits, so that nothing is unpacked; or what they
    gain is worth that others unpack it, such as a sum that a residual is added to.
    """
    return [group for group in groups if _is_worth(graph, group, isa)]


def _is_worth(graph: Graph, group: Group, isa: Isa) -> bool:
    gained = unpacked = 0
    for name, width in group.items():
        for node in graph.consumers(name):
            if not reads_packed(graph, node, name, width, isa):
                unpacked += graph.tensors[name].size
            elif isinstance(node, KernelOperator) and not _moves(node):
                layer = _reading(graph, node, name, width)
                if node.chosen(layer, isa)[0].gains_by_few(layer):
                    gained += node.macs(graph.ins(node), graph.outs(node))
    return gained > 0 and gained >= WORTH * unpacked


def reads_packed(graph: Graph, node: Node, name: str, width: Width, isa: Isa) -> bool:
    """Whether a layer reads a tensor as it would be stored: it moves it, or has such a kernel."""
    if _moves(node):
        return True
    if not isinstance(node, KernelOperator) or node.inputs.index(name) != 0:
        return False
    return node.computes(_reading(graph, node, name, width), isa)


def _reading(graph: Graph, node: KernelOperator, name: str, width: Width) -> Layer[KernelOperator]:
    """A layer whose input 0 is stored so."""
    ins = (width.narrow(graph.tensors[name]), *graph.ins(node)[1:])
    return Layer(node, ins, graph.outs(node))


def narrow(graph: Graph, groups: Sequence[Group] | None = None) -> Graph:
    """Tensors of few values are stored with few bits.

    Args:
        graph: The graph.
        groups: Some of ``packed_groups``; all of them by default.
    """
    chosen = packed_groups(graph) if groups is None else groups
    widths = {name: width for group in chosen for name, width in group.items()}
    if not widths:
        return graph
    tensors = dict(graph.tensors)
    for name, width in widths.items():
        tensors[name] = width.narrow(tensors[name])
    return graph.with_nodes([_narrowed(graph, node, widths) for node in graph.nodes], tensors)


def _extents(graph: Graph) -> dict[str, Extent]:
    """Of the int8 tensors between two layers."""
    return {
        name: (int(one.low.min()), int(one.high.max()))
        for name, one in channel_ranges(graph).items()
        if graph.producer(name) is not None and name not in graph.outputs
    }


def _width(extents: Sequence[Extent]) -> Width | None:
    """The least that all of these values fit; None where that is no less than 8 bits."""
    low, high = min(low for low, _ in extents), max(high for _, high in extents)
    fitting = [bits for bits in sorted(STORED) if high - low < 1 << bits]
    return Width(fitting[0], low) if fitting else None


def _moved_together(graph: Graph) -> list[list[str]]:
    """Tensors of which bytes are moved to one another; all others alone."""
    group = {name: name for name in graph.tensors}

    def root(name: str) -> str:
        while group[name] != name:
            group[name] = name = group[group[name]]
        return name

    for node in graph.nodes:
        if _moves(node):
            first, *others = _data(graph, node)
            for name in others:
                group[root(name)] = root(first)
    groups = defaultdict(list)
    for name in graph.tensors:
        groups[root(name)].append(name)
    return list(groups.values())


def _moves(node: Node) -> bool:
    return isinstance(node, Operator) and (node.VIEW or node.MOVES)


def _data(graph: Graph, node: Node) -> list[str]:
    """What a layer reads and writes of the type of its output."""
    names = [name for name in (*node.inputs, *node.outputs) if name is not None]
    dtype = graph.tensors[node.outputs[0]].dtype
    return [name for name in dict.fromkeys(names) if graph.tensors[name].dtype is dtype]


def _around(graph: Graph, name: str) -> Sequence[Node]:
    """The layers that write and read a tensor."""
    maker = graph.producer(name)
    return (*(() if maker is None else (maker,)), *graph.consumers(name))


def _saves(tensors: Sequence[Tensor], width: Width) -> bool:
    return any(width.narrow(tensor).nbytes < tensor.nbytes for tensor in tensors)


def _can(graph: Graph, node: Node, widths: Mapping[str, Width]) -> bool:
    """Whether a layer can move the bytes of narrow tensors, or compute on them unpacked."""
    if _moves(node):
        return _takes(graph, node, widths)
    is_single = len(node.outputs) == 1 and node.assigned is None
    return is_single and isinstance(node, Operator) and not node.state_inputs


def _takes(graph: Graph, node: Node, widths: Mapping[str, Width]) -> bool:
    """Whether a layer takes tensors as they are stored, without unpacking any."""
    ins, outs = (
        [widths[one.name].narrow(one) if one and one.name in widths else one for one in tensors]
        for tensors in (graph.ins(node), graph.outs(node))
    )
    try:
        node.check(ins, [out for out in outs if out is not None])
    except UnsupportedOp:
        return False
    return True


def _narrowed(graph: Graph, node: Node, widths: Mapping[str, Width]) -> Node:
    read = tuple(None if name is None else widths.get(name) for name in node.inputs)
    written = widths.get(node.outputs[0])
    if not any(read) and written is None:
        return node
    is_border = type(node) is Pad and read[0] == written
    if _moves(node) or (is_border and _takes(graph, node, widths)):
        return node
    assert isinstance(node, Operator)
    return Narrowed(
        name=node.name,
        inputs=node.inputs,
        outputs=node.outputs,
        inner=node,
        read=read,
        written=written,
    )
