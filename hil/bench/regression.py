"""Whether a network has become slower, or whether that is noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hil.records import Record

SHARE = 0.01
"""A smaller change is none: links and alignment of code make as much."""

DEVIATIONS = 3.0
"""Of the difference, which noise alone reaches once in several hundred times."""

SLOWER, FASTER, SAME, UNCERTAIN, NEW, GONE = (
    *("slower", "faster", "same", "uncertain"),
    *("new", "gone"),
)


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


def changes(old: Sequence[Record], new: Sequence[Record]) -> tuple[TimingChange, ...]:
    """All networks of two sets of records, those of ``new`` first, in their order."""
    before, after = _groups(old), _groups(new)
    found = []
    for key in dict.fromkeys((*after, *before)):
        pair = _summary(before.get(key)), _summary(after.get(key))
        found.append(TimingChange(*key, *pair, _verdict(*pair)))
    return tuple(found)


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
    if old is None or new is None:
        return NEW if old is None else GONE
    difference = new.us - old.us
    if abs(difference) <= SHARE * old.us:
        return SAME
    if old.deviation is None or new.deviation is None:
        return UNCERTAIN
    if abs(difference) <= DEVIATIONS * (old.deviation**2 + new.deviation**2) ** 0.5:
        return SAME
    return SLOWER if difference > 0 else FASTER
