"""A range coder over static tables, whose output may be cut off behind any symbol.

After Martin, "Range encoding: an algorithm for removing redundancy from a digitised message"
(1979): an interval of 32-bit numbers shrinks with each symbol to the part that the symbol's share
of the table owns, and its leading byte is written as soon as fewer than 2^24 numbers are left. A
carry runs back into the bytes that are written, which is why they are kept until the end. What lies
behind the last byte reads as zeros. ``eb_split.h`` does the same in C.
"""

from __future__ import annotations

from collections.abc import Sequence

TABLE_BITS = 14
"""A table shares out 2^14."""

_WHOLE = 1 << 32
_LEAST_RANGE = 1 << 24

CERTAIN_BYTES = 4
"""Whatever follows, a symbol is certain with so many bytes behind those written with it."""


class RangeEncoder:
    """Symbols to bytes."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.written = bytearray()
        self._low, self._range = 0, _WHOLE - 1

    def encode(self, first: int, last: int) -> None:
        """Adds a symbol.

        Args:
            first: Where its part of the table begins, 0 to 2^14 - 1.
            last: Where the next one's begins, above ``first``, up to 2^14.
        """
        share = self._range >> TABLE_BITS
        self._low += share * first
        self._range = share * (last - first)
        if self._low >= _WHOLE:
            self._carry()
        while self._range < _LEAST_RANGE:
            self.written.append(self._low >> 24)
            self._low = self._low << 8 & 0xFFFFFFFF
            self._range <<= 8

    def finish(self) -> bytes:
        """As few bytes as give all symbols; at most one more than are written."""
        step = _LEAST_RANGE
        top = (self._low + step - 1) // step * step
        if top >= _WHOLE:
            self._carry()
            top -= _WHOLE
        self.written.append(top >> 24)
        return bytes(self.written).rstrip(b"\0")

    def _carry(self) -> None:
        """Adds one to the number that the written bytes are; it stays below 1, so it fits."""
        self._low &= 0xFFFFFFFF
        place = len(self.written) - 1
        while self.written[place] == 0xFF:
            self.written[place] = 0
            place -= 1
        self.written[place] += 1


class RangeDecoder:
    """Bytes to symbols; any bytes give some."""

    def __init__(self, data: bytes) -> None:
        """Reads nothing behind ``data`` but zeros."""
        self._data = data
        self.read = CERTAIN_BYTES
        self._code = int.from_bytes(data[:CERTAIN_BYTES].ljust(CERTAIN_BYTES, b"\0"), "big")
        self._range = _WHOLE - 1

    def decode(self, table: Sequence[int]) -> int:
        """The next symbol.

        Args:
            table: Where each symbol's part begins, ascending from 0, and 2^14 at the end.
        """
        share = self._range >> TABLE_BITS
        place = min(self._code // share, (1 << TABLE_BITS) - 1)
        symbol = 0
        while table[symbol + 1] <= place:
            symbol += 1
        self._code -= share * table[symbol]
        self._range = share * (table[symbol + 1] - table[symbol])
        while self._range < _LEAST_RANGE:
            byte = self._data[self.read] if self.read < len(self._data) else 0
            self._code = self._code << 8 & 0xFFFFFFFF | byte
            self._range <<= 8
            self.read += 1
        return symbol
