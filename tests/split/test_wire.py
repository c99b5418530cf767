"""Frames, the range coder and payloads: whole, cut off, and broken."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest

from edgebottle.errors import BadModel
from edgebottle.ir.graph import Array
from edgebottle.split import frames
from edgebottle.split.crc32c import crc32c
from edgebottle.split.frames import HEADER_BYTES, Frame, FrameError, FrameKind
from edgebottle.split.payload import BadPayload, PayloadCode
from edgebottle.split.range_coder import TABLE_BITS, RangeDecoder, RangeEncoder

FRAME = Frame(FrameKind.FEATURES, b"\1\2\3\4", 0xFEDCBA98, b"payload", rate=3, flags=frames.PACKED)

CHECKSUMS = [
    (b"", 0x00000000),
    (b"123456789", 0xE3069283),  # the catalogue's check value
    (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
]


@pytest.mark.parametrize(("data", "expected"), CHECKSUMS)
def test_crc32c_is_that_of_the_standard(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


def test_frame_comes_back() -> None:
    draw = random.Random(0)
    for _ in range(300):
        frame = Frame(
            kind=draw.choice(list(FrameKind)),
            model=draw.randbytes(4),
            request=draw.getrandbits(32),
            payload=draw.randbytes(draw.randrange(300)),
            rate=draw.randrange(256),
            flags=draw.randrange(256),
        )
        assert len(frame.to_bytes()) == HEADER_BYTES + len(frame.payload)
        assert Frame.of_bytes(frame.to_bytes()) == frame


WHOLE = FRAME.to_bytes()

BROKEN = [
    ("nothing", b"", frames.FrameCutShort),
    ("half a header", WHOLE[:11], frames.FrameCutShort),
    ("another protocol", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", frames.NotAFrame),
    ("a later version", WHOLE[:2] + bytes((0x21,)) + WHOLE[3:], frames.UnknownVersion),
    ("another kind", WHOLE[:2] + bytes((0x1F,)) + WHOLE[3:], frames.UnknownKind),
    ("too long", WHOLE[:13] + b"\xff\xff\xff" + WHOLE[16:], frames.PayloadTooLong),
    ("cut off", WHOLE[:-1], frames.FrameCutShort),
    ("with a tail", WHOLE + b"x", frames.FrameCutShort),
    ("a payload that changed", WHOLE[:-1] + b"X", frames.FrameDamaged),
    ("a header that changed", WHOLE[:8] + b"\0" + WHOLE[9:], frames.FrameDamaged),
]


@pytest.mark.parametrize(("data", "kind"), [row[1:] for row in BROKEN], ids=[r[0] for r in BROKEN])
def test_broken_frame_has_an_error_of_its_own(data: bytes, kind: type[FrameError]) -> None:
    with pytest.raises(kind):
        Frame.of_bytes(data)


def test_mutated_frames_are_refused_or_whole() -> None:
    draw = random.Random(0)
    for _ in range(3000):
        data = bytearray(WHOLE)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        with contextlib.suppress(FrameError):
            assert Frame.of_bytes(bytes(data)) == FRAME


def test_payload_longer_than_a_frame_holds_is_refused() -> None:
    with pytest.raises(frames.PayloadTooLong):
        Frame(FrameKind.IMAGE, bytes(4), 0, bytes(frames.MAX_PAYLOAD + 1)).to_bytes()


def test_range_coder_gives_back_what_it_took() -> None:
    """Whatever the tables are: shares of 1 and of nearly all, and nothing at all."""
    draw = random.Random(0)
    for _ in range(500):
        size = draw.randint(2, 16)
        most = 1 << draw.randint(5, TABLE_BITS)  # most of the table is the last symbol's, or not
        table = [0, *sorted(draw.sample(range(1, most), size - 1)), 1 << TABLE_BITS]
        symbols = [draw.randrange(size) for _ in range(draw.randrange(200))]
        coder = RangeEncoder()
        for symbol in symbols:
            coder.encode(table[symbol], table[symbol + 1])
        decoder = RangeDecoder(coder.finish())
        assert [decoder.decode(table) for _ in symbols] == symbols


def test_range_coder_carries_through_full_bytes() -> None:
    """Symbols of half a bit each: the interval is wide, and often lies over a power of 256."""
    table, draw = [0, 1 << (TABLE_BITS - 2), 1 << TABLE_BITS], random.Random(1)
    carried = 0
    for _ in range(300):
        symbols = [int(draw.random() < 0.75) for _ in range(60)]
        coder = RangeEncoder()
        for symbol in symbols:
            before = bytes(coder.written)
            coder.encode(table[symbol], table[symbol + 1])
            carried += not bytes(coder.written).startswith(before)
        decoder = RangeDecoder(coder.finish())
        assert [decoder.decode(table) for _ in symbols] == symbols
    assert carried > 0


def feature_maps(levels: int, count: int = 60) -> Array:
    """Smooth maps, (count, 7, 9, 6), one channel of which is nearly always 0."""
    noise = np.random.default_rng(levels).random((count, 7, 9, 6))
    smooth = (noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2)) / 3
    values = np.clip((smooth - 0.3) * 2.5 * levels, 0, levels - 1).astype(np.uint8)
    values[..., 1] = noise[..., 1] > 0.99
    return values


@pytest.mark.parametrize("levels", [2, 4, 8, 16])
def test_payload_gives_back_its_levels_at_every_rate(levels: int) -> None:
    values = feature_maps(levels)
    code = PayloadCode.counted(values[:40], levels, (1, 2, 3))
    code = PayloadCode.of_json(code.to_json())
    total = bound = 0.0
    for one in values[40:]:
        for rate in (1, 2, 3):
            payload, is_packed = code.encode(one, rate)
            decode = code.unpack if is_packed else code.decode
            assert np.array_equal(decode(payload, rate), one[:, :, : code.channels_at(rate)])
            packed = code.unpack(code.pack(one, rate), rate)
            assert np.array_equal(packed, one[:, :, : code.channels_at(rate)])
        assert not is_packed
        total, bound = total + len(payload), bound + code.entropy_bits(one, 3) / 8
    assert bound <= total <= 1.02 * bound + 20 * 1  # a byte ends each


@pytest.mark.parametrize("levels", [2, 16])
def test_first_bytes_of_a_payload_are_a_coarser_payload(levels: int) -> None:
    values = feature_maps(levels)
    code = PayloadCode.counted(values, levels, (1, 2, 3))
    for one in values[:5]:
        payload, _ = code.encode(one, 3)
        held = []
        for length in range(len(payload) + 1):
            found = code.decode_cut(payload[:length])
            assert np.array_equal(found, one[:, :, : found.shape[2]])
            held.append(found.shape[2])
        assert held[0] == 0
        assert set(held) >= {0, 1, 3}
        assert held == sorted(held)


def test_what_training_never_saw_is_sent_all_the_same() -> None:
    values = feature_maps(4)
    code = PayloadCode.counted(np.zeros_like(values), 4, (6,))
    payload, is_packed = code.encode(values[0], 1)
    assert is_packed
    assert len(payload) == code.packed_bytes(1) == -(-7 * 9 * 6 * 2 // 8)
    assert np.array_equal(code.unpack(payload, 1), values[0])


def test_broken_payload_gives_some_levels_or_an_error() -> None:
    code = PayloadCode.counted(feature_maps(4), 4, (1, 2, 3))
    draw = np.random.default_rng(0)
    for _ in range(200):
        data = draw.bytes(int(draw.integers(0, code.packed_bytes(3) + 1)))
        found = code.decode(data, 3)
        assert found.shape == (7, 9, 6)
        assert found.max() < 4
    with pytest.raises(BadPayload):
        code.decode(bytes(code.packed_bytes(3) + 1), 3)
    with pytest.raises(BadPayload):
        code.unpack(bytes(code.packed_bytes(3) - 1), 3)


GOOD = PayloadCode.counted(feature_maps(4), 4, (1, 2, 3)).to_json()

BAD = [
    {"levels": 5},
    {"height": 0},
    {"height": 1 << 20},
    {"groups": []},
    {"groups": [1, 2]},
    {"groups": "abc"},
    {"tables": [[1]]},
    {"tables": np.full((6, 5, 4), 1).tolist()},
    {"tables": [[[-1, 1, 1, 16383]] * 5] * 6},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_broken_code_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadModel):
        PayloadCode.of_json({**GOOD, **change})
