"""The kernels of FULLY_CONNECTED."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Int
from edgebottle.ops.base import CValue, Emitter, Isa, Operator, works_by_rows
from edgebottle.ops.fixed_point import (
    activation_range,
    effective_scales,
    exact_multiplier,
    wrap_int32,
)
from edgebottle.ops.kernel import AnyKernel, Kernel, Layer
from edgebottle.ops.levels_packing import level_fields, pack_levels, unit_taps
from edgebottle.ops.packing import (
    TAPS,
    Output,
    Packed,
    pack,
    pad_to,
    rounded_once,
)
from edgebottle.ops.weights import bias_values, operands, per_channel, weights_zero_point

Dense = Layer[Any]

STRUCT = "eb_fully_connected"

READ_AS = frozenset({DType.I8, DType.U4, DType.U2, DType.U1})
"""Types of inputs that kernels for weights of few bits read as they are stored."""


LONG_PRODUCTS = 1024
"""Of a batch: from so many on a loop that is unrolled further is worth its flash."""


class PackedLayer(Kernel[Operator, Packed]):
    """Two outputs share a lane: DSP; with a scale for each output, two batches at a time."""

    ISAS = frozenset({Isa.DSP})
    FUNCTION = "eb_fully_connected_s8_packed_layer"
    FUNCTION_LONG = "eb_fully_connected_s8_packed_long_layer"
    FUNCTION_EACH = "eb_fully_connected_s8_packed_each_layer"

    def suits(self, layer: Dense) -> bool:
        """int8."""
        return is_int8(layer)

    def pack(self, layer: Dense) -> Packed | None:
        """See ``packing.pack``; weights without a zero point."""
        weights = operands(layer.ins)[1]
        if weights_zero_point(weights):
            return None
        matrix = weights.constant()
        scales = np.array(per_channel(scales_of(layer), len(matrix)))
        rows = rounded_once(scales, output_of(layer))
        packed = pack(matrix, folded_bias(layer), *rows)
        return packed if packed is None or _is_uniform(layer, packed) else None

    def scratch(self, layer: Dense) -> int:
        """The input where it is not a whole number of words; a pair of batches widened, too."""
        inputs = operands(layer.ins)[1].shape[1]
        taps = pad_to(inputs, TAPS)
        copied = taps if inputs % TAPS else 0
        is_paired = not has_one_scale(layer) and batches_of(layer) > 1
        return 4 * taps + 2 * copied if is_paired else copied

    def emit(self, layer: Dense, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        if has_one_scale(layer):
            is_long = operands(layer.ins)[1].size >= LONG_PRODUCTS
            function = self.FUNCTION_LONG if is_long else self.FUNCTION
            scaling = {"bias": packed.requant[:, 0], "scale": packed.requant[0, 1:]}
        else:
            function, scaling = self.FUNCTION_EACH, {"requant": packed.requant}
        arguments = (
            e.params(STRUCT, layer_sizes(layer) | quantization_of(layer)),
            *layer_ends(layer, e),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            *(e.constant(name, array) for name, array in scaling.items()),
            e.scratch() if self.scratch(layer) else "NULL",
        )
        return f"{function}({', '.join(arguments)});"


class LevelLayer(Kernel[Operator, Packed]):
    """Weights of 4, 2 or 1 bits, four outputs at a time: DSP."""

    ISAS = frozenset({Isa.DSP})
    FUNCTION = "eb_fully_connected_levels_layer"

    def suits(self, layer: Dense) -> bool:
        """Weights of few values, without a zero point; batches share them, or there is one."""
        weights = operands(layer.ins)[1]
        is_few = weights.levels is not None and not weights_zero_point(weights)
        return is_int8(layer) and is_few and (has_one_scale(layer) or batches_of(layer) == 1)

    def pack(self, layer: Dense) -> Packed | None:
        """See ``pack_levels``."""
        weights = operands(layer.ins)[1]
        matrix = weights.constant()
        scales = np.array(per_channel(scales_of(layer), len(matrix)))
        rows = rounded_once(scales, output_of(layer))
        packed = pack_levels(weights, matrix, folded_bias(layer), rows)
        return packed if packed is None or _is_uniform(layer, packed) else None

    def scratch(self, layer: Dense) -> int:
        """The input, widened."""
        weights = operands(layer.ins)[1]
        return 2 * pad_to(weights.shape[1], unit_taps(weights))

    def emit(self, layer: Dense, packed: Packed, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        weights, has_one = operands(layer.ins)[1], has_one_scale(layer)
        fields = level_fields(weights, weights.constant(), once=not has_one)
        arguments = (
            e.params(STRUCT, layer_sizes(layer) | quantization_of(layer)),
            *layer_ends(layer, e),
            e.params("eb_levels", fields),
            f"(const uint32_t *){e.constant('weights', packed.weights)}",
            e.constant("requant", packed.requant[:, 0] if has_one else packed.requant),
            e.constant("scale", packed.requant[0, 1:]) if has_one else "NULL",
            e.scratch(),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"


class PlainLayerS8(Kernel[Operator, Array]):
    """Any int8 layer, product by product."""

    FUNCTION = "eb_fully_connected_s8_layer"

    def suits(self, layer: Dense) -> bool:
        """int8."""
        return is_int8(layer)

    def pack(self, layer: Dense) -> Array:
        """The scales, as LiteRT's doubles."""
        return doubles_of(layer)

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        params = e.params(STRUCT, layer_sizes(layer) | quantization_of(layer))
        arrays = (
            e.constant("weights", self.weights(layer)),
            e.constant("bias", wrap_int32(folded_bias(layer)).astype(np.int32)),
            e.constant("scales", packed),
        )
        return f"{self.FUNCTION}({', '.join((params, *layer_ends(layer, e), *arrays))});"

    def weights(self, layer: Dense) -> Array:
        """The weights as the kernel reads them."""
        return operands(layer.ins)[1].constant()


class PlainLayerS16(Kernel[Operator, Array]):
    """Any int16 layer, product by product."""

    FUNCTION = "eb_fully_connected_s16_layer"

    def suits(self, layer: Dense) -> bool:
        """int16."""
        return operands(layer.ins)[0].dtype is DType.I16

    def pack(self, layer: Dense) -> Array:
        """The scales, as LiteRT's doubles."""
        return doubles_of(layer)

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        _, weights, bias = operands(layer.ins)
        params = e.params(STRUCT, layer_sizes(layer) | quantization_of(layer))
        arrays = (
            e.constant("weights", weights.constant()),
            e.constant("bias", bias_values(bias, weights.shape[0], DType.I16)),
            e.constant("scales", packed),
        )
        return f"{self.FUNCTION}({', '.join((params, *layer_ends(layer, e), *arrays))});"


class PlainLayerF32(Kernel[Operator, Array]):
    """Any float32 layer."""

    FUNCTION = "eb_fully_connected_f32_layer"

    def suits(self, layer: Dense) -> bool:
        """float32."""
        return operands(layer.ins)[0].dtype is DType.F32

    def pack(self, layer: Dense) -> Array:
        """The bias."""
        _, weights, bias = operands(layer.ins)
        return bias_values(bias, weights.shape[0], DType.F32)

    def emit(self, layer: Dense, packed: Array, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        low, high = layer.node.activation.float_range()
        fields = layer_sizes(layer) | {"low": low, "high": high}
        params = e.params("eb_fully_connected_f32", fields)
        arrays = self.weights(layer, e), e.constant("bias", packed)
        return f"{self.FUNCTION}({', '.join((params, *layer_ends(layer, e), *arrays))});"

    def weights(self, layer: Dense, e: Emitter) -> str:
        """The C expression of the weights."""
        return e.constant("weights", operands(layer.ins)[1].constant())


def is_int8(layer: Dense) -> bool:
    """Whether the input is int8."""
    return operands(layer.ins)[0].dtype is DType.I8


def layer_ends(layer: Dense, e: Emitter) -> tuple[str, str]:
    """Pointers to the input and to the output, or to a row of each."""
    if works_by_rows(layer.node, layer.ins, layer.outs):
        return e.row(0), e.out_row()
    return e.input(0), e.output()


def layer_sizes(layer: Dense) -> dict[str, CValue]:
    """The fields of the parameters that count: of the whole layer, or of one of its rows."""
    outputs, inputs = operands(layer.ins)[1].shape
    return {"batches": batches_of(layer), "inputs": inputs, "outputs": outputs}


def batches_of(layer: Dense) -> int:
    """Of the whole layer, or of one of its rows."""
    data, weights, _ = operands(layer.ins)
    by_rows = works_by_rows(layer.node, layer.ins, layer.outs)
    elements = data.layout.row_elements if by_rows else data.size
    return elements // weights.shape[1]


def quantization_of(layer: Dense) -> dict[str, CValue]:
    """The fields of the parameters that say how int8 values are meant."""
    weights = operands(layer.ins)[1]
    assert weights.quant is not None
    low, high = activation_range(layer.node.activation, layer.output)
    return {
        "per_channel": int(len(weights.quant.scale) > 1),
        "weights_zero_point": weights_zero_point(weights),
        "output_zero_point": layer.output.zero_point,
        "low": low,
        "high": high,
    }


def doubles_of(layer: Dense) -> Array:
    """The scales, as LiteRT's doubles, in parts of 32 bits."""
    return np.array([exact_multiplier(scale) for scale in scales_of(layer)], dtype=np.uint32)


def scales_of(layer: Dense) -> list[float]:
    """One scale, or one for each output."""
    data, weights, _ = operands(layer.ins)
    return list(effective_scales(data, weights, layer.output))


def has_one_scale(layer: Dense) -> bool:
    """All outputs have the same."""
    return len(set(scales_of(layer))) == 1


def _is_uniform(layer: Dense, packed: Packed) -> bool:
    """Where all outputs have one scale, they are scaled alike: none is constant."""
    scales = packed.requant[: len(operands(layer.ins)[1].constant()), 1:]
    return not has_one_scale(layer) or bool(np.all(scales == scales[0]))


def output_of(layer: Dense) -> Output:
    """Where the outputs lie."""
    bounds = activation_range(layer.node.activation, layer.output)
    return Output(layer.output.zero_point, *bounds)


def folded_bias(layer: Dense) -> Int:
    """[outputs] int64: the bias with both zero points folded in, not wrapped."""
    data, weights, bias = operands(layer.ins)
    values = weights.constant()
    added = bias_values(bias, len(values), data.dtype).astype(np.int64)
    sums = values.sum(axis=1, dtype=np.int64) - values.shape[1] * weights_zero_point(weights)
    return np.asarray(added - data.zero_point * sums)


KERNELS: tuple[AnyKernel, ...] = (
    LevelLayer(),
    PackedLayer(),
    PlainLayerS8(),
    PlainLayerF32(),
    PlainLayerS16(),
)
