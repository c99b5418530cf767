"""IoT-LAB's command-line client and ssh as they answer, before a virtual board.

The programs write down their exact arguments. What they print, and with which exit code they end,
is what ``iotlabcli`` 3.3 does (its parsers print JSON, or ``HTTP Error`` and ``RuntimeError``).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import sys
import threading
from pathlib import Path
from typing import Any, Self

from tests.lab.desk import DeskBoard, each_time

ADDRESS = "nrf52840dk-3.saclay.iot-lab.info"

_CLIENT = """\
#!{python}
import json, socket, sys
line = socket.create_connection(("127.0.0.1", {port}))
line.sendall(json.dumps([{name!r}, *sys.argv[1:]]).encode() + b"\\n")
answer = json.loads(line.makefile().readline())
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""

_SSH = """\
#!{python}
import json, os, socket, sys, threading
line = socket.create_connection(("127.0.0.1", {port}))
line.sendall(json.dumps([{name!r}, *sys.argv[1:]]).encode() + b"\\n")
answer = json.loads(line.makefile().readline())
sys.stderr.write(answer["err"])
if answer["code"]:
    sys.exit(answer["code"])
address, port, *_ = sys.argv[sys.argv.index("-L") + 1].split(":")
server = socket.create_server((address, int(port)))
print("ready", flush=True)

def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for one in (source, target):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

def serve():
    while True:
        client, _ = server.accept()
        board = socket.create_connection(("127.0.0.1", int(answer["out"])))
        for pair in ((client, board), (board, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()

threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
os._exit(0)
"""

FAULTS = {
    "unauthorized": "the account is not known",
    "refused": "there are no such nodes",
    "no-node": "all are in use until the wait is over",
    "error": "the experiment ends before it has begun",
    "bad-flash": "the node does not take the firmware",
    "no-key": "ssh is not let in",
    "ended": "the experiment is over while the network runs",
}


class FakeIotLab:
    """The testbed, with one node.

    Attributes:
        folder: Of the programs, and of the account.
        fault: What goes wrong, of ``FAULTS``; None for nothing.
        heard: What the programs were called with, each with its name first.
        running: Numbers of the experiments that nobody has stopped.
    """

    def __init__(self, folder: Path, fault: str | None = None) -> None:
        self.folder, self.fault = folder, fault
        self.heard: list[list[str]] = []
        self.running: list[int] = []
        self._next = 4711
        plan = each_time("unplug" if fault == "ended" else None)()
        self.board = DeskBoard("", "nrf52840dk", plan)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        for name in ("iotlab-experiment", "iotlab-node", "iotlab-status"):
            self._install(name, _CLIENT)
        self._install("ssh", _SSH)
        (folder / "account").write_text("turing:c2VjcmV0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self.board.close()

    def environment(self) -> dict[str, str]:
        """With its programs before all others, and the account."""
        account = str(self.folder / "account")
        path = f"{self.folder}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "IOTLAB_PASSWORD_FILE": account}

    def _install(self, name: str, text: str) -> None:
        port = self._server.getsockname()[1]
        script = self.folder / name
        script.write_text(text.format(python=sys.executable, port=port, name=name))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            words = json.loads(client.makefile().readline())
            self.heard.append(words)
            code, out, err = self._answer(words)
            said = json.dumps({"code": code, "out": out, "err": err})
            client.sendall(said.encode() + b"\n")

    def _answer(self, words: list[str]) -> tuple[int, str, str]:
        program, what = words[:2]
        if program == "ssh":
            return self._ssh()
        if self.fault == "unauthorized":
            text = "HTTP Error 401: Unauthorized: Wrong login/password\n\n"
            return 1, "", f"{text}\tRegister your login:password using `iotlab-auth`\n\n"
        if program == "iotlab-node":
            return self._node(words)
        if program == "iotlab-status":
            return _json({"items": [{"network_address": ADDRESS, "state": "Alive"}]})
        number = int(words[words.index("-i") + 1]) if "-i" in words else 0
        answer: tuple[int, str, str] = getattr(self, f"_{what}")(number, words)
        return answer

    def _submit(self, _: int, __: list[str]) -> tuple[int, str, str]:
        if self.fault == "refused":
            return 1, "", "HTTP Error 500: \n\tnodes does not exist: nrf52840dk:multi\n"
        self.running.append(self._next)
        self._next += 1
        return _json({"id": self.running[-1]})

    def _wait(self, number: int, _: list[str]) -> tuple[int, str, str]:
        first = f"Waiting that experiment {number} gets in state Running\n"
        if self.fault == "no-node":
            return 1, "", f"{first}RuntimeError:\nTimeout reached\n"
        if self.fault == "error":
            why = f"Experiment {number} already in state 'Error'"
            return 1, "", f"{first}RuntimeError:\n{why}\n"
        return 0, '"Running"\n', first

    def _get(self, number: int, words: list[str]) -> tuple[int, str, str]:
        if "-e" in words:
            return _json({"Running": self.running})
        if "-n" in words:
            return _json({"items": [{"network_address": ADDRESS, "site": "saclay"}]})
        is_over = self.fault == "ended" and not self.board._is_plugged
        return _json({"id": number, "state": "Terminated" if is_over else "Running"})

    def _stop(self, number: int, _: list[str]) -> tuple[int, str, str]:
        if number in self.running:
            self.running.remove(number)
        return _json({"id": number, "status": "Delete request registered"})

    def _node(self, words: list[str]) -> tuple[int, str, str]:
        if "--flash" in words and self.fault == "bad-flash":
            return _json({"1": [ADDRESS]})
        if "--flash" in words:
            self.board.flash(Path(words[words.index("--flash") + 1]))
        else:
            self.board.reset()
        return _json({"0": [ADDRESS]})

    def _ssh(self) -> tuple[int, str, str]:
        if self.fault == "no-key":
            return 255, "", "turing@saclay.iot-lab.info: Permission denied (publickey).\n"
        return 0, self.board.url.rpartition(":")[2], ""


def _json(value: Any) -> tuple[int, str, str]:
    return 0, json.dumps(value, indent=4) + "\n", ""
