"""Compiles the C half of split computing, and runs it on files: under sanitizers."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgebottle.data import data_dir
from edgebottle.ir.graph import Array
from edgebottle.split.description import SplitPoint
from tests.firmware.bench_build import WARNINGS, sanitizing_compiler

PROGRAM = Path(__file__).parent / "device_program.c"
INCLUDE = data_dir("firmware") / "lib" / "edgebottle" / "include"
DEADLINE = 900.0

MODEL = b"\1\2\3\4"
"""Of the frames that the program writes."""

ERRORS = {
    "NotAFrame": -1,
    "UnknownVersion": -2,
    "UnknownKind": -3,
    "PayloadTooLong": -4,
    "FrameCutShort": -5,
    "FrameDamaged": -6,
    "BadPayload": -7,
}
"""Class of Python's error to the number of C's."""

OK, BAD_RATE, BAD_LEVEL, NO_FEATURES = 0, -8, -10, -14


def compile_sanitized(program: Path, *sources: str | Path) -> Path:
    """For this computer, with AddressSanitizer and UBSan where its compiler has them."""
    command = [*sanitizing_compiler(), *WARNINGS, "-O1", "-g", f"-I{INCLUDE}"]
    return _compiled(program, [*command, *map(str, sources)])


def _compiled(program: Path, command: Sequence[str]) -> Path:
    done = subprocess.run(
        [*command, "-o", str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:3000]
    return program


def run_program(command: Sequence[str | Path]) -> str:
    """What it prints; fails where a sanitizer or the program itself finds something."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return done.stdout


def code_bytes(split: SplitPoint) -> bytes:
    """A code as the program reads it."""
    code = split.code
    sizes = (code.height, code.width, code.channels, code.bits)
    values = (split.lowest, split.step, split.absent, code.rates)
    channels_at = [code.channels_at(rate + 1) for rate in range(code.rates)]
    starts = np.array(code.starts, np.uint16)[:, :, 1:-1]
    return struct.pack(f"<{8 + code.rates}i", *sizes, *values, *channels_at) + starts.tobytes()


def framed(
    program: Sequence[str | Path], split: SplitPoint, stored: Array, folder: Path
) -> list[object]:
    """For each sample and rate the frame that C writes, or its error.

    Args:
        program: The command that runs ``device_program.c``.
        split: The code.
        stored: (samples, height, width, channels), int8.
        folder: Where to work.
    """
    source, target = folder / "values", folder / "frames"
    source.write_bytes(code_bytes(split) + struct.pack("<i", len(stored)) + stored.tobytes())
    run_program([*program, "code", source, target])
    return list(_records(target.read_bytes()))


def _records(data: bytes) -> Sequence[object]:
    found: list[object] = []
    place = 0
    while place < len(data):
        (count,) = struct.unpack_from("<i", data, place)
        place += 4
        found.append(data[place : place + count] if count > 0 else count)
        place += max(count, 0)
    return found


def frames_file(path: Path, split: SplitPoint, frames: Sequence[bytes]) -> Path:
    """What the program reads with ``read`` and ``fuzz``."""
    parts = [code_bytes(split), struct.pack("<i", len(frames))]
    parts += [struct.pack("<i", len(frame)) + frame for frame in frames]
    path.write_bytes(b"".join(parts))
    return path


def read_back(
    program: Sequence[str | Path], split: SplitPoint, frames: Sequence[bytes], folder: Path
) -> list[tuple[int, int, bytes]]:
    """What C says of each frame: its error, that of its features, and the bottleneck."""
    target = folder / "read"
    run_program([*program, "read", frames_file(folder / "given", split, frames), target])
    data, size = target.read_bytes(), split.code.height * split.code.width * split.code.channels
    found, place = [], 0
    for _ in frames:
        error, features = struct.unpack_from("<2i", data, place)
        place += 8
        count = size if features == OK else 0
        found.append((error, features, data[place : place + count]))
        place += count
    return found
