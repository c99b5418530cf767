"""ST's X-NUCLEO-LPM01A, by the text that it speaks over its serial port.

Source: ST UM2269 (PowerShield firmware), 4.2 to 4.4. Events of the digital input came with a later
firmware; their lines are as MLCommons' runner of MLPerf Tiny reads them.
"""

from __future__ import annotations

import math
import re
import threading
import time
from typing import Self

import numpy as np

from edgebottle.errors import BoardError
from hil.bench.meters.recording import MeterFault, MeterRecording, MeterSettings
from hil.link import Link

BAUD = 3_686_400
RATE = 1000
"""Samples per second. Each is the energy since the last one: nothing falls between two."""

SET_UP = (
    "htc",
    "acqtime inf",
    "trigdelay 0",
    "trigsrc sw",
    "eventsrc d7 fal",
    "output energy",
    "format ascii_dec",
    "freq 1k",
)
PROMPT = "PowerShield > "
ANSWER_SECONDS = 3.0
END_SECONDS = 10.0
MAX_BUFFER = 90
"""Percent of the meter's own buffer; it stops where that is full."""

VOLT_TOLERANCE = 0.02
"""Of the voltage that it says to have set."""

_SAMPLE = re.compile(r"(\d{4})([+-]\d{2})")
_TIME = re.compile(r"TimeStamp:[ ><]*(\d+)s (\d+)ms, buff (\d+)%")
_EVENT = re.compile(r"event (\d+) (?:ris|fal)")
_VOLTS = re.compile(r"(\d+(?:\.\d+)?)(m|[+-]\d+)?\s*V?$")
_END = ("end", "Acquisition completed")


class Lpm01a:
    """A PowerShield under the host's control."""

    def __init__(self, link: Link, settings: MeterSettings) -> None:
        """Takes an open line; ``open`` sets it up."""
        self._link, self._settings = link, settings
        self._version = ""
        self._lines: list[str] = []
        self._reader: threading.Thread | None = None
        self._error: BoardError | None = None
        self._ended = 0.0

    @classmethod
    def open(cls, port: str, settings: MeterSettings) -> Self:
        """Connects, and sets up what does not touch the board; raises ``MeterFault``."""
        try:
            link = Link.open(port, BAUD)
        except BoardError as error:
            raise MeterFault(f"the meter: {error}") from error
        meter = cls(link, settings)
        try:
            meter._version = meter._ask("version").rpartition(":")[2].strip()
        except BaseException:
            link.close()
            raise
        return meter

    @property
    def name(self) -> str:
        """See ``Meter``."""
        return f"X-NUCLEO-LPM01A {self._version}".strip()

    def supply(self) -> None:
        """See ``Meter``."""
        for command in SET_UP:
            self._ask(command)
        wanted = self._settings.volts
        self._ask(f"volt {round(wanted * 1000)}m")
        volts = _volts(self._ask("volt get"))
        if volts is not None and abs(volts - wanted) > VOLT_TOLERANCE * wanted:
            raise MeterFault(f"{self.name}: asked for {wanted:g} V, it says {volts:g} V")
        self._ask("pwr on nostatus")

    def start(self) -> None:
        """See ``Meter``."""
        self._lines, self._error = [], None
        self._ask("start")
        self._reader = threading.Thread(target=self._read, name="lpm01a", daemon=True)
        self._reader.start()

    def stop(self) -> MeterRecording:
        """See ``Meter``."""
        assert self._reader is not None, "start() first"
        self._link.send(b"stop\r\n")
        self._reader.join(END_SECONDS)
        if self._error is not None:
            raise MeterFault(f"{self.name}: {self._error}") from self._error
        if self._reader.is_alive():
            raise MeterFault(f"{self.name} does not stop within {END_SECONDS:g} s")
        joules, edges = _decoded(self._lines, self.name)
        return MeterRecording(joules, 1 / RATE, self._settings.volts, edges, self._ended)

    def close(self) -> None:
        """See ``Meter``."""
        self._link.close()

    def _read(self) -> None:
        """Takes every line of the stream until its end."""
        try:
            while True:
                raw = self._link.read_line(time.monotonic() + 0.2)
                line = (raw or b"").decode("ascii", errors="replace").replace(PROMPT, "").strip()
                if line.startswith(_END):
                    return
                if line:
                    self._lines.append(line)
                    self._ended = time.monotonic()
        except BoardError as error:
            self._error = error

    def _ask(self, command: str) -> str:
        """What stands behind the acknowledgement of a command."""
        self._link.send(f"{command}\r\n".encode())
        end, word = time.monotonic() + ANSWER_SECONDS, command.split()[0]
        while (raw := self._link.read_line(end)) is not None:
            line = raw.decode("ascii", errors="replace").replace(PROMPT, "").strip()
            if line.startswith(f"ack {word}"):
                return line.removeprefix(f"ack {word}").strip()
            if line.startswith(("err ", "error ")):
                detail = self._link.read_line(time.monotonic() + 0.2) or b""
                said = detail.decode("ascii", errors="replace").strip()
                raise MeterFault(f"the meter refuses `{command}`: {said or line}")
        raise MeterFault(
            f"{self._link.url} does not answer `{command}`: is it an X-NUCLEO-LPM01A, and free?"
        )


def _volts(answer: str) -> float | None:
    """Of ``get 3300m``, ``3300-03`` or ``3.3``; None for what is none of them."""
    found = _VOLTS.search(answer)
    if found is None:
        return None
    scale = found[2] or ""
    power = -3 if scale == "m" else int(scale or 0)
    return float(found[1]) * 10.0**power


def _decoded(lines: list[str], name: str) -> tuple[np.ndarray, tuple[float, ...]]:
    """Energy of each sample and the edges of a stream; lost samples are not a number."""
    joules: list[float] = []
    edges: list[float] = []
    last: tuple[int, int] | None = None  # milliseconds, samples
    event: int | None = None
    for line in lines:
        if (sample := _SAMPLE.fullmatch(line)) is not None:
            joules.append(int(sample[1]) * 10.0 ** int(sample[2]))
        elif (found := _TIME.match(line)) is not None:
            if int(found[3]) >= MAX_BUFFER:
                raise MeterFault(f"{name}: its buffer overflows ({found[3]} %): the host is busy")
            millis = int(found[1]) * 1000 + int(found[2])
            if last is not None:
                missing = (millis - last[0]) * RATE // 1000 - (len(joules) - last[1])
                joules += [math.nan] * max(0, missing)
            last = millis, len(joules)
        elif (found := _EVENT.match(line)) is not None:
            if event is not None and int(found[1]) != event + 1:
                raise MeterFault(f"{name}: events {event} to {found[1]}: some were lost")
            event = int(found[1])
            edges.append(len(joules))
        elif line.startswith(("error", "err ")) or "overcurrent" in line.lower():
            raise MeterFault(f"{name} says: {line}")
        elif line[0].isdigit():
            joules.append(math.nan)  # garbled
    return np.array(joules), tuple(edges)
