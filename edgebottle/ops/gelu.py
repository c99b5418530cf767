"""GELU: x times the share of a normal distribution below x."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Signature
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    ActivationOperator,
    activation_kernels,
    input_quants,
    per_tensor,
)

_SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
_SQRT_HALF = math.sqrt(0.5)

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


@dataclass(frozen=True, kw_only=True)
class Gelu(ActivationOperator):
    """x times the share of a standard normal distribution that lies below x.

    LiteRT's int8 kernel looks its results up in a table made with float32 arithmetic.

    Attributes:
        approximate: By the hyperbolic tangent of a polynomial instead of the error function.
    """

    OP = "GELU"
    SIGNATURE: ClassVar[Signature] = Signature("GeluOptions", 1, 1, fields=("bool",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = activation_kernels("eb_gelu_f32_row")

    approximate: bool = False

    @classmethod
    def from_tflite(
        cls,
        name: str,
        inputs: tuple[str | None, ...],
        outputs: tuple[str, ...],
        ins: Tensors,
        outs: Sequence[Tensor],
        options: Any,
    ) -> Self:
        """See ``Operator``."""
        approximate = options is not None and bool(options.approximate)
        return cls(name=name, inputs=inputs, outputs=outputs, approximate=approximate)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import GeluOptionsT

        options = GeluOptionsT()
        options.approximate = self.approximate
        return options

    def real(self, value: Array) -> Array:
        """The function on float32; what is inside the transcendental function, rounded to it."""
        half = np.float32(0.5) * value
        if self.approximate:
            cubic = value + np.float32(0.044715) * value * value * value
            inner = np.float32(_SQRT_2_OVER_PI) * cubic
            twice = np.float32(1.0) + np.tanh(inner.astype(np.float64)).astype(np.float32)
        else:
            # 1 + erf would lose what is left of the share far below zero.
            inner = value * np.float32(-_SQRT_HALF)
            twice = _erfc(inner.astype(np.float64)).astype(np.float32)
        return np.asarray(half * twice, dtype=np.float32)

    def float_arguments(self) -> tuple[str, ...]:
        """Which of the two it is."""
        return (str(int(self.approximate)),)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, quantizations of input and output, float32, both kinds."""
        for approximate in (False, True):
            kind = "gelu_tanh" if approximate else "gelu"
            for label, shape in CASE_SHAPES:
                quants = per_tensor(0.05, -3), per_tensor(0.04, -100)
                yield cls._case(f"{kind}_{label}", approximate, shape, *quants)
                yield cls._case(f"{kind}_f32_{label}", approximate, shape, None, None)
            for label, quant in input_quants():
                out = per_tensor(quant.scale[0] * 0.7, 11)
                yield cls._case(f"{kind}_{label}", approximate, EVERY_VALUE, quant, out)
        tail = per_tensor(0.0752, 96), per_tensor(2.7e-9, -91)
        yield cls._case("gelu_tail", False, EVERY_VALUE, *tail)

    @classmethod
    def _case(cls, case: str, approximate: bool, *rest: Any) -> Graph:
        graph = cls.graph(case, *rest)
        (node,) = graph.nodes
        return replace(graph, nodes=(replace(node, approximate=approximate),))  # type: ignore[call-arg]
