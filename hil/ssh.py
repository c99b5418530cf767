"""A computer that runs Linux, reached with the system's own ``ssh``: a port ``ssh://USER@HOST``.

The program is copied into a folder of its own under ``/tmp``, its standard input and output are the
UART, and the folder goes when the session ends. Nothing is installed there, and nothing is asked:
``ssh`` must log in with a key (BatchMode), to a host that it knows.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from edgebottle.errors import BadInput, BoardError, ToolMissing
from edgebottle.operating_system import Child
from hil.host_board import HostBoard
from hil.link import Deadline, WallClock
from hil.ssh_command import FAILED, OPTIONS, failure_of

SCHEME = "ssh://"
COMMAND_SECONDS = 60.0
CONFIG = "EDGEBOTTLE_SSH_CONFIG"
"""Environment variable: the configuration file of ``ssh`` to use instead of the user's."""

LAUNCHER = "EDGEBOTTLE_LAUNCHER"
"""Environment variable of the far side: a program and its arguments that start ours there."""

_SIGNALS = {
    4: "illegal instruction: this CPU lacks one that the program was built for",
    9: "killed, as by the system when memory is short",
    11: "segmentation fault",
}
"""What a signal that ended the program there means."""

_MACHINES = {"aarch64": ("aarch64", "arm64"), "armv7": ("armv7l", "armv8l", "aarch64", "arm64")}
"""What ``uname -m`` says where programs of an architecture run; 64-bit kernels run both."""


@dataclass(frozen=True)
class SshAddress:
    """Where a computer is: ``ssh://[USER@]HOST[:PORT]``."""

    host: str
    user: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """The address in a URL; raises ``BadInput`` for any other."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadInput(f"--port {url}: {error}") from error
        name = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")  # never an option of ssh
        words = [parts.hostname or "", *([parts.username] if parts.username else [])]
        plain = not (parts.password or parts.query or parts.fragment or parts.path.strip("/"))
        if parts.scheme != "ssh" or not plain or not all(map(name.fullmatch, words)):
            raise BadInput(f"--port {url} is not of the form ssh://USER@HOST or ssh://HOST:PORT")
        return cls(words[0], parts.username or "", port)

    @property
    def target(self) -> str:
        """As ``ssh`` takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def is_ssh(port: str | None) -> bool:
    """Whether a port is a computer reached by SSH."""
    return port is not None and port.lower().startswith(SCHEME)


class RemoteComputer:
    """A folder on a computer that runs Linux, for one program; a context manager that removes it.

    Attributes:
        url: Its port.
        facts: What ``STATE`` told when it was opened.
    """

    def __init__(self, url: str, arch: str) -> None:
        """Connects, and makes the folder.

        Args:
            url: ``ssh://USER@HOST[:PORT]``.
            arch: Of the program: ``aarch64`` or ``armv7``.

        Raises:
            BadInput: the URL is none.
            ToolMissing: there is no ``ssh`` here.
            BoardError: the computer cannot be reached, or is of another architecture.
        """
        self.url, self._address = url, SshAddress.parse(url)
        self._folder = ""
        self.facts = self.state()
        machine = self.facts.get("machine", "?")
        if machine not in _MACHINES[arch] and not self.facts.get("launcher"):
            raise BoardError(f"{url} is a computer of {machine}, the program is for {arch}")
        made = self._shell('mktemp -d "${TMPDIR:-/tmp}/edgebottle.XXXXXX"').strip()
        if not re.fullmatch(r"/[\w./-]+", made):
            raise BoardError(f"{url}: cannot make a folder there: {made[:80]!r}")
        self._folder = made

    def state(self) -> dict[str, str]:
        """What the computer says of itself now: see ``STATE``."""
        lines = (line.partition("=") for line in self._shell(STATE).splitlines())
        return {key: value.strip() for key, _, value in lines if value.strip()}

    def copy(self, program: Path) -> None:
        """Puts ``program`` into the folder; raises ``BoardError`` where that fails."""
        place = f"{self._folder}/{program.name}"
        self._shell(f"cat > {place} && chmod 700 {place}", program.read_bytes())

    def starting(self, name: str) -> list[str]:
        """The command that starts the program ``name`` of the folder, its standard streams here."""
        # No exec: the shell then says by its code which signal ended the program.
        return self._command(
            f"cd {self._folder} && ${{{LAUNCHER}:-}} ./{shlex.quote(name)}; exit $?"
        )

    def close(self) -> None:
        """Removes the folder; a second time does nothing."""
        folder, self._folder = self._folder, ""
        if folder:
            with contextlib.suppress(BoardError):
                self._shell(f"rm -rf {folder}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _command(self, command: str) -> list[str]:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise ToolMissing(
                "there is no ssh in PATH: install it (Debian/Ubuntu: apt install openssh-client)"
            )
        config = os.environ.get(CONFIG)
        words = [ssh, *OPTIONS, "-o", "LogLevel=ERROR", *(["-F", config] if config else [])]
        words += ["-p", str(self._address.port)] if self._address.port else []
        return [*words, "--", self._address.target, command]

    def _shell(self, script: str, data: bytes = b"") -> str:
        """Runs a script there and returns what it prints; raises ``BoardError``."""
        command = self._command(script)
        with Child[bytes](
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                out, err = process.communicate(data, timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.end()
                raise BoardError(f"{self.url}: no answer within {COMMAND_SECONDS:g} s") from error
        if process.returncode:
            raise BoardError(f"{self.url}: {self.reason(process.returncode, err)}")
        return out.decode(errors="replace")

    def reason(self, code: int, err: bytes) -> str:
        """Why a command there, or ``ssh`` itself, ended with ``code``."""
        text = err.decode(errors="replace")
        if code == FAILED:
            known = failure_of(text, self._address.target)
            if known is not None:
                return known.words
        lines = [line for line in text.splitlines() if line.strip()]
        last = f": {lines[-1].strip()}" if lines else ""
        if code == FAILED:
            return f"the connection is lost{last}"
        if code > 128:
            return f"the program was ended by signal {code - 128}" + (
                f" ({_SIGNALS[code - 128]})" if code - 128 in _SIGNALS else last
            )
        return f"the command ended with code {code}{last}"


class RemoteBoard(HostBoard):
    """A program that runs on a computer reached by SSH, until closed."""

    def __init__(self, computer: RemoteComputer, program: Path) -> None:
        """Copies the program there and starts it; raises ``BoardError``."""
        computer.copy(program)
        self._computer = computer
        super().__init__(program, computer.starting(program.name))

    def patience(self, seconds: float) -> Deadline:
        """How long to wait for the board: the seconds, as for any real one."""
        return WallClock(seconds)

    def fault(self) -> str | None:
        """How the program or the connection ended, or None."""
        code = self.ended()
        if code is None:
            return None
        return f"{self._computer.url}: {self._computer.reason(code, self.said())}"


STATE = r"""
first() { for f in "$@"; do [ -r "$f" ] && { tr -d '\0' < "$f" | head -n 1; return; }; done; }
echo machine=$(uname -m)
echo kernel=$(uname -sr)
echo computer=$(first /proc/device-tree/model /sys/class/dmi/id/product_name)
echo cpu=$(sed -n 's/^model name[[:space:]]*: //p;s/^CPU part[[:space:]]*: /part /p' /proc/cpuinfo |
    head -n 1)
echo cores=$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)
F=/sys/devices/system/cpu/cpu0/cpufreq
echo governor=$(first $F/scaling_governor)
echo khz=$(first $F/scaling_cur_freq)
echo max_khz=$(first $F/scaling_max_freq $F/cpuinfo_max_freq)
echo millicelsius=$(first /sys/class/thermal/thermal_zone0/temp)
echo throttled=$(vcgencmd get_throttled 2>/dev/null | sed 's/.*=//')
echo launcher=${EDGEBOTTLE_LAUNCHER:-}
"""
"""A script for any POSIX shell that prints what is known there, one fact a line."""
