"""Frames: bytes on a line of text, which arrive whole or not at all.

As ``firmware/src/frames.h`` has them: stuffed after Cheshire and Baker ("Consistent Overhead Byte
Stuffing", 1999), so that one byte never occurs, by which a frame ends as every line does; and with
a CRC-32 of what they hold.
"""

from __future__ import annotations

import zlib

COMMAND_END, LINE_END = ord("%"), ord("\n")
"""The byte that never occurs in a frame to the board, and in one from it."""

_RUN = 254
"""The longest run of bytes without a zero that one count says."""

_WORD = 4


class DamagedFrame(Exception):
    """What has arrived is not what was sent."""


def input_frame(offset: int, data: bytes) -> bytes:
    """The frame of ``put``.

    Args:
        offset: Where in the input the bytes go; below 2^32.
        data: At least one byte.
    """
    crc = zlib.crc32(data, zlib.crc32(offset.to_bytes(_WORD, "little")))
    return stuffed(crc.to_bytes(_WORD, "little") + data, COMMAND_END)


def output_bytes(frame: bytes) -> bytes:
    """What a frame of ``get`` holds; raises ``DamagedFrame``."""
    data = unstuffed(frame, LINE_END)
    crc, body = data[:_WORD], data[_WORD:]
    if len(crc) < _WORD or zlib.crc32(body) != int.from_bytes(crc, "little"):
        raise DamagedFrame
    return body


def stuffed(data: bytes, never: int) -> bytes:
    """The bytes without ``never`` among them; one more in 254, and one."""
    out = bytearray()
    for run in data.split(b"\0"):
        while len(run) >= _RUN:
            out += bytes([_RUN + 1]) + run[:_RUN]
            run = run[_RUN:]
        out += bytes([len(run) + 1]) + run
    if data and len(data.rsplit(b"\0", 1)[-1]) % _RUN == 0 and data[-1] != 0:
        del out[-1]  # a full run at the end has no zero behind it to speak of
    return bytes(byte ^ never for byte in out)


def unstuffed(data: bytes, never: int) -> bytes:
    """The inverse of ``stuffed``; raises ``DamagedFrame``."""
    out, at = bytearray(), 0
    raw = bytes(byte ^ never for byte in data)
    while at < len(raw):
        run = raw[at]
        end = at + run
        if run == 0 or end > len(raw):
            raise DamagedFrame
        out += raw[at + 1 : end]
        if run <= _RUN and end < len(raw):
            out.append(0)
        at = end
    return bytes(out)
