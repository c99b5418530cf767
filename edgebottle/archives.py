"""Reads ``.npz`` archives: what is in them is checked before it is unpacked."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from edgebottle.errors import BadInput
from edgebottle.files import check_plain, reason
from edgebottle.ir.graph import Array

MAX_BYTES = 1 << 30
"""Of all arrays of an archive together: samples beyond that run for days on a microcontroller."""

MAX_ARRAYS = 1000

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_PLAIN_KINDS = "biufcSU"
_REASON_WIDTH = 100


def read_arrays(path: Path) -> dict[str, Array]:
    """All arrays of an ``.npz`` file by name.

    Raises:
        BadInput: it is no plain file, no such archive, damaged, too large, or has a member that is
            no array of plain numbers; names the member.
    """
    check_plain(path)
    try:
        if not zipfile.is_zipfile(path):
            raise BadInput("not an .npz file (numpy.savez writes one)")
        with zipfile.ZipFile(path) as archive:
            return _arrays(archive)
    except BadInput as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {reason(error)}") from error
    except Exception as error:  # zipfile, zlib and numpy raise whatever they like at broken data
        first = (str(error).splitlines() or [type(error).__name__])[0][:_REASON_WIDTH]
        raise BadInput(f"cannot read {path}: broken .npz file ({first})") from error


def read_array(path: Path) -> Array:
    """The array of an ``.npy`` file.

    Raises:
        BadInput: it is no plain file, damaged, too large, or holds no plain numbers.
    """
    size = check_plain(path)
    try:
        with path.open("rb") as stream:
            shape, dtype = _header(stream, path.name)
            count = _checked_count(path.name, shape, dtype, size - stream.tell())
            if count * dtype.itemsize > MAX_BYTES:
                raise BadInput(f"it has more than {MAX_BYTES / 2**20:,.0f} MB: save fewer samples")
            stream.seek(0)
            return np.asarray(npy.read_array(stream, allow_pickle=False))
    except BadInput as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {reason(error)}") from error


def _arrays(archive: zipfile.ZipFile) -> dict[str, Array]:
    members = archive.infolist()
    if len(members) > MAX_ARRAYS:
        raise BadInput(f"it has {len(members):,} arrays, more than {MAX_ARRAYS:,}")
    total = sum(_checked_bytes(archive, member) for member in members)
    if total > MAX_BYTES:
        raise BadInput(
            f"its arrays have {total / 2**20:,.0f} MB, more than {MAX_BYTES / 2**20:,.0f} MB: "
            "save fewer samples"
        )
    arrays = {}
    for member in members:
        with archive.open(member) as stream:
            arrays[member.filename.removesuffix(".npy")] = npy.read_array(
                stream, allow_pickle=False
            )
    return arrays


def _checked_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Bytes of an array by its header, which the archive must agree with."""
    with archive.open(member) as stream:
        shape, dtype = _header(stream, member.filename)
        start = stream.tell()
    count = _checked_count(member.filename, shape, dtype, member.file_size - start)
    return count * dtype.itemsize


def _checked_count(
    name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], size: int
) -> int:
    """Elements of an array of plain numbers that has ``size`` bytes behind its header."""
    if dtype.kind not in _PLAIN_KINDS or dtype.itemsize == 0:
        raise BadInput(f"not an .npz file of plain arrays: '{name}' holds {dtype}")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count * dtype.itemsize != size:
        raise BadInput(
            f"'{name}' is damaged: its shape is {_shorten(shape)} of {dtype}, but it has "
            f"{size:,} bytes"
        )
    return count


def _header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    try:
        shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
    except (ValueError, KeyError) as error:
        raise BadInput(f"not an .npz file of plain arrays: '{name}' is no array") from error
    return shape, dtype


def _shorten(shape: tuple[int, ...]) -> str:
    text = str(list(shape))
    return text if len(text) <= _REASON_WIDTH else text[:_REASON_WIDTH] + "...]"
