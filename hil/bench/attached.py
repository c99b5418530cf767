"""What is plugged into this computer, and which port belongs to a board of the bench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebottle.errors import BoardError
from edgebottle.operating_system import can_wait_for_files
from hil.bench.entries import BenchEntry
from hil.link import local_port


@dataclass(frozen=True)
class AttachedPort:
    """A serial port of a USB device.

    Attributes:
        device: Such as ``/dev/ttyACM0``.
        usb: Vendor and product, such as ``0483:374B``.
        serial: Number of the device; "" where it has none.
        description: What it calls itself.
        location: Where it is plugged in; sorts the ports of one device.
    """

    device: str
    usb: str
    serial: str
    description: str
    location: str = ""


def attached_ports() -> tuple[AttachedPort, ...]:
    """The serial ports of all USB devices, in a fixed order."""
    from serial.tools import list_ports

    found = [
        AttachedPort(
            port.device,
            f"{port.vid:04X}:{port.pid:04X}",
            str(port.serial_number or ""),
            str(port.product or port.description or ""),
            str(port.location or ""),
        )
        for port in list_ports.comports()
        if port.vid is not None and port.pid is not None
    ]
    return tuple(sorted(found, key=lambda port: (port.serial, port.location, port.device)))


_BOARDS = {"03EB:2157": "arduino_zero"}
"""By the USB device of a board's own interface (Arduino's boards.txt)."""

_MICROBIT = re.compile("990[01]")
"""How serial numbers of a micro:bit's interface begin, of version 1 (micro:bit's DAPLink)."""


def likely_board(port: AttachedPort) -> str | None:
    """The id of the board that a port belongs to, where its interface is of that board alone."""
    if port.usb == "0D28:0204" and _MICROBIT.match(port.serial):
        return "microbit"
    return _BOARDS.get(port.usb)


def entry_of(port: AttachedPort, entries: Sequence[BenchEntry]) -> BenchEntry | None:
    """The board of a bench that is at a port already."""
    for entry in entries:
        is_device = entry.serial is not None and entry.serial == port.serial
        if is_device or entry.port == port.device or (entry.probe and entry.probe == port.serial):
            return entry
    return None


def port_of(entry: BenchEntry) -> str:
    """The port of a real board, wherever it is plugged in now.

    Raises:
        BoardError: it is not there, or several devices fit.
    """
    if entry.port is not None:
        device = local_port(entry.port)
        if device is not None and "://" not in entry.port:
            _check_there(device)
        return entry.port
    fitting = [
        port
        for port in attached_ports()
        if (not entry.usb or port.usb == entry.usb)
        and (not entry.serial or port.serial == entry.serial)
    ]
    numbers = sorted({port.serial for port in fitting})
    if len(numbers) > 1:
        raise BoardError(
            f"several devices are {entry.place} ({', '.join(numbers)}): "
            f"give the serial number of '{entry.name}'"
        )
    if len(fitting) <= entry.port_number:
        has = f"has {len(fitting)} serial ports" if fitting else "is not plugged in"
        raise BoardError(f"{entry.name} ({entry.place}) {has}")
    return fitting[entry.port_number].device


def _check_there(device: str) -> None:
    """Raises ``BoardError`` for a port of this computer that is gone."""
    if can_wait_for_files() and not Path(device).exists():
        raise BoardError(f"there is no port {device}")
