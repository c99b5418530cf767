"""The system's own sshd on this computer's loopback: for tests a Raspberry Pi, or another bench.

It has a host key, lets one key in, and ends with the tests; nothing of the user's own ssh is read.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from edgebottle.build.cache import cache_dir
from tests.cli.command_line import SCRIPT
from tests.lab.tcp_proxy import free_port
from tests.waiting import wait_until

PRIVILEGE_SEPARATION = Path("/run/sshd")
"""What sshd wants where root starts it."""


def why_not() -> str | None:
    """Why no server can be started here; None where it can."""
    if shutil.which("ssh") is None or _sshd() is None:
        return "needs ssh and sshd (openssh-client, openssh-server)"
    if os.geteuid() == 0 and not PRIVILEGE_SEPARATION.is_dir():
        return f"sshd of root needs {PRIVILEGE_SEPARATION}"
    return None


def _sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class SshServer:
    """A server, and what a client needs to get in; a test that asks for one is skipped without.

    Attributes:
        port: On 127.0.0.1.
        url: ``ssh://USER@127.0.0.1:PORT``.
        folder: Of keys and configuration; ``folder / "home"`` is the ``TMPDIR`` of what it runs.
        config: The configuration file of a client that has the key.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Starts it as this user.

        Args:
            folder: For its keys and its log.
            environment: Variables of what it runs.
        """
        reason = why_not()
        if reason is not None:
            pytest.skip(reason)
        self.folder, self.port = folder, free_port()
        self.url = f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"
        (folder / "home").mkdir(parents=True)
        folder.chmod(0o700)
        for name in ("host", "user", "stranger"):
            words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
            subprocess.run(words, check=True)
        (folder / "authorized").write_text((folder / "user.pub").read_text())
        self.write_known(self.port)
        self.config = folder / "client_config"
        lines = (option.replace("=", " ", 1) for option in self._options("user"))
        self.config.write_text("".join(f"{line}\n" for line in lines))
        self._write_config({"TMPDIR": str(folder / "home"), **(environment or {})})
        sshd = _sshd()
        assert sshd is not None
        self._log = (folder / "log").open("wb")
        words = (sshd, "-D", "-e", "-f", str(folder / "config"))
        self._process = subprocess.Popen(words, stdout=self._log, stderr=self._log)
        wait_until(self._listens, f"sshd listens: {folder}/log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def write_known(self, *ports: int) -> None:
        """Makes the server's key known, at these ports."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        lines = [f"[127.0.0.1]:{port} {kind} {key}\n" for port in ports]
        (self.folder / "known").write_text("".join(lines))

    def section(
        self,
        *,
        port: int | None = None,
        key: str = "user",
        edgebottle: str = "",
        path: Path | None = None,
        bench: Path | None = None,
    ) -> str:
        """The host as ``bench.toml`` has it, called ``lab``.

        Args:
            port: Where it is, if not at the server's own port.
            key: What the client has.
            edgebottle: What starts edgebottle there, if not that of the tests.
            path: Folder of programs that it finds before all others.
            bench: Its boards.
        """
        programs = "" if path is None else f"PATH={path}:$PATH "
        start = edgebottle or f"env {programs}EDGEBOTTLE_CACHE={cache_dir()} {SCRIPT}"
        listed = ", ".join(f'"{option}"' for option in self._options(key))
        said = "" if bench is None else f'bench = "{bench}"\n'
        return (
            f'[host.lab]\naddress = "ssh://{getpass.getuser()}@127.0.0.1:{port or self.port}"\n'
            f'edgebottle = "{start}"\noptions = [{listed}]\n{said}'
        )

    def _options(self, key: str) -> tuple[str, ...]:
        """Of a client: nothing but what is said here."""
        return (
            f"IdentityFile={self.folder}/{key}",
            f"UserKnownHostsFile={self.folder}/known",
            "GlobalKnownHostsFile=/dev/null",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
        )

    def _write_config(self, variables: Mapping[str, str]) -> None:
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self.folder / "host",
            "AuthorizedKeysFile": self.folder / "authorized",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "SetEnv": " ".join(f'"{name}={value}"' for name, value in variables.items()),
        }
        lines = "".join(f"{key} {value}\n" for key, value in settings.items())
        (self.folder / "config").write_text(lines)

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            pytest.fail(f"sshd ended: {(self.folder / 'log').read_text()}", pytrace=False)
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0
