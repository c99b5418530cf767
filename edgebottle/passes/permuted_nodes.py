"""Operators that work in any order of axes once their attributes follow: see ``channels_last``.

Each function adds what computes a node of the old network with its operands as they are held, and
says whether it did; where it cannot, the node gets its operands in their old order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgebottle.ir.graph import Int, Node, Shape, Tensor
from edgebottle.ops import BY_NAME
from edgebottle.ops.arg_max import ArgExtreme
from edgebottle.ops.batch_matmul import BatchMatMul
from edgebottle.ops.broadcast_to import BroadcastTo
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.gather import Gather
from edgebottle.ops.mirror_pad import MirrorPad
from edgebottle.ops.pad import Pad
from edgebottle.ops.pixels import PixelOperator
from edgebottle.ops.reduction import Reduction
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.slice import Slice
from edgebottle.ops.softmax import Softmax
from edgebottle.ops.split import Split
from edgebottle.ops.split_v import SplitV
from edgebottle.ops.strided_slice import StridedSlice
from edgebottle.ops.table import UnaryOperator
from edgebottle.ops.tile import Tile
from edgebottle.ops.transpose import Transpose
from edgebottle.passes.permuted import Handler, Order, Permuted, View, identity, inverse, permuted


def _transpose(walk: Permuted, node: Transpose) -> bool:
    """Nothing is computed: the input is seen in another order."""
    assert node.inputs[0] is not None
    seen = walk.views[node.inputs[0]]
    walk.views[node.outputs[0]] = View(seen.source, permuted(seen.order, node.permutation))
    return True


def _seen(walk: Permuted, node: Node, index: int = 0) -> View:
    name = node.inputs[index]
    assert name is not None
    return walk.views[name]


def _concatenation(walk: Permuted, node: Concatenation) -> bool:
    rank = len(walk.graph.outs(node)[0].shape)
    names = [name for name in node.inputs if name is not None]
    order = walk.best_order(names, rank)
    axis = order[node.axis]
    if rank == 4 and axis == 0:  # images are not joined along the batch
        return False
    inputs = tuple(walk.ordered(name, order) for name in names)
    walk.put(replace(node, inputs=inputs, axis=axis), order)
    return True


def _pad(walk: Permuted, node: Pad | MirrorPad) -> bool:
    seen = _seen(walk, node)
    paddings = [node.paddings[axis] for axis in inverse(seen.order)]
    if isinstance(node, Pad) and len(paddings) == 4 and any(paddings[0]):
        return False
    amounts = walk.ints(node.name, *(one for pair in paddings for one in pair), columns=2)
    inputs = (seen.source, amounts, *node.inputs[2:])
    walk.put(replace(node, inputs=inputs, paddings=tuple(paddings)), seen.order)
    return True


def _slice(walk: Permuted, node: Slice) -> bool:
    seen = _seen(walk, node)
    back = inverse(seen.order)
    begin, size = permuted(node.begin, back), permuted(node.size, back)
    operands = (walk.ints(node.name, *begin), walk.ints(node.name, *size))
    changed = replace(node, inputs=(seen.source, *operands), begin=begin, size=size)
    walk.put(changed, seen.order)
    return True


def _strided_slice(walk: Permuted, node: StridedSlice) -> bool:
    seen = _seen(walk, node)
    plain = not (node.ellipsis_mask or node.new_axis_mask or node.shrink_axis_mask)
    if not plain or len(node.begin) != len(seen.order):
        return False
    back = inverse(seen.order)
    attributes = [permuted(one, back) for one in (node.begin, node.end, node.strides)]
    changed = replace(
        node,
        inputs=(seen.source, *(walk.ints(node.name, *values) for values in attributes)),
        begin=attributes[0],
        end=attributes[1],
        strides=attributes[2],
        begin_mask=_mask(node.begin_mask, back),
        end_mask=_mask(node.end_mask, back),
    )
    walk.put(changed, seen.order)
    return True


def _mask(mask: int, back: Order) -> int:
    return sum(1 << index for index, axis in enumerate(back) if mask >> axis & 1)


def _split(walk: Permuted, node: Split) -> bool:
    seen = _seen(walk, node, 1)
    axis = seen.order[node.axis]
    inputs = (walk.ints(node.name, axis), seen.source)
    walk.put(replace(node, inputs=inputs, axis=axis), seen.order)
    return True


def _split_v(walk: Permuted, node: SplitV) -> bool:
    seen = _seen(walk, node)
    axis = seen.order[node.axis]
    inputs = (seen.source, node.inputs[1], walk.ints(node.name, axis))
    walk.put(replace(node, inputs=inputs, axis=axis), seen.order)
    return True


def _tile(walk: Permuted, node: Tile) -> bool:
    seen = _seen(walk, node)
    multiples = permuted(node.multiples, inverse(seen.order))
    inputs = (seen.source, walk.ints(node.name, *multiples))
    walk.put(replace(node, inputs=inputs, multiples=multiples), seen.order)
    return True


def _broadcast_to(walk: Permuted, node: BroadcastTo) -> bool:
    assert node.inputs[0] is not None
    rank = len(node.shape)
    name = walk.aligned(node.inputs[0], rank)
    if len(walk.graph.ins(node)[0].shape) != rank:  # type: ignore[union-attr]
        return False
    seen = walk.views[name]
    shape = permuted(node.shape, inverse(seen.order))
    inputs = (seen.source, walk.ints(node.name, *shape))
    walk.put(replace(node, inputs=inputs, shape=shape), seen.order)
    return True


def _reduction(walk: Permuted, node: Reduction) -> bool:
    seen = _seen(walk, node)
    axes = tuple(sorted(seen.order[axis] for axis in node.axes))
    order = seen.order if node.keep_dims else _without(seen.order, node.axes)
    fields: dict[str, Any] = {
        "name": node.name,
        "inputs": (seen.source, walk.ints(node.name, *axes)),
        "outputs": node.outputs,
        "axes": axes,
        "keep_dims": node.keep_dims,
    }
    kind: Any = BY_NAME[node.OP]
    walk.put(kind.over(walk.tensors[seen.source].shape, **fields), order)
    return True


def _without(order: Order, axes: Sequence[int]) -> Order:
    """The order of the axes that stay when old axes go."""
    kept = [place for axis, place in enumerate(order) if axis not in axes]
    ranks = {place: rank for rank, place in enumerate(sorted(kept))}
    return tuple(ranks[place] for place in kept)


def _arg_extreme(walk: Permuted, node: ArgExtreme) -> bool:
    seen = _seen(walk, node)
    axis = node.axis(walk.graph.ins(node))
    inputs = (seen.source, walk.ints(node.name, seen.order[axis]))
    walk.put(replace(node, inputs=inputs), _without(seen.order, [axis]))
    return True


def _gather(walk: Permuted, node: Gather) -> bool:
    """A list of indices takes slices along the axis wherever it is held."""
    assert node.inputs[0] is not None and node.inputs[1] is not None
    indices = walk.graph.tensors[node.inputs[1]]
    if len(indices.shape) != 1 or node.batch_dims:
        return False
    seen = _seen(walk, node)
    inputs = (seen.source, walk.ordered(indices.name))
    walk.put(replace(node, inputs=inputs, axis=seen.order[node.axis]), seen.order)
    return True


def _last_stays(order: Order) -> bool:
    return not order or order[-1] == len(order) - 1


def _pixels(walk: Permuted, node: Softmax | PixelOperator) -> bool:
    seen = _seen(walk, node)
    if not _last_stays(seen.order):
        return False
    walk.put(replace(node, inputs=(seen.source,)), seen.order)
    return True


def _fully_connected(walk: Permuted, node: FullyConnected) -> bool:
    """Pixels are batches, in any order; of what is flattened the weights are turned."""
    assert node.inputs[0] is not None
    columns = walk.scrambled.get(node.inputs[0])
    if columns is not None:
        source, order = columns
        inputs = (source, _reordered(walk, node, order), *node.inputs[2:])
        walk.put(replace(node, inputs=inputs))
        return True
    seen = _seen(walk, node)
    if not node.keep_num_dims or not _last_stays(seen.order):
        return False
    walk.put(replace(node, inputs=(seen.source, *node.inputs[1:])), seen.order)
    return True


def _reordered(walk: Permuted, node: FullyConnected, order: Int) -> str:
    """The weights for inputs of which number ``order[j]`` was number j."""
    assert node.inputs[1] is not None
    weights = walk.tensors[node.inputs[1]]
    data = np.empty_like(weights.constant())
    data[:, order] = weights.constant()
    own = walk.fresh(f"{weights.name}/Reordered")
    walk.tensors[own] = replace(weights, name=own, data=data)
    return own


def _batch_matmul(walk: Permuted, node: BatchMatMul) -> bool:
    """An operand whose last two axes are exchanged is transposed by the product itself."""
    inputs, exchanged = [], []
    for index in (0, 1):
        seen = _seen(walk, node, index)
        rank = len(seen.order)
        swapped = (*range(rank - 2), rank - 1, rank - 2)
        exchanged.append(seen.order == swapped)
        name = node.inputs[index]
        assert name is not None
        inputs.append(seen.source if exchanged[-1] else walk.ordered(name))
    changed = replace(
        node,
        inputs=tuple(inputs),
        transposes_a=node.transposes_a != exchanged[0],
        transposes_b=node.transposes_b != exchanged[1],
    )
    walk.put(changed)
    return True


def _reshape(walk: Permuted, node: Reshape) -> bool:
    """Axes that are split or merged within themselves can be so in any order of axes."""
    seen, (data,), (output,) = _seen(walk, node), walk.graph.ins(node)[:1], walk.graph.outs(node)
    assert data is not None and node.inputs[0] is not None
    if seen.order == identity(len(seen.order)):
        inputs = (seen.source,)
        walk.put(replace(node, inputs=inputs))
        return True
    groups = _groups(data.shape, output.shape)
    order = None if groups is None else _group_order(data.shape, seen.order, groups)
    if groups is None or order is None:
        return _flattened(walk, node, seen)
    # The axes of the output, group by group, in the order in which the groups are held.
    held = [axis for group in order for axis in groups[group][1]]
    shape = permuted(output.shape, tuple(held))
    walk.put(replace(node, inputs=(seen.source,), shape=shape), inverse(tuple(held)))
    return True


def _groups(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]] | None:
    """Axes before and after that hold the same elements, as few as possible in each group.

    Axes of length 1 go with what stands before them; those at the front are a group.
    """
    groups: list[tuple[list[int], list[int]]] = [([], [])]
    i = j = 0
    while i < len(before) or j < len(after):
        if i < len(before) and before[i] == 1:
            groups[-1][0].append(i)
            i += 1
        elif j < len(after) and after[j] == 1:
            groups[-1][1].append(j)
            j += 1
        elif i == len(before) or j == len(after):
            return None
        else:
            left, right = [i], [j]
            a, b = before[i], after[j]
            while a != b:
                if a < b:
                    i += 1
                    a *= before[i]
                    left.append(i)
                else:
                    j += 1
                    b *= after[j]
                    right.append(j)
            i, j = i + 1, j + 1
            groups.append((left, right))
    return groups


def _group_order(
    shape: Shape, order: Order, groups: Sequence[tuple[list[int], list[int]]]
) -> list[int] | None:
    """The groups in the order in which they are held; None where one is not held together."""
    held = [axis for axis in inverse(order) if shape[axis] != 1]
    place = {axis: number for number, axis in enumerate(held)}
    starts = []
    for number, (axes, _) in enumerate(groups):
        places = [place[axis] for axis in axes if axis in place]
        if places and places != list(range(places[0], places[0] + len(places))):
            return None
        starts.append((places[0] if places else -1, number))
    return [number for _, number in sorted(starts)]


def _is_for_weights(walk: Permuted, flat: Tensor) -> bool:
    """Whether only weights see the order of a tensor's elements, if need be behind activations."""
    readers = walk.graph.consumers(flat.name)
    if not readers or flat.name in walk.graph.outputs:
        return False
    for reader in readers:
        if isinstance(reader, UnaryOperator):
            if not _is_for_weights(walk, walk.graph.outs(reader)[0]):
                return False
        elif isinstance(reader, FullyConnected) and reader.inputs[0] == flat.name:
            weights = walk.graph.ins(reader)[1]
            if weights is None or weights.data is None or weights.shape[1] != flat.size:
                return False
        else:
            return False
    return True


def _unary(walk: Permuted, node: UnaryOperator) -> bool:
    """What is flattened in another order stays so."""
    columns = walk.scrambled.get(node.inputs[0] or "")
    if columns is None:
        return False
    walk.put(replace(node, inputs=(columns[0],)))
    walk.scrambled[node.outputs[0]] = (node.outputs[0], columns[1])
    return True


def _flattened(walk: Permuted, node: Reshape, seen: View) -> bool:
    """What only layers with constant weights read is flattened as it is held."""
    (output,) = walk.graph.outs(node)
    if len(output.shape) != 2 or output.shape[0] != 1 or not _is_for_weights(walk, output):
        return False
    walk.put(replace(node, inputs=(seen.source,)))
    held = walk.tensors[seen.source].shape
    order = np.arange(output.size).reshape(held).transpose(seen.order).ravel()
    walk.scrambled[output.name] = (output.name, order)
    return True


HANDLERS: tuple[Handler, ...] = (
    (Transpose, _transpose),
    (Reshape, _reshape),
    (UnaryOperator, _unary),
    (Concatenation, _concatenation),
    (Pad, _pad),
    (MirrorPad, _pad),
    (Slice, _slice),
    (StridedSlice, _strided_slice),
    (Split, _split),
    (SplitV, _split_v),
    (Tile, _tile),
    (BroadcastTo, _broadcast_to),
    (Reduction, _reduction),
    (ArgExtreme, _arg_extreme),
    (Gather, _gather),
    (Softmax, _pixels),
    (PixelOperator, _pixels),
    (FullyConnected, _fully_connected),
    (BatchMatMul, _batch_matmul),
)
