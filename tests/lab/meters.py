"""Meters that are none: each says what the real one would, of a made-up supply and pin."""

from __future__ import annotations

import math
import os
import pty
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np

from hil.virtual.client import VirtualBoard

PROMPT = b"PowerShield > "
LEAD = 0.02
"""Seconds that a recording begins before the first pulse, and ends after the last."""


@dataclass(frozen=True)
class Supply:
    """What a board takes, and its pin.

    Attributes:
        falls: When the pin falls, in seconds; each time for a millisecond.
        seconds: How long it is looked at.
        idle: Watts outside of the pulses.
        busy: Watts between the first fall and the last.
        volts: Of the supply.
    """

    falls: tuple[float, ...] = (0.02, 0.52)
    seconds: float = 0.54
    idle: float = 0.001
    busy: float = 0.020
    volts: float = 3.3

    def watts(self, times: np.ndarray) -> np.ndarray:
        """At each time."""
        if not self.falls:
            return np.full(len(times), self.idle)
        inside = (times >= self.falls[0]) & (times < self.falls[-1])
        return np.where(inside, self.busy, self.idle)

    def level(self, times: np.ndarray) -> np.ndarray:
        """Of the pin at each time: 1 where it is high."""
        high = np.ones(len(times), dtype=np.int64)
        for fall in self.falls:
            high[(times >= fall) & (times < fall + 0.001)] = 0
        return high


def supply_of(virtual: VirtualBoard, hz: int) -> Callable[[], Supply]:
    """What a virtual board has taken since the last time that this was asked, by its own clock."""
    seen = len(virtual.pin_levels())

    def supply() -> Supply:
        nonlocal seen
        levels = virtual.pin_levels()
        new, seen = levels[seen:], len(levels)
        times = [level.instructions / hz for level in new if not level.is_high]
        if not times:
            return Supply((), 2 * LEAD)
        falls = tuple(time - times[0] + LEAD for time in times)
        return Supply(falls, falls[-1] + LEAD)

    return supply


class PtyDevice:
    """A device at a pseudo terminal.

    Attributes:
        port: Its name.
        heard: What it was told, in order.
    """

    def __init__(self, supply: Callable[[], Supply]) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self._slave = slave
        self.port = os.ttyname(slave)
        self.heard: list[Any] = []
        self._supply = supply
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._slave)
        self._thread.join(5)
        os.close(self._master)

    def unplug(self) -> None:
        """Ends it."""
        os.close(self._slave)

    def say(self, data: bytes) -> None:
        """Sends all of it."""
        while data:
            data = data[os.write(self._master, data) :]

    def _serve(self) -> None:
        try:
            while data := os.read(self._master, 4096):
                self.hear(data)
        except OSError:
            return

    def hear(self, data: bytes) -> None:
        """What has come."""
        raise NotImplementedError


class FakeLpm01a(PtyDevice):
    """Answers as UM2269 says; the stream comes when it is stopped.

    Attributes:
        volts: That it says to have set; None: what it was told.
        mend: What is done to the lines of the stream before they are sent.
        answers: It answers at all.
    """

    volts: float | None = None
    answers = True
    refuses = ""

    def __init__(self, supply: Callable[[], Supply]) -> None:
        super().__init__(supply)
        self.mend: Callable[[list[str]], list[str]] = lambda lines: lines
        self._rest = b""
        self._asked = 3.3

    def hear(self, data: bytes) -> None:
        self._rest += data
        *lines, self._rest = self._rest.split(b"\r\n")
        for line in lines:
            self._command(line.decode())

    def _command(self, line: str) -> None:
        self.heard.append(line)
        if not self.answers:
            return
        if self.refuses and line.startswith(self.refuses):
            self.say(PROMPT + f"err {line}\r\nError detail: out of range\r\n".encode())
            return
        answer = line
        if line == "version":
            answer = "version: 1.0.6"
        elif line == "volt get":
            answer = f"volt get {round((self.volts or self._asked) * 1000)}m"
        elif line.startswith("volt "):
            self._asked = int(line.removeprefix("volt ").removesuffix("m")) / 1000
        self.say(PROMPT + f"ack {answer}\r\n".encode())
        if line == "start":
            self._supply()  # what was before is not in the stream
        if line == "stop":
            for text in (*self.mend(list(self._stream())), "end"):
                self.say(f"{text}\r\n".encode())
            self.say(b"summary begin\r\n0100-08\r\n2000-05\r\nsummary end\r\n")

    def _stream(self) -> Iterator[str]:
        supply = self._supply()
        fine = (np.arange(math.ceil(supply.seconds * 1000) * 100) + 0.5) / 1e5
        joules = (supply.watts(fine) / 1e5).reshape(-1, 100).sum(axis=1)
        falls = [round(fall * 1000) for fall in supply.falls]
        for number, value in enumerate(joules):
            if number % 1000 == 0:
                yield f"TimeStamp: {number // 1000:03}s {number % 1000:03}ms, buff 02%"
            power = math.floor(math.log10(value)) - 3
            yield f"{round(value / 10**power):04}{power:+03}"
            for event, fall in enumerate(falls):
                if fall == number + 1:
                    yield f"event {event} ris"


class FakePpk2(PtyDevice):
    """Speaks a PPK2's bytes: metadata as text, samples of four bytes.

    Attributes:
        mend: What is done to the bytes of the stream before they are sent.
        metadata: What it says of its calibration.
        channel: Input at which the pin is.
    """

    metadata = "".join(
        f"{key}{number}: {value}\n"
        for key, values in {
            "R": (1000, 100, 10, 1, 0.1),
            "GS": (1,) * 5,
            "GI": (1,) * 5,
            "O": (0,) * 5,
            "S": (0,) * 5,
            "I": (0,) * 5,
            "UG": (1,) * 5,
        }.items()
        for number, value in enumerate(values)
    )
    channel = 0

    def __init__(self, supply: Callable[[], Supply]) -> None:
        super().__init__(supply)
        self.mend: Callable[[bytes], bytes] = lambda data: data
        self._is_measuring = False

    def hear(self, data: bytes) -> None:
        arguments = {0x0D: 2, 0x0C: 1, 0x11: 1}
        while data:
            count = 1 + arguments.get(data[0], 0)
            command, data = data[:count], data[count:]
            self.heard.append(tuple(command))
            if command[0] == 0x19:
                text = f"Calibrated: 0\n{self.metadata}HW: 9173\nIA: 56\nEND"
                self.say(text.encode())
            elif command[0] == 0x06:
                self._is_measuring = True
                self._supply()  # what was before is not in the stream
            elif command[0] == 0x07 and self._is_measuring:
                self._is_measuring = False
                self.say(self.mend(self._stream()))

    def _stream(self) -> bytes:
        """All in range 3, of 1 ohm: the library's amperes are 4 x value x 1.8 / 163840."""
        supply = self._supply()
        times = (np.arange(round(supply.seconds * 1e5)) + 0.5) / 1e5
        amps = supply.watts(times) / supply.volts
        value = np.round(_inverse(amps) / 4 / (1.8 / 163840)).astype(np.int64)
        counter = np.arange(len(times)) % 64
        words = value | 3 << 14 | counter << 18 | supply.level(times) << 24 + self.channel
        return words.astype("<u4").tobytes()


def _inverse(amps: np.ndarray) -> np.ndarray:
    """What the library's gains make ``amps`` of: x * (x + 1)."""
    return np.sqrt(amps + 0.25) - 0.5


def metadata_without_end(device: FakePpk2) -> None:
    """It says nothing of its calibration."""
    device.hear = lambda data: device.heard.append(data)  # type: ignore[method-assign]


class FakeJoulescope:
    """A device of the library ``joulescope``, as far as the driver asks it.

    Attributes:
        settings: Parameters that were set.
        mend: What is done to the fields of the stream before they are handed over.
    """

    def __init__(self, supply: Callable[[], Supply], serial: str = "001234") -> None:
        self.serial_number = serial
        self.settings: dict[str, Any] = {}
        self.mend: Callable[[dict[str, np.ndarray]], None] = lambda fields: None
        self.is_open = False
        self._supply = supply
        self.stream_buffer: Any = self
        self._fields: dict[str, np.ndarray] = {}
        self.refuses = ""

    def __str__(self) -> str:
        return f"JS220-{self.serial_number}"

    def open(self) -> None:
        if self.refuses == "open":
            raise RuntimeError("jsdrv_open timed out")
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def parameter_set(self, name: str, value: Any) -> None:
        self.settings[name] = value

    def start(self) -> None:
        self._supply()  # what was before is not in the stream
        self._fields = self._made(Supply((), 0.01))

    def stop(self) -> None:
        pass

    def finish(self) -> None:
        """All that the board has taken has come."""
        first, supply = self._fields, self._made(self._supply())
        self.mend(supply)
        self._fields = {name: np.concatenate([first[name], supply[name]]) for name in first}

    def _made(self, supply: Supply) -> dict[str, np.ndarray]:
        times = (np.arange(round(supply.seconds * 1e6)) + 0.5) / 1e6
        volts = np.full(len(times), supply.volts)
        level = supply.level(times)
        return {
            "current": supply.watts(times) / volts,
            "voltage": volts,
            "current_lsb": level,
            "voltage_lsb": level,
        }

    @property
    def sample_id_range(self) -> tuple[int, int]:
        return 1000, 1000 + len(self._fields["current"])

    def samples_get(self, first: int, last: int, fields: list[str]) -> dict[str, Any]:
        part = slice(first - 1000, last - 1000)
        return {"signals": {name: {"value": self._fields[name][part]} for name in fields}}


def library(*devices: FakeJoulescope) -> ModuleType:
    """A module ``joulescope`` that finds these."""
    made = ModuleType("joulescope")
    made.scan = lambda name=None, config=None: list(devices)  # type: ignore[attr-defined]
    return made
