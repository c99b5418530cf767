"""The kernels of FULLY_CONNECTED for cores without the DSP extension."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.base import CValue, Emitter, Isa, Operator
from edgebottle.ops.fixed_point import wrap_int32
from edgebottle.ops.fully_connected_kernels import (
    READ_AS,
    STRUCT,
    Dense,
    PlainLayerS8,
    folded_bias,
    has_one_scale,
    is_int8,
    layer_ends,
    layer_sizes,
    output_of,
    quantization_of,
    scales_of,
)
from edgebottle.ops.kernel import AnyKernel, Kernel
from edgebottle.ops.masked_weights import READERS, SUMS, MaskedForm
from edgebottle.ops.packing import CHANNELS, sum_range
from edgebottle.ops.scaling import Scaling, find_scaling, pack_fours, pack_scaling, scale_once
from edgebottle.ops.weights import operands, weights_zero_point


class FoursLayer(Kernel[Operator, Scaling]):
    """Four outputs at a time with products of 32 bits: cores without the DSP extension."""

    ISAS = frozenset({Isa.SCALAR})
    FUNCTION = "eb_fully_connected_s8_fours_layer"
    FUNCTION_EACH = "eb_fully_connected_s8_fours_each_layer"

    def suits(self, layer: Dense) -> bool:
        """int8 without a zero point of weights."""
        return is_int8(layer) and not weights_zero_point(operands(layer.ins)[1])

    def pack(self, layer: Dense) -> Scaling | None:
        """See ``find_scaling``."""
        least, most = sum_range(operands(layer.ins)[1].constant(), folded_bias(layer))
        scales, place = scales_of(layer), output_of(layer)
        if has_one_scale(layer):
            least, most, scales = least.min(keepdims=True), most.max(keepdims=True), scales[:1]
        bias = np.zeros(len(scales), np.int64)
        found = find_scaling(least, most, bias, scales, scale_once(scales, place), place)
        # Rounded once, a multiplier a little larger moves halves below zero: no pivot is needed.
        return None if found is None or found.has_pivot else found

    def emit(self, layer: Dense, packed: Scaling, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        folded = folded_bias(layer)
        arguments = (
            e.params(STRUCT, layer_sizes(layer) | quantization_of(layer)),
            *layer_ends(layer, e),
            e.constant("weights", pack_fours(operands(layer.ins)[1].constant())),
            e.constant("bias", pack_fours(folded[:, None]).astype(np.int32)),
            e.constant("scale", pack_scaling(packed)),
        )
        function = self.FUNCTION if has_one_scale(layer) else self.FUNCTION_EACH
        return f"{function}({', '.join(arguments)});"


class FoursExactLayer(PlainLayerS8):
    """The same sums, scaled by LiteRT's doubles, where no short multiplier suits an output."""

    ISAS = frozenset({Isa.SCALAR})
    FUNCTION = "eb_fully_connected_s8_fours_exact_layer"

    def suits(self, layer: Dense) -> bool:
        """See ``FoursLayer``."""
        return FoursLayer().suits(layer)

    def weights(self, layer: Dense) -> Array:
        """In fours of outputs."""
        return pack_fours(super().weights(layer))


class MaskedLayer(FoursLayer):
    """Weights of 4, 2 or 1 bits, two outputs or four inputs to a product: no DSP extension."""

    ISAS = frozenset({Isa.SCALAR, Isa.PORTABLE})
    FUNCTION = "eb_fully_connected_masks_layer"
    FUNCTION_EACH = FUNCTION

    def suits(self, layer: Dense) -> bool:
        """Weights of few values, a batch of inputs that begins with a byte, enough outputs."""
        data, weights, _ = operands(layer.ins)
        if weights.levels is None or weights_zero_point(weights) or data.dtype not in READ_AS:
            return False
        form, inputs = _form(layer), weights.shape[1]
        is_pixel = data.layout.pixel_elements == inputs
        is_whole = all(n * form.bits % 8 == 0 for n in (inputs, data.layout.pixel_elements))
        return (is_pixel or is_whole) and form.pays

    def scratch(self, layer: Dense) -> int:
        """The values of a batch."""
        return 4 * _form(layer).stream

    def emit(self, layer: Dense, packed: Scaling, e: Emitter) -> str:
        """See ``Kernel``."""
        e.include("eb_fully_connected.h")
        _, weights, _ = operands(layer.ins)
        form, levels = _form(layer), weights.levels
        assert levels is not None
        matrix = weights.constant()
        middle = levels.lowest + levels.step * form.centre
        filled = form.words * form.word_values - form.inputs
        sums = matrix.sum(axis=1, dtype=np.int64) + filled * middle
        bias = pack_fours((folded_bias(layer) + form.middle * sums)[:, None])
        words = form.pack(levels.codes(matrix))
        arguments = (
            e.params("eb_masked_layer", self._fields(layer)),
            *layer_ends(layer, e),
            e.constant("weights", words),
            e.constant("bias", wrap_int32(bias).astype(np.int32)),
            e.constant("scale", pack_scaling(packed)),
            e.scratch(),
        )
        return f"{self.FUNCTION}({', '.join(arguments)});"

    @staticmethod
    def _fields(layer: Dense) -> dict[str, CValue]:
        form, levels = _form(layer), operands(layer.ins)[1].levels
        assert levels is not None
        middle = sum(form.middle << 8 * place for place in range(form.word_values))
        return layer_sizes(layer) | {
            "in_bytes": -(-form.inputs * form.bits // 8),
            "read": READERS[form.bits],
            "sum": SUMS[form.weight_bits, form.lane_bits],
            "group": form.group,
            "words": form.words,
            "stream": form.stream,
            "run": form.run_words,
            "row": form.words // form.codes * CHANNELS,
            "mask": form.mask,
            "middle": middle,
            "middles": form.middle * form.word_values,
            "start": form.start_word,
            "centre": form.centre_word,
            "lowest": levels.lowest + levels.step * form.centre,
            "step": levels.step,
            "added": -levels.step * form.runs * form.start,
            "one_scale": int(has_one_scale(layer)),
        }


def _form(layer: Dense) -> MaskedForm:
    data, weights, _ = operands(layer.ins)
    assert weights.levels is not None
    outputs, inputs = weights.shape
    return MaskedForm(weights.levels.bits, data.dtype.bits, inputs, outputs)


KERNELS: tuple[AnyKernel, ...] = (MaskedLayer(), FoursLayer(), FoursExactLayer())
