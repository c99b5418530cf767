"""Turns NEG into a factor of -1, which has an int8 form: LiteRT's NEG does not look at scales."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor, unused_name
from edgebottle.ops.mul import Mul
from edgebottle.ops.neg import Neg
from edgebottle.passes.rewrite import Rewrite


def scale_negatives(graph: Graph) -> Graph:
    """Each NEG of floats is a MUL, so that a layer normalization is quantized as a whole."""
    rewrite = Rewrite(graph)
    for node in rewrite:
        if isinstance(node, Neg) and rewrite.outs(node)[0].dtype is DType.F32:
            name = unused_name(f"{node.name}_factor", rewrite.tensors)
            rewrite.tensors[name] = Tensor(name, (), DType.F32, data=np.array(-1.0, np.float32))
            rewrite.put(Mul(name=node.name, inputs=(*node.inputs, name), outputs=node.outputs))
    return rewrite.graph()
