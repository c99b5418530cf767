"""How the peripherals of a chip hang together: clocks, resets, pins, what drives the oscillator.

A UART or a block of pins whose clock is off, or that is held in reset, reads 0 and takes no writes.
The bytes of a UART pass only where its pins are set to its function, and at another baud rate than
that of the line, which is that of the board file, all of them are garbage.
The oscillator gets ready only with what is on the board: on an STM32 a crystal, or with the bypass
on a clock from outside.
Registers of the STM32 as in RM0385 5.3 (RCC) and 6.4 (GPIO); they are the same in all its families.
Those of the RP2040 as in its data sheet, 2.14 (RESETS), 2.15 (CLOCKS), 2.18 (PLL), 2.19 (GPIO), and
of the RP2350 as in its own, 7.5, 8.1, 8.6, 9;
those of the i.MX RT as in IMXRT1060RM chapters 11 (IOMUXC) and 14 (CCM); those of the GD32VF103,
SAM D21 and nRF5 as in the manuals that their ``port.toml`` names.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgebottle.boards import Board
from edgebottle.energy_pin import PulseRegisters
from edgebottle.ports import (
    CmsdkWiring,
    Gd32Wiring,
    ImxrtWiring,
    Nrf5Wiring,
    Rp2Wiring,
    Samd21Wiring,
    Stm32Wiring,
)
from hil.virtual.device import Device, Fixed, Follow, Need, Purpose

_RCC_CR = 0x00
_HSEON, _HSERDY, _HSEBYP = 1 << 16, 1 << 17, 1 << 18
_MODER, _AFR = 0x00, 0x20
_BRR = {1: 0x08, 2: 0x0C}
_ALTERNATE = 2

_XOSC_ON = (0xFFF << 12, 0xFAB << 12)
_RP2040_TIMER_BIT, _RP2040_TICK = 21, 0x4005802C
_CLK_SYS, _CLK_PERI = 0x3C, 0x48
_PLL_FBDIV, _PLL_PRIM = 0x08, 0x0C
_ISOLATED = 1 << 8  # of the RP2350's pads; the bit is 0 on the RP2040

_PM_APBCMASK, _PORT = 0x40000420, 0x41004400

_CCM_CSCDR1, _CCM_CCGR4, _CCM_CCGR6 = 0x400FC024, 0x400FC078, 0x400FC080


def wired(devices: tuple[Device, ...], board: Board) -> tuple[Device, ...]:
    """Adds to the devices of a board what they need of each other; all else stays as it is.

    Raises:
        BadBoard: the board's port cannot do what the board asks.
    """
    wiring, uart = board.wiring(), board.uart
    if wiring is None or uart is None:
        return devices
    wire = _GROUPS[type(wiring)]
    return tuple(wire(device, wiring, device.base == uart.base) for device in devices)


def pin_needs(pulse: PulseRegisters) -> tuple[tuple[int, int, int], ...]:
    """Address, mask and value of each register that has to be set for the pin to be driven."""
    clock, supply = pulse.pulse_clock_bits, pulse.pulse_supply_bits
    found = (
        (pulse.pulse_clock, clock, clock),
        (pulse.pulse_supply, supply, supply),
        (pulse.pulse_drive, pulse.pulse_drive_mask, pulse.pulse_drive_value),
        (pulse.pulse_mux, pulse.pulse_mux_mask, pulse.pulse_mux_value),
        (pulse.pulse_isolation, pulse.pulse_isolation_bits, 0),
    )
    return tuple(need for need in found if need[0] != 0)


def _rate(device: Device, offset: int, mask: int, value: int) -> Need:
    """Of a UART's own register, what makes the rate of the line."""
    return Need(Purpose.RATE, device.base + offset, mask, value)


def _own(device: Device, offset: int, mask: int, value: int) -> tuple[Need, Need]:
    """Of a UART's own register, both ways: which pins are its."""
    address = device.base + offset
    return (
        Need(Purpose.SEND, address, mask, value),
        Need(Purpose.RECEIVE, address, mask, value),
    )


def _stm32(device: Device, wiring: Stm32Wiring, is_uart: bool) -> Device:
    if is_uart:
        return replace(device, needs=_uart_needs(device, wiring))
    if device.name.startswith("GPIO"):
        bit = 1 << ord(device.name[-1]) - ord("A")
        return replace(device, needs=(Need(Purpose.RUN, wiring.gpio_enable, bit, bit),))
    if device.name == "RCC":
        return replace(device, rules=(*device.rules, _oscillator(wiring)))
    return device


def _oscillator(wiring: Stm32Wiring) -> Follow | Fixed:
    if wiring.hse_hz == 0:
        return Fixed(_RCC_CR, _HSERDY, 0)
    bypass = _HSEBYP if wiring.hse_bypass else 0
    return Follow(_RCC_CR, _HSERDY, _RCC_CR, _HSEON, when_mask=_HSEBYP, when_value=bypass)


def _uart_needs(device: Device, wiring: Stm32Wiring) -> tuple[Need, ...]:
    clock = 1 << wiring.uart_enable_bit
    sends = (wiring.tx_gpio, wiring.tx_pin, wiring.tx_function)
    receives = (wiring.rx_gpio, wiring.rx_pin, wiring.rx_function)
    return (
        Need(Purpose.RUN, wiring.uart_enable, clock, clock),
        _rate(device, _BRR[wiring.uart_generation], 0xFFFFF, wiring.uart_divider),
        *_clock_needs(wiring),
        *_pin_needs(Purpose.SEND, *sends, wiring),
        *_pin_needs(Purpose.RECEIVE, *receives, wiring),
    )


def _clock_needs(wiring: Stm32Wiring) -> tuple[Need, ...]:
    """The slower clock that a low baud rate may need."""
    address, mask, value = (
        *(wiring.uart_clock_select, wiring.uart_clock_mask),
        wiring.uart_clock_value,
    )
    ways = (Purpose.SEND, Purpose.RECEIVE) if address else ()
    return tuple(Need(way, address, mask, value) for way in ways)


def _pin_needs(
    purpose: Purpose, gpio: int, pin: int, function: int, wiring: Stm32Wiring
) -> tuple[Need, ...]:
    mode, field = 2 * pin, 4 * (pin % 8)
    needs = (
        Need(purpose, gpio + _MODER, 3 << mode, _ALTERNATE << mode),
        Need(purpose, gpio + _AFR + 4 * (pin // 8), 15 << field, function << field),
    )
    if wiring.gpio_supply == 0:
        return needs
    supplied = 1 << wiring.gpio_supply_bit
    return (*needs, Need(purpose, wiring.gpio_supply, supplied, supplied))


def _rp2(device: Device, wiring: Rp2Wiring, is_uart: bool) -> Device:
    if is_uart:
        return replace(device, needs=_rp2_uart_needs(device, wiring))
    bits = {
        "IO_BANK0": wiring.io_reset_bit,
        "PADS_BANK0": wiring.pads_reset_bit,
        "PLL_SYS": wiring.pll_reset_bit,
        "TIMER": _RP2040_TIMER_BIT,
    }
    if device.name not in bits:
        return device
    needs = [Need(Purpose.RUN, wiring.resets_base, 1 << bits[device.name], 0)]
    if device.name == "PLL_SYS":
        needs.append(Need(Purpose.RUN, wiring.xosc_base, *_XOSC_ON))
    elif device.name == "TIMER":
        tick = 1 << 9 | wiring.crystal_hz // 1_000_000
        needs.append(Need(Purpose.RUN, _RP2040_TICK, 0x3FF, tick))
    return replace(device, needs=tuple(needs))


def _rp2_uart_needs(device: Device, wiring: Rp2Wiring) -> tuple[Need, ...]:
    dividers = wiring.pll_divider_1 << 16 | wiring.pll_divider_2 << 12
    clocks, pll = wiring.clocks_base, wiring.pll_base
    needs = [
        Need(Purpose.RUN, wiring.resets_base, 1 << wiring.uart_reset_bit, 0),
        Need(Purpose.RUN, clocks + _CLK_PERI, 1 << 11 | 7 << 5, 1 << 11),
        _rate(device, 0x24, 0xFFFF, wiring.uart_divider // 64),
        _rate(device, 0x28, 0x3F, wiring.uart_divider % 64),
    ]
    pins = (
        (Purpose.SEND, wiring.tx_pin, wiring.tx_function, (_ISOLATED | 1 << 7, 0)),  # OD
        (Purpose.RECEIVE, wiring.rx_pin, wiring.rx_function, (_ISOLATED | 1 << 6, 1 << 6)),  # IE
    )
    for purpose, pin, function, pad in pins:
        needs += (
            Need(purpose, wiring.io_base + 4 + 8 * pin, 31, function),
            Need(purpose, wiring.pads_base + 4 + 4 * pin, *pad),
            # Without the clock that the dividers of the baud rate are for, no byte is one.
            Need(purpose, clocks + _CLK_SYS, 7 << 5 | 1, 1),
            Need(purpose, pll + _PLL_FBDIV, 0xFFF, wiring.pll_feedback),
            Need(purpose, pll + _PLL_PRIM, 7 << 16 | 7 << 12, dividers),
        )
    return tuple(needs)


def _imxrt(device: Device, wiring: ImxrtWiring, is_uart: bool) -> Device:
    if is_uart:
        return replace(device, needs=_imxrt_uart_needs(device, wiring))
    gates = {"IOMUXC": (_CCM_CCGR4, 2), "DCDC": (_CCM_CCGR6, 6)}
    if device.name in gates:
        return replace(device, needs=(_gate(*gates[device.name]),))
    return device


def _gate(register: int, bit: int) -> Need:
    return Need(Purpose.RUN, register, 3 << bit, 3 << bit)


def _imxrt_uart_needs(device: Device, wiring: ImxrtWiring) -> tuple[Need, ...]:
    send, receive = Purpose.SEND, Purpose.RECEIVE
    baud = wiring.uart_oversampling - 1 << 24 | wiring.uart_divider
    needs = [
        _gate(wiring.uart_enable, wiring.uart_enable_bit),
        Need(send, wiring.tx_mux, 15, wiring.tx_function),
        Need(receive, wiring.rx_mux, 15, wiring.rx_function),
        # The dividers are for the crystal.
        *(Need(way, _CCM_CSCDR1, 0x7F, 1 << 6) for way in (send, receive)),
        _rate(device, 0x10, 0x1F << 24 | 0x1FFF, baud),
    ]
    if wiring.rx_daisy:
        needs.append(Need(receive, wiring.rx_daisy, 3, wiring.rx_input))
    return tuple(needs)


def _gd32(device: Device, wiring: Gd32Wiring, is_uart: bool) -> Device:
    if is_uart:
        return replace(device, needs=_gd32_uart_needs(device, wiring))
    if device.name == "AFIO":
        return replace(device, needs=(Need(Purpose.RUN, wiring.gpio_enable, 1, 1),))
    if device.name.startswith("GPIO"):
        bit = 1 << 2 + ord(device.name[-1]) - ord("A")
        return replace(device, needs=(Need(Purpose.RUN, wiring.gpio_enable, bit, bit),))
    if device.name == "RCU" and wiring.hxtal_hz == 0:
        return replace(device, rules=(*device.rules, Fixed(0x00, _HSERDY, 0)))
    return device


def _gd32_uart_needs(device: Device, wiring: Gd32Wiring) -> tuple[Need, ...]:
    bit = 1 << wiring.uart_enable_bit
    needs = [
        Need(Purpose.RUN, wiring.uart_enable, bit, bit),
        _rate(device, 0x08, 0xFFFF, wiring.uart_divider),
    ]
    pins = (
        (Purpose.SEND, wiring.tx_gpio, wiring.tx_pin, (15, 11)),  # alternate output, 50 MHz
        (Purpose.RECEIVE, wiring.rx_gpio, wiring.rx_pin, (3, 0)),  # input
    )
    for purpose, gpio, pin, (mask, mode) in pins:
        shift = 4 * (pin % 8)
        needs.append(Need(purpose, gpio + 4 * (pin // 8), mask << shift, mode << shift))
        needs.append(Need(purpose, wiring.remap, wiring.remap_mask, wiring.remap_value))
    return tuple(needs)


def _samd21(device: Device, wiring: Samd21Wiring, is_uart: bool) -> Device:
    if is_uart:
        return replace(device, needs=_samd21_uart_needs(device, wiring))
    if device.name == "SYSCTRL" and wiring.crystal_hz == 0:
        return replace(device, rules=(*device.rules, Fixed(0x0C, 1 << 1, 0)))  # XOSC32KRDY
    return device


def _samd21_uart_needs(device: Device, wiring: Samd21Wiring) -> tuple[Need, ...]:
    bit = 1 << wiring.uart_enable_bit
    pads = wiring.tx_pad // 2 << 16 | wiring.rx_pad << 20
    needs = [
        Need(Purpose.RUN, _PM_APBCMASK, bit, bit),
        _rate(device, 0x0C, 0xFFFF, wiring.uart_baud_value),
        *_own(device, 0x00, 3 << 16 | 3 << 20, pads),  # CTRLA: TXPO, RXPO
    ]
    pins = (
        (Purpose.SEND, wiring.tx_group, wiring.tx_pin, wiring.tx_function),
        (Purpose.RECEIVE, wiring.rx_group, wiring.rx_pin, wiring.rx_function),
    )
    for purpose, group, pin, function in pins:
        mux, enable = 4 * (pin % 8), 8 * (pin % 4)
        words = _PORT + 0x80 * group
        needs += (
            Need(purpose, words + 0x30 + 4 * (pin // 8), 15 << mux, function << mux),
            Need(purpose, words + 0x40 + 4 * (pin // 4), 1 << enable, 1 << enable),
        )
    return tuple(needs)


def _nrf5(device: Device, wiring: Nrf5Wiring, is_uart: bool) -> Device:
    if not is_uart:
        return device
    send = Need(Purpose.SEND, device.base + 0x50C, 0xFFFFFFFF, wiring.tx_pin)
    receive = Need(Purpose.RECEIVE, device.base + 0x514, 0xFFFFFFFF, wiring.rx_pin)
    rate = _rate(device, 0x524, 0xFFFFFFFF, wiring.uart_rate)
    return replace(device, needs=(send, receive, rate))


def _cmsdk(device: Device, wiring: CmsdkWiring, is_uart: bool) -> Device:
    """Clocks and pins of an FPGA image are as they are."""
    if is_uart:
        return replace(device, needs=(_rate(device, 0x10, 0xFFFFF, wiring.uart_divider),))
    return device


_GROUPS: dict[type, Callable[[Device, Any, bool], Device]] = {
    Stm32Wiring: _stm32,
    Rp2Wiring: _rp2,
    ImxrtWiring: _imxrt,
    Gd32Wiring: _gd32,
    Samd21Wiring: _samd21,
    Nrf5Wiring: _nrf5,
    CmsdkWiring: _cmsdk,
}
"""By the group of the wiring: a device with what it needs, told whether it is the board's UART."""
