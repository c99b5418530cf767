"""Energy of an inference: what a meter recorded between the two pulses of a window."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hil.bench.meters.recording import INPUT, Meter, MeterFault, MeterRecording, MeterSettings
from hil.energy_record import EnergyRecord
from hil.session import Session

WINDOWS = 5
SECONDS = 1.0
"""Of a window, at least; a submission to MLPerf Tiny needs ten."""

WARMUPS = 10
MARGIN = 1.02
"""How much longer than asked for a window is planned: not every run takes as long as the first."""

PULSES = 2
"""Of a window."""

MAX_CLOCK_ERROR = 0.02
"""Of board and meter together: beyond it samples are missing, or a pulse is of something else."""


@dataclass(frozen=True)
class EnergyWindow:
    """A window.

    Attributes:
        joules: Of all runs together.
        seconds: From the first pulse to the second.
        volts: Of the supply.
        peak_amps: Largest of a sample.
    """

    joules: float
    seconds: float
    volts: float
    peak_amps: float


def measure_energy(
    session: Session,
    meter: Meter,
    settings: MeterSettings,
    samples: Sequence[Sequence[bytes]],
    *,
    windows: int = WINDOWS,
    seconds: float = SECONDS,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> EnergyRecord:
    """Measures windows of as many runs each, each with its input loaded anew.

    The first run says how many those are. It may take longer than the others, as the pulses are
    within the time: windows that come out too short are measured again, with more runs.

    Args:
        session: With firmware of energy mode.
        meter: That the board is supplied through.
        settings: Of the meter.
        samples: The bytes of each input; the windows take one after the other.
        windows: How many.
        seconds: Of each, at least.
        told: How many are done.

    Raises:
        MeterFault: nothing can be said of the energy; says why.
        BoardError: the board failed.
    """
    session.load(samples[0])
    first, wanted = session.infer(1, 0), seconds * 1e6
    runs = max(1, math.ceil(wanted * MARGIN / max(1, first.us)))
    found: list[EnergyWindow] = []
    period = 0.0
    while len(found) < windows:
        told(len(found), windows)
        session.load(samples[len(found) % len(samples)])
        meter.start()
        try:
            result = session.infer(runs, WARMUPS)
        finally:
            recording = meter.stop()
        window = energy_window(recording, settings, result.us / 1e6, result.ended)
        period = recording.period
        if result.us >= wanted:
            found.append(window)
        else:
            runs = max(runs + 1, math.ceil(runs * wanted * MARGIN / max(1, result.us)))
            found = []
    return _energy_record(meter, settings, found, runs, period)


def _energy_record(
    meter: Meter,
    settings: MeterSettings,
    found: Sequence[EnergyWindow],
    runs: int,
    period: float,
) -> EnergyRecord:
    """What windows of so many runs are worth."""
    total = sum(window.seconds for window in found)
    joules = sum(window.joules for window in found)
    volts = statistics.fmean(window.volts for window in found)
    return EnergyRecord(
        meter=meter.name,
        pulses=settings.pulse,
        runs=runs,
        seconds=statistics.median(window.seconds for window in found),
        volts=volts,
        mean_amps=joules / total / volts,
        peak_amps=max(window.peak_amps for window in found),
        sample_seconds=period,
        joules=tuple(window.joules / runs for window in found),
    )


def energy_window(
    recording: MeterRecording, settings: MeterSettings, seconds: float, ended: float
) -> EnergyWindow:
    """What a recording says of one window.

    Args:
        recording: Of the whole command.
        settings: Of the meter.
        seconds: Of the window, on the board's clock.
        ended: When the host knew that it was over; asked where the meter saw no pulses.

    Raises:
        MeterFault: pulses or samples are missing, or nothing was measured.
    """
    if settings.pulse == INPUT:
        first, last = _between(recording, settings, seconds)
    else:
        last = len(recording.joules) - (recording.ended - ended) / recording.period
        first = last - seconds / recording.period
        if first < 0 or last > len(recording.joules):
            raise MeterFault("the recording does not cover the window: begin and end are not in it")
    joules = _joules(recording.joules, first, last)
    inside = recording.joules[math.floor(first) : math.ceil(last)]
    lost = int(np.isnan(inside).sum())
    if lost:
        raise MeterFault(f"{lost:,} of {len(inside):,} samples between the pulses were lost")
    if joules <= 0:
        raise MeterFault("the meter measures no current: is the board supplied through it?")
    length = (last - first) * recording.period
    peak = float(inside.max()) / recording.period / recording.volts
    return EnergyWindow(joules, length, recording.volts, peak)


def _between(
    recording: MeterRecording, settings: MeterSettings, seconds: float
) -> tuple[float, float]:
    """Where the window's two pulses are, in samples."""
    edges = recording.edges
    if not edges:
        raise MeterFault(
            f"the meter saw no pulse: is the board's pin wired to input {settings.channel} of it, "
            'and ground to ground? (pulse = "host" does without)'
        )
    if len(edges) != PULSES:
        raise MeterFault(f"the meter saw {len(edges)} pulses, and a window has {PULSES}")
    first, last = edges
    found = (last - first) * recording.period
    if abs(found - seconds) > MAX_CLOCK_ERROR * seconds + 2 * recording.period:
        raise MeterFault(
            f"{found:.4f} s between the pulses by the meter, {seconds:.4f} s by the board: "
            "samples are missing, or a pulse is not the board's"
        )
    return first, last


def _joules(joules: np.ndarray, first: float, last: float) -> float:
    """Sum from one place to another; of samples at the ends their part."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(joules))])
    places = np.arange(len(total))
    return float(np.interp(last, places, total) - np.interp(first, places, total))
