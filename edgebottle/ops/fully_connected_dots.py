"""The kernel of FULLY_CONNECTED for Cortex-A with SDOT: see ``eb_fully_connected_s8_dot.h``.

Its scales are those of all kernels for Cortex-A.
"""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import Emitter, Isa, Operator
from edgebottle.ops.dot_packing import pack_fours
from edgebottle.ops.few_packing import QUAD
from edgebottle.ops.fixed_point import wrap_int32
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


def vector_scales(layer: Dense, added: Array | int = 0) -> Array | None:
    """Biases and scales of fours of outputs, see ``eb_neon_scale_once``.

    Args:
        layer: Of int8 outputs.
        added: To the biases.

    Returns:
        See ``mve_packing.pack_scales``; None where no multiplier rounds as LiteRT does, see
        ``pack_requant``. A channel that is constant there is its zero point here.
    """
    matrix, output = operands(layer.ins)[1].constant(), output_of(layer)
    rows = rounded_once(np.array(per_channel(scales_of(layer), len(matrix))), output)
    requant = pack_requant(matrix, folded_bias(layer), *rows)
    if requant is None:
        return None
    twice, multiplier, offset, places = requant[: len(matrix)].T
    constant = (offset >> places)[multiplier == 0]
    if np.any(constant != output.clip(np.zeros(1, np.int64))):
        return None
    bias = wrap_int32(twice // 2 + added).astype(np.int32)
    return pack_scales(bias, multiplier, -places, quads(len(matrix)))


class DotLayer(Kernel[Operator, Array]):
    """Four batches by sixteen outputs, four inputs at a time."""

    ISAS = frozenset({Isa.NEON_DOT})
    FUNCTION = "eb_fully_connected_s8_dot_layer"

    def suits(self, layer: Dense) -> bool:
        """int8; fours of inputs, enough outputs, and no zero point of weights."""
        weights = operands(layer.ins)[1]
        outputs, inputs = weights.shape
        has_fours = inputs % QUAD == 0 and outputs >= MIN_OUTPUTS
        return is_int8(layer) and has_fours and not weights_zero_point(weights)

    def pack(self, layer: Dense) -> Array | None:
        """See ``vector_scales``."""
        return vector_scales(layer)

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        arguments = (
            e.params(STRUCT, layer_sizes(layer) | quantization_of(layer)),
            *layer_ends(layer, e),
            e.constant("weights", self.weights(layer)),
            e.constant("scales", packed),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"

    def weights(self, layer: Dense) -> Array:
        """The weights as the kernel reads them."""
        return pack_fours(operands(layer.ins)[1].constant(), runs=1)
