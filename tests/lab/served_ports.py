"""What serves a board's port to other computers: pyserial's rfc2217 server, and ser2net.

Of a device without DTR and RTS, as a pty is, ser2net leaves requests to set them unanswered, for
which pyserial waits in vain: ``ign_set_control`` in the URL does not wait.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.lab.tcp_proxy import free_port
from tests.waiting import wait_until

PYSERIAL, TCP, RFC2217 = "pyserial", "ser2net", "ser2net-rfc2217"
"""What serves a board: pyserial's rfc2217 server, or ser2net with bare bytes or with rfc2217."""

URLS = {
    PYSERIAL: "rfc2217://127.0.0.1:{}",
    TCP: "socket://127.0.0.1:{}",
    RFC2217: "rfc2217://127.0.0.1:{}?ign_set_control",
}

KINDS = (PYSERIAL, TCP, RFC2217) if shutil.which("ser2net") else (PYSERIAL,)
"""Those that are installed."""


def is_open(port: int) -> bool:
    """Somebody listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextmanager
def served(device: str, folder: Path, kind: str) -> Iterator[int]:
    """The TCP port at which ser2net serves a device."""
    port = free_port()
    protocol = "telnet(rfc2217),tcp" if kind == RFC2217 else "tcp"
    config = folder / f"{port}.yaml"
    config.write_text(
        f"%YAML 1.1\n---\nconnection: &board\n  accepter: {protocol},127.0.0.1,{port}\n"
        f"  connector: serialdev,{device},115200n81,local\n  options:\n    kickolduser: true\n"
    )
    with subprocess.Popen(["ser2net", "-n", "-u", "-c", str(config)]) as process:
        try:
            wait_until(lambda: is_open(port), "ser2net listens")
            yield port
        finally:
            process.terminate()
