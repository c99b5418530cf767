"""Makes the entry of a board that is plugged in."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edgebottle.errors import BadInput
from hil.bench.attached import AttachedPort, attached_ports, entry_of
from hil.bench.entries import Bench, BenchEntry
from hil.bench.meters.finding import attached_meters
from hil.bench.meters.kinds import METERS, kind_of
from hil.bench.meters.recording import MeterSettings


def new_port(
    bench: Bench | None, *, device: str | None = None, serial: str | None = None
) -> AttachedPort:
    """The one port of a USB device that no board of the bench has.

    Args:
        bench: The boards that there are; None for none.
        device: The port that is meant.
        serial: Or the serial number of its device.

    Raises:
        BadInput: there is no such port, or several; they are named.
    """
    entries = () if bench is None else bench.entries
    ports = attached_ports()
    fitting = [
        port
        for port in ports
        if (device is None or port.device == device) and (serial is None or port.serial == serial)
    ]
    if device is None and serial is None:
        fitting = [port for port in fitting if kind_of(port.usb) is None]  # a meter is no board
    new = [port for port in fitting if entry_of(port, entries) is None]
    devices = {(port.usb, port.serial) for port in new}
    if len(devices) == 1 and (new[0].serial or len(new) == 1):
        return new[0]
    if new:
        raise BadInput(f"several boards are new: {_words(new)}; choose with --serial or --port")
    if fitting:
        known = entry_of(fitting[0], entries)
        assert known is not None
        raise BadInput(f"{fitting[0].device} belongs to '{known.name}' already")
    there = f"; there is {_words(ports)}" if ports else "; nothing with a serial port is plugged in"
    raise BadInput(f"no such board is plugged in{there}")


def free_name(board: str, bench: Bench | None) -> str:
    """A name that no board of the bench has: the id, or that with a number."""
    taken = {entry.name for entry in bench.entries} if bench else set()
    number, name = 1, board
    while name in taken:
        number += 1
        name = f"{board}-{number}"
    return name


def new_meter(bench: Bench | None, volts: float) -> MeterSettings:
    """The one meter with a serial port that no board of the bench has.

    Args:
        bench: The boards that there are; None for none.
        volts: Of the board's supply.

    Raises:
        BadInput: there is none, or several; they are named.
    """
    known = {entry.meter.serial for entry in (bench.entries if bench else ()) if entry.meter}
    new = [port for port in attached_meters() if not port.serial or port.serial not in known]
    if len(new) > 1:
        raise BadInput(f"several meters are new: {_words(new)}; leave one plugged in")
    if not new:
        titles = ", ".join(kind.title for kind in METERS.values() if kind.has_port)
        raise BadInput(f"no new meter with a serial port is plugged in ({titles})")
    kind = kind_of(new[0].usb)
    assert kind is not None
    return MeterSettings(kind.name, serial=new[0].serial or None, volts=volts)


def section_of(entry: BenchEntry) -> str:
    """An entry as ``bench.toml`` has it; power, resets and quarantine are the user's to add."""
    said: dict[str, object] = {
        "board": entry.board,
        "driver": "virtual" if entry.is_virtual else None,
        "port": entry.port,
        "usb": entry.usb,
        "serial": entry.serial,
        "probe": entry.probe,
        "programmer": entry.programmer,
    }
    # A JSON string is a TOML string as well.
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items() if value is not None]
    name = json.dumps(entry.name) if "." in entry.name else entry.name
    if entry.meter is not None:
        meter = {"kind": entry.meter.kind, "serial": entry.meter.serial, "volts": entry.meter.volts}
        lines += ["", f"[board.{name}.meter]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in meter.items() if value]
    return "\n".join([f"[board.{name}]", *lines])


def _words(ports: Sequence[AttachedPort]) -> str:
    return ", ".join(
        f"{port.device} ({port.description or port.usb}, serial {port.serial or 'none'})"
        for port in ports
    )
