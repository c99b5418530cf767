"""The schedules, and what each of them does, for ``--help`` and README alike."""

from collections.abc import Mapping
from types import MappingProxyType

PATCHES = "patches"
"""The schedule that recomputes halos."""

SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "auto": "layers if they fit the RAM, else min-time",
        "layers": "one after the other, in place where that is safe",
        "min-time": "the fastest that fits the RAM: as few layers row by row as that takes",
        "min-ram": "the smallest arena: rows streamed through stages of layers",
        PATCHES: "the first layers patch by patch, halos computed again, for comparison",
    }
)
"""What ``--schedule`` takes; the first is the default."""
