"""CRC32C (Castagnoli), as iSCSI and ext4 use it."""

from __future__ import annotations

POLYNOMIAL = 0x82F63B78
"""Bits reversed."""


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ POLYNOMIAL * (value & 1)
    return value


_TABLE = tuple(map(_entry, range(256)))


def crc32c(data: bytes) -> int:
    """The checksum, 32 bits; of ``b"123456789"`` it is 0xE3069283."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
