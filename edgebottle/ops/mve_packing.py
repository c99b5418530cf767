"""Weights and scales in the order in which the MVE kernels read them (``kernels/mve``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.ir.graph import Array

CHANNELS = 4
"""Channels of a vector of sums."""

LANES = 16
"""Values of a vector of int8."""

MAX_TAPS = 49
"""The most taps of a depthwise window: ``EB_MVE_TAPS``."""

MAX_SHIFT = 31


def pack_weights(matrix: Array) -> Array:
    """Packs the weights of a convolution for vectors of four channels.

    Args:
        matrix: int8, (outputs, taps).

    Returns:
        int8, flat. For four channels at a time, padded with zeros: sixteen taps of each, the next
        sixteen of each, and so on; then what is left of each. Sixteen zeros follow, since
        vectors are loaded whole.
    """
    outputs, taps = matrix.shape
    padded = np.zeros((-(-outputs // CHANNELS) * CHANNELS, taps), np.int8)
    padded[:outputs] = matrix
    parts = [
        quad[:, start : start + LANES].reshape(-1)
        for quad in padded.reshape(-1, CHANNELS, taps)
        for start in range(0, taps, LANES)
    ]
    return np.concatenate([*parts, np.zeros(LANES, np.int8)])


def unpack_weights(packed: Array, outputs: int, taps: int) -> Array:
    """The inverse of ``pack_weights``: int8, (outputs, taps)."""
    quads = packed[:-LANES].reshape(-1, CHANNELS * taps)
    widths = [min(LANES, taps - start) for start in range(0, taps, LANES)]
    parts = np.split(quads, np.cumsum([CHANNELS * width for width in widths])[:-1], axis=1)
    rows = [part.reshape(len(quads) * CHANNELS, -1) for part in parts]
    return np.concatenate(rows, axis=1)[:outputs]


def quads(channels: int) -> list[list[int]]:
    """The channels of each vector of a convolution's sums; the last may have fewer."""
    return [
        list(range(first, min(first + CHANNELS, channels)))
        for first in range(0, channels, CHANNELS)
    ]


def even_and_odd(channels: int) -> list[list[int]]:
    """The channels of each vector of a depthwise convolution's sums.

    Of eight channels the even ones come first, as the products of int16 do. The last eight end
    with the last channel.
    """
    eights = range(0, channels, 2 * CHANNELS)
    begins = [min(first, channels - 2 * CHANNELS) for first in eights]
    return [
        list(range(begin + half, begin + 2 * CHANNELS, 2)) for begin in begins for half in (0, 1)
    ]


def pack_scales(
    bias: Array, multiplier: Array, shift: Array, vectors: Sequence[Sequence[int]]
) -> Array | None:
    """Packs what turns sums into outputs.

    Args:
        bias: int32, (channels,), with the input's zero point folded in.
        multiplier: int32, (channels,), 0 .. 2^31 - 1.
        shift: (channels,).
        vectors: The channels of each vector of sums.

    Returns:
        int32, (vectors, 3, 4): bias, multiplier and shift, zeros where a vector has fewer channels;
        None where a shift is to the left, which the kernels do not do.
    """
    if shift.max(initial=0) > 0 or shift.min(initial=0) < -MAX_SHIFT:
        return None
    packed = np.zeros((len(vectors), 3, CHANNELS), np.int32)
    for row, chosen in zip(packed, vectors, strict=True):
        row[:, : len(chosen)] = bias[chosen], multiplier[chosen], shift[chosen]
    return packed
