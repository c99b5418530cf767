"""The serial port of a virtual board whose line has a rate, takes time, and fails on order."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Self

from serial import rfc2217

from hil.virtual.client import VirtualBoard

BITS = 10
"""Of a byte on the line: start, eight, stop."""

Spoil = Callable[[bytes], bytes | None]
"""What becomes of bytes on their way; None cuts the line."""


def unharmed(data: bytes) -> bytes:
    return data


class RatedPort:
    """What ``PortManager`` sets up: of it, the rate is real."""

    bytesize, parity, stopbits = 8, "N", 1
    rtscts = xonxoff = False
    cts = dsr = cd = True
    ri = False

    def __init__(self, set_rate: Callable[[int], None]) -> None:
        self._set_rate = set_rate
        self._baud = 115_200
        self.dtr = self.rts = True
        self.break_condition = False

    @property
    def baudrate(self) -> int:
        return self._baud

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        if baud != self._baud:
            self._baud = baud
            self._set_rate(baud)

    def reset_input_buffer(self) -> None: ...

    def reset_output_buffer(self) -> None: ...


class TimedLine:
    """An ``rfc2217://`` server before a virtual board.

    Attributes:
        sent: Bytes to the board, by the rate at which they went.
        received: Bytes from it.
        rates: That at the start, and those that were set, in their order.
        to_board: What becomes of the bytes to the board.
        to_host: What becomes of those from it.
    """

    def __init__(self, virtual: VirtualBoard) -> None:
        self.sent: Counter[int] = Counter()
        self.received: Counter[int] = Counter()
        self.rates = [115_200]
        self.to_board: Spoil = unharmed
        self.to_host: Spoil = unharmed
        self._virtual = virtual
        host, port = virtual.url.removeprefix("socket://").split(":")
        self._board = socket.create_connection((host, int(port)))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def nbytes(self) -> int:
        """All of them, both ways."""
        return self.sent.total() + self.received.total()

    @property
    def seconds(self) -> float:
        """What they take: as if the line carried one way at a time."""
        return sum(n * BITS / baud for n, baud in self._by_rate())

    def _by_rate(self) -> list[tuple[int, int]]:
        return [(n, baud) for way in (self.sent, self.received) for baud, n in way.items() if n]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self._board.close()

    def _set_rate(self, baud: int) -> None:
        self.rates.append(baud)
        self._virtual.set_line_rate(baud)

    def _serve(self) -> None:
        port = RatedPort(self._set_rate)
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._talk(client, port)

    def _talk(self, client: socket.socket, port: RatedPort) -> None:
        connection = _Sender(client)
        manager = rfc2217.PortManager(port, connection, logging.getLogger("timed-line"))
        while True:
            for ready in select.select([client, self._board], [], [], 1.0)[0]:
                data = ready.recv(4096)
                if not data:
                    return
                if ready is client:
                    data = b"".join(manager.filter(data))
                    self.sent[port.baudrate] += len(data)
                    spoiled = self.to_board(data)
                else:
                    self.received[port.baudrate] += len(data)
                    spoiled = self.to_host(data)
                if spoiled is None:
                    return
                if ready is client:
                    self._board.sendall(spoiled)
                else:
                    connection.write(b"".join(manager.escape(spoiled)))


class _Sender:
    """What ``PortManager`` writes to."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def write(self, data: bytes) -> None:
        self._client.sendall(data)
