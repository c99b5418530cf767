"""A serial port of another computer: pyserial's own rfc2217 server before a pty with a board."""

import contextlib
import logging
import os
import select
import socket
import threading
import tty
from collections.abc import Callable
from typing import Self

import serial
from serial import rfc2217


class PtyPort(serial.Serial):  # type: ignore[misc]
    """A pty has no control lines: they read as on, and what is set is written down."""

    cts = dsr = cd = property(lambda self: True)
    ri = property(lambda self: False)

    def __init__(self, path: str, heard: Callable[[str], None]) -> None:
        self.heard = heard
        super().__init__(path, timeout=0)

    def _update_break_state(self) -> None:
        self.heard(f"break {self._break_state:d}")

    def _update_dtr_state(self) -> None:
        self.heard(f"dtr {self._dtr_state:d}")

    def _update_rts_state(self) -> None:
        self.heard(f"rts {self._rts_state:d}")


class PortServer:
    """Serves what is at ``upstream`` (a socket URL) as ``rfc2217://``, through a pty.

    Attributes:
        heard: Told of every break and change of DTR and RTS that a client asks for.
        stopped: Set: nothing is taken from the client any more.
    """

    def __init__(self, upstream: str, heard: Callable[[str], None] = lambda line: None) -> None:
        self.heard = heard
        self.stopped = threading.Event()
        self._ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        host, port = upstream.removeprefix("socket://").split(":")
        self._board = socket.create_connection((host, int(port)))
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self._client: socket.socket | None = None
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._pump, self._serve)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        return f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"

    def cut(self) -> None:
        """Ends the connection of whoever talks to it now."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    @property
    def device(self) -> str:
        """The pty, as a port of this computer."""
        return os.ttyname(self._theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(5)
        self._board.close()
        os.close(self._ours)
        os.close(self._theirs)

    def _pump(self) -> None:
        """Between the pty's far end and the board."""
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                for ready in select.select([self._ours, self._board], [], [], 0.1)[0]:
                    if ready is self._board:
                        os.write(self._ours, self._board.recv(4096))
                    else:
                        self._board.sendall(os.read(self._ours, 4096))

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._client = client
                with client, PtyPort(self.device, self.heard) as port:
                    self._talk(client, port)

    def _talk(self, client: socket.socket, port: PtyPort) -> None:
        connection = _Connection(client)
        manager = rfc2217.PortManager(port, connection, logging.getLogger("port-server"))
        while not self._ended.is_set():
            sources = [port.fileno()] if self.stopped.is_set() else [client, port.fileno()]
            for ready in select.select(sources, [], [], 0.1)[0]:
                if ready is not client:
                    connection.write(b"".join(manager.escape(port.read(4096))))
                elif data := client.recv(4096):
                    port.write(b"".join(manager.filter(data)))
                else:
                    return


class _Connection:
    """What ``PortManager`` writes to, from both directions."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def write(self, data: bytes) -> None:
        self._client.sendall(data)
