"""LEAKY_RELU: x where it is positive, alpha * x below zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Signature
from edgebottle.ops.fixed_point import (
    single_ratio,
)
from edgebottle.ops.kernel import AnyKernel
from edgebottle.ops.slopes import SlopedOperator, slope_kernels
from edgebottle.ops.table import (
    CASE_SHAPES,
    EVERY_VALUE,
    input_quants,
    per_tensor,
)


@dataclass(frozen=True, kw_only=True)
class LeakyRelu(SlopedOperator):
    """max(x, 0) + alpha * min(x, 0).

    LiteRT requantizes each side of zero with its own multiplier, the float32 quotient of the scales
    alone or times alpha, and rounds twice.

    Limits:
        alpha is not negative where the input is int8 or int16.

    Attributes:
        alpha: The slope below zero, a float32.
    """

    OP = "LEAKY_RELU"
    SIGNATURE: ClassVar[Signature] = Signature("LeakyReluOptions", 1, 1, fields=("f32",))
    KERNELS: ClassVar[tuple[AnyKernel, ...]] = slope_kernels("eb_leaky_relu_f32_row")

    alpha: float = 0.0

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
        alpha = 0.0 if options is None else float(options.alpha)
        return cls(name=name, inputs=inputs, outputs=outputs, alpha=alpha)

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        from ai_edge_litert.schema_py_generated import LeakyReluOptionsT

        options = LeakyReluOptionsT()
        options.alpha = self.alpha
        return options

    def real(self, value: Array) -> Array:
        """The function on float32."""
        return np.where(value > 0, value, value * np.float32(self.alpha))

    def ratios(self, tensor: Tensor, out: Tensor) -> tuple[float, float]:
        """That of the scales, below zero times alpha."""
        positive = single_ratio(tensor.scale, by=out.scale)
        return positive, single_ratio(tensor.scale, self.alpha, by=out.scale)

    def float_arguments(self) -> tuple[str, ...]:
        """The slope."""
        return (f"{self.alpha.hex()}f",)

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """Ranks, slopes, the same and other quantizations of the output, float32."""
        for label, shape in CASE_SHAPES:
            quant = per_tensor(0.05, -3)
            yield cls._case(f"{label}", 0.3, shape, quant, quant)
            yield cls._case(f"f32_{label}", 0.3, shape, None, None)
        for alpha in (0.0, 0.01, 0.2, 1.0, 1.7):
            for label, quant in input_quants():
                out = per_tensor(quant.scale[0] * 0.7, 11)
                yield cls._case(f"{label}_slope_{alpha}", alpha, EVERY_VALUE, quant, out)
        yield cls._case("f32_negative_slope", -0.5, EVERY_VALUE, None, None)
        fine = per_tensor(0.0004, 0), per_tensor(0.0003, 0)
        yield cls._case("i16", 0.3, EVERY_VALUE, *fine, DType.I16)

    @classmethod
    def _case(cls, case: str, alpha: float, *rest: Any) -> Graph:
        graph = cls.graph(f"leaky_relu_{case}", *rest)
        (node,) = graph.nodes
        return replace(graph, nodes=(replace(node, alpha=float(np.float32(alpha))),))  # type: ignore[call-arg]
