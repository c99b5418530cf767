"""Files of JSON lines to which several processes may append, whatever ends one of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgebottle.build.cache import take_lock
from edgebottle.errors import BadInput
from edgebottle.files import check_plain, reason


def append_line(path: Path, data: Mapping[str, Any], what: str) -> None:
    """Appends one line to ``path``: all of it, or nothing.

    A last line that somebody left half written gets an end, so that it spoils no other.

    Args:
        path: The file; it and its folder are made where they are not there.
        data: What the line holds.
        what: How that is called in a message.

    Raises:
        BadInput: it cannot be written; the file is as it was.
    """
    line = json.dumps(data, separators=(",", ":")) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_char_device():  # such as /dev/null
            check_plain(path, "write")
        with path.open("a+b", buffering=0) as file:
            _append(file, path, line.encode())
    except OSError as error:
        raise BadInput(f"cannot write {path}: {reason(error)}; the {what} is not in it") from error


def _append(file: io.FileIO, path: Path, line: bytes) -> None:
    """Writes ``line`` behind the end of the file, or leaves it as it was."""
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return _write_all(file, line)
    with contextlib.suppress(OSError):  # where files cannot be locked, one has to do without
        take_lock(file, path)
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        line = line if file.read(1) == b"\n" else b"\n" + line
    try:
        _write_all(file, line)
        os.fsync(file.fileno())  # some file systems find out only now that they are full
    except BaseException:
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


def _write_all(file: io.FileIO, data: bytes) -> None:
    """The system may take a part of it only, and say why when it is given the rest."""
    while data:
        data = data[file.write(data) or 0 :]
