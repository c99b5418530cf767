"""Reads files that a user named, whatever they turn out to be."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from edgebottle.errors import BadInput

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_plain(path: Path, doing: str = "read") -> int:
    """Makes sure that ``path`` is a plain file: nothing that blocks, or never ends.

    Args:
        path: The file.
        doing: What cannot be done otherwise, "read" or "write".

    Returns:
        Its size in bytes.

    Raises:
        BadInput: it is something else, or is not there.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot {doing} {path}: {reason(error)}") from error
    kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), None)
    if kind is not None:
        raise BadInput(f"cannot {doing} {path}: it is {kind}, not a file")
    return found.st_size


def read_file(path: Path, max_bytes: int) -> bytes:
    """The content of a plain file.

    Args:
        path: The file.
        max_bytes: A larger one is not what it should be.

    Raises:
        BadInput: it is no plain file, too large, or cannot be read.
    """
    size = check_plain(path)
    if size > max_bytes:
        raise BadInput(
            f"{path} has {size / 2**20:,.1f} MB: more than the {max_bytes / 2**20:,.0f} MB that "
            "such a file may have"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {reason(error)}") from error


def write_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Writes a file, whole or piece by piece, but all or nothing; ``BadInput`` if it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines([data] if isinstance(data, bytes) else data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"cannot write {path}: {reason(error)}") from error


def check_creatable(path: Path) -> None:
    """Makes sure that a file or folder could be made or replaced at ``path``, by trying it.

    Raises:
        BadInput: nothing can be written there: said before the work is done.
    """
    folder = path.absolute().parent
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            raise BadInput(f"cannot write {path}: {folder} is a file")
        if path.is_dir() and not os.access(path, os.W_OK):
            raise BadInput(f"cannot write {path}: no permission")
        os.rmdir(tempfile.mkdtemp(prefix=f".{path.name}.", dir=folder))
    except OSError as error:
        raise BadInput(f"cannot write {path}: {folder}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What the operating system says, without number and path."""
    return getattr(error, "strerror", None) or str(error)
