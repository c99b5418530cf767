"""The kernels of FULLY_CONNECTED for Cortex-A: vectors of NEON."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa, Operator
from edgebottle.ops.few_packing import table_of
from edgebottle.ops.few_ways import FewProducts, FewWeights, cheapest, saves_by_few
from edgebottle.ops.fixed_point import wrap_int32
from edgebottle.ops.fully_connected_dots import DotLayer, vector_scales
from edgebottle.ops.fully_connected_kernels import (
    READ_AS,
    Dense,
    PlainLayerS8,
    doubles_of,
    folded_bias,
    is_int8,
    layer_ends,
    layer_sizes,
    quantization_of,
)
from edgebottle.ops.kernel import AnyKernel, Kernel
from edgebottle.ops.mve_packing import CHANNELS, LANES
from edgebottle.ops.neon_costs import KINDS, VectorCosts
from edgebottle.ops.neon_kernels import LOWEST, VECTORS
from edgebottle.ops.packing import pad_to
from edgebottle.ops.weights import operands, weights_zero_point

BLOCK_BYTES = 16
"""Values that are spread begin at a multiple of it."""

MAX_TOGETHER = 16
"""Outputs that are computed together, at most."""

JOINING = 3
"""Instructions of the kernel of int8, which add up the lanes of four outputs."""


BESIDE = 150
"""Instructions that weights of few bits take for a batch of int8 beside its products; counted."""


class QuadsLayerS8(DotLayer):
    """Eight or four outputs of sixteen products at a time, scaled by vectors."""

    ISAS = VECTORS - {Isa.NEON_ANY}
    FUNCTION = "eb_fully_connected_s8_quads_layer"

    def suits(self, layer: Dense) -> bool:
        """int8; weights above the lowest, around 0."""
        return is_int8(layer) and _has_vectors(layer)

    def weights(self, layer: Dense) -> Array:
        """As they are stored."""
        return operands(layer.ins)[1].constant()


class AnyQuadsS8(QuadsLayerS8):
    """The same, with SDOT where the program finds that the core has it."""

    ISAS = frozenset({Isa.NEON_ANY})
    FUNCTION = "eb_fully_connected_s8_quads_any_layer"


class NeonLayerS8(PlainLayerS8):
    """Four outputs of sixteen products at a time, whose scales nothing but doubles rounds alike."""

    ISAS = VECTORS - {Isa.NEON_ANY}
    FUNCTION = "eb_fully_connected_s8_neon_layer"

    def suits(self, layer: Dense) -> bool:
        """Weights above the lowest, around 0."""
        return super().suits(layer) and _has_vectors(layer)


class AnyLayerS8(NeonLayerS8):
    """The same, with SDOT where the program finds that the core has it."""

    ISAS = frozenset({Isa.NEON_ANY})
    FUNCTION = "eb_fully_connected_s8_neon_any_layer"


@dataclass(frozen=True)
class StoredBatch:
    """Inputs of a batch as they are stored.

    Attributes:
        bits: Of a code.
        codes: With those that fill the last byte.
        inputs: Without them.
    """

    bits: int
    codes: int
    inputs: int

    @property
    def nbytes(self) -> int:
        """In memory."""
        return self.codes * self.bits // 8

    def column(self, planes: bool) -> int:
        """Bytes of what is spread, of one plane where there are planes."""
        return self.codes // 8 if planes else self.codes

    def plane_bytes(self, planes: bool) -> int:
        """From one plane to the next."""
        return pad_to(self.column(planes) + 4, BLOCK_BYTES)

    def row_bytes(self, planes: bool) -> int:
        """Of all that is spread."""
        return self.plane_bytes(planes) * (self.bits if planes else 1)

    @classmethod
    def of(cls, layer: Dense) -> StoredBatch | None:
        """None where batches do not begin with a byte."""
        data, weights, _ = operands(layer.ins)
        bits, inputs, layout = data.dtype.bits, weights.shape[1], data.layout
        if layout.pixel_elements == inputs:
            return cls(bits, layout.pixel_bytes * 8 // bits, inputs)
        is_whole = all(count * bits % 8 == 0 for count in (inputs, layout.pixel_elements))
        return cls(bits, inputs, inputs) if is_whole else None


@dataclass(frozen=True)
class FewDenseConstants:
    """What the kernel reads.

    Attributes:
        packed: The weights, and how they are multiplied.
        scales: Of four outputs each, with their biases; None where nothing but doubles rounds as
            LiteRT does.
    """

    packed: FewWeights
    scales: Array | None


class FewLayer(Kernel[Operator, FewDenseConstants]):
    """Weights or inputs of few bits, in the way that costs a kind of core least."""

    FUNCTION = "eb_fully_connected_few_neon_layer"
    FUNCTION_QUADS = "eb_fully_connected_few_quads_layer"

    def __init__(self, variant: Isa) -> None:
        """For the cores of a variant, by what their instructions cost."""
        self.ISAS = frozenset({variant})
        self._kinds = KINDS[variant]

    def suits(self, layer: Dense) -> bool:
        """Few values of weights or inputs, no zero point of weights; batches of whole bytes."""
        data, weights, _ = operands(layer.ins)
        if data.dtype not in READ_AS or weights_zero_point(weights):
            return False
        is_few = data.dtype.bits < 8 or weights.levels is not None
        return is_few and StoredBatch.of(layer) is not None

    def pack(self, layer: Dense) -> FewDenseConstants | None:
        """See ``few_ways.cheapest``; None where a kernel of int8 costs less on a kind of core.

        That one reads int8 as it lies there, and what has few bits after it was unpacked.
        """
        packed = cheapest(_products(layer), self._kinds)
        if packed is None:
            return None
        int8 = self._int8(layer)
        if int8:
            beside = BESIDE if _batch(layer).bits == 8 else 0.0
            saved = [wide - few - beside for wide, few in zip(int8, packed.cycles, strict=True)]
            if min(saved) < 0:
                return None
        return FewDenseConstants(packed, vector_scales(layer, packed.added))

    def gains_by_few(self, layer: Dense) -> bool:
        """See ``saves_by_few``."""
        found = self.packed(layer)
        if found is None:
            return False
        inputs = operands(layer.ins)[1].shape[1]
        each = inputs, inputs, self._int8(layer)
        return saves_by_few(_products(layer), found.packed, self._kinds, *each)

    def _int8(self, layer: Dense) -> list[float]:
        """What the kernel of int8 costs each kind of core; nothing where it does not suit."""
        return [_cycles(layer, costs) for costs in self._kinds] if _has_vectors(layer) else []

    def scratch(self, layer: Dense) -> int:
        """The inputs, spread, whatever way is chosen; sums of their bytes, and of the outputs."""
        batch, outputs = _batch(layer), operands(layer.ins)[1].shape[0]
        forms = (False, True) if batch.bits <= 2 else (False,)
        spread = max(batch.row_bytes(form) + batch.plane_bytes(form) for form in forms)
        return spread + 4 * pad_to(outputs, MAX_TOGETHER)

    def emit(self, layer: Dense, packed: FewDenseConstants, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        batch, few = _batch(layer), packed.packed
        vector = few.way.taps // 8 if few.way.planes else few.way.taps
        dense = layer_sizes(layer) | quantization_of(layer)
        fields: dict[str, CValue] = {f"dense.{name}": value for name, value in dense.items()}
        planes = few.way.planes
        name = f"{few.way.name(_products(layer))}_sums"
        fields |= {
            "rows.bits": batch.bits,
            "rows.is_planes": int(planes),
            "rows.column": batch.column(planes),
            "rows.columns": 1,
            "rows.plane_bytes": batch.plane_bytes(planes),
            "rows.row_bytes": batch.row_bytes(planes),
            "few.four": name,
            "few.one": name,
            "few.blocks": e.constant("blocks", table_of(few.blocks, [0], vector)),
            "few.block_count": len(few.blocks),
            "few.pixel": 0,
            "few.plane_bytes": batch.plane_bytes(planes),
            "few.step": few.step,
            "few.lowest": few.lowest,
            "in_bytes": batch.nbytes,
        }
        weights = e.constant("weights", few.weights)
        head = (e.params("eb_fully_connected_few", fields), *layer_ends(layer, e), weights)
        if packed.scales is not None:
            quads = e.constant("scales", packed.scales)
            return f"{self.FUNCTION_QUADS}({', '.join((*head, quads, e.scratch()))});"
        bias = wrap_int32(folded_bias(layer) + few.added).astype(np.int32)
        doubles = (e.constant("bias", bias), e.constant("scales", doubles_of(layer)))
        return f"{self.FUNCTION}({', '.join((*head, *doubles, e.scratch()))});"


def _has_vectors(layer: Dense) -> bool:
    """Weights above the lowest, around 0."""
    weights = operands(layer.ins)[1]
    return weights_zero_point(weights) == 0 and int(weights.constant().min()) > LOWEST


def _cycles(layer: Dense, costs: VectorCosts) -> float:
    """Of a batch with the kernel of int8, modelled."""
    outputs, inputs = operands(layer.ins)[1].shape
    products = costs.dot or 2 * costs.multiply_long + costs.widen
    vectors = pad_to(inputs, LANES) // LANES
    quads = pad_to(outputs, CHANNELS) // CHANNELS
    loads = quads * CHANNELS + quads // 2 + quads % 2  # those of inputs are shared by two quads
    each = loads * costs.load + quads * CHANNELS * products
    return vectors * each + quads * JOINING * costs.simple


def _batch(layer: Dense) -> StoredBatch:
    batch = StoredBatch.of(layer)
    assert batch is not None, "suits() said so"
    return batch


def _products(layer: Dense) -> FewProducts:
    """The products of a layer, with those of what fills the bytes of batches."""
    weights, batch = operands(layer.ins)[1], _batch(layer)
    fill = batch.codes - batch.inputs
    return FewProducts(
        matrix=np.pad(weights.constant(), ((0, 0), (0, fill))),
        is_filler=np.arange(batch.codes) >= batch.inputs,
        levels=weights.levels,
        bits=batch.bits,
        runs=1,
        height=1,
        pixels=1,
    )


KERNELS: tuple[AnyKernel, ...] = (
    DotLayer(),
    *(FewLayer(variant) for variant in KINDS),
    QuadsLayerS8(),
    AnyQuadsS8(),
    NeonLayerS8(),
    AnyLayerS8(),
)
