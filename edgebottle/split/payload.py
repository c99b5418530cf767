"""What the device's part computes as bytes: values of few bits, the most important channels first.

Channels are sent in groups. A payload of rate r holds the first r groups, and who has the tables
can read it: fewer groups are a coarser payload, not a broken one. The symbol of a value is its
level. Its table depends on its channel and on the value to its left (at the left edge that above
it), as neighbours in a feature map are alike. Tables are counted over training samples and do not
change after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, EdgebottleError
from edgebottle.ir.graph import Array
from edgebottle.split.range_coder import TABLE_BITS, RangeDecoder, RangeEncoder

MAX_LEVELS = 16

MAX_VALUES = 1 << 16
"""Of a payload; more would not be worth sending."""

_TOTAL = 1 << TABLE_BITS

Tables = tuple[tuple[tuple[int, ...], ...], ...]


class BadPayload(EdgebottleError):
    """A payload that is too long for what it says to be."""


@dataclass(frozen=True)
class PayloadCode:
    """How the values of a bottleneck become bytes.

    Attributes:
        height: Rows of the feature map.
        width: Pixels of a row.
        levels: Values that an element can take: 2, 4, 8 or 16.
        groups: Channels of each group; together the first channels of the map.
        tables: Of each channel, behind each level (the last: behind nothing), the shares of the
            levels, at least 1 and together 2^14.
    """

    height: int
    width: int
    levels: int
    groups: tuple[int, ...]
    tables: Tables

    def __post_init__(self) -> None:
        """Raises ``BadModel`` for what cannot be."""
        sizes = (self.height, self.width, *self.groups)
        if self.levels not in (2, 4, 8, MAX_LEVELS) or min(sizes) < 1 or not self.groups:
            raise BadModel(f"a payload of {self.levels} levels, of sizes {sizes}")
        if self.height * self.width * self.channels > MAX_VALUES or len(self.groups) > 255:
            raise BadModel(f"a payload of more than {MAX_VALUES:,} values, or 255 groups")
        shape = (self.channels, self.levels + 1, self.levels)
        if self.shares.shape != shape:
            raise BadModel(f"tables of shape {self.shares.shape} where {shape} are needed")
        if self.shares.min() < 1 or np.any(self.shares.sum(axis=2) != _TOTAL):
            raise BadModel(f"a table whose shares are not at least 1, and {_TOTAL:,} together")

    @cached_property
    def shares(self) -> Array:
        """The tables, (channels, levels + 1, levels)."""
        return np.array(self.tables, np.int64)

    @property
    def channels(self) -> int:
        """All that are sent at the highest rate."""
        return sum(self.groups)

    @property
    def rates(self) -> int:
        """How many there are; the lowest is 1."""
        return len(self.groups)

    @property
    def bits(self) -> int:
        """Of an element."""
        return self.levels.bit_length() - 1

    def channels_at(self, rate: int) -> int:
        """How many a payload of this rate holds."""
        return sum(self.groups[:rate])

    def packed_bytes(self, rate: int) -> int:
        """Bytes of a payload with a fixed number of bits for each value."""
        return -(-self.height * self.width * self.channels_at(rate) * self.bits // 8)

    @cached_property
    def starts(self) -> Tables:
        """Of each table: where each level's part begins, and the end."""
        sums = np.cumsum(self.shares, axis=2)
        whole = np.concatenate([np.zeros((*sums.shape[:2], 1), np.int64), sums], axis=2)
        return _nested(whole)

    def encode(self, values: Array, rate: int) -> tuple[bytes, bool]:
        """The payload, and whether it is packed, as coding would not have made it shorter.

        Args:
            values: Levels, (height, width, channels), 0 to ``levels`` - 1.
            rate: 1 to ``rates``.
        """
        coder = RangeEncoder()
        for channel in range(self.channels_at(rate)):
            plane, tables = values[:, :, channel].tolist(), self.starts[channel]
            for row, column, before in self._order(plane):
                level = plane[row][column]
                table = tables[before]
                coder.encode(table[level], table[level + 1])
        coded = coder.finish()
        if len(coded) < self.packed_bytes(rate):
            return coded, False
        return self.pack(values, rate), True

    def decode(self, payload: bytes, rate: int) -> Array:
        """The levels, (height, width, channels of that rate); raises ``BadPayload``."""
        if len(payload) > self.packed_bytes(rate):
            raise BadPayload(
                f"a payload of {len(payload):,} bytes, of at most {self.packed_bytes(rate):,}"
            )
        return self._decoded(RangeDecoder(payload), self.channels_at(rate))

    def decode_cut(self, payload: bytes) -> Array:
        """The levels of those groups that the first bytes of a coded payload certainly hold."""
        decoder, found, channel = RangeDecoder(payload), [], 0
        for group in self.groups:
            planes = []
            for _ in range(group):
                planes.append(self._plane(decoder, channel))
                channel += 1
            if decoder.read > len(payload):
                break
            found += planes
        empty = np.zeros((self.height, self.width, 0), np.uint8)
        return np.stack(found, axis=2) if found else empty

    def pack(self, values: Array, rate: int) -> bytes:
        """A fixed number of bits for each value, the first in the lowest bits."""
        flat = values[:, :, : self.channels_at(rate)].transpose(2, 0, 1).reshape(-1, 1)
        bits = flat.astype(np.uint8) >> np.arange(self.bits, dtype=np.uint8) & 1
        return np.packbits(bits.reshape(-1), bitorder="little").tobytes()

    def unpack(self, payload: bytes, rate: int) -> Array:
        """The inverse of ``pack``; raises ``BadPayload``."""
        if len(payload) != self.packed_bytes(rate):
            raise BadPayload(
                f"a packed payload of {len(payload):,}, not {self.packed_bytes(rate):,}, bytes"
            )
        channels = self.channels_at(rate)
        count = channels * self.height * self.width * self.bits
        bits = np.unpackbits(np.frombuffer(payload, np.uint8), count=count, bitorder="little")
        places = 1 << np.arange(self.bits)
        flat = (bits.reshape(-1, self.bits) * places).sum(axis=1).astype(np.uint8)
        planes: Array = flat.reshape(channels, self.height, self.width)
        return planes.transpose(1, 2, 0)

    def entropy_bits(self, values: Array, rate: int) -> float:
        """What the tables say that these levels take, in bits: no coder gets below it."""
        found = 0.0
        for channel in range(self.channels_at(rate)):
            plane = values[:, :, channel].tolist()
            for row, column, before in self._order(plane):
                found -= np.log2(self.shares[channel, before, plane[row][column]] / _TOTAL)
        return float(found)

    def _order(self, plane: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
        """Row, column, and the level before, which must be known by then, of each value."""
        for row in range(self.height):
            for column in range(self.width):
                if column:
                    before = plane[row][column - 1]
                else:
                    before = plane[row - 1][0] if row else self.levels
                yield row, column, before

    def _plane(self, decoder: RangeDecoder, channel: int) -> Array:
        plane, tables = [[0] * self.width for _ in range(self.height)], self.starts[channel]
        for row, column, before in self._order(plane):
            plane[row][column] = decoder.decode(tables[before])
        return np.array(plane, np.uint8)

    def _decoded(self, decoder: RangeDecoder, channels: int) -> Array:
        return np.stack([self._plane(decoder, channel) for channel in range(channels)], axis=2)

    @classmethod
    def counted(cls, values: Array, levels: int, groups: Sequence[int]) -> PayloadCode:
        """The code whose tables suit these samples best.

        Args:
            values: Levels, (samples, height, width, channels).
            levels: That there are.
            groups: Channels of each.
        """
        _, height, width, channels = values.shape
        counts = np.zeros((channels, levels + 1, levels), np.int64)
        before = np.full_like(values, levels)
        before[:, :, 1:] = values[:, :, :-1]
        before[:, 1:, 0] = values[:, :-1, 0]
        for channel in range(channels):
            place = (before[..., channel].ravel(), values[..., channel].ravel())
            np.add.at(counts[channel], place, 1)
        return cls(height, width, levels, tuple(groups), _nested(_shares(counts)))

    def to_json(self) -> dict[str, Any]:
        """What ``of_json`` reads."""
        return {
            "height": self.height,
            "width": self.width,
            "levels": self.levels,
            "groups": list(self.groups),
            "tables": self.tables,
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> PayloadCode:
        """Raises ``BadModel``."""
        try:
            height, width, levels = (int(found[name]) for name in ("height", "width", "levels"))
            groups = tuple(int(one) for one in found["groups"])
            tables = _nested(np.array(found["tables"], np.int64))
            return cls(height, width, levels, groups, tables)
        except (KeyError, TypeError, ValueError) as error:
            raise BadModel(f"the file's description of its payload is broken: {error}") from error


def _nested(tables: Array) -> Tables:
    if tables.ndim != 3:
        raise BadModel(f"tables of {tables.ndim} axes where 3 are needed")
    return tuple(tuple(map(tuple, rows)) for rows in tables.tolist())


def _shares(counts: Array) -> Array:
    """Of 2^14, as near to the counts as can be; each at least 1.

    Half a count is added to each, after Krichevsky and Trofimov (1981): what training never saw may
    come.
    """
    raised = counts + 0.5
    exact = raised / raised.sum(axis=-1, keepdims=True) * (_TOTAL - counts.shape[-1])
    shares = 1 + np.floor(exact).astype(np.int64)
    missing = _TOTAL - shares.sum(axis=-1)
    order = np.argsort(-(exact - np.floor(exact)), axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1, kind="stable")
    found: Array = shares + (rank < missing[..., None])
    return found
