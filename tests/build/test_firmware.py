"""Every board with zig, every core with gcc: built, measured, booted (virtually)."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import wiring
from fixture_project import REPORT, write_fixture_project

from edgebottle.boards import Board, all_boards
from edgebottle.build.elf import Elf, read_elf
from edgebottle.build.project import BuildResult, build_firmware
from edgebottle.build.sizes import sizes_of
from edgebottle.build.toolchains import QEMU

GCC = {"rv32imac": "riscv64-unknown-elf-gcc"}
ON_CHIP = [board for board in all_boards() if not board.is_computer]
FIRST = {board.cpu: board for board in reversed(ON_CHIP)}
"""A board of each core: what else there is of a port is C that zig has compiled."""

ROWS = [
    *(pytest.param(board, "zig", id=f"{board.id}-zig") for board in ON_CHIP),
    *(pytest.param(board, "gcc", id=f"{board.id}-gcc") for board in FIRST.values()),
]


@dataclass(frozen=True)
class Firmware:
    board: Board
    result: BuildResult
    elf: Elf


@pytest.mark.parametrize(("board", "toolchain"), ROWS)
def test_firmware(board: Board, toolchain: str, tmp_path: Path) -> None:
    gcc = GCC.get(board.cpu, "arm-none-eabi-gcc")
    if toolchain == "gcc" and shutil.which(gcc) is None:
        pytest.skip(f"{gcc} is not installed")
    result = build_firmware(write_fixture_project(tmp_path, board), board, toolchain)
    firmware = Firmware(board, result, read_elf(result.elf))
    checks = (memory_fits, nothing_between_sections, sizes_add_up, boots, knows_its_objects)
    for check in checks:
        check(firmware)
    if toolchain == "zig":
        wiring.mute_where_wired_otherwise(result.elf, board)
        wiring.garbage_where_the_rate_is_another(result.elf, board)
        wiring.without_its_clock_no_oscillator_is_ready(result.elf, board)
        wiring.no_other_uart_answers(result.elf, board)
        wiring.boot_rom_refuses_what_is_broken(result.elf, board, tmp_path)


def knows_its_objects(firmware: Firmware) -> None:
    """Not beside the cache: what another project has compiled must not pass for its own."""
    assert (firmware.result.elf.parent / ".sconsign.dblite").is_file()


def memory_fits(firmware: Firmware) -> None:
    board, elf = firmware.board, firmware.elf
    flash, ram = board.region("flash"), board.region("ram")
    assert elf.address_of("__eb_image_start") == flash.start
    assert elf.address_of("__eb_stack_bottom") == ram.start
    assert elf.address_of("__eb_stack_top") == ram.start + board.stack_size
    for section in elf.sections:
        home = flash if flash.start <= section.address < flash.start + flash.size else ram
        assert home.start <= section.address
        assert section.address + section.size <= home.start + home.size, section


def nothing_between_sections(firmware: Firmware) -> None:
    covered = sum(len(segment.data) for segment in firmware.elf.segments)
    assert covered == len(firmware.elf.image), "a gap in the image has no defined content"


def sizes_add_up(firmware: Firmware) -> None:
    sizes = sizes_of(firmware.elf)
    assert sizes.weights == 16
    assert sizes.arena == 64
    assert sizes.stack == firmware.board.stack_size
    assert sizes.flash == len(firmware.elf.image)
    assert 0 < sizes.static < 256
    assert 1000 < sizes.code < 12000


def boots(firmware: Firmware) -> None:
    import serial

    from hil.virtual.client import VirtualBoard
    from hil.virtual.qemu import QemuBoard

    board = firmware.board
    if board.is_qemu and shutil.which(QEMU) is None:
        pytest.skip(f"built, not booted: {QEMU} is not installed")
    start = QemuBoard if board.is_qemu else VirtualBoard.boot
    wanted = REPORT.format(board=board.id).encode()
    with (
        start(firmware.result.elf, board) as virtual,
        serial.serial_for_url(virtual.url, timeout=10) as link,
    ):
        link.write(b"?")
        assert link.read_until(wanted)[-len(wanted) :] == wanted
        link.write(b"xyz")
        assert link.read_until(b"xyz").endswith(b"xyz")
        if isinstance(virtual, VirtualBoard):
            wiring.registers_hold(board, virtual)
