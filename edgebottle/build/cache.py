"""The one folder outside the project that edgebottle writes to, and compilers' caches in it."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgebottle.errors import BuildFailed, ToolMissing
from edgebottle.operating_system import cache_home, try_lock

LOCK_DEADLINE_S = 600.0
_LOCK_POLL_S = 0.05


def cache_dir() -> Path:
    """Returns edgebottle's cache folder, made if absent.

    ``$EDGEBOTTLE_CACHE``, else ``$XDG_CACHE_HOME/edgebottle``, else the platform's usual place.

    Raises:
        ToolMissing: the folder cannot be made or written.
    """
    path = _location()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolMissing(
            f"cannot make the cache folder {path}: {error.strerror}; "
            "set EDGEBOTTLE_CACHE to a folder you can write"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ToolMissing(
            f"cannot write to the cache folder {path}; set EDGEBOTTLE_CACHE to a folder you can"
        )
    return path


def cleaning_lock() -> Path:
    """The lock that is held while the cache is cleaned; a build waits for it once it has its own.

    So either cleaning finds the build's lock taken, or the build finds this one.
    """
    return cache_dir() / "cleaning.lock"


def compiler_environment() -> dict[str, str]:
    """Returns the environment for a compiler: the user's own, with zig's caches in ours."""
    zig = cache_dir() / "zig"
    environment = dict(os.environ)
    environment["ZIG_GLOBAL_CACHE_DIR"] = str(zig / "global")
    environment["ZIG_LOCAL_CACHE_DIR"] = str(zig / "local")
    return environment


@contextmanager
def locked(path: Path, deadline_s: float = LOCK_DEADLINE_S) -> Iterator[None]:
    """Holds the lock file ``path``; it is free again however its holder ends.

    Raises:
        BuildFailed: another process has held it for ``deadline_s`` seconds.
        ToolMissing: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
    except OSError as error:
        raise ToolMissing(f"cannot make the lock file {path}: {error.strerror}") from error
    with stream:
        try:
            take_lock(stream, path, deadline_s)
        except OSError as error:
            raise ToolMissing(f"cannot lock {path}: {error.strerror}") from error
        yield


def take_lock(stream: IO[bytes], path: Path, deadline_s: float = LOCK_DEADLINE_S) -> None:
    """Locks the open file ``path`` for as long as it is open.

    Raises:
        BuildFailed: another process has held it for ``deadline_s`` seconds.
        OSError: files cannot be locked there.
    """
    end = time.monotonic() + deadline_s
    while not try_lock(stream):
        if time.monotonic() >= end:
            raise BuildFailed(
                f"another edgebottle has held {path} for {deadline_s:.0f} s: wait for it or end it"
            )
        time.sleep(_LOCK_POLL_S)


def keep(path: Path, data: bytes) -> None:
    """Writes a file of the cache, whole or not at all; the folder is made if absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.replace(fresh, path)


def forget_oldest(folder: Path, pattern: str, keep: int) -> None:
    """Removes the files that were used longest ago, all but ``keep`` of them.

    What a killed compiler left there as a folder stays, and does not count.
    """
    found = (path for path in folder.glob(pattern) if not path.is_dir())
    files = sorted(found, key=_last_used, reverse=True)
    for path in files[keep:]:
        path.unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process forgot it meanwhile
        return 0.0


def _location() -> Path:
    chosen = os.environ.get("EDGEBOTTLE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / "edgebottle"
    return cache_home() / "edgebottle"
