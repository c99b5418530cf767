"""A board file alone sets up UART, pins and clock: read from the virtual board's registers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from fixture_project import REPORT, write_fixture_project

from edgebottle.boards import Board, load_board
from edgebottle.build.project import build_firmware
from edgebottle.ports import Clock, Uart
from hil.virtual.client import VirtualBoard
from tests.waiting import wait_until

BOARD = load_board("nucleo_f767zi")

# Addresses and fields as RM0410 has them (chapters 5 RCC, 6 GPIO, 34 USART).
RCC_CR, RCC_PLLCFGR, RCC_CFGR = 0x40023800, 0x40023804, 0x40023808
RCC_AHB1ENR, RCC_APB1ENR, RCC_APB2ENR = 0x40023830, 0x40023840, 0x40023844
GPIOD_MODER, GPIOD_AFRH = 0x40020C00, 0x40020C24
USART3_CR1, USART3_BRR = 0x40004800, 0x4000480C
FLASH_ACR = 0x40023C00

# (register, bits, what they hold after the boot)
REGISTERS = [
    (RCC_CR, 7 << 16, 7 << 16),  # HSEON, HSERDY, HSEBYP
    (RCC_PLLCFGR, 1 << 22 | 0x3FFFF, 1 << 22 | 432 << 6 | 8),  # 8 MHz / 8 x 432 / 2
    (RCC_CFGR, 0xFCFF, 4 << 13 | 5 << 10 | 2 << 2 | 2),  # APB2 / 2, APB1 / 4, from the PLL
    (FLASH_ACR, 0xF, 7),
    (RCC_AHB1ENR, 0x7FF, 1 << 3),  # GPIOD alone
    (RCC_APB1ENR, 1 << 18, 1 << 18),
    (RCC_APB2ENR, 3 << 4, 0),
    (GPIOD_MODER, 0xF << 16, 0xA << 16),  # PD8, PD9: alternate function
    (GPIOD_AFRH, 0xFF, 0x77),  # USART3
    (USART3_CR1, 0xFFFFFFFF, 0xD),  # TE, RE, UE
    (USART3_BRR, 0xFFFF, 469),  # 54 MHz / 115,200
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wiring")
    return build_firmware(write_fixture_project(folder, BOARD), BOARD, "zig").elf


@pytest.fixture
def booted(image: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard.boot(image, BOARD) as virtual, serial.serial_for_url(virtual.url) as link:
        link.timeout = 20
        link.write(b"?")
        wanted = REPORT.format(board=BOARD.id).encode()
        assert link.read_until(wanted).endswith(wanted)
        yield virtual


def test_registers_after_the_boot(booted: VirtualBoard) -> None:
    found = {hex(address): booted.register(address) & bits for address, bits, _ in REGISTERS}
    assert found == {hex(address): value for address, _, value in REGISTERS}


# Boards that the image was not built for
OTHER_BOARDS = [
    replace(BOARD, clock=None),
    replace(BOARD, clock=Clock("crystal", 8_000_000)),
]


@pytest.mark.parametrize("board", OTHER_BOARDS, ids=lambda board: str(board.clock))
def test_an_oscillator_without_its_clock_is_not_ready(image: Path, board: Board) -> None:
    with VirtualBoard.boot(image, board) as virtual:
        wait_until(lambda: virtual.register(RCC_CFGR) & 3 == 2, "it runs from its PLL")
        assert virtual.register(RCC_CR) & 7 << 16 == 5 << 16
        assert virtual.register(RCC_PLLCFGR) & (1 << 22 | 0x3F) == 16


def test_no_byte_comes_from_another_uart(image: Path) -> None:
    """The board's USB plug is at USART1, the image's UART is USART3."""
    board = replace(BOARD, uart=Uart("USART1", 0x40011000, "PA9", "PB7"))
    with VirtualBoard.boot(image, board) as virtual:
        fault = virtual.fault(timeout=20)
        assert fault is not None and fault.address & ~0x3FF == 0x40004800, fault
