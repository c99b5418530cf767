"""Frames on a stream: read with bounds on size and time, so that nobody can hold a reader up."""

from __future__ import annotations

import asyncio

from edgebottle.split.frames import HEADER_BYTES, MAX_PAYLOAD, Frame, FrameCutShort, Header

FRAME_SECONDS = 10.0
"""A frame that has begun must be whole by then."""


async def read_frame(
    reader: asyncio.StreamReader,
    longest: int = MAX_PAYLOAD,
    seconds: float = FRAME_SECONDS,
) -> Frame | None:
    """The next frame; None where the stream ends before one begins.

    However long it takes to begin.

    Args:
        reader: The stream.
        longest: Bytes of payload that are accepted.
        seconds: From its first byte to its last.

    Raises:
        FrameError: what comes is none, or is cut off: nothing behind it can be trusted.
        OSError: the stream broke.
        TimeoutError: it has begun and does not end.
    """
    first = await reader.read(1)
    if not first:
        return None
    try:
        async with asyncio.timeout(seconds):
            start = first + await reader.readexactly(HEADER_BYTES - 1)
            header = Header.of_bytes(start, longest)
            return header.frame(await reader.readexactly(header.length))
    except asyncio.IncompleteReadError as error:
        raise FrameCutShort("the stream ends within a frame") from error
