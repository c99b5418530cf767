"""The programs that write flash, as ``firmware/platform/programmers.toml`` says for all boards.

The PlatformIO platform reads the same file for ``pio run -t upload``; how it is applied stands in
``firmware/platform/builder/eb_programmers.py``, and this is that module with types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from edgebottle.boards import Board
from edgebottle.data import platform_module
from edgebottle.errors import ToolMissing

DONE, LOCKED = "done", "locked"
"""Two meanings of a ``ProgrammerAnswer``."""


class ProgrammerAnswer(Protocol):
    """What came of running a programmer.

    Attributes:
        meaning: ``done``, ``no-probe``, ``unknown-chip``, ``locked`` or ``failed``.
        words: The last lines it printed.
        remedy: What helps, empty where that is not known.
    """

    meaning: str
    words: str
    remedy: str


class Programmer(Protocol):
    """One program that can write flash.

    Attributes:
        name: In the table.
        executable: What is looked for in PATH.
        install: How to get it.
        writes: The kind of file it takes: ``elf``, ``bin`` or ``hex``.
        uploads: The ``upload`` methods of board files it serves.
        waits: For what it waits for ever, such as a button; empty for nothing.
        chooses_probe: It can be told the serial number of a probe.
    """

    name: str
    executable: str
    install: str
    writes: str
    uploads: tuple[str, ...]
    waits: str
    chooses_probe: bool

    def target_name(self, target: Any) -> str | None:
        """Its name of a chip, perhaps empty; None: it does not know the chip."""

    def serves(self, target: Any) -> bool:
        """It knows the chip and the way to it."""

    def is_installed(self) -> bool:
        """Its executable is in PATH."""

    def can(self, what: str) -> bool:
        """Whether it has ``command``, ``reset`` or ``recover``."""

    def entry(self, target: Any, serial: str | None = None) -> tuple[str, ProgrammerAnswer | None]:
        """Brings a board with a bootloader on USB into it; its port, or why that cannot be done."""

    def arguments(
        self,
        what: str,
        target: Any,
        file: Path | str = "",
        serial: str | None = None,
        port: str = "",
    ) -> list[str]:
        """The command line for ``command``, ``reset`` or ``recover``, the executable first."""

    def answer(self, target: Any, code: int, output: str, errors: str) -> ProgrammerAnswer:
        """What its exit code and what it printed mean."""


def _rules() -> Any:
    return platform_module("eb_programmers")


def all_programmers() -> tuple[Programmer, ...]:
    """All of the table, in the order in which they are tried."""
    return tuple(_rules().read_programmers())


def target_of(board: Board) -> Any:
    """What ``board`` is to programmers."""
    start = 0 if board.is_computer else board.region("flash").start
    usb = (board.usb.bootloader, board.usb.programs) if board.usb else ()
    return _rules().Target(board.id, board.mcu, board.upload, start, *usb)


def candidates(
    board: Board, wanted: str | None = None, serial: str | None = None
) -> tuple[Programmer, ...]:
    """The installed programmers for a board in the order in which they are tried, at least one.

    Args:
        board: The board.
        wanted: The only one that may be used; None: any.
        serial: Of the probe, which the programmer must be able to choose then.

    Raises:
        ToolMissing: there is none.
    """
    try:
        return tuple(_rules().candidates(target_of(board), wanted, serial))
    except _rules().RefusedError as error:
        raise ToolMissing(f"cannot flash {board.id}: {error}") from error


def first_that_works(
    programmers: Sequence[Programmer], run: Callable[[Programmer], ProgrammerAnswer]
) -> list[tuple[Programmer, ProgrammerAnswer]]:
    """Runs programmers in turn until one has written something or failed; all with their answers.

    Args:
        programmers: In this order.
        run: Runs one.
    """
    return list(_rules().first_that_works(programmers, run))


def explanation(tried: Sequence[tuple[Programmer, ProgrammerAnswer]], board: Board) -> str:
    """One sentence about programmers none of which has done it."""
    return str(_rules().explanation(tried, board.id))
