"""Counts what a machine of QEMU executes, layer by layer, by a plugin for it."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from edgebottle.build.elf import Elf
from edgebottle.errors import BoardError, ToolMissing
from hil.virtual.counting import STEP
from hil.virtual.native import compiled

SOURCE = Path(__file__).parent / "plugin" / "qemu_counter.c"
FIRST_OF_SECOND = 9
"""From this version of QEMU on, plugins are of version 2 of its interface, before it of 1: what is
used here is the same in both."""

_FRAME = -1
_LOAD_SECONDS = 60.0
_ANSWER_SECONDS = 60.0


@functools.cache
def plugin_for(emulator: str, version: str) -> Path | None:
    """The plugin, compiled for a QEMU; None where there is no compiler, or it takes no plugins.

    Args:
        emulator: Path of the program.
        version: What it says it is, such as ``7.2.22``.
    """
    major = version.partition(".")[0]
    interface = 2 if not major.isdigit() or int(major) >= FIRST_OF_SECOND else 1
    try:
        plugin = compiled("qemu", [SOURCE], (f"-DEB_QEMU_PLUGIN_VERSION={interface}", "-lpthread"))
        command = [emulator, "-machine", "none", "-display", "none", "-monitor", "stdio"]
        tried = subprocess.run(
            [*command, "-plugin", f"file={plugin},try=on"],
            input=b"quit\n",
            capture_output=True,
            timeout=_LOAD_SECONDS,
            check=False,
        )
    except (ToolMissing, OSError, subprocess.SubprocessError):
        return None
    return plugin if tried.returncode == 0 else None


class CountingPlugin:
    """The plugin of one machine: what it is started with, and what it has counted."""

    def __init__(self, plugin: Path, elf: Elf, frame: Collection[str]) -> None:
        """Says what is counted.

        Args:
            plugin: Of ``plugin_for``.
            elf: The image.
            frame: Names of the functions of the network around its layers.
        """
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(_ANSWER_SECONDS)
        self._lines = self._ours.makefile("r")
        ranges = ",".join(_ranges(elf, frame))
        self.arguments = ["-plugin", f"file={plugin},fd={self.descriptor},{ranges}"]

    @property
    def descriptor(self) -> int:
        """What the process must be handed."""
        return self._theirs.fileno()

    def started(self) -> None:
        """The process has what it was handed."""
        self._theirs.close()

    def close(self) -> None:
        """Asks no more; a second time does nothing."""
        for one in (self._theirs, self._lines, self._ours):
            with contextlib.suppress(OSError):
                one.close()

    def reset(self) -> None:
        """Counts from here; raises ``BoardError`` where QEMU has gone."""
        self._asked("reset")

    def counts(self) -> tuple[int, tuple[int, ...]]:
        """Instructions of the functions around the layers, and of each layer with all it calls.

        Raises:
            BoardError: QEMU has gone.
        """
        frame, *steps = self._asked("counts")
        return frame, tuple(steps)

    def _asked(self, word: str) -> list[int]:
        try:
            self._ours.sendall(f"{word}\n".encode())
            line = self._lines.readline()
        except OSError as error:
            raise BoardError(f"QEMU does not say what it has counted: {error}") from error
        if not line.endswith("\n"):
            raise BoardError("QEMU does not say what it has counted: it has ended")
        return [int(number) for number in line.split()]


def _ranges(elf: Elf, frame: Collection[str]) -> Iterator[str]:
    """What the plugin is told of each function that it must know."""
    for function in elf.functions:
        match = STEP.match(function.name)
        if match is not None or function.name in frame:
            step = int(match[1]) if match is not None else _FRAME
            end = function.address + function.size
            yield f"range={function.address}:{end}:{step}"
