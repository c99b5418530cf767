"""The jobs that another computer has asked for, each in a folder: its request, and what came of it.

A job is done once, whoever asks for it how often: its result is one file, written whole or not at
all, and the process that does it holds a lock and outlives the connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

from edgebottle.build.cache import cache_dir
from edgebottle.errors import BadInput, BoardError
from edgebottle.files import write_file
from edgebottle.operating_system import start_detached, try_lock

KEEP_SECONDS = 14 * 24 * 3600.0
"""What nobody has come for in so long is removed."""

_ATTEMPTS, _PAUSE = 10, 0.2
"""To take the lock of a job, and seconds between two of them."""

_IDENTITY = re.compile("[0-9a-f]{16,64}")
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\0]{1,200}")


class RemoteJob:
    """One job.

    Attributes:
        folder: Of it.
    """

    def __init__(self, identity: str) -> None:
        """Opens the job of a name that is its own in the whole world; raises ``BadInput``."""
        if not _IDENTITY.fullmatch(identity):
            raise BadInput(f"no name of a job: {identity!r}")
        self.folder = _root("jobs") / identity
        self._identity = identity
        self._lock: IO[bytes] | None = None

    def write_request(self, request: Mapping[str, Any]) -> None:
        """Keeps what is asked for, and takes back that it should stop."""
        write_file(self.folder / "request.json", json.dumps(request).encode())
        (self.folder / "stop").unlink(missing_ok=True)

    def request(self) -> dict[str, Any]:
        """What is asked for."""
        return _read(self.folder / "request.json") or {}

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the process that does it; raises ``BoardError`` where it cannot."""
        log = self.folder / "log"
        try:
            with log.open("ab") as file:
                return start_detached("edgebottle.bench.remote_worker", self._identity, output=file)
        except OSError as error:
            raise BoardError(f"cannot start a process for a job: {error.strerror}") from error

    def try_take(self) -> bool:
        """Takes the lock of whoever does it, until the process ends or lets go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = (self.folder / "lock").open("ab")
        if not try_lock(file):
            file.close()
            return False
        self._lock = file
        return True

    def take(self) -> bool:
        """The same; who only looks, or has just ended, holds it for a moment, which is waited."""
        for _ in range(_ATTEMPTS):
            if self.try_take():
                return True
            time.sleep(_PAUSE)
        return False

    def let_go(self) -> None:
        """Gives the lock back; a second time does nothing."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_taken(self) -> bool:
        """Whether a process does it now."""
        if self.try_take():
            self.let_go()
            return False
        return True

    def stop(self) -> None:
        """Asks whoever does it to stop."""
        if self.folder.is_dir():
            (self.folder / "stop").touch()

    @property
    def shall_stop(self) -> bool:
        """It was asked to."""
        return (self.folder / "stop").exists()

    def tell(self, words: str) -> None:
        """Says, for those who look on, what is being done."""
        with contextlib.suppress(OSError, BadInput):
            write_file(self.folder / "state.json", json.dumps({"doing": words}).encode())

    def told(self) -> str:
        """What is being done; "" where nobody knows."""
        return str((_read(self.folder / "state.json") or {}).get("doing", ""))

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Keeps what came of it."""
        write_file(self.folder / "result.json", json.dumps(result).encode())

    def result(self) -> dict[str, Any] | None:
        """What came of it; None where it is not done."""
        return _read(self.folder / "result.json")

    def last_words(self) -> str:
        """The last line that the process has printed."""
        try:
            lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def forget(self) -> None:
        """Removes it, unless somebody does it."""
        if self.take():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.let_go()


class FileStore:
    """Files that jobs need, by the SHA-256 of their content: each is sent once."""

    def path(self, digest: str, name: str) -> Path:
        """Where a file lies, or would; raises ``BadInput`` for what no file may be called."""
        if not re.fullmatch("[0-9a-f]{64}", digest) or not _FILE_NAME.fullmatch(name):
            raise BadInput(f"no file of a job: {name!r}")
        return _root("files") / digest / name

    def has(self, digest: str, name: str) -> bool:
        """Whether a file is there; it is kept for a while longer then."""
        path = self.path(digest, name)
        if not path.exists():
            return False
        path.parent.touch()
        return True

    def take(
        self, digest: str, name: str, size: int, source: BinaryIO, *, is_packed: bool = False
    ) -> None:
        """Takes a file that is sent, or a folder that is packed into one.

        Raises:
            BoardError: less came than was announced, or it came damaged.
        """
        found, left = hashlib.sha256(), size
        pieces = []
        while left:
            data = source.read(min(left, 1 << 20))
            if not data:
                raise BoardError(f"the connection ended {left} bytes before the end of {name}")
            found.update(data)
            pieces.append(data)
            left -= len(data)
        if found.hexdigest() != digest:
            raise BoardError(f"{name} came damaged")
        if is_packed:
            self._unpack(self.path(digest, name), b"".join(pieces))
        else:
            write_file(self.path(digest, name), pieces)

    def _unpack(self, folder: Path, archive: bytes) -> None:
        """All of a folder, or nothing; no entry may lie outside of it."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            try:
                with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
                    packed.extractall(Path(made) / "all", filter="data")
            except (tarfile.TarError, OSError) as error:
                raise BoardError(f"{folder.name} cannot be unpacked: {error}") from error
            with contextlib.suppress(OSError):  # somebody else has put it there
                (Path(made) / "all").rename(folder)


def remove_old() -> None:
    """Removes jobs that nobody has come for, and files that no job has needed, for long."""
    now = time.time()
    for folder in _root("jobs").glob("*"):
        if now - _changed(folder) > KEEP_SECONDS:
            RemoteJob(folder.name).forget()
    for folder in _root("files").glob("*"):
        if now - _changed(folder) > KEEP_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _root(kind: str) -> Path:
    return cache_dir() / "bench" / "remote" / kind


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return None
