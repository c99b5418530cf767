"""Arithmetic with 8-bit integers that stand for nothing but themselves: it is done in 32 bits.

That is what ONNX defines, results wrapped to 8 bits. Networks of quantized numbers have conversions
around their layers instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.table import Translation
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor

SHIFT = 128
"""From uint8 to int8."""


def with_integers(translation: Translation) -> Translation:
    """``translation``, which does not know of 8 bits, for operands of 8 bits as well."""

    def translate(b: Builder, node: OnnxNode, values: Values) -> Value | Sequence[Value]:
        kinds = {value.name in b.shifted for value in values if _has_8_bits(value)}
        if not kinds:
            return translation.translate(b, node, values)
        wide = [widened(b, value) if _has_8_bits(value) else value for value in values]
        made = translation.translate(b, node, wide)
        assert isinstance(made, Tensor)
        return narrowed(b, made, True in kinds) if made.dtype is DType.I32 else made

    return replace(translation, translate=translate)


def _has_8_bits(value: Value | None) -> TypeGuard[Tensor]:
    return isinstance(value, Tensor) and value.dtype is DType.I8


def widened(b: Builder, x: Tensor) -> Tensor:
    """The integers of a tensor of 8 bits, in 32."""
    wide = b.add("CAST", b.as_integers(x), dtype=DType.I32)
    return b.add("ADD", wide, np.array(SHIFT, np.int32)) if x.name in b.shifted else wide


def narrowed(b: Builder, x: Tensor, unsigned: bool) -> Tensor:
    """Integers of 32 bits in 8, wrapped; those of uint8 are stored 128 less."""
    stored = b.add("SUB", x, np.array(SHIFT, np.int32)) if unsigned else x
    made = b.add("CAST", stored, dtype=DType.I8)
    if unsigned:
        b.shifted.add(made.name)
    return b.as_integers(made)
