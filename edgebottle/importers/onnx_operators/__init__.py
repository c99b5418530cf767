"""The ONNX operators that edgebottle translates, by family."""

from __future__ import annotations

from edgebottle.importers.onnx_operators import (
    activation,
    convolution,
    einsum,
    elementwise,
    indexing,
    microsoft,
    movement,
    normalization,
    pooling,
    products,
    quantized,
    recurrent,
    reduction,
    resize,
)
from edgebottle.importers.onnx_operators.table import Translation

_FAMILIES = (
    activation,
    convolution,
    einsum,
    elementwise,
    indexing,
    microsoft,
    movement,
    normalization,
    pooling,
    products,
    quantized,
    recurrent,
    reduction,
    resize,
)

TRANSLATIONS: dict[str, Translation] = {
    name: translation for family in _FAMILIES for name, translation in family.TRANSLATIONS.items()
}
"""By the name of the ONNX operator."""
