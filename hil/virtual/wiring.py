"""How the peripherals of an STM32 hang together: clocks, pins and what drives the oscillator.

A UART or GPIO port whose clock is off reads 0 and takes no writes. The bytes of a UART pass only
where its pins are set to its alternate function. The oscillator gets ready only with what is on
the board: a crystal, or with the bypass on a clock from outside. Register layouts as in RM0385 5.3
(RCC) and 6.4 (GPIO); they are the same in all families that have a ``port.toml``.
"""

from dataclasses import replace

from edgebottle.boards import Board
from edgebottle.ports import Wiring
from hil.virtual.peripherals import Device, Fixed, Follow, Need, Purpose

_RCC_CR = 0x00
_HSEON, _HSERDY, _HSEBYP = 1 << 16, 1 << 17, 1 << 18
_MODER, _AFR = 0x00, 0x20
_ALTERNATE = 2


def wired(devices: tuple[Device, ...], board: Board) -> tuple[Device, ...]:
    """Adds to the devices of a board what they need of each other; all else stays as it is.

    Raises:
        BadBoard: the board's port cannot do what the board asks.
    """
    wiring = board.wiring()
    if wiring is None or board.uart is None:
        return devices
    made = []
    for device in devices:
        if device.base == board.uart.base:
            device = replace(device, needs=_uart_needs(wiring))
        elif device.name.startswith("GPIO"):
            bit = 1 << ord(device.name[-1]) - ord("A")
            device = replace(device, needs=(Need(Purpose.RUN, wiring.gpio_enable, bit, bit),))
        elif device.name == "RCC":
            device = replace(device, rules=(*device.rules, _oscillator(wiring)))
        made.append(device)
    return tuple(made)


def _oscillator(wiring: Wiring) -> Follow | Fixed:
    if wiring.hse_hz == 0:
        return Fixed(_RCC_CR, _HSERDY, 0)
    bypass = _HSEBYP if wiring.hse_bypass else 0
    return Follow(_RCC_CR, _HSERDY, _RCC_CR, _HSEON, when_mask=_HSEBYP, when_value=bypass)


def _uart_needs(wiring: Wiring) -> tuple[Need, ...]:
    clock = 1 << wiring.uart_enable_bit
    sends = (wiring.tx_gpio, wiring.tx_pin, wiring.tx_function)
    receives = (wiring.rx_gpio, wiring.rx_pin, wiring.rx_function)
    return (
        Need(Purpose.RUN, wiring.uart_enable, clock, clock),
        *_pin_needs(Purpose.SEND, *sends, wiring),
        *_pin_needs(Purpose.RECEIVE, *receives, wiring),
    )


def _pin_needs(
    purpose: Purpose, gpio: int, pin: int, function: int, wiring: Wiring
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
