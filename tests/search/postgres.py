"""A PostgreSQL server of the tests' own, in a temporary folder, for as long as they need it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import wait_until

UNPRIVILEGED = ("postgres", "nobody")
"""Whom the server runs as where the tests are root's: it refuses to be that."""


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@dataclass(frozen=True)
class RunningServer:
    """A server, and the address of its database."""

    address: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends it, whoever is connected."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # SIGTERM would wait for them
            self.process.wait()


@contextmanager
def server() -> Iterator[RunningServer]:
    """A server with a new, empty database; skips the test where there is no server to start."""
    psycopg = pytest.importorskip("psycopg")
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="edgebottle-postgres-") as home:
        user = None
        if os.getuid() == 0:
            user = next(name for name in UNPRIVILEGED if _exists(name))
            shutil.chown(home, user)
        data = Path(home) / "data"
        words = ("-D", str(data), "-U", "edgebottle", "-A", "trust", "--no-sync")
        subprocess.run(
            [folder / "initdb", *words], user=user, cwd=home, check=True, capture_output=True
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={home}", "fsync=off"]
        command = [folder / "postgres", "-D", str(data), "-p", str(port)]
        command += [word for option in options for word in ("-c", option)]
        address = f"postgresql://edgebottle@127.0.0.1:{port}/postgres"
        with (Path(home) / "log").open("wb") as log:
            running = subprocess.Popen(command, user=user, cwd=home, stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(psycopg, address), "PostgreSQL does not answer")
            yield RunningServer(address, running)
        finally:
            RunningServer(address, running).stop()


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _answers(psycopg: object, address: str) -> bool:
    try:
        psycopg.connect(address).close()  # type: ignore[attr-defined]
    except psycopg.OperationalError:  # type: ignore[attr-defined]
        return False
    return True
