"""The port of a board, wherever its USB device is plugged in."""

import re
from collections.abc import Sequence

import pytest

from edgebottle.errors import BoardError
from hil.bench.attached import port_of
from hil.bench.entries import BenchEntry
from tests.lab.test_bench_commands import BUILT_IN, CABLE, OTHER, STLINK, UsbSerial


def jlink(number: int) -> UsbSerial:
    """One of the two ports of an interface of SEGGER's."""
    location = f"1-2:1.{2 * number}"
    return UsbSerial(f"/dev/ttyACM{9 - number}", 0x1366, 0x1055, "0010", "J-Link", "", location)


BY_SERIAL = BenchEntry("a", "nucleo_l4r5zi", usb="0483:374B", serial="066CFF31")
BY_KIND = BenchEntry("a", "nucleo_l4r5zi", usb="0483:374B")
TWO_PORTS = BenchEntry("a", "nrf52840dk", serial="0010", port_number=1)

# board, what is plugged in, its port or what is said
ROWS: list[tuple[BenchEntry, Sequence[UsbSerial], str]] = [
    (BY_SERIAL, [BUILT_IN, CABLE, OTHER, STLINK], "/dev/ttyACM0"),
    (BY_SERIAL, [OTHER], r"a \(USB 0483:374B serial 066CFF31\) is not plugged in"),
    (BY_SERIAL, [UsbSerial("/dev/ttyACM7", 0x0483, 0x374B, "066CFF31")], "/dev/ttyACM7"),
    (BY_KIND, [CABLE, OTHER], "/dev/ttyACM1"),
    (BY_KIND, [OTHER, STLINK], r"several devices are .*066CFF31, 066CFF99.*: give the serial"),
    (TWO_PORTS, [jlink(1), jlink(0)], "/dev/ttyACM8"),
    (TWO_PORTS, [jlink(0)], r"a \(USB serial 0010\) has 1 serial ports"),
    (BenchEntry("a", "microbit", port="/dev/no-such"), [], "there is no port /dev/no-such"),
    (BenchEntry("a", "microbit", port="socket://h:1"), [], "socket://h:1"),
]


@pytest.mark.parametrize(("entry", "ports", "found"), ROWS)
def test_ports(
    monkeypatch: pytest.MonkeyPatch, entry: BenchEntry, ports: Sequence[UsbSerial], found: str
) -> None:
    from serial.tools import list_ports

    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    try:
        assert port_of(entry) == found
    except BoardError as error:
        assert re.search(found, str(error)), error
