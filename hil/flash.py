"""Writes an image into the flash of a real board, with the programmers of the table."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.flash_files import flash_files
from edgebottle.errors import BoardError, ToolMissing
from edgebottle.operating_system import Child, ending
from edgebottle.programmers import (
    DONE,
    LOCKED,
    Programmer,
    ProgrammerAnswer,
    candidates,
    explanation,
    first_that_works,
    target_of,
)
from hil.link import local_port
from hil.probes import ProbeChoice, probe_at

DEADLINE_S = 120.0
RESET_DEADLINE_S = 20.0


def check_programmers(board: Board, port: str, choice: ProbeChoice) -> None:
    """Makes sure, before anything is built, that a board that is to be flashed can be.

    Raises:
        ToolMissing: no programmer for it is installed, or not the one that was asked for.
        BoardError: ``port`` searches for a port, and finds none.
    """
    if choice.writes(local_port(port) is not None):
        candidates(board, choice.programmer, choice.serial)


def flash(elf: Path, board: Board, port: str, choice: ProbeChoice | None = None) -> str:
    """Writes ``elf`` into the flash of the board at ``port`` and restarts it.

    Programmers that find no probe, or do not know the chip, have written nothing: the next one of
    the table is tried then.

    Args:
        elf: The firmware.
        board: The board; its ``upload`` names the method.
        port: Its serial port, which tells the probe where both are one USB device.
        choice: What the user says of programmer and probe.

    Returns:
        The programmer that has done it.

    Raises:
        ToolMissing: no programmer for this board is installed.
        BoardError: no programmer could do it, or one did not end in time.
    """
    choice = choice or ProbeChoice()
    try:
        able = candidates(board, choice.programmer, choice.serial)
    except ToolMissing as error:
        raise ToolMissing(
            f"{error}. Install one, or flash {elf} yourself and give --no-flash"
        ) from error
    if choice.recover:
        recover(able, board, port, choice)
    with tempfile.TemporaryDirectory() as folder:
        files = {"elf": elf}
        for suffix, content in flash_files(elf, board).items():
            path = files[suffix[1:]] = Path(folder) / f"firmware{suffix}"
            path.write_bytes(content)

        def write(programmer: Programmer) -> ProgrammerAnswer:
            file = files[programmer.writes]
            return _run(programmer, "command", board, _serial(port, choice), DEADLINE_S, file)

        tried = first_that_works(able, write)
    _check(tried, board)
    return tried[-1][0].name


def recover(able: Sequence[Programmer], board: Board, port: str, choice: ProbeChoice) -> None:
    """Unlocks and erases the chip of the board at ``port``.

    Raises:
        ToolMissing: none of the programmers ``able`` to flash the board can do that.
        BoardError: it did not work.
    """
    helping = [item for item in able if item.can("recover")]
    if not helping:
        names = ", ".join(item.name for item in able)
        raise ToolMissing(f"cannot recover {board.id}: {names} cannot do that")
    serial = _serial(port, choice)
    tried = first_that_works(helping, lambda item: _run(item, "recover", board, serial, DEADLINE_S))
    _check(tried, board)


def reset(board: Board, port: str, choice: ProbeChoice) -> str | None:
    """Restarts the board at ``port`` through its probe.

    Returns:
        The programmer that has done it; None where none is installed or could.
    """
    try:
        able = candidates(board, choice.programmer, choice.serial)
        helping = [item for item in able if item.can("reset")]
        serial = _serial(port, choice)
        tried = first_that_works(
            helping, lambda item: _run(item, "reset", board, serial, RESET_DEADLINE_S)
        )
    except (ToolMissing, BoardError):
        return None
    return tried[-1][0].name if tried and tried[-1][1].meaning == DONE else None


def _serial(port: str, choice: ProbeChoice) -> str | None:
    """The probe that is told to programmers."""
    device = local_port(port)
    return choice.serial or (None if device is None else probe_at(device))


def _check(tried: Sequence[tuple[Programmer, ProgrammerAnswer]], board: Board) -> None:
    _, last = tried[-1]
    if last.meaning == DONE:
        return
    advice = ": --recover unlocks and erases all of it" if last.meaning == LOCKED else ""
    raise BoardError(f"{explanation(tried, board)}{advice}")


def _run(
    programmer: Programmer,
    what: str,
    board: Board,
    serial: str | None,
    deadline_s: float,
    file: Path | str = "",
) -> ProgrammerAnswer:
    """Runs one programmer to its end."""
    target, name = target_of(board), programmer.name
    serial = serial if programmer.chooses_probe else None
    port, refused = programmer.entry(target, serial) if what == "command" else ("", None)
    if refused is not None:
        return refused
    try:
        process: Child[str] = Child(
            programmer.arguments(what, target, file, serial, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ToolMissing(f"cannot start {programmer.executable}: {error.strerror}") from error
    # With Ctrl-C too: a programmer that goes on writing would be worse than a half-written chip.
    with process:
        try:
            output, errors = process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            waits = f": {programmer.waits}" if programmer.waits else ""
            raise BoardError(f"{name} did not finish in {deadline_s:g} s{waits}") from None
    silent = not (output.strip() or errors.strip())
    return programmer.answer(
        target, process.returncode, output, ending(process.returncode) if silent else errors
    )
