"""Codes of any sizes and tables, values for them, and the frames that Python makes of those."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgebottle.ir.graph import Array
from edgebottle.split.description import SplitPoint
from edgebottle.split.frames import PACKED, Frame, FrameKind
from edgebottle.split.payload import PayloadCode, _nested
from edgebottle.split.range_coder import TABLE_BITS
from tests.split.device_programs import MODEL


def random_split(draw: np.random.Generator) -> SplitPoint:
    """Any sizes, any tables: shares of 1, shares of nearly all."""
    levels = 1 << int(draw.integers(1, 5))
    groups = tuple(int(one) for one in draw.integers(1, 4, draw.integers(1, 4)))
    height, width = (int(one) for one in draw.integers(1, 9, 2))
    spread = 2 ** (TABLE_BITS * draw.random((sum(groups), levels + 1, levels)))
    shares = 1 + np.floor(spread / spread.sum(axis=2, keepdims=True) * ((1 << TABLE_BITS) - levels))
    shares[:, :, -1] += (1 << TABLE_BITS) - shares.sum(axis=2)
    code = PayloadCode(height, width, levels, groups, _nested(shares.astype(np.int64)))
    step = int(draw.integers(1, 255 // (levels - 1) + 1))
    lowest = int(draw.integers(-128, 128 - step * (levels - 1)))
    return SplitPoint("any", lowest, step, int(draw.integers(0, levels)), code)


def random_stored(draw: np.random.Generator, split: SplitPoint, count: int) -> Array:
    """Values that the tables expect, values that they do not, and few different ones."""
    code = split.code
    shape = (count, code.height, code.width, code.channels)
    levels = draw.integers(0, code.levels, shape)
    likely = np.array(code.shares).argmax(axis=2)
    for one in range(0, count, 2):
        for channel in range(code.channels):
            before = code.levels
            for row, column in np.ndindex(code.height, code.width):
                if draw.random() < 0.9:
                    levels[one, row, column, channel] = likely[channel, before]
                before = levels[one, row, column, channel]
    return (split.lowest + split.step * levels).astype(np.int8)


def python_frames(split: SplitPoint, stored: Array) -> Iterator[bytes]:
    for number, one in enumerate(stored):
        for rate in range(1, split.code.rates + 1):
            payload, is_packed = split.code.encode(split.levels(one[None]), rate)
            flags = PACKED if is_packed else 0
            yield Frame(FrameKind.FEATURES, MODEL, number, payload, rate, flags).to_bytes()


def base_frames(split: SplitPoint) -> list[bytes]:
    stored = random_stored(np.random.default_rng(3), split, 12)
    frames = list(python_frames(split, stored))
    for kind in FrameKind:
        frames.append(Frame(kind, MODEL, 7, b"12345678").to_bytes())
    return frames
