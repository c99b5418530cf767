"""The meters that can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class MeterKind:
    """A model of meter.

    Attributes:
        name: As ``bench.toml`` has it.
        title: As it is sold.
        usb: Vendor and product of its USB device.
        volts: What it can supply, lowest and highest; None where it supplies nothing.
        channels: Digital inputs.
        has_port: It is reached over a serial port.
        must_supply: It measures only what it supplies.
    """

    name: str
    title: str
    usb: tuple[str, ...]
    volts: tuple[float, float] | None
    channels: int
    has_port: bool = True
    must_supply: bool = False


METERS: Mapping[str, MeterKind] = {
    kind.name: kind
    for kind in (
        MeterKind(
            "lpm01a", "X-NUCLEO-LPM01A", ("0483:5740",), (1.8, 3.3), channels=1, must_supply=True
        ),
        MeterKind("ppk2", "Power Profiler Kit II", ("1915:C00A",), (0.8, 5.0), channels=8),
        MeterKind(
            "joulescope", "Joulescope", ("16D0:10BA", "16D0:0E88"), None, channels=2, has_port=False
        ),
    )
}
"""By name. Sources: ST UM2269, the user guides of Nordic's PPK2 and Jetperch's JS110 and JS220."""


def kind_of(usb: str) -> MeterKind | None:
    """The kind of meter of a USB device; None for any other device."""
    return next((kind for kind in METERS.values() if usb.upper() in kind.usb), None)
