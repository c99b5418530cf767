"""What is asked of a power meter, and what it brings back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import BoardError

Floats = NDArray[np.float64]

INPUT, HOST = "input", "host"
"""Who says when inferences begin and end: the meter's digital input, or this computer's clock."""


class MeterFault(BoardError):
    """The meter, or what is wired to it, cannot be used; the firmware is not to blame."""


@dataclass(frozen=True)
class MeterSettings:
    """The meter of one board of the bench.

    Attributes:
        kind: Of ``kinds.METERS``.
        port: Its serial port; None where its USB device is searched for.
        serial: Serial number of that; None for the only one.
        volts: What the board is supplied with.
        supplies: The meter supplies the board; False: it measures what flows through it.
        pulse: ``input`` or ``host``.
        channel: Number of the digital input.
    """

    kind: str
    port: str | None = None
    serial: str | None = None
    volts: float = 3.3
    supplies: bool = True
    pulse: str = INPUT
    channel: int = 0


@dataclass(frozen=True)
class MeterRecording:
    """What a meter saw from ``start`` to ``stop``.

    Attributes:
        joules: Energy of each sample; not a number where one was lost.
        period: Seconds of a sample.
        volts: Supply of the board, mean.
        edges: Where the digital input fell, in samples from the start.
        ended: When the last sample was taken, on the clock of ``time.monotonic()``.
    """

    joules: Floats
    period: float
    volts: float
    edges: tuple[float, ...]
    ended: float


class Meter(Protocol):
    """A meter that is connected."""

    @property
    def name(self) -> str:
        """What it is, with its firmware's version or its serial number."""

    def supply(self) -> None:
        """Gives the board its voltage, where the meter supplies it; raises ``MeterFault``."""

    def start(self) -> None:
        """Begins to record; raises ``MeterFault``."""

    def stop(self) -> MeterRecording:
        """Ends that; raises ``MeterFault`` where the recording cannot be used."""

    def close(self) -> None:
        """Lets go of it; the board keeps its supply."""
