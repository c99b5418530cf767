"""How a board of the bench is now."""

from __future__ import annotations

import datetime

from edgebottle.errors import BoardError
from hil.bench.attached import port_of
from hil.bench.board_lock import BoardLock
from hil.bench.entries import BenchEntry

FREE = "free"


def state_of(entry: BenchEntry, today: datetime.date | None = None) -> str:
    """``free``, or why it cannot be used now, in words."""
    quarantine = entry.quarantine
    if quarantine is not None and quarantine.holds(today or datetime.date.today()):
        return str(quarantine)
    if entry.is_virtual:
        return FREE
    holder = BoardLock(entry).holder()
    if holder is not None:
        return f"in use: {holder}"
    try:
        port_of(entry)
    except BoardError as error:
        return f"absent: {error}"
    return FREE
