"""Whoever uses a board holds its lock, so that two programs never flash by one probe."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import IO

from edgebottle.build.cache import cache_dir
from edgebottle.operating_system import try_lock
from hil.bench.entries import BenchEntry


class BoardLock:
    """The lock of one real board, which its process holds until it lets go, or ends.

    It belongs to the board's probe, or else to its port: two files that name the same one share
    it. Those who look on read in a file beside it what its holder does.
    """

    def __init__(self, entry: BenchEntry) -> None:
        """Makes the lock's file where it is not there; raises as ``cache_dir`` does."""
        key = entry.probe or entry.serial or entry.port or entry.place
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        folder = cache_dir() / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.lock"
        self._state = folder / f"{name}.json"
        self._file: IO[bytes] | None = None

    def try_take(self) -> bool:
        """Takes the lock; False where somebody has it."""
        if self._file is not None:
            return False
        file = self._path.open("ab")
        if not try_lock(file):
            file.close()
            return False
        self._file = file
        return True

    def let_go(self) -> None:
        """Gives the board back; a second time does nothing."""
        if self._file is not None:
            self._state.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def tell(self, what: str) -> None:
        """Says, for those who look on, what is being done with the board."""
        with contextlib.suppress(OSError):
            self._state.write_text(json.dumps({"process": os.getpid(), "what": what}))

    def holder(self) -> str | None:
        """What whoever has the board does with it; None where nobody has."""
        if self._file is None and self.try_take():
            self.let_go()
            return None
        try:
            said = json.loads(self._state.read_text())
            return f"{said['what']} (process {said['process']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "in use"

    @property
    def path(self) -> Path:
        """Of the lock's file."""
        return self._path
