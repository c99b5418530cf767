"""The C of frames and payloads does what Python does, byte for byte, and bears anything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.graph import Array
from edgebottle.split.description import SplitPoint
from edgebottle.split.frames import PACKED, Frame, FrameError, FrameKind
from edgebottle.split.payload import BadPayload, PayloadCode, _nested
from edgebottle.split.range_coder import TABLE_BITS
from tests.split.device_programs import (
    BAD_LEVEL,
    BAD_RATE,
    ERRORS,
    NO_FEATURES,
    OK,
    PROGRAM,
    compile_sanitized,
    framed,
    frames_file,
    read_back,
    run_program,
)
from tests.split.random_codes import base_frames, python_frames, random_split, random_stored


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_sanitized(tmp_path_factory.mktemp("program") / "device", PROGRAM)


def test_frames_of_any_code_are_those_of_python(program: Path, tmp_path: Path) -> None:
    draw, packed, frames = np.random.default_rng(0), 0, 0
    for _ in range(60):
        split = random_split(draw)
        stored = random_stored(draw, split, 8)
        expected = list(python_frames(split, stored))
        assert framed([program], split, stored, tmp_path) == expected
        packed += sum(Frame.of_bytes(frame).flags for frame in expected)
        frames += len(expected)
    assert frames / 10 < packed < frames * 9 / 10


def nearly_packed(split: SplitPoint, draw: np.random.Generator) -> Array:
    """Values whose code is as long as if packed, or differs by a byte or two, so that what does
    not fit comes and goes: zeros, carries."""
    code, found = split.code, list[Array]()
    while len(found) < 300:
        levels = draw.integers(0, code.levels, (code.height, code.width, code.channels))
        found.append(levels)
    return (split.lowest + split.step * np.stack(found)).astype(np.int8)


@pytest.mark.parametrize(
    ("height", "width", "levels"), [(1, 1, 2), (1, 4, 4), (2, 3, 2), (2, 5, 4)]
)
def test_code_that_is_about_as_long_as_packed(
    height: int, width: int, levels: int, program: Path, tmp_path: Path
) -> None:
    """Tables of equal shares, a little off: each length around the limit comes up."""
    draw = np.random.default_rng(height * width)
    whole = 1 << TABLE_BITS
    shares = np.full((3, levels + 1, levels), whole // levels)
    shares[..., 0] += 40
    shares[..., -1] -= 40
    split = SplitPoint("any", -3, 1, 0, PayloadCode(height, width, levels, (1, 2), _nested(shares)))
    stored = nearly_packed(split, draw)
    expected = list(python_frames(split, stored))
    assert framed([program], split, stored, tmp_path) == expected
    assert len({Frame.of_bytes(frame).flags for frame in expected}) == 2


def test_value_that_is_no_level_is_an_error(program: Path, tmp_path: Path) -> None:
    split = random_split(np.random.default_rng(2))
    stored = random_stored(np.random.default_rng(2), split, 3)
    stored[1, 0, 0, 0] = split.lowest - 1
    found = framed([program], split, stored, tmp_path)
    rates = split.code.rates
    assert found[rates : 2 * rates] == [BAD_LEVEL] * rates
    assert BAD_LEVEL not in found[:rates] + found[2 * rates :]


def python_reads(split: SplitPoint, data: bytes) -> tuple[int, int, bytes]:
    """What ``device_program.c`` should say."""
    try:
        frame = Frame.of_bytes(data)
    except FrameError as error:
        return ERRORS[type(error).__name__], NO_FEATURES, b""
    if frame.kind is not FrameKind.FEATURES:
        return OK, NO_FEATURES, b""
    if not 1 <= frame.rate <= split.code.rates:
        return OK, BAD_RATE, b""
    try:
        if frame.flags & ~PACKED:
            raise BadPayload("flags")
        decode = split.code.unpack if frame.flags else split.code.decode
        return OK, OK, split.stored(decode(frame.payload, frame.rate)).tobytes()
    except BadPayload:
        return OK, ERRORS["BadPayload"], b""


def mutated(frames: list[bytes], count: int) -> Iterator[bytes]:
    """Frames with some bytes changed, some cut, some with a right checksum all the same."""
    from edgebottle.split.crc32c import crc32c

    draw = random.Random(0)
    for _ in range(count):
        data = bytearray(draw.choice(frames))
        for _ in range(draw.randint(1, 3)):
            data[draw.choice((draw.randrange(20), draw.randrange(len(data))))] = draw.randrange(256)
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        if draw.random() < 0.6 and len(data) >= 20:
            data[16:20] = crc32c(bytes(data[:16] + data[20:])).to_bytes(4, "little")
        yield bytes(data)


def test_changed_frames_are_read_as_python_reads_them(program: Path, tmp_path: Path) -> None:
    split = random_split(np.random.default_rng(3))
    frames = [b"", *mutated(base_frames(split), 4000)]
    expected = [python_reads(split, data) for data in frames]
    assert read_back([program], split, frames, tmp_path) == expected
    assert {error for error, _, _ in expected} == {OK, *range(-6, 0)}
    assert {features for _, features, _ in expected} == {OK, BAD_RATE, -7, NO_FEATURES}


def test_changed_frames_crash_nothing(program: Path, tmp_path: Path) -> None:
    """``tests.fuzz.frames`` does the same a million times."""
    split = random_split(np.random.default_rng(4))
    given = frames_file(tmp_path / "given", split, base_frames(split))
    lines = run_program([program, "fuzz", given, "20000"]).splitlines()
    counts = {int(error): int(reads) for error, reads, _ in map(str.split, lines)}
    assert sum(counts.values()) == 20000
    assert {OK, *range(-6, 0)} <= set(counts)
