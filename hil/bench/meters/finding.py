"""How a meter is found and opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hil.bench.attached import AttachedPort, attached_ports
from hil.bench.meters.kinds import METERS, kind_of
from hil.bench.meters.recording import Meter, MeterFault, MeterSettings


def meter_port(settings: MeterSettings) -> str:
    """The serial port of a meter, wherever it is plugged in now.

    Raises:
        MeterFault: it is not there, or there are several.
    """
    if settings.port is not None:
        return settings.port
    kind = METERS[settings.kind]
    fitting = [
        port
        for port in attached_ports()
        if port.usb in kind.usb and (settings.serial is None or port.serial == settings.serial)
    ]
    which = f" with serial number {settings.serial}" if settings.serial else ""
    if not fitting:
        raise MeterFault(f"no {kind.title} (USB {kind.usb[0]}){which} is plugged in")
    numbers = sorted({port.serial for port in fitting})
    if len(numbers) > 1:
        raise MeterFault(
            f"several {kind.title} are plugged in ({', '.join(numbers)}): give its serial number"
        )
    return fitting[0].device


def attached_meters() -> tuple[AttachedPort, ...]:
    """Meters with a serial port that are plugged in; of each its first port."""
    found: dict[tuple[str, str], AttachedPort] = {}
    for port in attached_ports():
        if kind_of(port.usb) is not None:
            found.setdefault((port.usb, port.serial), port)
    return tuple(found.values())


@contextmanager
def open_meter(settings: MeterSettings) -> Iterator[Meter]:
    """Connects to a meter.

    Raises:
        MeterFault: it is not there, or does not answer.
        ToolMissing: its library is not installed.
    """
    meter = _open(settings)
    try:
        yield meter
    finally:
        meter.close()


def _open(settings: MeterSettings) -> Meter:
    if settings.kind == "lpm01a":
        from hil.bench.meters.lpm01a import Lpm01a

        return Lpm01a.open(meter_port(settings), settings)
    if settings.kind == "ppk2":
        from hil.bench.meters.ppk2 import Ppk2

        return Ppk2.open(meter_port(settings), settings)
    from hil.bench.meters.joulescope import JoulescopeMeter

    return JoulescopeMeter.open(settings)
