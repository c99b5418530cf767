"""Gives layers of float activations and int8 weights weights of float32."""

from __future__ import annotations

from dataclasses import fields, replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor, unused_name
from edgebottle.ops import BY_NAME, HYBRID
from edgebottle.ops.base import Operator
from edgebottle.ops.hybrid import float_weights as real_weights
from edgebottle.passes.rewrite import Rewrite


def float_weights(graph: Graph) -> Graph:
    """Every layer that quantizes its input at run time becomes the float one that it stands for.

    Not exact: such a layer rounds its inputs. It is for what begins with a float network.
    """
    rewrite = Rewrite(graph)
    for node in rewrite:
        if not isinstance(node, tuple(HYBRID.values())):
            continue
        kind, weights = BY_NAME[node.OP], rewrite.ins(node)[1]
        assert isinstance(node, Operator) and weights is not None
        plain = kind(**{field.name: getattr(node, field.name) for field in fields(kind)})
        places = plain.weighted_operands()
        assert places is not None and places.weights == 1
        values = real_weights(weights, places.axis)
        name = unused_name(f"{weights.name}_float", rewrite.tensors)
        rewrite.tensors[name] = Tensor(name, values.shape, DType.F32, data=values)
        rewrite.put(replace(plain, inputs=(node.inputs[0], name, *node.inputs[2:])))
    return rewrite.graph()
