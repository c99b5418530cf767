"""Writes an image into the flash of a real board with whichever programmer is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.flash_files import flash_files
from edgebottle.errors import BoardError, ToolMissing
from edgebottle.operating_system import Child, ending

DEADLINE_S = 120.0


@dataclass(frozen=True)
class Image:
    """What is written, in the forms that programmers take.

    Attributes:
        elf: The ELF file.
        binary: The raw bytes from the start of the flash, as a file.
        hex: The same in Intel HEX.
        address: Start of the flash.
        board: The board.
    """

    elf: Path
    binary: Path
    hex: Path
    address: int
    board: Board


@dataclass(frozen=True)
class Programmer:
    """One program that can write flash.

    Attributes:
        tool: Name of the executable.
        uploads: The ``upload`` methods of board files it serves.
        command: Makes its arguments.
    """

    tool: str
    uploads: frozenset[str]
    command: Callable[[Image], list[str]]


PROGRAMMERS: tuple[Programmer, ...] = (
    Programmer(
        "st-flash",
        frozenset({"stlink"}),
        lambda image: ["--reset", "write", str(image.binary), f"0x{image.address:08x}"],
    ),
    Programmer(
        "STM32_Programmer_CLI",
        frozenset({"stlink"}),
        lambda image: ["-c", "port=SWD", "-w", str(image.elf), "-v", "-rst"],
    ),
    Programmer(
        "nrfjprog",
        frozenset({"jlink"}),
        lambda image: ["--program", str(image.elf), "--sectorerase", "--verify", "--reset"],
    ),
    Programmer(
        "dfu-util",
        frozenset({"dfu"}),
        lambda image: ["-a", "0", "-s", f"0x{image.address:08x}:leave", "-D", str(image.binary)],
    ),
    Programmer(
        "teensy_loader_cli",
        frozenset({"teensy"}),
        lambda image: [f"--mcu={image.board.id.upper()}", "-w", "-v", str(image.hex)],
    ),
    Programmer(
        "pyocd",
        frozenset({"stlink", "jlink", "mass-storage"}),
        lambda image: ["flash", "--target", image.board.mcu.lower(), str(image.elf)],
    ),
)
"""In the order they are tried. None of the commands has been tried on hardware by the project."""


def flash(elf: Path, board: Board, port: str) -> None:
    """Writes ``elf`` into the flash of the board at ``port`` and restarts it.

    Args:
        elf: The firmware.
        board: The board; its ``upload`` names the method.
        port: Its serial port, for messages only: a programmer finds the board by its probe.

    Raises:
        ToolMissing: no programmer for this board is installed.
        BoardError: the programmer failed, or did not end in time.
    """
    fitting = [item for item in PROGRAMMERS if board.upload in item.uploads]
    programmer = next((item for item in fitting if shutil.which(item.tool)), None)
    if programmer is None:
        names = ", ".join(item.tool for item in fitting) or "none is known"
        raise ToolMissing(
            f"cannot flash {board.id} at {port}: no programmer for '{board.upload}' is installed "
            f"({names}). Install one, or flash {elf} yourself and give the port as a URL"
        )
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for suffix, content in flash_files(elf, board).items():
            files[suffix] = Path(folder) / f"firmware{suffix}"
            files[suffix].write_bytes(content)
        image = Image(elf, files[".bin"], files[".hex"], board.region("flash").start, board)
        _run([programmer.tool, *programmer.command(image)], board)


def _run(command: list[str], board: Board) -> None:
    try:
        process: Child[str] = Child(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ToolMissing(f"cannot start {command[0]}: {error.strerror}") from error
    # With Ctrl-C too: a programmer that goes on writing would be worse than a half-written chip.
    with process:
        try:
            output, errors = process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise BoardError(f"{command[0]} did not finish in {DEADLINE_S:g} s") from None
    if process.returncode:
        lines = (errors.strip() or output.strip()).splitlines()
        last = " | ".join(lines[-3:]) or ending(process.returncode)
        raise BoardError(f"{command[0]} could not flash {board.id}: {last}")
