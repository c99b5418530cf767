"""What a board file asks of its chip family's port, and whether the port can do it.

The facts stand in ``firmware/port/<family>/port.toml``. What the port's C is compiled with is
worked out by the PlatformIO platform (``firmware/platform/builder/eb_port.py``), and asked here
as well.
"""

import functools
from dataclasses import asdict, dataclass
from typing import Any

from edgebottle.data import data_dir, platform_module
from edgebottle.errors import BadBoard


@dataclass(frozen=True)
class Uart:
    """The serial port of the bench application.

    Attributes:
        name: As in the reference manual, such as ``USART1``.
        base: Address of its register block.
        tx_pin: Such as ``PA9``.
        rx_pin: Such as ``PB7``.
        baud: Bits per second, 8N1.
    """

    name: str
    base: int
    tx_pin: str
    rx_pin: str
    baud: int = 115200


@dataclass(frozen=True)
class Clock:
    """What on the board drives the chip's oscillator.

    Attributes:
        source: ``crystal``, or ``external`` for a clock fed into the pin OSC_IN.
        hz: Its frequency.
    """

    source: str
    hz: int


class Wiring:
    """What the C of a port is compiled with, each as ``EB_<NAME>``: one subclass for each group."""


@dataclass(frozen=True)
class Stm32Wiring(Wiring):
    """Of the STM32 families.

    Attributes:
        hse_hz: Frequency of crystal or external clock; 0: the chip's own oscillator.
        hse_bypass: 1 for an external clock.
        flash_wait_states: Of the flash at the board's clock.
        uart_enable: Address of the register that gives the UART its clock.
        uart_enable_bit: Its bit there.
        uart_hz: Of the UART's clock.
        uart_scale: How many times that is divided.
        uart_min_divider: The smallest that the UART takes.
        uart_divider: For the baud rate.
        uart_clock_select: Address of the register that gives the UART a slower clock; 0: none.
        uart_clock_mask: Its bits there.
        uart_clock_value: What they are set to.
        uart_fifo: 1: the UART has a FIFO, which is used.
        uart_generation: Of its registers: 1 with SR and DR, 2 with ISR, RDR and TDR.
        gpio_enable: Address of the register that gives the GPIO ports their clocks.
        gpio_supply: Address of the register that says that a pin's own supply is there; 0: none.
        gpio_supply_bit: Its bit there.
        tx_gpio: Base of the port of ``tx_pin``.
        tx_gpio_bit: Its bit in ``gpio_enable``.
        tx_pin: 0 to 15.
        tx_function: Alternate function that gives the pin to the UART.
        rx_gpio: As for ``tx_gpio``.
        rx_gpio_bit: As for ``tx_gpio_bit``.
        rx_pin: As for ``tx_pin``.
        rx_function: As for ``tx_function``.
    """

    hse_hz: int
    hse_bypass: int
    flash_wait_states: int
    uart_enable: int
    uart_enable_bit: int
    uart_hz: int
    uart_scale: int
    uart_min_divider: int
    uart_divider: int
    uart_clock_select: int
    uart_clock_mask: int
    uart_clock_value: int
    uart_fifo: int
    uart_generation: int
    gpio_enable: int
    gpio_supply: int
    gpio_supply_bit: int
    tx_gpio: int
    tx_gpio_bit: int
    tx_pin: int
    tx_function: int
    rx_gpio: int
    rx_gpio_bit: int
    rx_pin: int
    rx_function: int


@dataclass(frozen=True)
class Rp2Wiring(Wiring):
    """Of the RP2040 and the RP2350.

    Attributes:
        crystal_hz: Frequency of the crystal.
        pll_feedback: What the PLL multiplies it by.
        pll_divider_1: What it divides that by.
        pll_divider_2: And by that.
        uart_reset_bit: Of the UART in RESETS.
        uart_hz: Of the UART's clock.
        uart_min_divider: The smallest that the UART takes, in 64ths.
        uart_divider: For the baud rate, in 64ths.
        tx_pin: 0 to 29.
        tx_function: What gives the pin to the UART.
        rx_pin: As for ``tx_pin``.
        rx_function: As for ``tx_function``.
        resets_base: Address of RESETS.
        clocks_base: Of CLOCKS.
        xosc_base: Of XOSC.
        pll_base: Of PLL_SYS.
        io_base: Of IO_BANK0.
        pads_base: Of PADS_BANK0.
        pll_reset_bit: Of PLL_SYS in RESETS.
        io_reset_bit: Of IO_BANK0 there.
        pads_reset_bit: Of PADS_BANK0 there.
    """

    crystal_hz: int
    pll_feedback: int
    pll_divider_1: int
    pll_divider_2: int
    uart_reset_bit: int
    uart_hz: int
    uart_min_divider: int
    uart_divider: int
    tx_pin: int
    tx_function: int
    rx_pin: int
    rx_function: int
    resets_base: int
    clocks_base: int
    xosc_base: int
    pll_base: int
    io_base: int
    pads_base: int
    pll_reset_bit: int
    io_reset_bit: int
    pads_reset_bit: int


@dataclass(frozen=True)
class ImxrtWiring(Wiring):
    """Of the i.MX RT.

    Attributes:
        crystal_hz: Frequency of the crystal.
        flash_bytes: Of the serial flash.
        uart_enable: Address of the register that gives the UART its clock.
        uart_enable_bit: The first of its two bits there.
        uart_oversampling: Samples per bit, 8 to 32.
        uart_divider: Clocks of the crystal per sample.
        tx_mux: Address of the register that gives the pad of ``tx_pin`` its function.
        tx_function: That of the UART.
        tx_daisy: Address of the register that chooses among the UART's pads; 0: there is one.
        tx_input: What that is set to.
        tx_pad: Address of the register of the pad's drive and pull-up.
        rx_mux: As for ``tx_mux``.
        rx_function: As for ``tx_function``.
        rx_daisy: As for ``tx_daisy``.
        rx_input: As for ``tx_input``.
        rx_pad: As for ``tx_pad``.
    """

    crystal_hz: int
    flash_bytes: int
    uart_enable: int
    uart_enable_bit: int
    uart_oversampling: int
    uart_divider: int
    tx_mux: int
    tx_function: int
    tx_daisy: int
    tx_input: int
    tx_pad: int
    rx_mux: int
    rx_function: int
    rx_daisy: int
    rx_input: int
    rx_pad: int


@dataclass(frozen=True)
class Gd32Wiring(Wiring):
    """Of the GD32VF103.

    Attributes:
        hxtal_hz: Frequency of the crystal; 0: the chip's own oscillator.
        uart_enable: Address of the register that gives the UART its clock.
        uart_enable_bit: Its bit there.
        uart_hz: Of the UART's clock.
        uart_min_divider: The smallest that the UART takes.
        uart_divider: For the baud rate.
        gpio_enable: Address of the register that gives the GPIO ports their clocks.
        remap: Address of the register that moves UARTs to other pins.
        remap_mask: The UART's bits there; 0: it cannot be moved.
        remap_value: What they are set to.
        tx_gpio: Base of the port of ``tx_pin``.
        tx_gpio_bit: Its bit in ``gpio_enable``.
        tx_pin: 0 to 15.
        rx_gpio: As for ``tx_gpio``.
        rx_gpio_bit: As for ``tx_gpio_bit``.
        rx_pin: As for ``tx_pin``.
    """

    hxtal_hz: int
    uart_enable: int
    uart_enable_bit: int
    uart_hz: int
    uart_min_divider: int
    uart_divider: int
    gpio_enable: int
    remap: int
    remap_mask: int
    remap_value: int
    tx_gpio: int
    tx_gpio_bit: int
    tx_pin: int
    rx_gpio: int
    rx_gpio_bit: int
    rx_pin: int


@dataclass(frozen=True)
class Samd21Wiring(Wiring):
    """Of the SAM D21.

    Attributes:
        crystal_hz: Frequency of the crystal; 0: the oscillator runs without.
        uart_enable_bit: Of the SERCOM in PM.APBCMASK.
        uart_clock: Number of its generic clock.
        uart_hz: Of that clock.
        uart_baud_value: For the baud rate.
        tx_group: Group of ports of ``tx_pin``: 0 is A, 1 is B.
        tx_pin: 0 to 31.
        tx_function: What gives the pin to the SERCOM.
        tx_pad: Its pad of the SERCOM: 0 or 2.
        rx_group: As for ``tx_group``.
        rx_pin: As for ``tx_pin``.
        rx_function: As for ``tx_function``.
        rx_pad: Another pad: 0 to 3.
    """

    crystal_hz: int
    uart_enable_bit: int
    uart_clock: int
    uart_hz: int
    uart_baud_value: int
    tx_group: int
    tx_pin: int
    tx_function: int
    tx_pad: int
    rx_group: int
    rx_pin: int
    rx_function: int
    rx_pad: int


@dataclass(frozen=True)
class Nrf5Wiring(Wiring):
    """Of the nRF51 and nRF52.

    Attributes:
        uart_rate: For the baud rate.
        tx_pin: 0 to 31: of port 0; from 32 on: of port 1.
        rx_pin: As for ``tx_pin``.
    """

    uart_rate: int
    tx_pin: int
    rx_pin: int


@dataclass(frozen=True)
class CmsdkWiring(Wiring):
    """Of Arm's FPGA images with peripherals of the Cortex-M System Design Kit.

    Attributes:
        uart_hz: Of the UART's clock.
        uart_min_divider: The smallest that the UART takes.
        uart_divider: For the baud rate.
    """

    uart_hz: int
    uart_min_divider: int
    uart_divider: int


_GROUPS: dict[str, type[Wiring]] = {
    "stm32": Stm32Wiring,
    "rp2": Rp2Wiring,
    "imxrt": ImxrtWiring,
    "gd32": Gd32Wiring,
    "samd21": Samd21Wiring,
    "nrf5": Nrf5Wiring,
    "cmsdk": CmsdkWiring,
}
"""By ``group`` of a ``port.toml``."""


@dataclass(frozen=True)
class Asked:
    """What a board file asks of its port.

    Attributes:
        mcu: Full chip name.
        clock_hz: CPU clock.
        cycle_divider: CPU clocks per tick of the cycle counter.
        flash_size: Bytes.
        flash_wait_states: At that clock.
        uart: Serial port.
        clock: None: the chip's own oscillator.
        is_core: A core, which is any chip of the family, with memories that never wait.
    """

    mcu: str
    clock_hz: int
    cycle_divider: int
    flash_size: int
    flash_wait_states: int
    uart: Uart
    clock: Clock | None = None
    is_core: bool = False


def find_wiring(port: str, asked: Asked) -> Wiring | None:
    """Works out what the C of ``port`` is told; None for a port without ``port.toml``.

    Args:
        port: Folder below ``firmware/port/``.
        asked: By the board.

    Raises:
        BadBoard: the port cannot do it; names the key of the board file.
    """
    facts = port_facts(port)
    if facts is None:
        if asked.clock is not None:
            raise BadBoard(f"clock is not for port '{port}', whose clock is fixed")
        return None
    builder = platform_module("eb_port")
    try:
        return _GROUPS[facts["group"]](**builder.wiring(facts, as_parsed(asked)))
    except builder.RefusedError as error:
        raise BadBoard(str(error)) from error


def as_parsed(asked: Asked) -> dict[str, Any]:
    """What a board asks, as its parsed file has it."""
    flash = {"size": asked.flash_size, "wait_states": asked.flash_wait_states}
    return {
        "kind": "core" if asked.is_core else "board",
        "mcu": asked.mcu,
        "clock_hz": asked.clock_hz,
        "cycle_divider": asked.cycle_divider,
        "regions": {"flash": flash},
        "uart": asdict(asked.uart),
        "clock": asdict(asked.clock) if asked.clock else None,
    }


def uf2_family(port: str) -> int | None:
    """The number of a chip family for boot ROMs that take UF2 files; None for all others."""
    return (port_facts(port) or {}).get("uf2_family")


@functools.cache
def port_facts(port: str) -> dict[str, Any] | None:
    """The parsed ``port.toml`` of a family; None where it has none."""
    path = data_dir("firmware") / "port" / port / "port.toml"
    facts: dict[str, Any] | None = platform_module("eb_port").read_port(path)
    return facts
