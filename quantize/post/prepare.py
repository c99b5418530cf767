"""Makes a float graph ready: constants folded, and biases for each layer with weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Tensor, unused_name
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Operator
from edgebottle.ops.weighted_sums import FilterOperands
from edgebottle.passes.compose_sums import compose_sums
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.fold_affine import fold_affine
from edgebottle.passes.fold_constants import fold_constants
from edgebottle.passes.fuse_activation import fuse_activation
from edgebottle.passes.scale_negatives import scale_negatives
from quantize.post.forward import fold_into_next


def check_float(graph: Graph) -> None:
    """Raises ``BadInput`` where a network is quantized, or has nothing to quantize."""
    stored = [tensor for tensor in graph.tensors.values() if tensor.dtype.is_quantized]
    if stored:
        kinds = sorted({tensor.dtype.label for tensor in stored})
        raise BadInput(
            f"the network is quantized already: {len(stored)} of its tensors are "
            f"{' and '.join(kinds)}, such as '{stored[0].name}'; give the float network that it "
            "was made of"
        )
    if not any(tensor.dtype is DType.F32 for tensor in graph.tensors.values()):
        raise BadInput("the network has no floating-point tensor that could be quantized")


def is_streaming(graph: Graph) -> bool:
    """Whether a network keeps a variable from run to run, so that the order of samples matters.

    The states of recurrent layers do not count: their samples are mostly whole sequences.
    """
    return any(
        node.assigned is not None
        or (isinstance(node, Operator) and isinstance(node.other_operands(), FilterOperands))
        for node in graph.nodes
    )


def prepare(graph: Graph) -> Graph:
    """The folded float graph, which can still be written as ``.tflite``.

    Raises:
        BadInput: the network is quantized already.
    """
    check_float(graph)
    for one in PASSES:
        graph = one(graph)
        verify(graph, one.__name__)
    return graph


def _with_biases(graph: Graph) -> Graph:
    """Gives zeros to the layers that lack biases, which their correction needs."""
    tensors = dict(graph.tensors)
    nodes: list[Node] = []
    for node in graph.nodes:
        index, channels = _bias_place(graph, node)
        absent = index is not None and (index >= len(node.inputs) or node.inputs[index] is None)
        if absent and index is not None:
            name = unused_name(f"{node.name}_bias", tensors)
            zeros = np.zeros(channels, np.float32)
            tensors[name] = Tensor(name, zeros.shape, DType.F32, data=zeros)
            inputs = (*node.inputs[:index], name)
            node = replace(node, inputs=inputs)
        nodes.append(node)
    return graph.with_nodes(nodes, tensors)


def _bias_place(graph: Graph, node: Node) -> tuple[int | None, int]:
    """Where a layer with float weights has its biases, and how many; None for other layers."""
    places = node.weighted_operands() if isinstance(node, Operator) else None
    tensor = None if places is None else graph.ins(node)[places.weights]
    if places is None or tensor is None or tensor.data is None or tensor.dtype is not DType.F32:
        return None, 0
    return places.bias, tensor.shape[places.axis]


PASSES = (
    *(drop_dead, fold_constants, compose_sums, scale_negatives, fold_affine, fuse_activation),
    *(_with_biases, fold_into_next),
)
"""In the order they run."""
