"""A desk with boards that misbehave on order: real firmware behind a faulty line, probe and power.

Each board is a virtual board behind a socket. A program called ``openocd`` flashes them by the
serial numbers of their probes, and one called ``switch`` turns their power on and off; both ask
the desk. What goes wrong is said for each flashing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from edgebottle.boards import load_board
from edgebottle.build.elf import read_elf
from hil.virtual.client import VirtualBoard

READY = b"m-ready\r\n"
BANNER = b"m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\n" + READY
DRIBBLE_SECONDS = 0.3

_TOOL = """\
#!{python} -IS
import json, socket, sys
words = sys.argv[1:]
line = socket.create_connection(("127.0.0.1", {port}))
line.sendall(json.dumps([{name!r}, *words]).encode() + b"\\n")
answer = json.loads(line.makefile().readline())
print(answer["says"], file=sys.stderr)
sys.exit(answer["code"])
"""

FAULTS = {
    "garbage": "the answer to infer is garbage",
    "reset": "it restarts while the network runs",
    "hang": "it hangs while the network runs",
    "dribble": "a byte now and then",
    "unplug": "its USB plug is pulled while the network runs",
    "wrong-image": "the programmer says that it has flashed, and has not",
    "power-loss": "power is lost while it is flashed",
    "dead": "it is silent after it was flashed, until its power is switched",
    "wrong-result": "one bit of an output is another",
}
DOUBLE = '[board.double]\nboard = "microbit"\ndriver = "virtual"\n'
"""A virtual board, for a bench to have as well."""

CUT = "cut"
"""What happens to a line by ``DeskBoard.cut``, while the network runs."""


class DeskBoard:
    """A board of the desk.

    Attributes:
        serial: Of its probe.
        heard: What the desk was asked to do with it.
        faults: What has happened to it.
        url: Where it is to be found.
        cut: Ends the connection of whoever talks to it.
    """

    def __init__(self, serial: str, board: str, plan: Iterator[str | None]) -> None:
        self.serial, self.board = serial, board
        self.heard: list[str] = []
        self.faults: list[str] = []
        self.cut: Callable[[], None] = lambda: None
        self._plan = plan
        self._fault: str | None = None
        self._is_silent = True  # nothing has been flashed yet
        self._is_plugged = True
        self._crc: int | None = None
        self._virtual: VirtualBoard | None = None
        self._upstream: socket.socket | None = None
        self._ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def flash(self, elf: Path) -> tuple[int, str]:
        """What the programmer ends with."""
        self.heard.append("flash")
        self._fault = next(self._plan)
        self.faults += [self._fault] if self._fault else []
        if self._fault == "power-loss":
            self._is_silent = True
            return 1, "Error: timed out while waiting for target halted"
        crc = read_elf(elf).crc32
        if crc != self._crc:
            self._boot(elf)
            self._crc = crc
        self._is_silent = self._fault == "dead"
        return 0, "** Verified OK **"

    def reset(self) -> None:
        self.heard.append("reset")
        if self._fault != "dead":
            self._restart()

    def power(self, state: str) -> None:
        self.heard.append(state)
        if state == "on":
            self._is_plugged = True
            self._restart()

    def hush(self) -> None:
        """It is silent from now on, until its power is switched."""
        self._fault, self._is_silent = "dead", True

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self._unboot()

    def _restart(self) -> None:
        """It begins anew, unless there is nothing in its flash."""
        self._is_silent = self._fault == "power-loss"

    def _boot(self, elf: Path) -> None:
        self._unboot()
        self._virtual = VirtualBoard.boot(elf, load_board(self.board))
        host, port = self._virtual.url.removeprefix("socket://").split(":")
        self._upstream = socket.create_connection((host, int(port)))

    def _unboot(self) -> None:
        if self._virtual is not None and self._upstream is not None:
            self._upstream.close()
            self._virtual.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                if self._is_plugged:
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        """Until one of the two hangs up; the fault happens when its command is heard."""
        asked = b""
        while not self._ended.is_set() and self._is_plugged:
            upstream = self._upstream  # another one, once it was flashed
            sources = [client, *([upstream] if upstream else [])]
            for ready in select.select(sources, [], [], 0.05)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                if ready is client:
                    asked = (asked + data)[-200:]
                    if not self._is_silent and upstream is not None:
                        upstream.sendall(data)
                elif not self._is_silent:
                    answer = self._spoiled(asked, data)
                    if answer is None:
                        return
                    _send(client, answer, self._fault == "dribble" and asked.endswith(b"out%"))

    def _spoiled(self, asked: bytes, data: bytes) -> bytes | None:
        """What becomes of an answer; None hangs up."""
        fault = self._fault
        if fault == "wrong-image":
            return re.sub(rb"m-build-\[[0-9a-f]{8}", b"m-build-[00000001", data)
        if fault == "wrong-result":
            return re.sub(rb"m-out-0-\[(.)", _flipped, data)
        if not re.search(rb"infer [0-9 ]+%$", asked):
            return data
        if fault == CUT:
            self._fault = None
            self.cut()
        if fault in ("garbage", "reset", "hang", "unplug"):
            self._fault = None  # it happens once
            self._is_silent, self._is_plugged = fault == "hang", fault != "unplug"
            spoiled = {"garbage": b"\xff\xfe\x00zz\r\n" + data, "reset": BANNER, "hang": b""}
            return spoiled.get(fault)
        return data


def _flipped(found: re.Match[bytes]) -> bytes:
    return b"m-out-0-[%X" % (int(found[1], 16) ^ 1)


def _send(client: socket.socket, data: bytes, slowly: bool) -> None:
    pieces = [data[i : i + 1] for i in range(len(data))] if slowly else [data]
    for piece in pieces:
        client.sendall(piece)
        if slowly:
            time.sleep(DRIBBLE_SECONDS)


class Desk:
    """Some boards, their programs, and what asks for them."""

    def __init__(self, folder: Path, plans: dict[str, Iterator[str | None]]) -> None:
        """Sets a micro:bit up for each name.

        Args:
            folder: Where ``bench.toml`` and the programs are put.
            plans: By name of a board, what goes wrong at each flashing.
        """
        self.folder = folder
        self._server = socket.create_server(("127.0.0.1", 0))
        # Of this desk alone: locks, and the image a board was flashed with last, go by probe, and
        # outlast a test. A number of a port comes again.
        desk = secrets.token_hex(8)
        self.boards = {
            name: DeskBoard(f"P-{name}-{desk}", "microbit", plans[name]) for name in plans
        }
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        for name in ("openocd", "switch"):
            self._install(name)
        self.write()

    def write(self) -> None:
        """Writes ``bench.toml``, with the places where boards are now."""
        (self.folder / "bench.toml").write_text(self._bench())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        for board in self.boards.values():
            board.close()

    def environment(self) -> dict[str, str]:
        """With its programs before all others."""
        return {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def _install(self, name: str) -> None:
        port = self._server.getsockname()[1]
        script = self.folder / name
        script.write_text(_TOOL.format(python=sys.executable, port=port, name=name))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    def _bench(self) -> str:
        text = "version = 1\n"
        for name, board in self.boards.items():
            off, on = (f'"{self.folder}/switch {board.serial} {state}"' for state in ("off", "on"))
            text += (
                f'[board.{name}]\nboard = "{board.board}"\nport = "{board.url}"\n'
                f'probe = "{board.serial}"\nprogrammer = "openocd"\n'
                f"power = {{ off = {off}, on = {on}, seconds = 0 }}\n"
            )
        return text

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            tool, *words = json.loads(client.makefile().readline())
            code, says = self._switch(*words) if tool == "switch" else self._probe(words)
            client.sendall(json.dumps({"code": code, "says": says}).encode() + b"\n")

    def _switch(self, serial: str, state: str) -> tuple[int, str]:
        self._by_serial(serial).power(state)
        return 0, ""

    def _probe(self, words: list[str]) -> tuple[int, str]:
        board = self._by_serial(next(w for w in words if w.startswith("adapter serial"))[15:])
        program = next((w for w in words if w.startswith("program ")), None)
        if program is None:
            board.reset()
            return 0, ""
        return board.flash(Path(re.sub(r"program \{?(.*?)\}? verify.*", r"\1", program)))

    def _by_serial(self, serial: str) -> DeskBoard:
        return next(board for board in self.boards.values() if board.serial == serial)


def first_time(fault: str) -> Callable[[], Iterator[str | None]]:
    """A plan: the fault at every other flashing."""

    def plan() -> Iterator[str | None]:
        while True:
            yield fault
            yield None

    return plan


def each_time(fault: str | None) -> Callable[[], Iterator[str | None]]:
    """A plan: the fault at every flashing."""

    def plan() -> Iterator[str | None]:
        while True:
            yield fault

    return plan
