"""The kernels of CONV_2D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa
from edgebottle.ops.conv_2d_counts import CountRows
from edgebottle.ops.conv_2d_dots import DotRows
from edgebottle.ops.conv_2d_few import FewRows
from edgebottle.ops.conv_2d_fields import FieldNibbleRows, FieldRows
from edgebottle.ops.conv_2d_levels import LevelBitRows, LevelRows
from edgebottle.ops.conv_2d_slices import SliceRows
from edgebottle.ops.conv_2d_tables import CodeTableRows
from edgebottle.ops.convolution_kernels import (
    Convolved,
    FullDepth,
    PlainF32,
    PlainS8,
    PlainS16,
    WideS8,
    code_bits,
    folded_bias,
    int8_fields,
    marked_shifts,
    matrix_of,
    mve_scales,
    output_of,
    scales_of,
    scaling_of,
    scratch_of_pairs,
    written_bits,
)
from edgebottle.ops.fixed_point import quantize_multipliers, wrap_int32
from edgebottle.ops.inlining import Inlining
from edgebottle.ops.kernel import AnyKernel, P
from edgebottle.ops.mve_packing import pack_weights, quads
from edgebottle.ops.neon_costs import KINDS
from edgebottle.ops.neon_kernels import AnyWindowTiles, WindowTiles
from edgebottle.ops.packing import TAPS, Packed, pack, rounded_twice
from edgebottle.ops.read_again import WALK_ROWS, ReadAgain
from edgebottle.ops.scaling import Scaling, pack_fours, pack_scaling, triple_segment
from edgebottle.ops.weights import bias_values, operands

STRUCT = "eb_conv_2d"


class _Whole(FullDepth[P]):
    """A kernel of layers without groups."""

    HEADER = "eb_conv_2d.h"


class PackedRows(_Whole[Packed]):
    """Two output channels share a lane: DSP, two pixels by four channels at a time."""

    ISAS = frozenset({Isa.DSP})
    ROW, ROW_INLINED = "eb_conv_2d_s8_packed_row", "eb_conv_2d_s8_packed_row_inlined"
    LAYER, LAYER_INLINED = "eb_conv_2d_s8_packed_layer", "eb_conv_2d_s8_packed_layer_inlined"
    COPIED = "eb_conv_2d_s8_packed_copied_layer"
    COPIED_INLINED = "eb_conv_2d_s8_packed_copied_layer_inlined"

    TILE_PIXELS, PAIR_INSTRUCTIONS = 2, 20
    TAP_INSTRUCTIONS = 4
    """Instructions saved by a copy of its own, for each pair of pixels, and each tap that is
    gathered for it; counted on layers of IC, VWW and mcunet."""
    INLINED_BYTES = 700
    """Of such a copy; the same."""

    def pack(self, layer: Convolved) -> Packed | None:
        """See ``packing.pack``."""
        scales = quantize_multipliers(scales_of(layer))
        rows = rounded_twice(*scales, output_of(layer))
        return pack(matrix_of(layer), folded_bias(layer), *rows)

    def scratch(self, layer: Convolved) -> int:
        """See ``scratch_of_pairs``."""
        return scratch_of_pairs(layer)

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        return self.row_call(
            e,
            self.ROW_INLINED if e.inlined else self.ROW,
            STRUCT,
            int8_fields(layer),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def emit_layer(
        self, layer: Convolved, packed: Packed, e: Emitter, walk: Mapping[str, CValue]
    ) -> str | None:
        """See ``Kernel``."""
        fields = int8_fields(layer)
        together = np.concatenate([packed.weights.ravel(), packed.requant.ravel()])
        place = e.copy_place(together.nbytes)
        if place is None:
            function = self.LAYER_INLINED if e.inlined else self.LAYER
            constants: dict[str, CValue] = {
                "weights": e.constant("weights", packed.weights),
                "requant": e.constant("requant", packed.requant),
            }
            return self.layer_call(e, function, "eb_conv_2d_packed", fields, {**walk, **constants})
        function = self.COPIED_INLINED if e.inlined else self.COPIED
        requant = f"(const int32_t *)(const void *)({place} + {packed.weights.nbytes})"
        copied: dict[str, CValue] = {"weights": place, "requant": requant}
        source: dict[str, CValue] = {
            "from": f"(const uint32_t *){e.constant('weights', together)}",
            "words": together.size,
        }
        rest = {**walk, **copied}
        return self.layer_call(e, function, "eb_conv_2d_copied", fields, rest, source)

    def read_again(self, layer: Convolved, packed: Packed) -> ReadAgain | None:
        """Weights and scales, for each pair of pixels, of layers that are one call."""
        data, weights, _ = operands(layer.ins)
        if data.data is not None or data.layout.images != 1 or weights.shape[1] > WALK_ROWS:
            return None
        width = layer.output.layout.pixels
        times = layer.output.rows * -(-width // self.TILE_PIXELS)
        return ReadAgain(packed.weights.nbytes + packed.requant.nbytes, times)

    def inlining(self, layer: Convolved) -> Inlining | None:
        """See ``Kernel``."""
        _, height, width, depth = operands(layer.ins)[1].shape
        pairs = layer.output.size // layer.output.shape[3] // self.TILE_PIXELS
        gathered = height * width if height * width > 1 and depth % TAPS == 0 else 0
        saved = self.PAIR_INSTRUCTIONS + self.TAP_INSTRUCTIONS * gathered
        return Inlining(saved * pairs, self.INLINED_BYTES)


class PackedBitRows(PackedRows):
    """The same with outputs that are stored with 4, 2 or 1 bits."""

    WRITES_FEW = True
    ROW = "eb_conv_2d_s8_packed_bits_row"
    TILES: ClassVar[dict[tuple[int, int], str]] = {
        (4, 2): "eb_tile_4x2_to_4",
        (4, 1): "eb_tile_4x1_to_4",
        (3, 2): "eb_tile_4x2_to_3",
        (3, 1): "eb_tile_4x1_to_3",
        (2, 2): "eb_tile_4x2_to_2",
        (2, 1): "eb_tile_4x1_to_2",
        (1, 2): "eb_tile_4x2_to_1",
        (1, 1): "eb_tile_4x1_to_1",
    }
    """By the bits that outputs saturate to, and by pixels."""

    def suits(self, layer: Convolved) -> bool:
        """Outputs of all values of some bits."""
        return super().suits(layer) and (code_bits(layer), 1) in self.TILES

    def emit(self, layer: Convolved, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        bits = code_bits(layer)
        tiles: dict[str, CValue] = {
            "pair": self.TILES[bits, 2],
            "single": self.TILES[bits, 1],
            "bits": layer.output.dtype.bits,
        }
        return self.row_call(
            e,
            self.ROW,
            STRUCT,
            int8_fields(layer),
            e.params("eb_bits_tiles", tiles),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant),
            e.scratch(),
        )

    def emit_layer(
        self, layer: Convolved, packed: Packed, e: Emitter, walk: Mapping[str, CValue]
    ) -> None:
        """Its rows are called one by one."""

    def read_again(self, layer: Convolved, packed: Packed) -> None:
        """So nothing is copied."""

    def inlining(self, layer: Convolved) -> None:
        """There is no copy of its own."""


class _Triples(_Whole[P]):
    """Three pixels at a time with products of 32 bits: cores without the DSP extension."""

    ISAS = frozenset({Isa.SCALAR})
    ROW: ClassVar[str]

    def scratch(self, layer: Convolved) -> int:
        """The windows of three pixels, and a row of zero points."""
        data, weights, _ = operands(layer.ins)
        return 8 * (weights.size // weights.shape[0]) + data.shape[3]

    def triple_call(self, layer: Convolved, e: Emitter, scales: Array, *kind: str) -> str:
        """The call of its row kernel with records of channels, and of which kind they are."""
        matrix = matrix_of(layer)
        return self.row_call(
            e,
            self.ROW,
            STRUCT,
            int8_fields(layer),
            *written_bits(layer),
            e.constant("weights", pack_fours(matrix)),
            e.constant("scales", scales),
            *kind,
            str(triple_segment(matrix)),
            e.scratch(),
        )


class TripleRows(_Triples[Scaling]):
    """Scaled by short multipliers."""

    ROW = "eb_conv_2d_s8_triple_row"

    def pack(self, layer: Convolved) -> Scaling | None:
        """See ``scaling_of``."""
        return scaling_of(layer)

    def emit(self, layer: Convolved, packed: Scaling, e: Emitter) -> str:
        """See ``Kernel``."""
        return self.triple_call(layer, e, pack_scaling(packed), str(int(packed.has_pivot)))


class TripleBitRows(TripleRows):
    """The same with outputs that are stored with 4, 2 or 1 bits."""

    WRITES_FEW = True
    ROW = "eb_conv_2d_s8_triple_bits_row"

    def suits(self, layer: Convolved) -> bool:
        """Outputs of few bits, where no kernel has the weights in few bits: that is worth more."""
        is_few = layer.output.dtype.bits < 8
        return is_few and super().suits(layer) and not CodeTableRows().suits(layer)


class TripleTwiceRows(_Triples[Array]):
    """The same sums, rounded twice as LiteRT does, where no short multiplier suits a channel."""

    ROW = "eb_conv_2d_s8_triple_twice_row"

    def pack(self, layer: Convolved) -> Array:
        """Bias, multiplier and shift of each channel."""
        multiplier, shift = quantize_multipliers(scales_of(layer))
        bias = operands(layer.ins)[2]
        added = bias_values(bias, layer.output.shape[3], layer.output.dtype)
        marked = marked_shifts(shift, matrix_of(layer), added)
        folded = wrap_int32(folded_bias(layer))
        return np.stack([folded, multiplier, marked], axis=1).astype(np.int32)

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        return self.triple_call(layer, e, packed)


class VectorRows(_Whole[Array]):
    """Four output channels of sixteen taps at a time: MVE."""

    ISAS = frozenset({Isa.MVE})
    ROW = "eb_conv_2d_s8_mve_row"

    def suits(self, layer: Convolved) -> bool:
        """No shift is to the left: then its constants are exact."""
        return super().suits(layer) and self.packed(layer) is not None

    def pack(self, layer: Convolved) -> Array | None:
        """Bias and scales."""
        return mve_scales(layer, quads(layer.output.shape[3]))

    def scratch(self, layer: Convolved) -> int:
        """The window of a pixel, where it is gathered."""
        weights = operands(layer.ins)[1]
        is_pixel = weights.shape[1:3] == (1, 1) and not any(layer.node.padding)
        return 0 if is_pixel else weights.size // weights.shape[0]

    def emit(self, layer: Convolved, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        constants = (
            e.constant("weights", pack_weights(matrix_of(layer))),
            e.constant("scales", packed),
            self.scratch_or_null(layer, e),
        )
        return self.row_call(e, self.ROW, STRUCT, int8_fields(layer), *constants)


class PlainRowsS8(PlainS8):
    """Any int8 layer."""

    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_s8_row", STRUCT


class PlainRowsF32(PlainF32):
    """Any float32 layer."""

    HEADER = "eb_conv_2d.h"
    ROW, STRUCT = "eb_conv_2d_f32_row", "eb_conv_2d_f32"


KERNELS: tuple[AnyKernel, ...] = (
    SliceRows(),
    CountRows(),
    FieldRows(),
    FieldNibbleRows(),
    LevelRows(),
    LevelBitRows(),
    CodeTableRows(),
    PackedRows(),
    PackedBitRows(),
    TripleRows(),
    TripleBitRows(),
    TripleTwiceRows(),
    VectorRows(),
    DotRows(),
    *(FewRows(variant) for variant in KINDS),
    WindowTiles(),
    AnyWindowTiles(),
    PlainRowsS8(),
    WideS8(),
    PlainS16(),
    PlainRowsF32(),
)
