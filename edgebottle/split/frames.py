"""What goes over the wire between a device and a server: a header of 20 bytes, and a payload.

| bytes | field | |
|---|---|---|
| 0-1 | magic | ``eB`` |
| 2 | version and kind | version in the upper four bits |
| 3 | flags | of that kind, see ``FrameKind`` |
| 4-7 | model | the first bytes of the SHA-256 of the network's file, as they stand there |
| 8-11 | request | a number that the reply repeats |
| 12 | rate | how many groups of channels the payload holds |
| 13-15 | length | bytes of the payload |
| 16-19 | check | CRC32C of the 16 bytes before and of the payload |

Numbers are little-endian. Nothing in a frame is executed, and no size in it is believed before it
is held to a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edgebottle.errors import EdgebottleError
from edgebottle.split.crc32c import crc32c

MAGIC = b"eB"
VERSION = 1
HEADER_BYTES = 20
MODEL_BYTES = 4

MAX_PAYLOAD = (1 << 20) - 1
"""Bytes: a picture of a megapixel as JPEG."""

_CHECKED = 16
"""Bytes of the header that the checksum covers, all before it."""


class FrameKind(IntEnum):
    """What a payload is."""

    FEATURES = 1
    """What the device's part computed; flags: ``PACKED``."""

    IMAGE = 2
    """The input itself; flags: an ``ImageForm``."""

    RESULT = 3
    """The network's output: float32 values, in the order of its elements.

    Flags: how long the server computed; rate: how long the request waited for that; both as
    ``durations`` codes them.
    """

    REFUSAL = 4
    """Why there is no result: UTF-8 text; flags: a ``RefusalReason``."""


PACKED = 1
"""The payload has a fixed number of bits for each value: coding would have made it longer."""


class ImageForm(IntEnum):
    """How an image is stored."""

    RAW = 0
    JPEG = 1
    WEBP = 2
    PNG = 3


class RefusalReason(IntEnum):
    """Why a server gives no result."""

    BAD_FRAME = 1
    UNKNOWN_MODEL = 2
    BAD_PAYLOAD = 3
    BUSY = 4
    TOO_LATE = 5
    FAILED = 6


class FrameError(EdgebottleError):
    """Bytes that are no frame; what is behind them on a stream cannot be trusted either."""


class NotAFrame(FrameError):
    """They do not begin as a frame does."""


class UnknownVersion(FrameError):
    """Of a later edgebottle."""


class UnknownKind(FrameError):
    """A kind that this version does not know."""


class PayloadTooLong(FrameError):
    """The header announces more than what is accepted."""


class FrameCutShort(FrameError):
    """Fewer bytes than the header announces."""


class FrameDamaged(FrameError):
    """The checksum is wrong."""


@dataclass(frozen=True)
class Frame:
    """One message.

    Attributes:
        kind: What the payload is.
        model: ``MODEL_BYTES`` bytes: which network.
        request: 0 to 2^32 - 1.
        payload: At most ``MAX_PAYLOAD`` bytes.
        rate: 0 to 255.
        flags: 0 to 255.
    """

    kind: FrameKind
    model: bytes
    request: int
    payload: bytes = b""
    rate: int = 0
    flags: int = 0

    def to_bytes(self) -> bytes:
        """The whole frame; raises ``PayloadTooLong``."""
        if len(self.payload) > MAX_PAYLOAD:
            raise PayloadTooLong(
                f"a payload of {len(self.payload):,} bytes, of at most {MAX_PAYLOAD:,}"
            )
        header = b"".join(
            (
                MAGIC,
                bytes((VERSION << 4 | self.kind, self.flags)),
                self.model,
                self.request.to_bytes(4, "little"),
                bytes((self.rate,)),
                len(self.payload).to_bytes(3, "little"),
            )
        )
        check = crc32c(header + self.payload)
        return header + check.to_bytes(4, "little") + self.payload

    @classmethod
    def of_bytes(cls, data: bytes) -> Frame:
        """The frame that these bytes are.

        Raises:
            FrameError: they are none, or more than one; its class says why.
        """
        header = Header.of_bytes(data)
        if len(data) != HEADER_BYTES + header.length:
            raise FrameCutShort(
                f"{len(data) - HEADER_BYTES:,} bytes behind a header that announces "
                f"{header.length:,}"
            )
        return header.frame(data[HEADER_BYTES:])


@dataclass(frozen=True)
class Header:
    """What a stream gives first.

    Attributes:
        start: Its bytes that the checksum covers.
        kind: What the payload is.
        length: Bytes of the payload.
        check: The checksum that it announces.
    """

    start: bytes
    kind: FrameKind
    length: int
    check: int

    @classmethod
    def of_bytes(cls, data: bytes, longest: int = MAX_PAYLOAD) -> Header:
        """The header that these bytes begin with; nothing in it is checked by its sum yet.

        Args:
            data: At least ``HEADER_BYTES`` bytes.
            longest: Bytes of payload that are accepted.

        Raises:
            FrameError: they are none.
        """
        if data[: len(MAGIC)] != MAGIC[: len(data)]:
            raise NotAFrame(f"a frame begins with {MAGIC!r}, not {data[: len(MAGIC)]!r}")
        if len(data) < HEADER_BYTES:
            raise FrameCutShort(f"{len(data)} bytes of a header of {HEADER_BYTES}")
        version, kind = data[2] >> 4, data[2] & 15
        if version != VERSION:
            raise UnknownVersion(f"a frame of version {version}; known is {VERSION}")
        if kind not in set(FrameKind):
            raise UnknownKind(f"a frame of kind {kind}; known are {', '.join(map(str, FrameKind))}")
        length = int.from_bytes(data[13:16], "little")
        if length > longest:
            raise PayloadTooLong(f"a payload of {length:,} bytes, of at most {longest:,}")
        check = int.from_bytes(data[_CHECKED:HEADER_BYTES], "little")
        return cls(data[:_CHECKED], FrameKind(kind), length, check)

    def frame(self, payload: bytes) -> Frame:
        """The frame with its payload; raises ``FrameDamaged``."""
        if crc32c(self.start + payload) != self.check:
            raise FrameDamaged("the checksum of a frame is wrong")
        return Frame(
            kind=self.kind,
            model=self.start[4 : 4 + MODEL_BYTES],
            request=int.from_bytes(self.start[8:12], "little"),
            payload=payload,
            rate=self.start[12],
            flags=self.start[3],
        )
