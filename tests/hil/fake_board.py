"""Boards that misbehave: a socket server that answers from a table."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

Answer = bytes | Callable[["FakeBoard", str], bytes | None]
READY = b"m-ready\r\n"


class FakeBoard:
    """Answers each command with what the table says; ``None`` from a function hangs up.

    ``sync-N`` and ``in 0`` are answered as the firmware does, so that a client can connect.
    """

    def __init__(self, answers: dict[str, Answer] | None = None, banner: bytes = b"") -> None:
        self.answers = answers or {}
        self.commands: list[str] = []
        self._banner = banner
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(2)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._server.accept()
            with client:
                client.sendall(self._banner)
                pending = b""
                while data := client.recv(65536):
                    *commands, pending = (pending + data).split(b"%")
                    for command in commands:
                        answer = self._answer(command.decode("latin-1"))
                        if answer is None:
                            return
                        client.sendall(answer)

    def _answer(self, command: str) -> bytes | None:
        self.commands.append(command)
        found = self.answers.get(command, self.answers.get(command.split(" ")[0]))
        if callable(found):
            return found(self, command)
        if found is not None:
            return found
        if command == "in 0":
            return b"m-in-[0 10]\r\n" + READY
        return f"e-[Unknown command: {command}]\r\n".encode("latin-1") + READY
