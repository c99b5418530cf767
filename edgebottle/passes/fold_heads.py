"""Lets products of matrices read and write the heads of attention where they lie.

A head is a part of the channels of each token. Converters put transposes around the products, that
each head may be a matrix of its own; here they become strides of the operands. The scores are held
token by token as well, [batch, tokens, heads, keys]: so what comes between the two products of an
attention, and these themselves, are computed row by row where memory counts, and the scores of a
few tokens are all that is ever there.
"""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.graph import Graph, Node
from edgebottle.ops.batch_matmul import BatchMatMul
from edgebottle.ops.seen import Seen
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.permuted import Permuted, identity, moves_nothing, permuted
from edgebottle.passes.permuted_nodes import HANDLERS
from edgebottle.passes.rewrite import Rewrite, is_view


def fold_heads(graph: Graph) -> Graph:
    """Transposes around BATCH_MATMUL become strides, where no more bytes are moved than before."""
    if not any(isinstance(node, BatchMatMul) for node in graph.nodes):
        return graph
    before = sum(
        graph.tensors[node.inputs[0] or ""].nbytes
        for node in graph.nodes
        if isinstance(node, Transpose)
        and not moves_nothing(graph.tensors[node.inputs[0] or ""].shape, node.permutation)
    )
    walk = Permuted(graph, ((BatchMatMul, _product), *HANDLERS))
    for name in graph.inputs:
        walk.take_input(name, identity(len(graph.tensors[name].shape)))
    for node in graph.nodes:
        walk.node(node)
    for name in graph.outputs:
        walk.put_out(name)
    return graph.with_nodes(walk.nodes, walk.tensors) if walk.moved <= before else graph


def _product(walk: Permuted, node: BatchMatMul) -> bool:
    """The operands are seen as they are held, the rows of the product come before its heads."""
    if (node.seen_a, node.seen_b, node.seen_y, node.shape) != (None,) * 4:
        return False
    views = [walk.views[name] for name in node.inputs if name is not None]
    a, b = (Seen(walk.tensors[view.source].shape, view.order) for view in views)
    product = walk.graph.outs(node)[0].shape
    rank = len(product)
    order = identity(rank)
    if rank >= 4 and product[-3] > 1:
        order = (*order[:-3], rank - 2, rank - 3, rank - 1)
    plain = Seen.plain(product)
    y = Seen(permuted(product, order), order)
    changed = replace(
        node,
        inputs=tuple(view.source for view in views),
        seen_a=None if a == Seen.plain(a.shape) else a,
        seen_b=None if b == Seen.plain(b.shape) else b,
        seen_y=None if y == plain else y,
    )
    walk.put(changed, order)
    return True


def skip_views(graph: Graph) -> Graph:
    """Products read through the views before them, and write through the one behind them.

    A view is no layer on rows, though its bytes are: so a stage would end there.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        if isinstance(node, BatchMatMul):
            _write_through(rewrite, _read_through(rewrite, node))
    return rewrite.graph()


def _read_through(rewrite: Rewrite, node: BatchMatMul) -> BatchMatMul:
    for index in (0, 1):
        name = node.inputs[index]
        maker = rewrite.producer(name)
        if name is None or maker is None or not _is_plain_view(rewrite, maker):
            continue
        inputs = list(node.inputs)
        inputs[index] = maker.inputs[0]
        seen = node.seen(rewrite.ins(node), index)
        node = replace(node, inputs=tuple(inputs))
        node = replace(node, seen_a=seen) if index == 0 else replace(node, seen_b=seen)
        rewrite.put(node)
        if not rewrite.consumers(name) and name not in rewrite.outputs:
            rewrite.remove(maker)
    return node


def _write_through(rewrite: Rewrite, node: BatchMatMul) -> None:
    (output,) = node.outputs
    if not rewrite.is_read_once(output):
        return
    (reader,) = rewrite.consumers(output)
    if _is_plain_view(rewrite, reader):
        seen = node.seen_y or Seen.plain(node.product(rewrite.ins(node)))
        shape = rewrite.outs(reader)[0].shape
        rewrite.remove(reader)
        rewrite.bound_alike(output, reader.outputs[0])
        rewrite.put(replace(node, outputs=reader.outputs, seen_y=seen, shape=shape))


def _is_plain_view(rewrite: Rewrite, node: Node) -> bool:
    """Whether a node only gives bytes another shape, of a tensor that stays what it is."""
    if not is_view(node):
        return False
    source, target = rewrite.ins(node)[0], rewrite.outs(node)[0]
    return source is not None and not source.state and source.quant == target.quant
