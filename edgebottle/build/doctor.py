"""Checks what edgebottle needs on this computer, and says how to mend what is missing."""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from edgebottle.boards import all_boards, load_board
from edgebottle.build import pio
from edgebottle.build.cache import cache_dir
from edgebottle.build.toolchains import cross_compiler, host_compiler, qemu_path
from edgebottle.errors import EdgebottleError, ToolMissing
from edgebottle.programmers import all_programmers, target_of

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: It is there and works.
        detail: What was found, or what is wrong.
        remedy: What to do; empty if nothing.
        required: edgebottle cannot build firmware without it.
    """

    name: str
    ok: bool
    detail: str
    remedy: str
    required: bool


def run_checks() -> tuple[Check, ...]:
    """Runs all checks; a failed one never stops the others."""
    return tuple(
        _check(name, required, look)
        for name, required, look in (
            ("Python", True, _python),
            ("cache folder", True, lambda: str(cache_dir())),
            ("PlatformIO", True, pio.platformio_version),
            ("SCons", True, _scons),
            ("zig", True, lambda: cross_compiler(load_board("stm32f746")).version),
            ("gcc for Arm", False, lambda: cross_compiler(load_board("stm32f746"), "gcc").version),
            (
                "gcc for RISC-V",
                False,
                lambda: cross_compiler(load_board("longan_nano"), "gcc").version,
            ),
            ("QEMU", False, qemu_path),
            ("C compiler for this computer", False, lambda: host_compiler("gcc").version),
            ("flash tools", False, _flash_tools),
            ("serial ports", False, _serial_ports),
        )
    )


def _check(name: str, required: bool, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look(), "", required)
    except EdgebottleError as error:
        detail, _, remedy = str(error).partition(": ")
        return Check(name, False, detail, remedy, required)


def _python() -> str:
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise ToolMissing(f"Python {platform.python_version()} is too old: install 3.11 or newer")
    return platform.python_version()


def _scons() -> str:
    wanted = pio.scons_version(pio.scons_package_version())
    pio.core_dir()
    return f"{wanted}, as PlatformIO {pio.platformio_version()} wants"


def _flash_tools() -> str:
    """What of the table of programmers is installed, and the boards that have none."""
    known = all_programmers()
    found = [item for item in known if item.is_installed()]
    if not found:
        ways = "; ".join(f"{item.name}: {item.install}" for item in known)
        raise ToolMissing(f"none found: to flash real boards install one of {ways}")
    boards = [board for board in all_boards() if board.upload not in ("none", "ssh")]
    without = [
        board for board in boards if not any(item.serves(target_of(board)) for item in found)
    ]
    names = ", ".join(item.name for item in found)
    rest = ", ".join(board.id for board in without)
    return f"{names} (nothing for {rest})" if without else names


def _serial_ports() -> str:
    try:
        from serial.tools import list_ports
    except ImportError as error:
        raise ToolMissing("pyserial is not installed: pip install pyserial") from error
    ports = [f"{port.device} ({port.description})" for port in list_ports.comports()]
    if not ports:
        raise ToolMissing("none found: connect a board to measure on hardware")
    return ", ".join(ports)
