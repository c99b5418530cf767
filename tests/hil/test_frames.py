"""Frames: whatever bytes go in come out, and nothing else ever does."""

import random

import pytest

from hil.frames import (
    COMMAND_END,
    LINE_END,
    DamagedFrame,
    input_frame,
    output_bytes,
    stuffed,
    unstuffed,
)

SIZES = (0, 1, 2, 253, 254, 255, 256, 507, 508, 509, 762, 8192)
KINDS = {"random": range(256), "zeros": (0,), "no zeros": range(1, 256), "two": (0, COMMAND_END)}


@pytest.mark.parametrize("never", [COMMAND_END, LINE_END])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_stuffing_takes_a_byte_in_254_and_back(kind: str, size: int, never: int) -> None:
    data = bytes(random.Random(size).choices(KINDS[kind], k=size))
    found = stuffed(data, never)
    assert never not in found
    assert len(data) < len(found) <= len(data) + 1 + len(data) // 254
    assert unstuffed(found, never) == data


def test_a_frame_says_where_its_bytes_go() -> None:
    """CRC-32 of place and bytes, the lowest byte first; then the bytes."""
    assert unstuffed(input_frame(0x102, b"\0a%"), COMMAND_END).hex() == "53934df6" + b"\0a%".hex()
    assert input_frame(0, b"a") != input_frame(1, b"a")


def test_an_output_that_is_damaged_anywhere_is_none() -> None:
    data = bytes(range(40))
    good = stuffed(bytes.fromhex("0da62e3c")[::-1] + data, LINE_END)
    damaged = []
    for at in range(len(good)):
        for bit in range(8):
            spoiled = bytearray(good)
            spoiled[at] ^= 1 << bit
            damaged.append(bytes(spoiled))
        damaged.append(good[:at])
        damaged.append(good[:at] + good[at + 1 :])
    for frame in damaged:
        with pytest.raises(DamagedFrame):
            output_bytes(frame)
