"""The boards of other computers, as their own benches say.

What a host said last is kept, so that its boards have their names also while it is away.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgebottle.build.cache import cache_dir
from edgebottle.errors import EdgebottleError
from edgebottle.files import write_file
from hil.bench.entries import Bench, BenchEntry
from hil.bench.hosts import BenchHost
from hil.bench.ssh import HostRequest

AGAIN_SECONDS = 5.0
"""Until a host that was away is asked again by who watches it."""

SSH = "ssh"
"""The driver of a board of another computer."""


@dataclass(frozen=True)
class RemoteEntry(BenchEntry):
    """A board of a host, called ``HOST/BOARD``.

    Attributes:
        host: Where it is.
        there: What it is called there.
        where: Where it is there, in words.
        state: How it was when the host was asked; why it cannot be told, where that is away.
    """

    host: BenchHost = field(default_factory=lambda: BenchHost("", ""))
    there: str = ""
    where: str = ""
    state: str = ""

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"{self.host.address}: {self.where}"


@dataclass(frozen=True)
class AskedHost:
    """What a host has.

    Attributes:
        host: The host.
        entries: Its boards; those of the last time where it could not be asked.
        error: Why not; None where it could.
    """

    host: BenchHost
    entries: tuple[RemoteEntry, ...]
    error: EdgebottleError | None


def ask_hosts(hosts: Sequence[BenchHost]) -> tuple[AskedHost, ...]:
    """The boards of all hosts, which are asked at the same time."""
    if not hosts:
        return ()
    with ThreadPoolExecutor(len(hosts)) as pool:
        return tuple(pool.map(ask_host, hosts))


def ask_host(host: BenchHost) -> AskedHost:
    """The boards of a host as they are now, or were the last time."""
    error: EdgebottleError | None = None
    try:
        with HostRequest(host, {"do": "list"}) as request:
            boards = next(request.answers())["boards"]
        write_file(_memory(host), json.dumps(boards).encode())
    except EdgebottleError as failed:
        error, boards = failed, _remembered(host)
    entries = (_entry(host, one) for one in boards)
    if error is not None:
        entries = (replace(one, state=f"absent: {error}") for one in entries)
    return AskedHost(host, tuple(entries), error)


def with_boards(bench: Bench, asked: Sequence[AskedHost]) -> Bench:
    """A bench with the boards of its hosts behind its own."""
    there = (entry for one in asked for entry in one.entries)
    return replace(bench, entries=(*bench.entries, *there))


def _entry(host: BenchHost, said: dict[str, Any]) -> RemoteEntry:
    return RemoteEntry(
        f"{host.name}/{said['name']}",
        said["board"],
        SSH,
        host=host,
        there=said["name"],
        where=said["place"],
        state=said["state"],
    )


def _memory(host: BenchHost) -> Path:
    key = hashlib.sha256(f"{host.address} {host.bench}".encode()).hexdigest()[:16]
    return cache_dir() / "bench" / "hosts" / f"{key}.json"


def _remembered(host: BenchHost) -> list[dict[str, Any]]:
    with contextlib.suppress(OSError, ValueError):
        found: list[dict[str, Any]] = json.loads(_memory(host).read_text())
        return found
    return []


class HostWatch:
    """How the boards of a host are, again and again, told by a thread of its own."""

    def __init__(self, host: BenchHost) -> None:
        """Begins to ask."""
        self._host = host
        self._turn = threading.Lock()
        self._states: dict[str, str] = {host.name: "asked"}
        threading.Thread(target=self._watch, daemon=True).start()

    def states(self) -> dict[str, str]:
        """How each is now, by its name here; one line for a host that never had any."""
        with self._turn:
            return dict(self._states)

    def _watch(self) -> None:
        while True:
            try:
                with HostRequest(self._host, {"do": "watch"}) as request:
                    for answer in request.answers():
                        self._tell({f"{self._host.name}/{answer['name']}": answer["state"]})
            except EdgebottleError as error:
                self._lose(f"absent: {error}")
            time.sleep(AGAIN_SECONDS)

    def _tell(self, found: dict[str, str]) -> None:
        with self._turn:
            self._states.pop(self._host.name, None)
            self._states |= found

    def _lose(self, why: str) -> None:
        known = [f"{self._host.name}/{one['name']}" for one in _remembered(self._host)]
        with self._turn:
            names = known or list(self._states)
            self._states = dict.fromkeys(names, why)
