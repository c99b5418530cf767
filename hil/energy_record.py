"""What a board took from its supply, as a record has it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

MICRO, MILLI = 1e-6, 1e-3


@dataclass(frozen=True)
class EnergyRecord:
    """Energy of inferences, measured.

    Attributes:
        meter: What measured it.
        pulses: Who said when they began and ended: ``input`` of the meter, or the ``host``'s clock.
        runs: In each window.
        seconds: Of a window, median.
        volts: Of the supply, mean.
        mean_amps: During the windows.
        peak_amps: Largest of a sample.
        sample_seconds: How long a sample is.
        joules: Of one run: the mean of each window.
    """

    meter: str
    pulses: str
    runs: int
    seconds: float
    volts: float
    mean_amps: float
    peak_amps: float
    sample_seconds: float
    joules: tuple[float, ...]

    @property
    def median_joules(self) -> float:
        """Of one run: the median of all windows."""
        return statistics.median(self.joules)

    @property
    def words(self) -> str:
        """What a reader should know beside the energy."""
        count = len(self.joules)
        windows = f"{count} windows" if count > 1 else "one window"
        spread = ""
        if count > 1:
            spread = (
                f", standard deviation {statistics.stdev(self.joules) / self.median_joules:.2%}"
            )
        clock = "" if self.pulses == "input" else "; begin and end by the host's clock"
        return (
            f"one run, measured at {self.volts:.3f} V: {self.mean_amps / MILLI:.3f} mA, peak "
            f"{self.peak_amps / MILLI:.3f} mA; {windows} of {self.seconds:.3f} s{spread}; "
            f"{self.meter}{clock}"
        )

    @classmethod
    def from_json(cls, data: Any) -> EnergyRecord | None:
        """Inverse of ``dataclasses.asdict``; None for None; raises ``TypeError`` for all else."""
        return None if data is None else cls(**{**data, "joules": tuple(data["joules"])})


def microjoules(joules: float) -> str:
    """For people: ``1,234.567 uJ``."""
    return f"{joules / MICRO:,.3f} uJ"
