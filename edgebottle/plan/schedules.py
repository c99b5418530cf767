"""The schedules, and what each of them does, for ``--help`` and README alike."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Schedule(StrEnum):
    """How a network is run; the values are what the user writes, and what a Plan's JSON holds."""

    AUTO = "auto"
    LAYERS = "layers"
    MIN_TIME = "min-time"
    MIN_RAM = "min-ram"
    PATCHES = "patches"


SCHEDULES: Mapping[Schedule, str] = MappingProxyType(
    {
        Schedule.AUTO: "layers if they fit the RAM, else min-time",
        Schedule.LAYERS: "one after the other, in place where that is safe",
        Schedule.MIN_TIME: "the fastest that fits the RAM: as few layers row by row as that takes",
        Schedule.MIN_RAM: "the smallest arena: rows streamed through stages of layers",
        Schedule.PATCHES: "the first layers patch by patch, halos computed again, for comparison",
    }
)
"""What ``--schedule`` takes; the first is the default."""
