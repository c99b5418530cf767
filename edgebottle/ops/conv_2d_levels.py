"""The kernels of CONV_2D with weights of few bits, for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    code_bits,
    folded_bias,
    int8_fields,
    matrix_of,
    output_of,
    scales_of,
    scratch_of_pairs,
)
from edgebottle.ops.fixed_point import quantize_multipliers
from edgebottle.ops.levels_packing import TILES_OF_BITS, level_fields, pack_levels
from edgebottle.ops.packing import TAPS, Packed, pad_to, rounded_twice
from edgebottle.ops.weights import operands

MIN_TAPS_4 = 32
"""Windows of fewer taps with weights of 4 bits take over a tenth more than int8: 27 taps 1.12x."""


class LevelRows(FullDepth[Packed]):
    """Weights of 4, 2 or 1 bits, four output channels by two pixels at a time."""

    ISAS = frozenset({Isa.DSP})
    HEADER = "eb_conv_2d.h"
    ROW, LAYER = "eb_conv_2d_levels_row", "eb_conv_2d_levels_layer"

    def suits(self, layer: Convolved) -> bool:
        """Weights of few values; of 4 bits, windows that are worth it."""
        weights = operands(layer.ins)[1]
        if not super().suits(layer) or weights.levels is None:
            return False
        return weights.levels.bits < 4 or weights.size // weights.shape[0] >= MIN_TAPS_4

    def pack(self, layer: Convolved) -> Packed | None:
        """See ``pack_levels``."""
        scaling = rounded_twice(*quantize_multipliers(scales_of(layer)), output_of(layer))
        weights = operands(layer.ins)[1]
        return pack_levels(weights, matrix_of(layer), folded_bias(layer), scaling)

    def scratch(self, layer: Convolved) -> int:
        """The windows of two pixels, and what tiles of 1 bit read beyond them; or of one."""
        if layer.output.shape[2] > 1:
            return scratch_of_pairs(layer) + 4 * TAPS
        weights = operands(layer.ins)[1]
        taps = pad_to(weights.size // weights.shape[0], TAPS)
        return taps + TAPS + 2 * (taps + TAPS)

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d",
            int8_fields(layer),
            e.params("eb_levels", level_fields(operands(layer.ins)[1], matrix_of(layer))),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def emit_layer(
        self, layer: Convolved, packed: Packed, e: Emitter, walk: Mapping[str, CValue]
    ) -> str | None:
        """See ``Kernel``."""
        rest: dict[str, CValue] = {
            **walk,
            **level_fields(operands(layer.ins)[1], matrix_of(layer), "levels."),
            "weights": e.constant("weights", packed.weights),
            "requant": e.constant("requant", packed.requant),
        }
        return self.layer_call(e, self.LAYER, "eb_conv_2d_levels", int8_fields(layer), rest)


class LevelBitRows(LevelRows):
    """The same with outputs that are stored with 4, 2 or 1 bits."""

    WRITES_FEW = True
    ROW = "eb_conv_2d_levels_bits_row"

    def suits(self, layer: Convolved) -> bool:
        """Outputs of all values of some bits."""
        return super().suits(layer) and code_bits(layer) in TILES_OF_BITS

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        weights, matrix = operands(layer.ins)[1], matrix_of(layer)
        return self.row_call(
            e,
            self.ROW,
            "eb_conv_2d",
            int8_fields(layer),
            e.params("eb_levels", level_fields(weights, matrix, output_bits=code_bits(layer))),
            str(layer.output.dtype.bits),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def emit_layer(
        self, layer: Convolved, packed: Packed, e: Emitter, walk: Mapping[str, CValue]
    ) -> None:
        """Its rows are called one by one."""
