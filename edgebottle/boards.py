"""Board files: ``boards/<id>.toml`` to frozen ``Board`` objects."""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.data import data_dir
from edgebottle.errors import BadBoard, BoardNotFound


@dataclass(frozen=True)
class Region:
    """A memory region of the chip.

    Attributes:
        name: Lower-case name: ``flash``, ``ram``, or another RAM bank such as ``dtcm``.
        start: First address.
        size: Bytes.
        wait_states: CPU wait states of a read at the board's clock, before caches.
    """

    name: str
    start: int
    size: int
    wait_states: int = 0


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
class Board:
    """One board, as its TOML file says.

    Attributes:
        id: File name without suffix, such as ``stm32f746``.
        name: Full name, such as ``STM32F746G-DISCO``.
        vendor: Maker of the board.
        mcu: Full chip name.
        cpu: Core: ``cortex-m0``, ``cortex-m0plus``, ``cortex-m4``, ``cortex-m7``, ``cortex-m33``,
            ``rv32imac`` or ``host``.
        dsp: The core has the Armv7E-M DSP extension (SMLAD).
        fpu: Hardware single-precision floating point is used.
        clock_hz: CPU clock the port sets up.
        regions: Memory regions; ``flash`` and ``ram`` always exist (empty for ``host``).
        uart: Serial port, None for ``host``.
        cycle_counter: ``dwt``, ``timer:<ADDRESS>`` (a free-running 32-bit timer), ``mtime`` or
            ``host``.
        cycle_divider: CPU clocks per tick of the cycle counter.
        port: Folder below ``firmware/port/``: the chip family.
        platformio_board: Id of the board in ``firmware/platform``.
        upload: Default upload method: ``stlink``, ``jlink``, ``dfu``, ``mass-storage``, ``none``.
        virtual: A virtual board exists.
        tried_on_hardware: The port's clock and UART set-up was tried on the real board.
        stack_size: Bytes the linker script reserves for the stack.
    """

    id: str
    name: str
    vendor: str
    mcu: str
    cpu: str
    dsp: bool
    fpu: bool
    clock_hz: int
    regions: tuple[Region, ...]
    uart: Uart | None
    cycle_counter: str
    cycle_divider: int
    port: str
    platformio_board: str
    upload: str
    virtual: bool
    tried_on_hardware: bool
    stack_size: int

    def region(self, name: str) -> Region:
        """Returns the region called ``name``; raises ``BadBoard`` if there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise BadBoard(f"boards/{self.id}.toml has no memory region '{name}'")

    @property
    def is_host(self) -> bool:
        """True for the board that is this computer."""
        return self.cpu == "host"
