"""What the start-up code of each chip family may touch, as rows of data.

A window is a block of registers that reads back what was written. A ``Follow`` row says which bits
of a register report that what another field asked for has happened (an oscillator is ready, a clock
is switched), a ``Fixed`` row which bits always read the same. From the reference manuals' register
maps; everything outside the windows faults.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from edgebottle.boards import Board
from edgebottle.errors import BadBoard
from hil.virtual.device import Device, DeviceKind, Fixed, Follow


def _ready(offset: int, pairs: Iterable[tuple[int, int]]) -> tuple[Follow, ...]:
    """Rows for (enable bit, ready bit) pairs of one register."""
    return tuple(Follow(offset, 1 << ready, offset, 1 << enable) for enable, ready in pairs)


def _gpio(base: int, count: int) -> tuple[Device, ...]:
    return tuple(Device(f"GPIO{chr(65 + i)}", base + 0x400 * i) for i in range(count))


_STM32_PLLS = ((16, 17), (24, 25), (26, 27), (28, 29))  # HSE, PLL and two more

_STM32F4_F7 = (
    Device(
        "RCC",
        0x40023800,
        rules=(
            *_ready(0x00, ((0, 1), *_STM32_PLLS)),
            Follow(0x08, 0xC, 0x08, 0x3),  # CFGR.SWS
            *_ready(0x70, ((0, 1),)),  # BDCR.LSERDY
            *_ready(0x74, ((0, 1),)),  # CSR.LSIRDY
        ),
        reset=((0x00, 0x00000083), (0x04, 0x24003010)),
    ),
    Device("FLASH", 0x40023C00, rules=(Fixed(0x0C, 1 << 16, 0),)),
    Device(
        "PWR",
        0x40007000,
        rules=(
            Fixed(0x04, 1 << 14, 1 << 14),  # CSR1.VOSRDY
            Follow(0x04, 3 << 16, 0x00, 3 << 16),  # ODRDY, ODSWRDY
        ),
        reset=((0x00, 0x0000C000),),
    ),
    Device("SYSCFG", 0x40013800),
    Device("DBGMCU", 0xE0042000),
    *_gpio(0x40020000, 11),
)

_STM32L4 = (
    Device(
        "RCC",
        0x40021000,
        rules=(
            *_ready(0x00, ((0, 1), (8, 10), *_STM32_PLLS)),
            Follow(0x08, 0xC, 0x08, 0x3),
            *_ready(0x90, ((0, 1),)),
            *_ready(0x94, ((0, 1),)),
            *_ready(0x98, ((0, 1),)),  # CRRCR.HSI48RDY
        ),
        reset=((0x00, 0x00000063),),
    ),
    Device("FLASH", 0x40022000, rules=(Fixed(0x10, 1 << 16, 0),), reset=((0x00, 0x00000600),)),
    Device("PWR", 0x40007000, rules=(Fixed(0x14, 3 << 9, 0),), reset=((0x00, 0x00000200),)),
    Device("SYSCFG", 0x40010000),
    Device("DBGMCU", 0xE0042000),
    *_gpio(0x48000000, 9),
)

_STM32H7 = (
    Device(
        "RCC",
        0x58024400,
        rules=(
            *_ready(0x00, ((0, 2), (7, 8), (12, 13), *_STM32_PLLS)),
            Fixed(0x00, 1 << 5 | 3 << 14, 1 << 5 | 3 << 14),  # HSIDIVF, CPUCKRDY, CDCKRDY
            Follow(0x10, 0x38, 0x10, 0x7),  # CFGR.SWS
            *_ready(0x70, ((0, 1),)),
            *_ready(0x74, ((0, 1),)),
        ),
        reset=((0x00, 0x00000001),),
    ),
    Device("FLASH", 0x52002000, rules=(Fixed(0x10, 0x7, 0),), reset=((0x00, 0x00000013),)),
    Device(
        "PWR",
        0x58024800,
        rules=(
            Fixed(0x04, 1 << 13, 1 << 13),  # CSR1.ACTVOSRDY
            Follow(0x04, 3 << 14, 0x18, 3 << 14),  # ACTVOS
            Fixed(0x18, 1 << 13, 1 << 13),  # SRDCR.VOSRDY
        ),
        reset=((0x00, 0xF000C000), (0x0C, 0x00000006), (0x18, 0x00004000)),
    ),
    Device("SYSCFG", 0x58000400),
    Device("DBGMCU", 0x5C001000),
    *_gpio(0x58020000, 11),
)

_STM32U5 = (
    Device(
        "RCC",
        0x46020C00,
        rules=(
            *_ready(0x00, ((0, 2), (4, 5), (8, 10), (12, 13), (14, 15), *_STM32_PLLS)),
            Follow(0x1C, 0xC, 0x1C, 0x3),  # CFGR1.SWS
            *_ready(0xF0, ((0, 1),)),
        ),
        reset=((0x00, 0x00000035),),
    ),
    Device("FLASH", 0x40022000, rules=(Fixed(0x20, 1 << 16, 0),), reset=((0x00, 0x00000001),)),
    Device(
        "PWR",
        0x46020800,
        rules=(
            Fixed(0x0C, 1 << 15, 1 << 15),  # VOSR.VOSRDY
            Follow(0x0C, 1 << 14, 0x0C, 1 << 18),  # BOOSTRDY
            Fixed(0x3C, 1 << 15, 1 << 15),  # SVMSR.ACTVOSRDY
            Follow(0x3C, 3 << 16, 0x0C, 3 << 16),  # ACTVOS
            Follow(0x3C, 1 << 1, 0x08, 1 << 1),  # REGS
        ),
    ),
    Device("SYSCFG", 0x46000400),
    Device("ICACHE", 0x40030400, rules=(Fixed(0x04, 3, 2),)),
    Device("DCACHE", 0x40031400, rules=(Fixed(0x04, 3, 2),)),
    Device("DBGMCU", 0xE0044000),
    *_gpio(0x42020000, 9),
)

_STM32G0 = (
    Device(
        "RCC",
        0x40021000,
        rules=(
            *_ready(0x00, ((8, 10), (16, 17), (22, 23), (24, 25))),
            Follow(0x08, 0x38, 0x08, 0x7),
            *_ready(0x5C, ((0, 1),)),
            *_ready(0x60, ((0, 1),)),
        ),
        reset=((0x00, 0x00000500),),
    ),
    Device("FLASH", 0x40022000, rules=(Fixed(0x10, 3 << 16, 0),), reset=((0x00, 0x00040600),)),
    Device("PWR", 0x40007000, rules=(Fixed(0x14, 3 << 9, 0),), reset=((0x00, 0x00000208),)),
    Device("SYSCFG", 0x40010000),
    Device("DBG", 0x40015800),
    *_gpio(0x50000000, 6),
)

_NRF5 = (
    Device(
        "CLOCK",
        0x40000000,
        0x1000,
        rules=(
            Follow(0x100, 1, 0x000, 1),  # EVENTS_HFCLKSTARTED
            Follow(0x104, 1, 0x008, 1),  # EVENTS_LFCLKSTARTED
            Follow(0x408, 1, 0x000, 1),  # HFCLKRUN
            Follow(0x40C, 1, 0x000, 1),  # HFCLKSTAT.SRC
            Fixed(0x40C, 1 << 16, 1 << 16),  # HFCLKSTAT.STATE
            Follow(0x414, 1, 0x008, 1),  # LFCLKRUN
            Follow(0x418, 1 << 16, 0x008, 1),  # LFCLKSTAT.STATE
            Follow(0x418, 3, 0x518, 3),  # LFCLKSTAT.SRC
        ),
    ),
    Device("NVMC", 0x4001E000, 0x1000, rules=(Fixed(0x400, 1, 1),)),
    Device("GPIO", 0x50000000, 0x1000),
    Device("FICR", 0x10000000, 0x1000, reset=((0x104, 0x41414630),)),  # INFO.VARIANT: AAF0
    Device("UICR", 0x10001000, 0x1000, reset=((0x208, 0xFFFFFF5A),)),  # APPROTECT: open
)

_GD32VF103 = (
    Device(
        "RCU",
        0x40021000,
        rules=(
            *_ready(0x00, ((0, 1), *_STM32_PLLS)),
            Follow(0x04, 0xC, 0x04, 0x3),  # CFG0.SCSS
            *_ready(0x20, ((0, 1),)),
            *_ready(0x24, ((0, 1),)),
        ),
        reset=((0x00, 0x00000083),),
    ),
    Device("FMC", 0x40022000, rules=(Fixed(0x0C, 1, 0),), reset=((0x00, 0x00000030),)),
    Device("PMU", 0x40007000),
    Device("AFIO", 0x40010000),
    *_gpio(0x40010800, 5),
    Device("ECLIC", 0xD2000000, 0x2000),
)

_SAMD21 = (
    Device("PM", 0x40000400),
    Device(
        "SYSCTRL",
        0x40000800,
        rules=(
            Follow(0x0C, 1 << 1, 0x14, 1 << 1),  # PCLKSR.XOSC32KRDY
            Fixed(0x0C, 1 << 3, 1 << 3),  # OSC8MRDY
            Follow(0x0C, 1 << 4, 0x24, 1 << 1),  # DFLLRDY
            Follow(0x0C, 1 << 6, 0x24, 1 << 2),  # DFLLLCKF
            Follow(0x0C, 1 << 7, 0x24, 1 << 2),  # DFLLLCKC
        ),
        reset=((0x14, 0x00000080), (0x20, 0x00000382), (0x24, 0x00000080)),
    ),
    Device("GCLK", 0x40000C00),
    Device("DSU", 0x41002000, 0x2000),
    Device("NVMCTRL", 0x41004000, rules=(Fixed(0x14, 1, 1),)),
    Device("PORT", 0x41004400),
    Device("TC5", 0x42003400),
    Device("calibration", 0x00806000, reset=((0x24, 0x7C000000), (0x28, 0x00000200))),
)


def _rp2(
    resets: int, clocks: int, xosc: int, pll: int, blocks: int, sys_ctrl: int
) -> tuple[Device, ...]:
    """What the RP2040 and the RP2350 have alike, at the addresses of one of them.

    Args:
        resets: Address of RESETS.
        clocks: Of CLOCKS.
        xosc: Of XOSC.
        pll: Of PLL_SYS.
        blocks: Those that RESETS holds after a reset, each a bit.
        sys_ctrl: CLK_SYS_CTRL after a reset.
    """
    return (
        Device(
            "RESETS",
            resets,
            rules=(Follow(0x08, blocks, 0x00, blocks, inverted=True),),  # RESET_DONE
            reset=((0x00, blocks),),
        ),
        Device(
            "CLOCKS",
            clocks,
            rules=(
                Follow(0x38, 1 << 0, 0x30, 2, when_mask=3, when_value=0, inverted=True),
                Follow(0x38, 1 << 2, 0x30, 2, when_mask=3, when_value=2),  # CLK_REF_SELECTED
                Follow(0x44, 1 << 0, 0x3C, 1, inverted=True),
                Follow(0x44, 1 << 1, 0x3C, 1),  # CLK_SYS_SELECTED
            ),
            reset=((0x34, 0x100), (0x3C, sys_ctrl), (0x40, 0x100)),
        ),
        Device(
            "XOSC",
            xosc,
            rules=(  # STATUS: ENABLED, STABLE
                Follow(0x04, 1 << 12, 0x00, 1 << 12, 0xFFF << 12, 0xFAB << 12),
                Follow(0x04, 1 << 31, 0x00, 1 << 12, 0xFFF << 12, 0xFAB << 12),
            ),
        ),
        Device(
            "PLL_SYS",
            pll,
            rules=(Follow(0x00, 1 << 31, 0x04, 1 << 5, 1 << 0, 0, inverted=True),),  # CS.LOCK
            reset=((0x00, 0x1), (0x04, 0x2D), (0x0C, 0x77000)),
        ),
    )


_RP2040 = (
    Device("SIO", 0xD0000000, 0x200),
    *_rp2(0x4000C000, 0x40008000, 0x40024000, 0x40028000, 0x01FFFFFF, 0),
    Device("IO_BANK0", 0x40014000, reset=tuple((4 + 8 * n, 0x1F) for n in range(30))),
    Device("PADS_BANK0", 0x4001C000, reset=tuple((4 + 4 * n, 0x56) for n in range(30))),
    Device("WATCHDOG", 0x40058000, reset=((0x2C, 1 << 9),)),
    Device("SSI", 0x18000000, reset=((0xF4, 0x03000000),)),
)

_RP2350 = (
    Device("SIO", 0xD0000000, 0x200),
    *_rp2(0x40020000, 0x40010000, 0x40048000, 0x40050000, 0x1FFFFFFF, 0x41),
    Device("IO_BANK0", 0x40028000, reset=tuple((4 + 8 * n, 0x1F) for n in range(48))),
    Device("PADS_BANK0", 0x40038000, reset=tuple((4 + 4 * n, 0x116) for n in range(48))),
)


_IMXRT = (
    Device("CCM", 0x400FC000, rules=(Fixed(0x48, 0xFFFFFFFF, 0),)),  # CDHIPR
    Device(
        "CCM_ANALOG",
        0x400D8000,
        rules=(
            Follow(0x00, 1 << 31, 0x00, 1 << 13, 1 << 12, 0),  # PLL_ARM.LOCK: powered and enabled
            Fixed(0x150, 1 << 15, 1 << 15),  # MISC0.OSC_XTALOK
        ),
        reset=((0x00, 0x00013042),),
    ),
    Device("DCDC", 0x40080000, rules=(Fixed(0x00, 1 << 31, 1 << 31),), reset=((0x0C, 0xE),)),
    Device("IOMUXC", 0x401F8000, 0x800),
    Device("GPIO2", 0x401BC000),
)


@dataclass(frozen=True)
class Family:
    """A chip family: its windows and the register models of its UART and timers."""

    devices: tuple[Device, ...]
    uart: DeviceKind
    timer: DeviceKind = DeviceKind.TIMER_STM32
    window: int = 0x400


FAMILIES: dict[str, Family] = {
    "stm32f4": Family(_STM32F4_F7, DeviceKind.UART_STM32_LEGACY),
    "stm32f7": Family(_STM32F4_F7, DeviceKind.UART_STM32),
    "stm32l4": Family(_STM32L4, DeviceKind.UART_STM32),
    "stm32h7": Family(_STM32H7, DeviceKind.UART_STM32),
    "stm32u5": Family(_STM32U5, DeviceKind.UART_STM32),
    "stm32g0": Family(_STM32G0, DeviceKind.UART_STM32),
    "nrf5": Family(_NRF5, DeviceKind.UART_NRF, DeviceKind.TIMER_NRF, 0x1000),
    "gd32vf103": Family(_GD32VF103, DeviceKind.UART_STM32_LEGACY),
    "samd21": Family(_SAMD21, DeviceKind.UART_SERCOM, DeviceKind.TIMER_SAM_TC),
    "mps2": Family((), DeviceKind.UART_CMSDK, window=0x1000),
    "imxrt": Family(_IMXRT, DeviceKind.UART_LPUART),
    "rp2040": Family(_RP2040, DeviceKind.UART_PL011, DeviceKind.TIMER_RP2040),
    "rp2350": Family(_RP2350, DeviceKind.UART_PL011),
}


def devices_of(board: Board) -> tuple[Device, ...]:
    """Returns all devices of a board; where two overlap, the earlier one is meant.

    Raises:
        BadBoard: unknown chip family, or a cycle counter that the virtual board has not.
    """
    family = FAMILIES.get(board.port)
    if family is None or board.uart is None:
        raise BadBoard(f"boards/{board.id}.toml: no virtual board for port '{board.port}'")
    devices = [Device(board.uart.name, board.uart.base, family.window, family.uart)]
    devices += _core_devices(board)
    kind, _, address = board.cycle_counter.partition(":")
    if kind == "timer":
        try:
            base = int(address, 0)
        except ValueError as error:
            raise BadBoard(f"boards/{board.id}.toml: cycle_counter '{kind}:{address}'") from error
        devices.append(
            Device("TIMER", base, family.window, family.timer, divider=board.cycle_divider)
        )
    elif kind == "mtime":
        devices.append(
            Device("MTIME", 0xD1000000, 0x1000, DeviceKind.MTIME, divider=board.cycle_divider)
        )
    elif kind != "dwt" or not board.processor.dwt:
        raise BadBoard(f"boards/{board.id}.toml: no virtual cycle counter '{kind}' on {board.cpu}")
    return (*devices, *family.devices)


def _core_devices(board: Board) -> list[Device]:
    cpu = board.processor
    if cpu.cpuid is None:
        return []
    system = Device(
        "SCS",
        0xE000E000,
        0x1000,
        DeviceKind.SYSTEM_CONTROL,
        rules=(Fixed(0xD00, 0xFFFFFFFF, cpu.cpuid),),
    )
    if not cpu.dwt:
        return [system]
    dwt = Device("DWT", 0xE0001000, 0x1000, DeviceKind.DWT, divider=board.cycle_divider)
    return [system, dwt]
