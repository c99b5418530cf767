"""A TCP line between two programs that is cut, slowed, garbled or stopped on order."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

PIECE = 64
SLOW_SECONDS = 0.05


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class TcpProxy:
    """Hands bytes on between clients and a server.

    Attributes:
        port: Where clients come to, on 127.0.0.1.
        connections: How many have come.
        is_open: New clients are let in.
        is_stopped: Nothing is handed on, and nobody hangs up.
        is_slow: Bytes come in small pieces, with pauses.
        spoil: What becomes of each piece on its way to the client; it may cut the line.
    """

    def __init__(self, target: int) -> None:
        """Listens.

        Args:
            target: Port of the server on 127.0.0.1.
        """
        self.is_open, self.is_stopped, self.is_slow = True, False, False
        self.connections = 0
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self._target = target
        self._ended = threading.Event()
        self._lines: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Ends all connections of now, in both directions."""
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while not self._ended.is_set():
            if not select.select([self._server], [], [], 0.1)[0]:
                continue
            client, _ = self._server.accept()
            if not self.is_open:
                client.close()
                continue
            self.connections += 1
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        server = socket.socket()
        with contextlib.suppress(OSError), client, server:
            server.connect(("127.0.0.1", self._target))
            self._lines += [client, server]
            while not self._ended.is_set():
                if self.is_stopped:
                    time.sleep(0.05)
                    continue
                for ready in select.select([client, server], [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is client:
                        self._send(server, data)
                    else:
                        self._send(client, self.spoil(data))

    def _send(self, line: socket.socket, data: bytes) -> None:
        size = PIECE if self.is_slow else max(len(data), 1)
        for start in range(0, len(data), size):
            line.sendall(data[start : start + size])
            if self.is_slow:
                time.sleep(SLOW_SECONDS)
