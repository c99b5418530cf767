"""The kernel of FULLY_CONNECTED for Cortex-A with SDOT: see ``eb_fully_connected_s8_dot.h``."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import Emitter, Isa, Operator
from edgebottle.ops.dot_packing import pack_fours
from edgebottle.ops.few_packing import QUAD
from edgebottle.ops.fully_connected_kernels import (
    STRUCT,
    Dense,
    folded_bias,
    is_int8,
    layer_ends,
    layer_sizes,
    output_of,
    quantization_of,
    scales_of,
)
from edgebottle.ops.kernel import Kernel
from edgebottle.ops.mve_packing import pack_scales, quads
from edgebottle.ops.packing import pack_requant, rounded_once
from edgebottle.ops.weights import operands, per_channel, weights_zero_point

MIN_OUTPUTS = 3
"""Of one or two, a kernel that has no outputs in its lanes multiplies less."""


def has_fours(layer: Dense) -> bool:
    """Fours of inputs, enough outputs, and no zero point of weights."""
    weights = operands(layer.ins)[1]
    outputs, inputs = weights.shape
    return inputs % QUAD == 0 and outputs >= MIN_OUTPUTS and not weights_zero_point(weights)


class DotLayer(Kernel[Operator, Array]):
    """Four batches by sixteen outputs, four inputs at a time."""

    ISAS = frozenset({Isa.NEON_DOT})
    FUNCTION = "eb_fully_connected_s8_dot_layer"

    def suits(self, layer: Dense) -> bool:
        """int8; see ``has_fours``."""
        return is_int8(layer) and has_fours(layer)

    def pack(self, layer: Dense) -> Array | None:
        """Bias and scales; None where no multiplier rounds as LiteRT does, see ``pack_requant``.

        A channel that is constant there is its zero point here.
        """
        matrix, output = operands(layer.ins)[1].constant(), output_of(layer)
        rows = rounded_once(np.array(per_channel(scales_of(layer), len(matrix))), output)
        requant = pack_requant(matrix, folded_bias(layer), *rows)
        if requant is None:
            return None
        twice, multiplier, added, places = requant[: len(matrix)].T
        constant = (added >> places)[multiplier == 0]
        if np.any(constant != output.clip(np.zeros(1, np.int64))):
            return None
        return pack_scales(twice // 2, multiplier, -places, quads(len(matrix)))

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        arguments = (
            e.params(STRUCT, layer_sizes(layer) | quantization_of(layer)),
            *layer_ends(layer, e),
            e.constant("weights", pack_fours(operands(layer.ins)[1].constant(), runs=1)),
            e.constant("scales", packed),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"
