"""FULLY_CONNECTED of float32 by int8 weights: see ``hybrid.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ops.base import Emitter
from edgebottle.ops.dense import DenseLayer
from edgebottle.ops.fully_connected_cases import HYBRID, fully_connected_case
from edgebottle.ops.fully_connected_kernels import layer_sizes
from edgebottle.ops.hybrid import check_hybrid, quantize_inputs, weight_scales
from edgebottle.ops.hybrid_convolution import with_int8_weights
from edgebottle.ops.kernel import AnyKernel, Kernel, Layer
from edgebottle.ops.weights import bias_values, exact_matmul, operands


class HybridDenseLayer(Kernel[DenseLayer, Array]):
    """The only kernel."""

    FUNCTION = "eb_fully_connected_hybrid_layer"

    def suits(self, layer: Layer[DenseLayer]) -> bool:
        """Every layer."""
        return True

    def pack(self, layer: Layer[DenseLayer]) -> Array:
        """The bias."""
        _, weights, bias = operands(layer.ins)
        return bias_values(bias, weights.shape[0], DType.F32)

    def scratch(self, layer: Layer[DenseLayer]) -> int:
        """One row of inputs, quantized."""
        return operands(layer.ins)[1].shape[1]

    def emit(self, layer: Layer[DenseLayer], packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_hybrid.h")
        node, weights = layer.node, operands(layer.ins)[1]
        assert isinstance(node, HybridFullyConnected)
        low, high = node.activation.float_range()
        fields = layer_sizes(layer) | {
            "is_symmetric": int(not node.asymmetric),
            "low": low,
            "high": high,
        }
        arguments = (
            e.params("eb_fully_connected_hybrid", fields),
            *(e.input(0), e.output()),
            e.constant("weights", weights.constant()),
            e.constant("scales", weight_scales(weights, 0)),
            e.constant("bias", packed),
            e.scratch(),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"


@dataclass(frozen=True, kw_only=True)
class HybridFullyConnected(DenseLayer):
    """A layer whose inputs are quantized at run time, those of each row by their own range.

    Attributes:
        asymmetric: With a zero point.
    """

    KERNELS: ClassVar[tuple[AnyKernel, ...]] = (HybridDenseLayer(),)

    asymmetric: bool = False

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
        node = super().from_tflite(name, inputs, outputs, ins, outs, options)
        return replace(node, asymmetric=bool(options.asymmetricQuantizeInputs))

    def to_tflite(self, ins: Tensors, outs: Sequence[Tensor]) -> Any:
        """See ``Operator``."""
        options = super().to_tflite(ins, outs)
        options.asymmetricQuantizeInputs = self.asymmetric
        return options

    def check(self, ins: Tensors, outs: Sequence[Tensor]) -> None:
        """See ``Node``."""
        check_hybrid(self, ins, outs, 0)

    def reference(
        self, values: Sequence[Array | None], ins: Tensors, outs: Sequence[Tensor]
    ) -> tuple[Array, ...]:
        """See ``Node``."""
        _, weights, bias = operands(ins)
        value, weight = values[0], values[1]
        assert value is not None and weight is not None
        rows = value.reshape(-1, weights.shape[1]).astype(np.float32)
        steps, scale = quantize_inputs(rows, symmetric=not self.asymmetric)
        sums = exact_matmul(steps, weight.T.astype(np.int16)).astype(np.float32)
        added = bias_values(bias, weights.shape[0], DType.F32)
        real = added + sums * (weight_scales(weights, 0) * scale)
        total = np.clip(real, *self.activation.float_range()).astype(np.float32)
        return (total.reshape(outs[0].shape),)

    def overwrites(self, ins: Tensors, outs: Sequence[Tensor]) -> tuple[int, ...]:
        """See ``Node``: a row is read before its outputs are written."""
        outputs, inputs = operands(ins)[1].shape
        return (0,) if outputs <= inputs or outs[0].size == outputs else ()

    @classmethod
    def cases(cls) -> Iterator[Graph]:
        """See ``Operator``."""
        for case in HYBRID:
            for asymmetric in (False, True):
                graph = fully_connected_case(cls, case)
                name = f"{graph.name}_{'asymmetric' if asymmetric else 'symmetric'}"
                (node,) = graph.nodes
                node = replace(node, asymmetric=asymmetric)  # type: ignore[call-arg]
                graph = replace(graph, name=name, nodes=(node,))
                yield with_int8_weights(graph, case.per_channel, 0)
