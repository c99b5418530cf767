"""A node of FIT IoT-LAB's public testbed, through its command-line client and ssh.

The client (``iotlab-experiment``, ``iotlab-node``; the package ``iotlabcli``) answers in JSON, and
says on standard error what fails. A node's serial port is at port 20000 of its address, inside the
site; ssh brings it here (iot-lab.info, "Serial aggregator", "SSH access").
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from edgebottle.boards import Board
from edgebottle.build.cache import cache_dir
from edgebottle.errors import BadInput, BoardError, ToolMissing
from edgebottle.operating_system import Child, try_lock
from hil.probes import ProbeChoice
from hil.ssh_command import OPTIONS, failure_of

SCHEME = "iotlab://"
MINUTES = 30
"""How long a node is booked where nothing is said; it is given back earlier, once it is done."""

BOOK_SECONDS = 600.0
COMMAND_SECONDS = 120.0
TUNNEL_SECONDS = 30.0
SERIAL_PORT = 20000
DOMAIN = "iot-lab.info"

ARCHITECTURES = {
    "nrf52840dk": "nrf52840dk:multi",
    "microbit": "microbit:ble",
    "arduino_zero": "arduino-zero:xbee",
}
"""What IoT-LAB calls the boards that edgebottle has (RIOT, makefile.iotlab.single.inc.mk)."""

_URL = re.compile(r"iotlab://([a-z]+)(?:/([a-z0-9-]+)-([0-9]+))?(?:\?minutes=([0-9]{1,4}))?")


@dataclass(frozen=True)
class NodeWish:
    """Which node is wanted.

    Attributes:
        site: Such as ``saclay``.
        kind: Board and radio, such as ``nrf52840dk:multi``.
        number: Of the node; None for any that is free.
        minutes: For which it is booked.
    """

    site: str
    kind: str
    number: int | None
    minutes: int

    @property
    def resources(self) -> str:
        """As ``--list`` of ``iotlab-experiment submit`` takes it."""
        if self.number is None:
            return f"1,archi={self.kind}+site={self.site}"
        return f"{self.site},{self.kind.partition(':')[0]},{self.number}"


def is_node(port: str) -> bool:
    """Whether a port is a node of IoT-LAB."""
    return port.startswith(SCHEME)


def node_wish(port: str, board: Board, choice: ProbeChoice | None = None) -> NodeWish:
    """What ``iotlab://SITE``, ``iotlab://SITE/NODE`` and ``?minutes=N`` ask for.

    Raises:
        BadInput: it is written otherwise, IoT-LAB has no such board, or ``choice`` says how it is
            to be flashed.
    """
    if choice is not None and (
        choice.write is False or choice.programmer or choice.serial or choice.recover
    ):
        raise BadInput(f"{port} is flashed by IoT-LAB, always and in its own way")
    found = _URL.fullmatch(port)
    if found is None:
        raise BadInput(
            f"{port} is no node: {SCHEME}saclay is any of a site, {SCHEME}saclay/nrf52840dk-3 is "
            "one, and ?minutes=60 behind it books it for longer"
        )
    site, name, number, minutes = found.groups()
    kind = ARCHITECTURES.get(board.id)
    if kind is None or (name is not None and name != kind.partition(":")[0]):
        has = ", ".join(ARCHITECTURES)
        raise BadInput(f"{port} is no {board.id}: edgebottle knows nodes of IoT-LAB that are {has}")
    return NodeWish(site, kind, int(number) if number else None, int(minutes or MINUTES))


class IotLabNode:
    """A node that is booked.

    Attributes:
        experiment: Number of the booking.
        address: Such as ``nrf52840dk-3.saclay.iot-lab.info``.
    """

    def __init__(self, experiment: int, address: str) -> None:
        """Takes what was booked."""
        self.experiment, self.address = experiment, address
        name, site, *_ = address.split(".")
        kind, _, number = name.rpartition("-")
        self._node = f"{site},{kind},{number}"

    def flash(self, elf: Path) -> None:
        """Writes a firmware, and starts it; raises ``BoardError``."""
        self._command("flash", "--flash", str(elf))

    def reset(self) -> str | None:
        """Restarts it; how that is called, None where it did not work."""
        try:
            self._command("reset", "--reset")
        except BoardError:
            return None
        return "a reset by iotlab-node"

    def state(self) -> str:
        """Of the booking: ``Running``, ``Terminated``, ``Error``, or ``unknown``."""
        with contextlib.suppress(BoardError):
            answer = _ask("iotlab-experiment", "get", "-i", str(self.experiment), "-p")
            return str(answer.get("state", "unknown"))
        return "unknown"

    def _command(self, what: str, *words: str) -> None:
        answer = _ask("iotlab-node", "-i", str(self.experiment), "-l", self._node, *words)
        if self.address not in answer.get("0", ()):
            raise BoardError(f"IoT-LAB could not {what} {self.address}: {json.dumps(answer)}")


@contextmanager
def booked(wish: NodeWish) -> Iterator[IotLabNode]:
    """Books a node until the context ends.

    Raises:
        ToolMissing: the client is not installed.
        BoardError: there is none, or whoever asks has no account; the message says it.
    """
    _login()  # without which nobody could talk to it
    _give_back_lost()
    said = ("-n", "edgebottle", "-d", str(wish.minutes), "-l", wish.resources)
    with _Booking() as booking:
        answer = _ask("iotlab-experiment", "submit", *said)
        number = booking.keep(answer["id"])
        wait = ("--state", "Running", "--step", "2", "--timeout", f"{BOOK_SECONDS:g}")
        try:
            _ask("iotlab-experiment", "wait", "-i", number, *wait, seconds=BOOK_SECONDS + 30)
        except BoardError as error:
            raise BoardError(
                f"IoT-LAB gives no node for {wish.resources} in experiment {number}: {error}"
            ) from error
        nodes = _ask("iotlab-experiment", "get", "-i", number, "-n")["items"]
        yield IotLabNode(int(number), nodes[0]["network_address"])


class _Booking:
    """Gives an experiment back at its end; a locked file says that somebody still wants it.

    So what a process has booked that was killed is given back by the next one.
    """

    def __init__(self) -> None:
        self._path = _bookings() / f"new-{os.getpid()}-{threading.get_ident()}"
        self._file = self._path.open("ab")
        try_lock(self._file)
        self._number: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._number is not None:
            _stop(self._number)
        self._path.unlink(missing_ok=True)
        self._file.close()

    def keep(self, number: object) -> str:
        """Writes down what was booked; its number as text."""
        self._number = str(number)
        self._path = self._path.rename(self._path.with_name(self._number))
        return self._number


def _bookings() -> Path:
    folder = cache_dir() / "bench" / "iotlab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _give_back_lost() -> None:
    """Stops the experiments of processes that are gone."""
    for path in _bookings().glob("[0-9]*"):
        with contextlib.suppress(OSError), path.open("ab") as file:
            if try_lock(file):
                _stop(path.name)
                path.unlink(missing_ok=True)


def _stop(number: str) -> None:
    with contextlib.suppress(BoardError, ToolMissing):  # it may be over
        _ask("iotlab-experiment", "stop", "-i", number)


@contextmanager
def serial_line(node: IotLabNode) -> Iterator[str]:
    """The URL of a node's serial port while the context lasts; raises ``BoardError``."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    site = node.address.partition(".")[2]
    command = [
        *("ssh", *OPTIONS, "-o", "ExitOnForwardFailure=yes"),
        *("-L", f"127.0.0.1:{port}:{node.address}:{SERIAL_PORT}", f"{_login()}@{site}"),
        "echo ready; cat",  # the line is there before this runs, and ends with this
    ]
    with ExitStack() as stack:
        process = stack.enter_context(_started(command))
        timer = threading.Timer(TUNNEL_SECONDS, process.end)
        stack.callback(timer.cancel)
        timer.start()
        assert process.stdout is not None and process.stderr is not None
        if process.stdout.readline().strip() != "ready":
            process.end()
            said = process.stderr.read()
            known = failure_of(said, f"{_login()}@{site}")
            why = _last(said) if known is None else known.words
            raise BoardError(f"ssh to {site} failed: {why}")
        timer.cancel()
        yield f"socket://127.0.0.1:{port}"


def check_account() -> None:
    """Raises ``ToolMissing`` without the client or ssh, ``BoardError`` without an account."""
    _login()
    _ask("iotlab-experiment", "get", "-e")


def free_nodes(wish: NodeWish) -> list[str]:
    """Addresses of the nodes that are free and fit; raises as ``check_account`` does."""
    said = ("--nodes", "--site", wish.site, "--archi", wish.kind, "--state", "Alive")
    found = [one["network_address"] for one in _ask("iotlab-status", *said)["items"]]
    end = None if wish.number is None else f"-{wish.number}.{wish.site}.{DOMAIN}"
    return [address for address in found if end is None or address.endswith(end)]


def _login() -> str:
    """The name of the user's account, where ``iotlab-auth`` keeps it."""
    path = Path(os.environ.get("IOTLAB_PASSWORD_FILE") or Path.home() / ".iotlabrc")
    try:
        login = path.read_text().partition(":")[0].strip()
    except OSError:
        login = ""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", login):
        raise BoardError("no account of IoT-LAB is set up here: `iotlab-auth -u LOGIN` asks once")
    return login


def _ask(program: str, *words: str, seconds: float = COMMAND_SECONDS) -> Any:
    """What the client answers; raises ``BoardError`` with what it says, and ``ToolMissing``."""
    with _started([program, *words]) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise BoardError(f"{program} {words[0]} did not end in {seconds:g} s") from None
    if process.returncode:
        if "401" in errors:
            raise BoardError("IoT-LAB does not know this account: `iotlab-auth -u LOGIN` asks anew")
        raise BoardError(_last(errors))
    try:
        return json.loads(output)
    except ValueError:
        raise BoardError(f"{program} answers no JSON: {_last(output)}") from None


def _started(command: list[str]) -> Child[str]:
    try:
        return Child(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        hint = "" if command[0] == "ssh" else ": `pip install iotlabcli`"
        raise ToolMissing(f"cannot start {command[0]} ({error.strerror}){hint}") from error


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
