"""An SSH server on this computer for tests: it stands for a Raspberry Pi, or for a bench."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh") is None, reason="no ssh and sshd (openssh-server) here"
)


@dataclass(frozen=True)
class SshServer:
    """A running server.

    Attributes:
        url: ``ssh://USER@127.0.0.1:PORT``.
        config: The configuration file for ``ssh`` with the key that it takes.
        folder: Its files; ``folder / "home"`` is the ``TMPDIR`` of what it runs.
    """

    url: str
    config: Path
    folder: Path


@contextlib.contextmanager
def ssh_server(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[SshServer]:
    """Runs a server as this user, on a port of its own, which takes one key.

    Args:
        folder: For its keys and its log.
        environment: Variables of what it runs.
    """
    assert SSHD is not None
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True, timeout=60)
    (folder / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = (folder / "host.pub").read_text().split()[:2]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {' '.join(known)}\n")
    (folder / "config").write_text(
        f"IdentityFile {folder / 'user'}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"UserKnownHostsFile {folder / 'known'}\nGlobalKnownHostsFile /dev/null\n"
    )
    variables = {"TMPDIR": str(folder / "home"), **(environment or {})}
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "SetEnv": " ".join(f'"{name}={value}"' for name, value in variables.items()),
    }
    lines = "".join(f"{key} {value}\n" for key, value in settings.items())
    (folder / "sshd_config").write_text(lines)
    with (folder / "log").open("wb") as log:
        command = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        yield SshServer(url, folder / "config", folder)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it listens."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"sshd does not listen: {log.read_text()}")
