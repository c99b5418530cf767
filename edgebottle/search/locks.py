"""Locks of workers: files for those of one computer, or PostgreSQL for those of several.

A worker holds a lock for as long as its process lives, so that no clock says whether it does: the
kernel gives back the lock of a file, PostgreSQL an advisory lock, as soon as its holder is gone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol, TypeVar

from edgebottle.errors import BadInput
from edgebottle.files import reason
from edgebottle.operating_system import try_lock

T = TypeVar("T")

POSTGRES = "postgresql://"

TURN = "turn"
"""The lock of the worker that looks at the study and changes it."""

WORKER = "worker-"
"""What the names of workers begin with."""

LONGEST_WAIT_S = 0.5
"""Between two attempts to get a lock."""

LOST_AFTER_S = 60
"""Until PostgreSQL gives up a worker whose computer is silent; one that was killed, at once."""

_KEEPALIVES = f"-c tcp_keepalives_idle={LOST_AFTER_S // 2} -c tcp_keepalives_interval=10 \
-c tcp_keepalives_count=3"


class WorkerLocks(Protocol):
    """Named locks that a process holds until it lets them go, or ends."""

    def try_take(self, name: str) -> bool:
        """Takes a lock; False where another has it, or this one."""

    def let_go(self, name: str) -> None:
        """Of one that this one has."""

    def close(self) -> None:
        """Lets all go."""


class FileLocks:
    """Files of a folder, for processes of one computer."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder; raises ``BadInput`` if it cannot."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot write {folder}: {reason(error)}") from error
        self._folder = folder
        self._held: dict[str, IO[bytes]] = {}

    def try_take(self, name: str) -> bool:
        """Takes a lock; False where another has it, or this one."""
        if name in self._held:
            return False
        file = (self._folder / name).open("ab")
        if not try_lock(file):
            file.close()
            return False
        self._held[name] = file
        return True

    def let_go(self, name: str) -> None:
        """Of one that this one has; the file of a worker that has gone is of no use."""
        file = self._held.pop(name)
        if name.startswith(WORKER):
            with suppress(OSError):  # where an open file cannot be removed, it stays
                (self._folder / name).unlink()
        file.close()

    def close(self) -> None:
        """Lets all go."""
        for name in list(self._held):
            self.let_go(name)


class PostgresLocks:
    """Advisory locks of a database's session."""

    def __init__(self, address: str, study: str) -> None:
        """Connects.

        Args:
            address: Of the database.
            study: Its name: other studies of the database have locks of their own.

        Raises:
            BadInput: there is none that answers.
        """
        import psycopg

        self._address, self._study = address, study
        try:
            self._session = psycopg.connect(address, autocommit=True, options=_KEEPALIVES)
        except psycopg.Error as error:
            raise BadInput(unreachable(address, error)) from error

    def try_take(self, name: str) -> bool:
        """Takes a lock; False where another has it."""
        return bool(self._asked("pg_try_advisory_lock", name))

    def let_go(self, name: str) -> None:
        """Of one that this one has."""
        self._asked("pg_advisory_unlock", name)

    def close(self) -> None:
        """Lets all go."""
        self._session.close()

    def _asked(self, function: str, name: str) -> object:
        import psycopg

        try:
            found = self._session.execute(f"select {function}(%s)", (self._number(name),))
        except psycopg.Error as error:
            raise BadInput(unreachable(self._address, error)) from error
        return found.fetchone()[0]

    def _number(self, name: str) -> int:
        """64 bits with a sign, as PostgreSQL names such locks."""
        digest = hashlib.sha256(f"edgebottle {self._study} {name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def wait_for(attempt: Callable[[], T | None]) -> T:
    """Tries again and again, ever less often, until there is something; that."""
    seconds = 0.01
    while True:
        found = attempt()
        if found is not None:
            return found
        time.sleep(seconds)
        seconds = min(seconds * 1.5, LONGEST_WAIT_S)


def take(locks: WorkerLocks, name: str) -> None:
    """Takes a lock once it is free."""
    wait_for(lambda: locks.try_take(name) or None)


def unreachable(address: str, error: Exception) -> str:
    """What is said of a storage that does not answer, without its password."""
    said = " ".join(str(error.__cause__ or error).split())
    return f"cannot reach the storage {hidden(address)}: {said}"


def hidden(address: str) -> str:
    """An address without its password."""
    from urllib.parse import urlsplit

    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.password:
            return address.replace(f":{parts.password}@", ":***@", 1)
    return address
