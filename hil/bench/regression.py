"""Whether a network has become slower, or takes more energy, or whether that is noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hil.energy_record import EnergyRecord
from hil.records import Record

SHARE = 0.01
"""A smaller change is none: links and alignment of code make as much."""

DEVIATIONS = 3.0
"""Of the difference, which noise alone reaches once in several hundred times."""

SLOWER, FASTER, SAME, UNCERTAIN, NEW, GONE = (
    *("slower", "faster", "same", "uncertain"),
    *("new", "gone"),
)


MORE, LESS, OTHER_VOLTAGE = "more", "less", "other voltage"
"""Of energy."""

VOLT_SHARE = 0.02
"""Energy grows with the square of the voltage: beyond this, two figures are of two things."""


@dataclass(frozen=True)
class LatencySummary:
    """What records say of one network on boards of one kind.

    Attributes:
        us: Median of all windows.
        deviation: Standard deviation of a window; 0 where times are modelled, None where there is
            one window, so that nobody knows.
        windows: How many there are.
        ram: Bytes, of the newest record.
        flash: As well.
    """

    us: float
    deviation: float | None
    windows: int
    ram: int
    flash: int


@dataclass(frozen=True)
class TimingChange:
    """A network before and after.

    Attributes:
        model: Its name.
        board: Id.
        schedule: How it is run.
        kind: Of the times, such as ``measured``.
        old: None where it is new.
        new: None where it is gone.
        verdict: ``slower`` or ``faster`` by more than ``SHARE`` and ``DEVIATIONS`` standard
            deviations; ``same``; ``uncertain`` where it is more than ``SHARE`` and nobody knows the
            deviation; ``new`` or ``gone``.
    """

    model: str
    board: str
    schedule: str
    kind: str
    old: LatencySummary | None
    new: LatencySummary | None
    verdict: str

    @property
    def change(self) -> float | None:
        """Share that has come on top; negative where it is faster; None without both."""
        if self.old is None or self.new is None or not self.old.us:
            return None
        return self.new.us / self.old.us - 1


@dataclass(frozen=True)
class EnergySummary:
    """What records say of the energy of one network on boards of one kind.

    Attributes:
        joules: Of a run, median of all windows.
        deviation: Standard deviation of a window; None where there is one window.
        windows: How many there are.
        volts: Of the supply, of the newest record.
    """

    joules: float
    deviation: float | None
    windows: int
    volts: float


@dataclass(frozen=True)
class EnergyChange:
    """The energy of a network before and after.

    Attributes:
        model: Its name.
        board: Id.
        schedule: How it is run.
        old: None where it is new.
        new: None where it is gone.
        verdict: ``more`` or ``less`` as times are ``slower`` or ``faster``; ``other voltage`` where
            the two cannot be compared; else as for times.
    """

    model: str
    board: str
    schedule: str
    old: EnergySummary | None
    new: EnergySummary | None
    verdict: str

    @property
    def change(self) -> float | None:
        """Share that has come on top; None without both."""
        if self.old is None or self.new is None or not self.old.joules:
            return None
        return self.new.joules / self.old.joules - 1


def changes(old: Sequence[Record], new: Sequence[Record]) -> tuple[TimingChange, ...]:
    """All networks of two sets of records, those of ``new`` first, in their order."""
    before, after = _groups(old), _groups(new)
    found = []
    for key in dict.fromkeys((*after, *before)):
        pair = _summary(before.get(key)), _summary(after.get(key))
        found.append(TimingChange(*key, *pair, _verdict(*pair)))
    return tuple(found)


def energy_changes(old: Sequence[Record], new: Sequence[Record]) -> tuple[EnergyChange, ...]:
    """As ``changes``, of the energy of a run, where a meter measured it."""
    before, after = _energies(old), _energies(new)
    return tuple(
        EnergyChange(*key, before.get(key), after.get(key), _more(before.get(key), after.get(key)))
        for key in dict.fromkeys((*after, *before))
    )


def _energies(records: Sequence[Record]) -> dict[tuple[str, str, str], EnergySummary]:
    groups: dict[tuple[str, str, str], list[EnergyRecord]] = {}
    for one in sorted(records, key=lambda record: record.time):
        if one.energy is not None:
            groups.setdefault((one.model, one.board, one.schedule), []).append(one.energy)
    return {key: _energy_summary(group) for key, group in groups.items()}


def _energy_summary(group: Sequence[EnergyRecord]) -> EnergySummary:
    windows = [joules for one in group for joules in one.joules]
    deviation = statistics.stdev(windows) if len(windows) > 1 else None
    return EnergySummary(statistics.median(windows), deviation, len(windows), group[-1].volts)


def _more(old: EnergySummary | None, new: EnergySummary | None) -> str:
    if old is not None and new is not None and abs(new.volts - old.volts) > VOLT_SHARE * old.volts:
        return OTHER_VOLTAGE
    pair = [None if one is None else (one.joules, one.deviation) for one in (old, new)]
    return {SLOWER: MORE, FASTER: LESS}.get(found := _judged(*pair), found)


Key = tuple[str, str, str, str]


def _groups(records: Sequence[Record]) -> dict[Key, list[Record]]:
    groups: dict[Key, list[Record]] = {}
    for one in sorted(records, key=lambda record: record.time):
        groups.setdefault((one.model, one.board, one.schedule, one.latency_kind), []).append(one)
    return groups


def _summary(records: Sequence[Record] | None) -> LatencySummary | None:
    if not records:
        return None
    windows = [us for one in records for us in one.windows_us or (one.latency_us[1],)]
    newest = records[-1]
    deviation = statistics.stdev(windows) if len(windows) > 1 else None
    if newest.latency_kind == "modelled":
        windows, deviation = [newest.latency_us[1]], 0.0
    return LatencySummary(
        statistics.median(windows), deviation, len(windows), newest.ram.bytes, newest.flash.bytes
    )


def _verdict(old: LatencySummary | None, new: LatencySummary | None) -> str:
    return _judged(*(None if one is None else (one.us, one.deviation) for one in (old, new)))


Figure = tuple[float, float | None]
"""A median, and the standard deviation where it is known."""


def _judged(old: Figure | None, new: Figure | None) -> str:
    if old is None or new is None:
        return NEW if old is None else GONE
    difference = new[0] - old[0]
    if abs(difference) <= SHARE * old[0]:
        return SAME
    if old[1] is None or new[1] is None:
        return UNCERTAIN
    if abs(difference) <= DEVIATIONS * (old[1] ** 2 + new[1] ** 2) ** 0.5:
        return SAME
    return SLOWER if difference > 0 else FASTER
