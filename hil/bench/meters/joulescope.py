"""Jetperch's Joulescope JS110 and JS220, by the library ``joulescope``.

Current and voltage are multiplied sample by sample; energy is kept in samples of 0.1 ms, edges of
the digital input to the microsecond. The library fills in what the device did not deliver with
values that are no numbers.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Self

import numpy as np

from edgebottle.errors import ToolMissing
from hil.bench.meters.recording import Floats, MeterFault, MeterRecording, MeterSettings

RATE = 1_000_000
BLOCK = 100
"""Samples of the device in one of a recording."""

POLL_SECONDS = 0.05
START_SECONDS = 5.0
IO_VOLTS = (1.8, 2.1, 2.5, 2.7, 3.0, 3.3, 3.6, 5.0)
"""Levels that the digital inputs can be set for."""

FIELDS = ("current_lsb", "voltage_lsb")
"""In which of the stream's fields input 0 and input 1 are found."""

VOLT_TOLERANCE = 0.05
"""Of the supply that ``bench.toml`` names; a JS220 itself is far better."""


class JoulescopeMeter:
    """A Joulescope between supply and board."""

    def __init__(self, device: Any, settings: MeterSettings) -> None:
        """Takes the library's device, opened; ``open`` finds it."""
        self._device, self._settings = device, settings
        self._stopping = threading.Event()
        self._reader: threading.Thread | None = None
        self._error: Exception | None = None
        self._parts: list[tuple[Floats, Floats, Floats]] = []
        self._next: int | None = None
        self._lost = 0
        self._ended = 0.0

    @classmethod
    def open(cls, settings: MeterSettings) -> Self:
        """Finds and opens the device.

        Raises:
            MeterFault: there is none, there are several, or it cannot be opened.
            ToolMissing: the library is not installed.
        """
        try:
            import joulescope
        except ImportError as error:
            raise ToolMissing(
                "a Joulescope needs its library: pip install 'edgebottle[power]'"
            ) from error
        found = [
            device
            for device in joulescope.scan(config="ignore")
            if settings.serial in (None, device.serial_number)
        ]
        which = f" with serial number {settings.serial}" if settings.serial else ""
        if not found:
            raise MeterFault(f"no Joulescope{which} is plugged in")
        if len(found) > 1:
            names = ", ".join(str(device.serial_number) for device in found)
            raise MeterFault(f"several Joulescopes are plugged in ({names}): give a serial number")
        try:
            found[0].open()
        except Exception as error:  # the library raises whatever its driver does
            raise MeterFault(f"{found[0]} cannot be opened: {error}") from error
        return cls(found[0], settings)

    @property
    def name(self) -> str:
        """See ``Meter``."""
        return str(self._device)

    def supply(self) -> None:
        """See ``Meter``."""
        level = min(IO_VOLTS, key=lambda volts: abs(volts - self._settings.volts))
        for name, value in (
            ("sensor_power", "on"),
            ("source", "raw"),
            ("i_range", "auto"),
            ("sampling_frequency", RATE),
            ("io_voltage", f"{level:.1f}V"),
            (FIELDS[self._settings.channel], f"gpi{self._settings.channel}"),
        ):
            self._call(self._device.parameter_set, name, value)

    def start(self) -> None:
        """See ``Meter``."""
        self._parts, self._next, self._error, self._lost = [], None, None, 0
        self._stopping.clear()
        self._call(self._device.start)
        self._reader = threading.Thread(target=self._read, name="joulescope", daemon=True)
        self._reader.start()
        end = time.monotonic() + START_SECONDS  # nothing comes at once
        while not self._parts and self._error is None and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        if not self._parts:
            raise MeterFault(f"{self.name} sends no samples: {self._error or 'nothing came'}")

    def stop(self) -> MeterRecording:
        """See ``Meter``."""
        assert self._reader is not None, "start() first"
        time.sleep(2 * POLL_SECONDS)  # what was measured is on its way
        self._stopping.set()
        self._reader.join()
        self._call(self._device.stop)
        if self._error is not None:
            raise MeterFault(f"{self.name} is gone: {self._error}") from self._error
        amps, volts, level = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        supply = float(np.nanmean(volts))
        if abs(supply - self._settings.volts) > VOLT_TOLERANCE * self._settings.volts:
            raise MeterFault(
                f"{self.name} measures {supply:.3f} V, and bench.toml says "
                f"{self._settings.volts:g} V: is the supply on, and wired through it?"
            )
        whole = len(amps) // BLOCK * BLOCK
        joules = (amps * volts / RATE)[:whole].reshape(-1, BLOCK).sum(axis=1)
        falls = np.flatnonzero(np.diff((level > 0).astype(np.int8)) < 0) + 1
        edges = tuple(float(fall) / BLOCK for fall in falls)
        return MeterRecording(joules, BLOCK / RATE, supply, edges, self._ended)

    def close(self) -> None:
        """See ``Meter``."""
        self._stopping.set()
        with contextlib.suppress(Exception):  # whatever the library says of one that is gone
            self._device.close()

    def _call(self, function: Any, *values: Any) -> None:
        try:
            function(*values)
        except Exception as error:  # the library raises whatever its driver does
            raise MeterFault(f"{self.name}: {error}") from error

    def _read(self) -> None:
        try:
            while not self._stopping.is_set():
                self._take()
                time.sleep(POLL_SECONDS)
            self._take()
        except Exception as error:  # told by whoever waits
            self._error = error

    def _take(self) -> None:
        """Copies what has come since the last time; what the library has dropped is lost."""
        first, last = self._device.stream_buffer.sample_id_range
        if first is None or last is None or last <= (self._next or first):
            return
        begin = first if self._next is None else max(first, self._next)
        gap = 0 if self._next is None else begin - self._next
        fields = ["current", "voltage", FIELDS[self._settings.channel]]
        signals = self._device.stream_buffer.samples_get(begin, last, fields=fields)["signals"]
        taken = [np.asarray(signals[name]["value"], dtype=np.float64) for name in fields]
        missing = np.full(gap, np.nan)
        amps, volts, level = (np.concatenate([missing, values]) for values in taken)
        self._parts.append((amps, volts, level))
        self._next, self._ended = last, time.monotonic()
