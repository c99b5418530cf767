"""Boards and tiny bare-metal programs for the tests of the virtual board."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import serial
from timing_helpers import zig_flags

from edgebottle.boards import Board, Region, load_board
from hil.virtual.client import VirtualBoard
from hil.virtual.state import Fault


def small(id: str, board: str, flash: int = 0x08000000) -> Board:
    """A board with small memories that never wait in the model."""
    like = load_board(board)
    states = like.region("flash").wait_states
    regions = (Region("flash", flash, 0x40000, states), Region("ram", 0x20000000, 0x4000))
    return replace(like, id=id, regions=regions, stack_size=2048, timing=None)


F7 = small("f7", "stm32f746")
L4 = small("l4", "nucleo_l4r5zi")
U5 = small("u5", "nucleo_u575zi")
G0 = small("g0", "nucleo_g0b1re")
NRF51 = small("nrf51", "microbit", flash=0)
NRF52 = small("nrf52", "nrf52840dk", flash=0)
GD32 = small("gd32", "longan_nano")
BOARDS = (F7, L4, U5, G0, NRF51, NRF52, GD32)

_LINKER = """
ENTRY(reset)
SECTIONS {
  . = %(flash)#x;
  __eb_image_start = .;
  .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
  .ARM.exidx : { *(.ARM.exidx*) }
  __eb_image_end = .;
  . = %(ram)#x;
  .bss (NOLOAD) : { *(.bss .bss.* .data .data.* COMMON) }
  __eb_stack_bottom = %(ram)#x + %(ram_size)#x - 2048;
  __eb_stack_top = %(ram)#x + %(ram_size)#x;
}
"""


_HERE = Path(__file__).parent


def compile_program(source: Path, board: Board, elf: Path, flags: tuple[str, ...] = ()) -> None:
    """Compiles and links a C file that includes virtual_helpers_board.h."""
    assert board.uart is not None
    port = {"nrf5": "NRF", "gd32vf103": "GD32"}.get(board.port, "STM32")
    kind, _, timer = board.cycle_counter.partition(":")
    flash, ram = board.region("flash"), board.region("ram")
    script = elf.with_suffix(".ld")
    script.write_text(_LINKER % {"flash": flash.start, "ram": ram.start, "ram_size": ram.size})
    command = [sys.executable, "-m", "ziglang", "cc", *zig_flags(board.cpu, board.fpu)]
    command += ["-Os", "-g", "-ffreestanding", "-fno-builtin", "-nostdlib", "-fno-sanitize=all"]
    command += ["-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
    command += [f"-I{_HERE}", f"-DPORT_{port}", f"-DUART={board.uart.base:#x}u"]
    wiring = board.wiring()
    told = asdict(wiring) if wiring else {}
    command += [f"-DEB_{name.upper()}={value:#x}u" for name, value in told.items()]
    command += [f"-DCOUNTER_{kind.upper()}={timer or 1}", *flags]
    command += [f"-Wl,-T,{script}", str(source), "-o", str(elf)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


@functools.cache
def commands_elf(board: Board) -> Path:
    """Returns the program of virtual_helpers_program.c for ``board``, compiled once."""
    folder = Path(tempfile.mkdtemp(prefix="edgebottle-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    elf = folder / f"{board.id}.elf"
    compile_program(_HERE / "virtual_helpers_program.c", board, elf)
    return elf


class Link:
    """The serial port of a virtual board that runs ``commands_elf``."""

    def __init__(self, virtual: VirtualBoard) -> None:
        self.virtual = virtual
        self.port: Any = serial.serial_for_url(virtual.url, timeout=20)

    def ask(self, command: str, lines: int = 1) -> list[int]:
        """Sends one character; returns the hexadecimal numbers of the lines that come back."""
        self.port.write(command.encode())
        answers = [self.port.readline().decode().strip() for _ in range(lines)]
        assert all(answers), (command, answers, self.virtual.fault())
        return [int(answer, 16) for answer in answers]

    def fault(self, command: str) -> Fault:
        """Sends one character; returns the fault it leads to."""
        self.port.write(command.encode())
        fault = self.virtual.fault(timeout=20)
        assert fault is not None
        return fault


@contextmanager
def booted(board: Board, deadline: float | None = None) -> Iterator[Link]:
    """A virtual board that runs ``commands_elf``, with its serial port open."""
    with VirtualBoard.boot(commands_elf(board), board, deadline=deadline) as virtual:
        link = Link(virtual)
        try:
            yield link
        finally:
            link.port.close()
