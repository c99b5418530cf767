"""What the tests of a firmware look at besides its memory: UART, pins, clock and boot of its board.

A board file alone sets them up: that is read from the registers of the virtual board, which is
mute, or does not start, where something is not as the board has it.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import serial

from edgebottle.boards import Board, load_board
from edgebottle.build.elf import read_elf
from edgebottle.errors import BadInput
from edgebottle.ports import Clock, Uart
from hil.virtual.client import VirtualBoard
from tests.waiting import wait_until

F767 = load_board("nucleo_f767zi")
PICO = load_board("raspberry_pi_pico")
PICO_2 = load_board("raspberry_pi_pico_2")
TEENSY = load_board("teensy40")
MPS2 = load_board("mps2_an385")
PORTENTA = load_board("arduino_portenta_h7")

# Addresses and fields as RM0410 has them (chapters 5 RCC, 6 GPIO, 34 USART).
RCC_CR, RCC_PLLCFGR, RCC_CFGR = 0x40023800, 0x40023804, 0x40023808
RCC_AHB1ENR, RCC_APB1ENR, RCC_APB2ENR = 0x40023830, 0x40023840, 0x40023844
GPIOD_MODER, GPIOD_AFRH = 0x40020C00, 0x40020C24
USART3_CR1, USART3_BRR = 0x40004800, 0x4000480C
FLASH_ACR = 0x40023C00

# As the RP2040 Datasheet has them (2.14 to 2.19, 4.2, 4.7, 4.10).
RESETS, CLK_REF_CTRL, CLK_SYS_CTRL, CLK_PERI_CTRL = 0x4000C000, 0x40008030, 0x4000803C, 0x40008048
PLL_CS, PLL_PWR, PLL_FBDIV_INT, PLL_PRIM = 0x40028000, 0x40028004, 0x40028008, 0x4002800C
TICK, GPIO0_CTRL, GPIO1_CTRL = 0x4005802C, 0x40014004, 0x4001400C
PADS_GPIO0, PADS_GPIO1 = 0x4001C004, 0x4001C008
UART0_IBRD, UART0_FBRD, UART0_LCR_H, UART0_CR = 0x40034024, 0x40034028, 0x4003402C, 0x40034030
SSI_CTRLR0, SSI_BAUDR, SSI_SPI_CTRLR0 = 0x18000000, 0x18000014, 0x180000F4

# As the pico-sdk's headers of the RP2350 have them (hardware/regs).
RESETS_2, CLOCKS_2, PLL_2, IO_2, PADS_2 = 0x40020000, 0x40010000, 0x40050000, 0x40028000, 0x40038000
UART0_2 = 0x40070000

# As RM0399 has them (chapters 7 PWR, 9 RCC, 51 USART).
H7_RCC, H7_PWR, H7_USART1 = 0x58024400, 0x58024800, 0x40011000

# As the IMXRT1060RM has them (chapters 11 IOMUXC, 14 CCM, 18 DCDC, 49 LPUART).
CCM_CACRR, CCM_CBCDR, CCM_CBCMR, CCM_CSCDR1 = 0x400FC010, 0x400FC014, 0x400FC018, 0x400FC024
CCM_CCGR3, PLL_ARM, DCDC_REG3 = 0x400FC074, 0x400D8000, 0x4008000C
MUX_AD_B0_02, MUX_AD_B0_03, PAD_AD_B0_03 = 0x401F80C4, 0x401F80C8, 0x401F82B8
LPUART6_RX_SELECT, LPUART6_TX_SELECT = 0x401F8550, 0x401F8554
LPUART6_BAUD, LPUART6_CTRL, MPU_CTRL = 0x40198010, 0x40198018, 0xE000ED94

# As the technical reference manual of the Cortex-M System Design Kit has them (DDI 0479D, 4.3).
UART0_CTRL, UART0_BAUDDIV = 0x40004008, 0x40004010

# board: (register, bits, what they hold after the boot)
REGISTERS = {
    F767: [
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
    ],
    PICO: [
        (RESETS, 0x1FFFFFF, 0x1FFFFFF - (1 << 5 | 1 << 8 | 1 << 12 | 1 << 21 | 1 << 22)),
        (CLK_REF_CTRL, 3, 2),  # the crystal
        (CLK_SYS_CTRL, 7 << 5 | 1, 1),  # PLL_SYS
        (CLK_PERI_CTRL, 1 << 11 | 7 << 5, 1 << 11),  # as CLK_SYS
        (PLL_CS, 1 << 31 | 0x3F, 1 << 31 | 1),  # LOCK, 12 MHz
        (PLL_PWR, 0x2D, 4),  # all on but DSMPD
        (PLL_FBDIV_INT, 0xFFF, 125),  # 1500 MHz
        (PLL_PRIM, 0x77000, 6 << 16 | 2 << 12),  # / 12
        (TICK, 0x3FF, 1 << 9 | 12),
        (GPIO0_CTRL, 0xFFFFFFFF, 2),
        (GPIO1_CTRL, 0xFFFFFFFF, 2),
        (PADS_GPIO0, 1 << 7 | 1 << 2, 0),  # neither OD nor a pull-down
        (PADS_GPIO1, 1 << 6 | 3 << 2, 1 << 6 | 1 << 3),  # IE, pull-up
        (UART0_IBRD, 0xFFFF, 67),  # 125 MHz / 16 / 115,200 = 67 + 52 / 64
        (UART0_FBRD, 0x3F, 52),
        (UART0_LCR_H, 0xFF, 0x70),
        (UART0_CR, 0xFFFF, 0x301),
        (SSI_CTRLR0, 0x1FFFFFF, 31 << 16 | 3 << 8),
        (SSI_BAUDR, 0xFFFF, 4),  # 31.25 MHz
        (SSI_SPI_CTRLR0, 0xFF07FB3F, 0x03000218),
    ],
    PICO_2: [
        (RESETS_2, 0x1FFFFFFF, 0x1FFFFFFF - (1 << 6 | 1 << 9 | 1 << 14 | 1 << 26)),
        (CLOCKS_2 + 0x30, 3, 2),  # CLK_REF: the crystal
        (CLOCKS_2 + 0x3C, 7 << 5 | 1, 1),  # CLK_SYS: PLL_SYS
        (CLOCKS_2 + 0x48, 1 << 11 | 7 << 5, 1 << 11),  # CLK_PERI: as CLK_SYS
        (PLL_2 + 0x00, 1 << 31 | 0x3F, 1 << 31 | 1),
        (PLL_2 + 0x08, 0xFFF, 125),  # 1500 MHz
        (PLL_2 + 0x0C, 0x77000, 5 << 16 | 2 << 12),  # / 10
        (IO_2 + 0x04, 0xFFFFFFFF, 2),
        (IO_2 + 0x0C, 0xFFFFFFFF, 2),
        (PADS_2 + 0x04, 1 << 8 | 1 << 7 | 1 << 2, 0),  # neither ISO nor OD nor a pull-down
        (PADS_2 + 0x08, 1 << 8 | 1 << 6 | 3 << 2, 1 << 6 | 1 << 3),  # IE, pull-up
        (UART0_2 + 0x24, 0xFFFF, 81),  # 150 MHz / 16 / 115,200 = 81 + 24 / 64
        (UART0_2 + 0x28, 0x3F, 24),
        (UART0_2 + 0x30, 0xFFFF, 0x301),
    ],
    PORTENTA: [
        (H7_RCC + 0x10, 7 << 3 | 7, 3 << 3 | 3),  # CFGR: PLL1
        (H7_RCC + 0x28, 0x3F << 4 | 3, 4 << 4),  # PLLCKSELR: 64 MHz / 4
        (H7_RCC + 0x30, 0x7F << 9 | 0x1FF, 1 << 9 | 49),  # PLL1DIVR: x 50 / 2
        (H7_RCC + 0x18, 0xF, 8),  # D1CFGR: AXI at half the clock
        (H7_PWR + 0x0C, 7, 6),  # CR3: as the bootloader left it
        (H7_USART1 + 0x0C, 0xFFFF, 868),  # 100 MHz / 115,200
    ],
    TEENSY: [
        (PLL_ARM, 1 << 31 | 1 << 16 | 3 << 12 | 0x7F, 1 << 31 | 1 << 13 | 100),  # 1200 MHz
        (CCM_CACRR, 7, 1),  # / 2
        (CCM_CBCDR, 1 << 25 | 7 << 10 | 3 << 8, 3 << 8),  # PRE_PERIPH_CLK; buses at a quarter
        (CCM_CBCMR, 3 << 18, 3 << 18),  # which is PLL_ARM's
        (DCDC_REG3, 0x1F, 18),  # 1.25 V
        (CCM_CSCDR1, 0x7F, 1 << 6),  # UARTs from the crystal
        (CCM_CCGR3, 0xFFFFFFFF, 3 << 6),  # LPUART6 alone
        (MUX_AD_B0_02, 0x1F, 2),
        (MUX_AD_B0_03, 0x1F, 2),
        (PAD_AD_B0_03, 1 << 16 | 15 << 12, 1 << 16 | 15 << 12),  # pull-up, hysteresis
        (LPUART6_RX_SELECT, 3, 1),
        (LPUART6_TX_SELECT, 3, 1),
        (LPUART6_BAUD, 0xFFFFFFFF, 25 << 24 | 8),  # 24 MHz / 26 / 8 = 115,385
        (LPUART6_CTRL, 0xFFFFFFFF, 3 << 18),  # TE, RE
        (MPU_CTRL, 7, 1),
    ],
    MPS2: [
        (UART0_CTRL, 0xFFFFFFFF, 3),  # TX and RX enable
        (UART0_BAUDDIV, 0xFFFFF, 217),  # 25 MHz / 115,200
    ],
}


def registers_hold(board: Board, virtual: VirtualBoard) -> None:
    """After the boot."""
    rows = REGISTERS.get(board, [])
    found = {hex(address): virtual.register(address) & bits for address, bits, _ in rows}
    assert found == {hex(address): value for address, _, value in rows}


# Wired like no board that the image was built for
MUTE = [
    replace(PICO, clock=Clock("crystal", 10_000_000)),  # the dividers are for 12 MHz
    replace(TEENSY, uart=Uart("LPUART6", 0x40198000, "GPIO_EMC_25", "GPIO_EMC_26")),
    replace(load_board("microbit"), uart=Uart("UART0", 0x40002000, "P0.25", "P0.24")),
    replace(load_board("arduino_zero"), uart=Uart("SERCOM5", 0x42001C00, "PA20", "PA21")),
    replace(load_board("longan_nano"), uart=Uart("USART0", 0x40013800, "PB6", "PB7")),
]


def mute_where_wired_otherwise(image: Path, board: Board) -> None:
    for other in MUTE:
        if other.id == board.id:
            with (
                VirtualBoard.boot(image, other) as virtual,
                serial.serial_for_url(virtual.url) as link,
            ):
                asks_again(virtual)
                sent = spent(virtual, "eb_port_putc")
                link.write(b"?" * 100)
                asks_again(virtual)
                assert spent(virtual, "eb_port_putc") == sent


def garbage_where_the_rate_is_another(image: Path, board: Board) -> None:
    if board.id == MPS2.id:
        other = replace(board, uart=Uart("UART0", 0x40004000, "UART0_TX", "UART0_RX", 57_600))
        with (
            VirtualBoard.boot(image, other) as virtual,
            serial.serial_for_url(virtual.url, timeout=20) as link,
        ):
            link.write(b"?" * 100)
            heard = link.read(100)
            assert len(heard) == 100 and b"hello" not in heard, "it answers, not what was asked"


def asks_again(virtual: VirtualBoard) -> None:
    """Waits until the firmware has asked for bytes some times more."""
    enough = spent(virtual, "eb_port_getc") + 100
    wait_until(lambda: spent(virtual, "eb_port_getc") > enough, "it asks for a byte")


def spent(virtual: VirtualBoard, function: str) -> int:
    """Instructions that a function took."""
    return virtual.counts().functions.get(function, 0)


# Boards with another oscillator: they run from the chip's own
UNREADY = [
    replace(F767, clock=None),
    replace(F767, clock=Clock("crystal", 8_000_000)),
]


def without_its_clock_no_oscillator_is_ready(image: Path, board: Board) -> None:
    for other in UNREADY:
        if other.id == board.id:
            with VirtualBoard.boot(image, other) as virtual:
                wait_until(lambda: virtual.register(RCC_CFGR) & 3 == 2, "it runs from its PLL")
                assert virtual.register(RCC_CR) & 7 << 16 == 5 << 16
                assert virtual.register(RCC_PLLCFGR) & (1 << 22 | 0x3F) == 16


# (board, a UART at which its plug could be, base of the one that the image uses)
OTHER_UARTS = [
    (F767, Uart("USART1", 0x40011000, "PA9", "PB7"), 0x40004800),
    (PICO, Uart("UART1", 0x40038000, "GP4", "GP5"), 0x40034000),
]


def no_other_uart_answers(image: Path, board: Board) -> None:
    for other, uart, used in OTHER_UARTS:
        if other.id == board.id:
            with VirtualBoard.boot(image, replace(other, uart=uart)) as virtual:
                fault = virtual.fault(timeout=20)
                assert fault is not None and fault.address & ~0x3FF == used, fault


# (board, where a byte is changed, what the boot ROM says)
REFUSED = [
    (PICO, 0x10000014, "starts no second stage whose CRC is"),
    (PICO, 0x100000FC, "starts no second stage whose CRC is"),
    (PICO_2, 0x10000000, "starts no image without a block in its first 4096 bytes"),
    (PICO_2, 0x10000007, "that is no Secure program for its Arm cores"),
    (PICO_2, 0x10000011, "whose block does not end as it should"),
    (TEENSY, 0x60000000, "starts no image without a FlexSPI configuration block"),
    (TEENSY, 0x60000080, "has no read command of its flash"),
    (TEENSY, 0x60001000, "starts no image without an image vector table"),
    (TEENSY, 0x60001020, "whose boot data are for another memory"),
]


def boot_rom_refuses_what_is_broken(image: Path, board: Board, folder: Path) -> None:
    for other, address, message in REFUSED:
        if other.id == board.id:
            data = bytearray(image.read_bytes())
            start = board.region("flash").start
            data[data.index(read_elf(image).read(start, 256)) + address - start] ^= 1
            broken = folder / f"{address:x}.elf"
            broken.write_bytes(data)
            with pytest.raises(BadInput, match=message):
                VirtualBoard.boot(broken, board)
