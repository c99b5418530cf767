"""Weights and requantization of a 3x3 depthwise convolution as its DSP kernel reads them."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.ops.depthwise_sums import ChannelScaling, Sums
from edgebottle.ops.fixed_point import Int

WORDS = 8
"""32-bit words of the record of one channel."""


def pack_3x3(sums: Sums, scaling: ChannelScaling) -> Array:
    """The records of all channels: int32, (channels, ``WORDS``).

    Five words of two weights, in pairs as the kernel multiplies them: of the first two rows the
    left, middle and right column; of the last row left and middle, middle and right. Then bias,
    multiplier, offset.
    """
    wide = sums.weights.astype(np.int64) << scaling.gain
    pairs = [_pair(wide[k], wide[3 + k]) for k in range(3)]
    pairs += [_pair(wide[6], wide[7]), _pair(wide[7], wide[8])]
    words = [*pairs, scaling.bias, scaling.multiplier, scaling.offset]
    return np.stack(words, axis=1).astype(np.int32)


def unpack_3x3(packed: Array) -> tuple[Array, ChannelScaling]:
    """The inverse of ``pack_3x3``: weights with their factor, (9, channels), and the scaling.

    The gain is not in the records; it comes back as 0.
    """
    words = packed.astype(np.int64).T
    bottom = words[:5].astype(np.int16).astype(np.int64)
    top = words[:5] >> 16
    weights = np.stack([*bottom[:3], *top[:3], bottom[3], top[3], top[4]])
    return weights, ChannelScaling(np.zeros_like(words[5]), words[5], words[6], words[7])


def pack_window(weights: Array) -> Array:
    """The weights of a window in pairs of rows and of columns, for the kernel of any window.

    Args:
        weights: int8, (height, width, channels).

    Returns:
        int8, (channels, pairs of rows, pairs of columns, 2, 2): rows and columns are filled up with
        zeros to an even number; the last axis is the column within its pair.
    """
    height, width, channels = weights.shape
    even = np.pad(weights, ((0, height % 2), (0, width % 2), (0, 0)))
    split = even.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, channels)
    return np.ascontiguousarray(split.transpose(4, 0, 2, 1, 3))


def unpack_window(packed: Array, height: int, width: int) -> Array:
    """The inverse of ``pack_window``."""
    channels, rows, columns = packed.shape[:3]
    even = packed.transpose(1, 3, 2, 4, 0).reshape(2 * rows, 2 * columns, channels)
    return even[:height, :width]


def _pair(bottom: Int, top: Int) -> Int:
    return np.asarray((top << 16) | (bottom & 0xFFFF), dtype=np.int64)
