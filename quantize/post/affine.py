"""Affine quantization of real numbers to int8."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Quant

LOW, HIGH = -128, 127
"""The ends of int8."""

RESULTS_HIGH = 32767
"""The end of int16."""

Bounds = tuple[float, float]
"""The lowest and the highest real value of a tensor."""

TINY = 1e-6
"""A narrower range than this is that of a tensor that does not change."""


def widened(bounds: Bounds) -> Bounds:
    """A range that holds zero, which must be exact, and is no point."""
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    return (low, high) if high - low > TINY else (0.0, 1.0)


def quant_of(bounds: Bounds) -> Quant:
    """The quantization to int8 whose ends are nearest to ``bounds``, with zero exact.

    Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", 2018, sections 2.1 and 3.
    """
    low, high = widened(bounds)
    scale = float(np.float32((high - low) / (HIGH - LOW)))
    zero_point = int(np.clip(np.rint(LOW - low / scale), LOW, HIGH))
    return Quant((scale,), (zero_point,))


def symmetric_quant(values: Array) -> Quant:
    """The quantization of weights with one scale, zero in the middle."""
    reach = float(np.abs(values).max(initial=0.0))
    return Quant((float(np.float32(reach / HIGH)) if reach else 1.0,), (0,))


def cell_quant(seen: Quant) -> Quant:
    """The quantization of cells to 16 bits: a power of two that holds twice what was seen.

    LiteRT takes 2^-15 to 2^-9. Between steps cells may be further from zero than after the last.

    Args:
        seen: What int8 would have.
    """
    low, high = dequantized(np.array([LOW, HIGH], np.int8), seen).tolist()
    bits = int(np.ceil(np.log2(2 * max(-low, high))))
    return Quant((2.0 ** (int(np.clip(bits, 0, 6)) - 15),), (0,))


def results_quant(seen: Quant) -> Quant:
    """The quantization to 16 bits of the results that filters keep: it holds twice what was seen.

    Args:
        seen: What int8 would have.
    """
    low, high = dequantized(np.array([LOW, HIGH], np.int8), seen).tolist()
    return Quant((float(np.float32(2 * max(-low, high) / RESULTS_HIGH)),), (0,))


def time_quant(time: Array, bias: Array, state: Quant, rank: int) -> Quant:
    """The quantization to 16 bits of weights by age: no sum of theirs overflows 32 bits.

    Args:
        time: [filters, results], real.
        bias: [filters / rank], real.
        state: Of the results.
        rank: Filters whose results are summed.
    """
    sums = np.abs(time.astype(np.float64)).sum(axis=1).reshape(-1, rank).sum(axis=1)
    furthest = sums * RESULTS_HIGH + np.abs(bias) / state.scale[0]
    reach = float(np.abs(time).max()) / RESULTS_HIGH
    scale = max(reach, float(furthest.max()) / (0.99 * 2**31))
    return Quant((float(np.float32(scale or 1.0)),), (0,))


def quantized(values: Array, quant: Quant, dtype: DType = DType.I8) -> Array:
    """The stored values, per tensor; ties go to even, as rounding of floats does."""
    steps = np.rint(np.asarray(values, np.float64) / quant.scale[0]) + quant.zero_point[0]
    ends = np.iinfo(np.dtype(dtype.numpy))
    return np.asarray(np.clip(steps, ends.min, ends.max), dtype.numpy)


def dequantized(stored: Array, quant: Quant | None) -> Array:
    """The real values, float32; those of a tensor that is not quantized as they are."""
    if quant is None:
        return stored
    centred = stored.astype(np.float32) - np.float32(quant.zero_point[0])
    return np.asarray(centred * np.float32(quant.scale[0]), np.float32)
