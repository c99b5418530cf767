"""Windows of registers and what makes their bits: what peripherals.py and wiring.py consist of.

Keep in step with ``native/board.h``.
"""

from dataclasses import dataclass
from enum import IntEnum


class DeviceKind(IntEnum):
    """``eb_device_kind`` of board.h."""

    REGISTERS = 0
    SYSTEM_CONTROL = 1
    DWT = 2
    TIMER_STM32 = 3
    TIMER_NRF = 4
    MTIME = 5
    UART_STM32 = 6
    UART_STM32_LEGACY = 7
    UART_NRF = 8
    UART_SERCOM = 9
    TIMER_SAM_TC = 10
    UART_PL011 = 11
    TIMER_RP2040 = 12
    UART_LPUART = 13
    UART_CMSDK = 14


@dataclass(frozen=True)
class Follow:
    """The bits ``mask`` of the register at ``offset`` read as the field ``source_mask``.

    The field lies in the register at ``source``, of the same window; with ``inverted`` they read as
    its complement. They read 0 unless that register holds ``when_value`` (in place) in
    ``when_mask``.
    """

    offset: int
    mask: int
    source: int
    source_mask: int
    when_mask: int = 0
    when_value: int = 0
    inverted: bool = False


class Purpose(IntEnum):
    """``eb_purpose`` of board.h."""

    RUN = 0
    SEND = 1
    RECEIVE = 2
    RATE = 3


@dataclass(frozen=True)
class Need:
    """Another device's register at ``address`` has to hold ``value`` (in place) in ``mask``.

    Where it does not, a device that needs it to run reads 0 and takes no writes, and a UART neither
    sends nor receives what it needs it for; what it needs for the rate of the line makes garbage of
    both.
    """

    purpose: Purpose
    address: int
    mask: int
    value: int


@dataclass(frozen=True)
class Fixed:
    """The bits ``mask`` of the register at ``offset`` always read as ``value`` (in place)."""

    offset: int
    mask: int
    value: int


@dataclass(frozen=True)
class Device:
    """A window of registers.

    Attributes:
        name: As in the reference manual.
        base: First address.
        size: Bytes.
        kind: How it behaves.
        rules: Bits that the hardware sets.
        reset: (offset, value) of registers that are not 0 after a reset.
        divider: CPU clocks per tick, of counters.
        needs: What other devices have to be set to.
    """

    name: str
    base: int
    size: int = 0x400
    kind: DeviceKind = DeviceKind.REGISTERS
    rules: tuple[Follow | Fixed, ...] = ()
    reset: tuple[tuple[int, int], ...] = ()
    divider: int = 1
    needs: tuple[Need, ...] = ()
