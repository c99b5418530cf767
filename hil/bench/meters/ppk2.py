"""Nordic's Power Profiler Kit II, by the library ``ppk2-api``.

A sample is four bytes: current in bits 0 to 13, range in 14 to 16, a counter in 18 to 23, and the
eight digital inputs in 24 to 31 (nRF Connect for Desktop, Power Profiler). The library turns the
first two into microamperes; that no sample is missing is checked here, by the counter.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import ToolMissing
from hil.bench.meters.recording import Floats, MeterFault, MeterRecording, MeterSettings

RATE = 100_000
POLL_SECONDS = 0.002
QUIET_SECONDS = 0.2
"""Without samples: there are no more."""

END_SECONDS = 5.0
COUNTER = 64
MICRO = 1e-6


class Ppk2:
    """A PPK2, as source meter or as ampere meter."""

    def __init__(self, api: Any, port: str, settings: MeterSettings) -> None:
        """Takes the library's object; ``open`` makes it."""
        self._api, self._port, self._settings = api, port, settings
        self._bytes = bytearray()
        self._stopping = threading.Event()
        self._reader: threading.Thread | None = None
        self._error: OSError | None = None
        self._ended = 0.0

    @classmethod
    def open(cls, port: str, settings: MeterSettings) -> Self:
        """Connects, and reads its calibration.

        Raises:
            MeterFault: there is no such port, or no PPK2 answers.
            ToolMissing: the library is not installed.
        """
        try:
            from ppk2_api.ppk2_api import PPK2_API
        except ImportError as error:
            raise ToolMissing(
                "a PPK2 needs its library: pip install 'edgebottle[power]'"
            ) from error
        try:
            api = PPK2_API(port, timeout=1, write_timeout=1, exclusive=True)
            api.stop_measuring()  # whoever had it before may have left it running
            time.sleep(QUIET_SECONDS)
            api.get_data()
            is_known = api.get_modifiers()
        except (OSError, UnicodeDecodeError) as error:
            raise MeterFault(f"the meter at {port}: {error}") from error
        if not is_known:
            raise MeterFault(f"{port} sends no calibration: is it a PPK2, and free?")
        return cls(api, port, settings)

    @property
    def name(self) -> str:
        """See ``Meter``."""
        version = self._api.modifiers.get("HW")
        return f"PPK2 {version}".replace("None", "").strip()

    def supply(self) -> None:
        """See ``Meter``."""
        if self._settings.supplies:
            self._api.use_source_meter()
        else:
            self._api.use_ampere_meter()
        self._api.set_source_voltage(round(self._settings.volts * 1000))
        self._api.toggle_DUT_power("ON")

    def start(self) -> None:
        """See ``Meter``."""
        self._bytes.clear()
        self._stopping.clear()
        self._error, self._ended = None, time.monotonic()
        self._api.start_measuring()
        self._reader = threading.Thread(target=self._read, name="ppk2", daemon=True)
        self._reader.start()

    def stop(self) -> MeterRecording:
        """See ``Meter``."""
        assert self._reader is not None, "start() first"
        with contextlib.suppress(OSError):
            self._api.stop_measuring()
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < min(end, self._ended + QUIET_SECONDS):
            time.sleep(POLL_SECONDS)
        self._stopping.set()
        self._reader.join()
        if self._error is not None:
            raise MeterFault(f"{self.name} is gone: {self._error}") from self._error
        raw = bytes(self._bytes[: len(self._bytes) // 4 * 4])
        if not raw:
            raise MeterFault(f"{self.name} sent no samples")
        self._api.remainder = {"sequence": b"", "len": 0}
        micros, _ = self._api.get_samples(raw)
        words = np.frombuffer(raw, dtype="<u4")
        joules = np.array(micros) * MICRO * self._settings.volts / RATE
        joules, places = _with_gaps(joules, words)
        high = (words >> (24 + self._settings.channel) & 1).astype(np.int8)
        falls = np.flatnonzero(np.diff(high) < 0) + 1
        edges = tuple(float(places[fall]) for fall in falls)
        return MeterRecording(joules, 1 / RATE, self._settings.volts, edges, self._ended)

    def close(self) -> None:
        """See ``Meter``."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._api.ser.close()

    def _read(self) -> None:
        try:
            while not self._stopping.is_set():
                data = self._api.get_data()
                if data:
                    self._bytes += data
                    self._ended = time.monotonic()
                else:
                    time.sleep(POLL_SECONDS)
        except OSError as error:
            self._error = error


def _with_gaps(joules: Floats, words: NDArray[np.uint32]) -> tuple[Floats, NDArray[np.int64]]:
    """Samples with those that the counter says are missing, and where each of ``words`` is now."""
    counter = (words >> 18 & (COUNTER - 1)).astype(np.int64)
    skipped = (np.diff(counter, prepend=counter[:1] - 1) - 1) % COUNTER
    places = np.arange(len(words)) + np.cumsum(skipped)
    found = np.full(int(places[-1]) + 1, math.nan)
    found[places] = joules
    return found, places
