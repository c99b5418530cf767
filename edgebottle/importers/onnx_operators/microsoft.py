"""Operators of onnxruntime's own domain that its quantizer writes: QLinearAdd, QGemm and others.

Each is a standard operator between conversions, and is translated as those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.activation import TRANSLATIONS as ACTIVATIONS
from edgebottle.importers.onnx_operators.elementwise import TRANSLATIONS as ARITHMETIC
from edgebottle.importers.onnx_operators.movement import TRANSLATIONS as MOVEMENT
from edgebottle.importers.onnx_operators.pooling import TRANSLATIONS as POOLS
from edgebottle.importers.onnx_operators.products import TRANSLATIONS as PRODUCTS
from edgebottle.importers.onnx_operators.quantized import (
    bias_of,
    dequantized_operand,
    output_quant,
    quantized_output,
)
from edgebottle.importers.onnx_operators.reduction import TRANSLATIONS as REDUCTIONS
from edgebottle.importers.onnx_operators.table import Translation, optional
from edgebottle.ir.graph import Tensor
from edgebottle.ops.base import MANY


def _between(
    base: Mapping[str, Translation],
    op: str,
    operands: int = 1,
    fixed: Mapping[str, Any] | None = None,
) -> Translation:
    """A standard operator whose operands come with scale and zero point, and last its output's.

    Args:
        base: Where its translation stands.
        op: Its name.
        operands: How many operands it has.
        fixed: Attributes that are other than the node's.
    """
    inner = base[op]

    def translate(b: Builder, node: OnnxNode, values: Values) -> Value:
        plain = _plain(node, op, inner, fixed or {})
        reals = [dequantized_operand(b, node, values, 3 * at) for at in range(operands)]
        made = inner.translate(b, plain, reals)
        return quantized_output(b, _only(made), output_quant(node, values, 3 * operands))

    own = ("channels_last", "opset")
    return Translation(translate, (*inner.attributes, *own), 3 * operands + 1, 3 * operands + 2)


def _plain(node: OnnxNode, op: str, inner: Translation, fixed: Mapping[str, Any]) -> OnnxNode:
    """The node as the standard operator that it is."""
    if node.integer("channels_last", 0):
        raise node.refuse("has its channels last, which edgebottle does not support")
    kept = {name: value for name, value in node.attributes.items() if name in inner.attributes}
    return replace(
        node, op=op, attributes={**kept, **fixed}, version=node.integer("opset", node.version)
    )


def _only(made: Value | Sequence[Value]) -> Tensor:
    found = made if isinstance(made, Tensor) else made[0]
    assert isinstance(found, Tensor)
    return found


def _concat(b: Builder, node: OnnxNode, values: Values) -> Value:
    """The output's scale and zero point come first, then each operand with its own."""
    if len(values) < 5 or (len(values) - 2) % 3:
        raise node.contradicts(f"has {len(values)} inputs")
    reals = [dequantized_operand(b, node, values, at) for at in range(2, len(values), 3)]
    made = MOVEMENT["Concat"].translate(b, node, reals)
    return quantized_output(b, _only(made), output_quant(node, values, 0))


def _gemm(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Its bias is of 32 bits; without a scale of the output that is real."""
    reals: list[Value | None] = [
        dequantized_operand(b, node, values, 0),
        dequantized_operand(b, node, values, 3, 0 if node.integer("transB", 0) else 1),
    ]
    if optional(values, 6) is not None:
        reals.append(bias_of(node, values, 6, 1, 4))
    made = _only(PRODUCTS["Gemm"].translate(b, node, reals))
    if optional(values, 7) is None:
        return made
    return quantized_output(b, made, output_quant(node, values, 7))


TRANSLATIONS: dict[str, Translation] = {
    "QLinearAdd": _between(ARITHMETIC, "Add", 2),
    "QLinearMul": _between(ARITHMETIC, "Mul", 2),
    "QLinearAveragePool": _between(POOLS, "AveragePool"),
    "QLinearGlobalAveragePool": _between(POOLS, "GlobalAveragePool"),
    "QLinearReduceMean": _between(REDUCTIONS, "ReduceMean"),
    "QLinearSigmoid": _between(ACTIVATIONS, "Sigmoid"),
    "QLinearLeakyRelu": _between(ACTIVATIONS, "LeakyRelu"),
    "QLinearSoftmax": _between(REDUCTIONS, "Softmax"),
    "QLinearConcat": Translation(_concat, ("axis",), 5, MANY),
    "QGemm": Translation(_gemm, PRODUCTS["Gemm"].attributes, 6, 9),
}
