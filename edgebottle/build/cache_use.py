"""What lies in edgebottle's cache, and how to clear it without harming a build."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgebottle.build.cache import cache_dir, cleaning_lock, locked
from edgebottle.errors import BuildFailed
from edgebottle.operating_system import try_lock

KINDS = (
    ("projects", "projects", "work folders of builds: the next build is incremental"),
    ("objects", "objects", "compiled files that the builds of other models take over"),
    ("images", "images", "firmware that measure, verify and profile have run"),
    ("litert", "litert", "outputs of LiteRT for samples that were measured"),
    ("converted", "converted", "networks of Keras and TensorFlow as .tflite"),
    ("costs", "costs", "what builds took of memory and time, by their files"),
    ("native", "native", "the counter of the virtual boards, compiled"),
    ("zig", "zig", "what zig has compiled: its own libraries above all"),
    ("platformio", "platformio-*", "PlatformIO's core folder, with SCons"),
)
"""Name, folders, and what is in them."""

RECENT_S = 600.0
"""An image that was built less long ago may be about to be run."""


@dataclass(frozen=True)
class CachedFiles:
    """One kind of content.

    Attributes:
        name: For ``clean``.
        what: In words.
        files: How many.
        nbytes: Their size.
    """

    name: str
    what: str
    files: int
    nbytes: int


def content() -> tuple[CachedFiles, ...]:
    """What is there now, by kind; empty kinds as well."""
    return tuple(_measured(name, what, _folders(pattern)) for name, pattern, what in KINDS)


def clean(names: tuple[str, ...] = ()) -> tuple[CachedFiles, ...]:
    """Removes what is there; everything can be made again.

    Nothing is removed while a build runs, and no build starts meanwhile. Images of the last few
    minutes stay: somebody may be about to run them.

    Args:
        names: Kinds; empty for all.

    Returns:
        What was removed.

    Raises:
        BuildFailed: a build is running.
    """
    with locked(cleaning_lock(), deadline_s=10.0), _no_build():
        return tuple(
            _removed(name, what, pattern)
            for name, pattern, what in KINDS
            if not names or name in names
        )


@contextlib.contextmanager
def _no_build() -> Iterator[None]:
    """Holds the locks of all work folders; raises ``BuildFailed`` where one is taken."""
    with contextlib.ExitStack() as stack:
        for path in sorted((cache_dir() / "projects").glob("*.lock")):
            file = stack.enter_context(path.open("a+b"))
            if not try_lock(file):
                raise BuildFailed(f"a build of {path.stem} is running: nothing was removed")
        yield


def _removed(name: str, what: str, pattern: str) -> CachedFiles:
    """Moves a kind aside, so that nobody sees half of it, and removes it."""
    trash = Path(tempfile.mkdtemp(prefix="removed-", dir=cache_dir()))
    for folder in _folders(pattern):
        for path in list(folder.iterdir()):
            if not _stays(name, path):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(path, trash / f"{folder.name}-{path.name}")
    kind = _measured(name, what, [trash])
    shutil.rmtree(trash, ignore_errors=True)
    return kind


def _stays(name: str, path: Path) -> bool:
    """Locks are never removed: a build may wait for one."""
    recent = time.time() - path.lstat().st_mtime < RECENT_S
    return path.suffix == ".lock" or (name == "images" and recent)


def _folders(pattern: str) -> list[Path]:
    return [path for path in sorted(cache_dir().glob(pattern)) if path.is_dir()]


def _measured(name: str, what: str, folders: list[Path]) -> CachedFiles:
    files = nbytes = 0
    for folder in folders:
        for root, _, names in os.walk(folder):
            for each in names:
                with contextlib.suppress(OSError):  # another process may remove it meanwhile
                    nbytes += os.lstat(os.path.join(root, each)).st_size
                    files += each[-5:] != ".lock"
    return CachedFiles(name, what, files, nbytes)
