"""Takes the power of a board away, and gives it back."""

from __future__ import annotations

import shlex
import subprocess
import time
from dataclasses import dataclass

from edgebottle.errors import BoardError
from edgebottle.operating_system import Child

COMMAND_SECONDS = 60.0
"""How long a command that switches may take."""

OFF_SECONDS = 2.0
"""How long a board stays off, where nothing else is said: capacitors empty."""


@dataclass(frozen=True)
class PowerSwitch:
    """What switches the power of one board.

    Attributes:
        off: A command line.
        on: Another.
        seconds: Between the two.
    """

    off: str
    on: str
    seconds: float = OFF_SECONDS

    @classmethod
    def uhubctl(cls, port: str, seconds: float = OFF_SECONDS) -> PowerSwitch:
        """A port of a USB hub that switches power, such as ``1-1:2``: hub 1-1, port 2."""
        hub, _, number = port.rpartition(":")
        line = f"uhubctl -l {hub} -p {number} -a"
        return cls(f"{line} off", f"{line} on", seconds)

    def cycle(self) -> None:
        """Switches off, waits, and switches on.

        Raises:
            BoardError: a command cannot be started, fails or does not end.
        """
        _run(self.off)
        time.sleep(self.seconds)
        _run(self.on)


def _run(line: str) -> None:
    words = shlex.split(line)
    try:
        process: Child[str] = Child(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise BoardError(f"cannot switch power: {words[0]}: {error.strerror}") from error
    with process:
        try:
            output, _ = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            raise BoardError(
                f"cannot switch power: `{line}` did not end in {COMMAND_SECONDS:g} s"
            ) from None
    if process.returncode:
        lines = [text for text in output.splitlines() if text.strip()]
        said = f": {lines[-1].strip()}" if lines else ""
        raise BoardError(
            f"cannot switch power: `{line}` ended with exit code {process.returncode}{said}"
        )
