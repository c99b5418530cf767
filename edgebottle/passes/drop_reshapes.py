"""Removes operators that only give the same bytes another shape, or do nothing at all."""

from __future__ import annotations

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.rewrite import Rewrite, is_view, view


def drop_reshapes(graph: Graph) -> Graph:
    """Merges chains of reshapes, drops those that change nothing.

    A transpose that only moves axes of length 1 is a reshape. What remains shares the memory of
    its input in the plan and costs nothing.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        if isinstance(node, Transpose) and _moves_nothing(rewrite, node):
            node = view(node.name, node.inputs[0] or "", rewrite.outs(node)[0])
            rewrite.put(node)
        if is_view(node):
            _skip_views_before(rewrite, node)
    for node in rewrite:
        if is_view(node) and _does_nothing(rewrite, node):
            rewrite.bypass(node)
    return rewrite.graph()


def _moves_nothing(rewrite: Rewrite, node: Transpose) -> bool:
    source = rewrite.ins(node)[0]
    assert source is not None
    moved = [axis for axis in node.permutation if source.shape[axis] != 1]
    return moved == sorted(moved)


def _skip_views_before(rewrite: Rewrite, node: Node) -> None:
    """Lets a view read what the view before it reads; that one goes when nothing else reads it.

    A view that names axes, such as SQUEEZE, does not suit what is before the other: it becomes one
    that names its result.
    """
    source = node.inputs[0]
    maker = rewrite.producer(source)
    if source is None or maker is None or not is_view(maker) or source in rewrite.outputs:
        return
    assert maker.inputs[0] is not None
    if isinstance(node, Reshape):
        rewrite.rename(node, source, maker.inputs[0])
    else:
        rewrite.put(view(node.name, maker.inputs[0], rewrite.outs(node)[0]))
    if not rewrite.consumers(source):
        rewrite.remove(maker)


def _does_nothing(rewrite: Rewrite, node: Node) -> bool:
    source, target = rewrite.ins(node)[0], rewrite.outs(node)[0]
    assert source is not None
    if source.state and any(
        reader.assigned is not None for reader in rewrite.consumers(target.name)
    ):
        return False  # two variables may take each other's values
    return source.shape == target.shape and source.quant == target.quant
