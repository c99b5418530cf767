"""Which debug probe belongs to a board, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from hil.bench.power import PowerSwitch

_SEGGER = 0x1366

_PROBES = {
    0x0483: "ST-Link",
    _SEGGER: "J-Link",
    0x0D28: "DAPLink",
    0x03EB: "Atmel EDBG",
    0x2E8A: "Raspberry Pi Debug Probe",
}
"""USB vendors of probes that have a serial port of the board too, under one serial number (OpenOCD,
contrib/60-openocd.rules)."""


RESETS = ("break", "dtr", "probe")
"""How a real board can be restarted: a break on its line, a pulse of DTR, or by its probe."""


MAX_BAUD = 1_000_000
"""What the firmware allows at most (EB_PORT_MAX_BAUD)."""


@dataclass(frozen=True)
class ProbeChoice:
    """How a real board is flashed, restarted and talked to.

    Attributes:
        programmer: The only program that may do it; None: the first of the table that can.
        serial: Serial number of the probe; None: that of the board's serial port, where the two
            are one device, else whichever probe the programmer finds.
        recover: The chip is unlocked and erased first; all that is in it is lost.
        write: False: the firmware is in the chip already. None: so it is behind a network URL,
            unless programmer or probe say that the board hangs on this computer as well.
        resets: How it may be restarted, of ``RESETS``.
        power: Switches its power, which is the last way to restart it; None where nothing does, or
            whoever measures does it on his own account.
        max_baud: What its line may be raised to; at most 1,000,000 is ever asked for.
    """

    programmer: str | None = None
    serial: str | None = None
    recover: bool = False
    write: bool | None = None
    resets: tuple[str, ...] = RESETS
    power: PowerSwitch | None = None
    max_baud: int = MAX_BAUD

    def writes(self, is_local: bool) -> bool:
        """Whether the board is flashed, whose port is one of this computer or a network URL."""
        if self.write is not None:
            return self.write
        return is_local or self.recover or self.programmer is not None or self.serial is not None


def probe_at(device: str) -> str | None:
    """Serial number of the probe that the serial port ``device`` is a part of, None if of none."""
    from serial.tools import list_ports

    for port in list_ports.comports():
        if port.device == device and port.vid in _PROBES and port.serial_number:
            # SEGGER fills the number of its USB descriptor up with zeros; no tool takes them.
            number = str(port.serial_number)
            return number.lstrip("0") if port.vid == _SEGGER else number
    return None
