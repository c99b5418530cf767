"""Weights and scales in the order in which ``eb_dot_tiles.h`` reads them: SDOT by element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.convolution_kernels import Convolved, folded_bias, scales_of
from edgebottle.ops.few_packing import QUAD, runs_of
from edgebottle.ops.fixed_point import quantize_multipliers, wrap_int32
from edgebottle.ops.mve_packing import pack_scales, quads
from edgebottle.ops.packing import pad_to

QUADS = 4
"""Of channels that are computed together, at most."""


def groups_of(channels: int) -> Iterator[slice]:
    """The quads of channels that are computed together: fours, then two, then one."""
    first, count = 0, pad_to(channels, QUAD) // QUAD
    while first < count:
        together = max(size for size in (1, 2, QUADS) if size <= count - first)
        yield slice(first, first + together)
        first += together


def pack_fours(matrix: Array, runs: int) -> Array:
    """Packs weights for four channels of four taps at a time.

    Args:
        matrix: int8, (outputs, taps).
        runs: Of taps that lie side by side; each is padded with zeros to fours.

    Returns:
        int8, flat: for each group of quads, for each four taps, of each quad (4 channels, 4 taps).
    """
    values = runs_of(matrix, runs, QUAD).reshape(len(matrix), -1, QUAD)
    padded = np.zeros((pad_to(len(matrix), QUAD), *values.shape[1:]), np.int8)
    padded[: len(matrix)] = values
    apart = padded.reshape(-1, QUAD, *values.shape[1:])
    groups = [apart[group].transpose(2, 0, 1, 3).ravel() for group in groups_of(len(matrix))]
    return np.concatenate(groups)


def pack_columns(taps: Array) -> Array:
    """Packs depthwise weights for four channels of four taps of a column at a time.

    Args:
        taps: int8, (rows, columns, channels) of a window.

    Returns:
        int8, flat: for each group of quads, for each four rows, for each column, of each quad
        (4 channels, 4 rows); padded with zeros.
    """
    height, width, channels = taps.shape
    padded = np.zeros((pad_to(height, QUAD), width, pad_to(channels, QUAD)), np.int8)
    padded[:height, :, :channels] = taps
    apart = padded.reshape(-1, QUAD, width, padded.shape[2] // QUAD, QUAD)
    order = apart.transpose(0, 2, 3, 4, 1)  # (fours of rows, columns, quads, channels, rows)
    return np.concatenate([order[:, :, group].ravel() for group in groups_of(channels)])


def downward_scales(layer: Convolved) -> Array | None:
    """What turns the sums of a convolution into outputs, see ``mve_packing.pack_scales``.

    Returns:
        int32, (quads, 3, 4); None where a shift is not to the right.
    """
    multiplier, shift = quantize_multipliers(scales_of(layer))
    shift = np.where(multiplier == 0, -1, shift)
    if shift.max(initial=-1) >= 0:
        return None
    bias = wrap_int32(folded_bias(layer))
    return pack_scales(bias, multiplier, shift, quads(len(bias)))
