"""Activations: Relu, Sigmoid, Elu, HardSwish, Mish and the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.integers import with_integers
from edgebottle.importers.onnx_operators.table import (
    Translation,
    constant_of,
    data_of,
    is_float,
    number,
    optional,
)
from edgebottle.ir.graph import Tensor

SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
"""ONNX's defaults."""

ERF_POLYNOMIAL = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
ERF_P = 0.3275911
"""Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7 of erf."""


def named(op: str) -> Translation:
    """An operator that TFLite has as it is."""
    return Translation(lambda b, node, values: b.add(op, data_of(b, node, values)))


def function(
    compute: Callable[[Builder, Tensor], Value],
) -> Translation:
    """An operator of one input without attributes."""
    return Translation(lambda b, node, values: compute(b, data_of(b, node, values)))


def clipped(b: Builder, x: Value, low: float, high: float) -> Tensor:
    """``x`` between two bounds; the activation of TFLite where there is one."""
    names = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}
    if (low, high) in names:
        return b.add(names[(low, high)], x)
    if low == 0.0:
        x, low = b.add("RELU", x), -np.inf
    if low > -np.inf:
        x = b.add("MAXIMUM", x, number(low))
    if high < np.inf:
        x = b.add("MINIMUM", x, number(high))
    return b.tensor(x)


def absolute(b: Builder, x: Value) -> Tensor:
    """Its magnitude."""
    return b.add("ABS", x)


def softplus(b: Builder, x: Tensor) -> Tensor:
    """log(1 + e^x), without leaving the range of float32."""
    exponential = b.add("EXP", b.add("MUL", absolute(b, x), number(-1)))
    rest = b.add("LOG", b.add("ADD", exponential, number(1)))
    return b.add("ADD", b.add("RELU", x), rest)


def sigmoid_weighted(b: Builder, x: Tensor, alpha: float = 1.0) -> Tensor:
    """X * sigmoid(alpha * x): SiLU."""
    inner = x if alpha == 1.0 else b.add("MUL", x, number(alpha))
    return b.add("MUL", x, b.add("LOGISTIC", inner))


def erf(b: Builder, x: Tensor) -> Tensor:
    """The error function."""
    magnitude = absolute(b, x)
    scaled = b.add("ADD", b.add("MUL", magnitude, number(ERF_P)), number(1))
    t = b.add("DIV", number(1), scaled)
    sums: Tensor = b.add("MUL", t, number(ERF_POLYNOMIAL[-1]))
    for coefficient in reversed(ERF_POLYNOMIAL[:-1]):
        sums = b.add("MUL", b.add("ADD", sums, number(coefficient)), t)
    decay = b.add("EXP", b.add("MUL", b.add("MUL", x, x), number(-1)))
    positive = b.add("SUB", number(1), b.add("MUL", sums, decay))
    tiny = number(float(np.finfo(np.float32).tiny))
    sign = b.add("DIV", x, b.add("MAXIMUM", magnitude, tiny))
    return b.add("MUL", positive, sign)


def bent(b: Builder, x: Value, alpha: float) -> Tensor:
    """X where it is positive, alpha * (e^x - 1) below."""
    below = b.add("ELU", x)
    if alpha == 1.0:
        return below
    lower = b.add("MUL", b.add("MINIMUM", below, number(0)), number(alpha))
    return b.add("ADD", b.add("RELU", x), lower)


def _elu(b: Builder, node: OnnxNode, values: Values) -> Value:
    return bent(b, data_of(b, node, values), node.number("alpha", 1.0))


def _celu(b: Builder, node: OnnxNode, values: Values) -> Value:
    """X where it is positive, alpha * (e^(x / alpha) - 1) below."""
    x, alpha = data_of(b, node, values), node.number("alpha", 1.0)
    if not alpha > 0:
        raise node.refuse(f"has the alpha {alpha:g}, which is not positive")
    lower = b.add("MINIMUM", b.add("ELU", b.add("MUL", x, number(1 / alpha))), number(0))
    return b.add("ADD", b.add("RELU", x), b.add("MUL", lower, number(alpha)))


def _selu(b: Builder, node: OnnxNode, values: Values) -> Value:
    found = bent(b, data_of(b, node, values), node.number("alpha", SELU_ALPHA))
    return b.add("MUL", found, number(node.number("gamma", SELU_GAMMA)))


def _leaky_relu(b: Builder, node: OnnxNode, values: Values) -> Value:
    alpha = float(np.float32(node.number("alpha", 0.01)))
    return b.add("LEAKY_RELU", data_of(b, node, values), alpha=alpha)


def _prelu(b: Builder, node: OnnxNode, values: Values) -> Value:
    return b.add("PRELU", data_of(b, node, values, 0), data_of(b, node, values, 1))


def _hard_sigmoid(b: Builder, node: OnnxNode, values: Values) -> Value:
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    return hard_sigmoid(b, data_of(b, node, values), alpha, beta)


def hard_sigmoid(b: Builder, x: Tensor, alpha: float, beta: float) -> Tensor:
    """Alpha * x + beta, between 0 and 1."""
    return clipped(b, b.add("ADD", b.add("MUL", x, number(alpha)), number(beta)), 0.0, 1.0)


def thresholded(b: Builder, x: Tensor, alpha: float) -> Tensor:
    """X where it is above alpha, else 0."""
    return b.add("SELECT_V2", b.add("GREATER", x, number(alpha)), x, number(0))


def _gelu(b: Builder, node: OnnxNode, values: Values) -> Value:
    approximate = node.text("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise node.refuse(f"approximates by '{approximate}'")
    return b.add("GELU", data_of(b, node, values), approximate=approximate == "tanh")


def _mish(b: Builder, node: OnnxNode, values: Values) -> Value:
    x = data_of(b, node, values)
    return b.add("MUL", x, b.add("TANH", softplus(b, x)))


def _swish(b: Builder, node: OnnxNode, values: Values) -> Value:
    return sigmoid_weighted(b, data_of(b, node, values), node.number("alpha", 1.0))


def softsign(b: Builder, x: Tensor) -> Tensor:
    """X over one and its magnitude."""
    return b.add("DIV", x, b.add("ADD", absolute(b, x), number(1)))


def _clip(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Bounds are attributes before opset 11, then inputs."""
    x = data_of(b, node, values)
    bounds = []
    for index, name, otherwise in ((1, "min", -np.inf), (2, "max", np.inf)):
        if optional(values, index) is not None:
            bound = constant_of(node, values, index, "bounds")
            if bound.size != 1:
                raise node.contradicts(f"has {bound.size} numbers as its {name}")
            bounds.append(float(bound.ravel()[0]))
        else:
            bounds.append(node.number(name, otherwise))
    low, high = (np.inf * np.sign(one) if abs(one) > 3e38 else one for one in bounds)
    if low > high:
        low = high  # as ONNX defines it: the upper bound wins
    if not is_float(x):
        return _clipped_integers(b, x, low, high)
    return clipped(b, x, float(low), float(high))


def _clipped_integers(b: Builder, x: Tensor, low: float, high: float) -> Tensor:
    limits = np.iinfo(np.int32)
    for op, bound in (("MAXIMUM", low), ("MINIMUM", high)):
        if limits.min < bound < limits.max:
            x = b.add(op, x, np.array(bound, np.int32))
    return x


def _shrink(b: Builder, node: OnnxNode, values: Values) -> Value:
    """Nothing within a bound, nearer to zero beyond it."""
    x, bias, bound = data_of(b, node, values), node.number("bias", 0.0), node.number("lambd", 0.5)
    above = b.add(
        "SELECT_V2", b.add("GREATER", x, number(bound)), b.add("SUB", x, number(bias)), number(0)
    )
    return b.add(
        "SELECT_V2", b.add("LESS", x, number(-bound)), b.add("ADD", x, number(bias)), above
    )


TRANSLATIONS: dict[str, Translation] = {
    "Relu": named("RELU"),
    "Sigmoid": named("LOGISTIC"),
    "Tanh": named("TANH"),
    "HardSwish": named("HARD_SWISH"),
    "Elu": Translation(_elu, ("alpha",)),
    "Celu": Translation(_celu, ("alpha",)),
    "Selu": Translation(_selu, ("alpha", "gamma")),
    "LeakyRelu": Translation(_leaky_relu, ("alpha",)),
    "PRelu": Translation(_prelu, (), 2, 2),
    "HardSigmoid": Translation(_hard_sigmoid, ("alpha", "beta")),
    "Gelu": Translation(_gelu, ("approximate",)),
    "Mish": Translation(_mish),
    "Swish": Translation(_swish, ("alpha",)),
    "Softplus": function(softplus),
    "Softsign": function(softsign),
    "Erf": function(erf),
    "Shrink": Translation(_shrink, ("bias", "lambd")),
    "Clip": with_integers(Translation(_clip, ("min", "max"), 1, 3)),
}
