"""The memories of a chip as the cycle model sees them: ``[timing]`` of a board file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.board_schema import check_keys
from edgebottle.errors import BadBoard


@dataclass(frozen=True)
class MemoryPath:
    """The way to a memory slower than the core: what it costs, and the cache in front of it.

    Attributes:
        wait: CPU cycles that the core waits for a read which no line of the cache holds.
        next: The same for the read after the last such one, where it was prefetched.
        line_bytes: Of a line of the cache; 0: it is the cache of the instructions.
        sets: Of the cache.
        ways: Lines of a set, the least recently used is replaced; 1 line in all is a read buffer.
        read_bytes: What one read brings, the line or a part of it.
    """

    wait: int
    next: int
    line_bytes: int = 0
    sets: int = 0
    ways: int = 0
    read_bytes: int = 0


@dataclass(frozen=True)
class Timing:
    """How the cycle model sees the chip's memories; what is not said never makes the core wait.

    Attributes:
        fetch: Instructions from flash.
        data: Data from flash.
        ram: Loads from the region ``ram``, through the cache of ``data``.
    """

    fetch: MemoryPath
    data: MemoryPath
    ram: MemoryPath | None = None


_WAIT: dict[str, type] = {"wait": int, "next": int}
_CACHE: dict[str, type] = {"line_bytes": int, "sets": int, "ways": int, "read_bytes": int}
_MAX_LINES = 65536


def parse_timing(path: Path, data: dict[str, Any]) -> Timing:
    """The table as an object; raises ``BadBoard`` for one that is wrong."""
    check_keys(path, "timing.", data, {"fetch": dict, "data": dict}, {"ram": dict})
    for name, table in data.items():
        prefix = f"timing.{name}."
        shaped = name == "fetch" or (name == "data" and "line_bytes" in table)
        check_keys(path, prefix, table, {**_WAIT, **_CACHE} if shaped else _WAIT, {})
        for key in table:
            if table[key] < (1 if key in _CACHE else 0):
                raise BadBoard(f"{path}: {prefix}{key} is {table[key]}")
        if shaped:
            line, read = table["line_bytes"], table["read_bytes"]
            if read & (read - 1) or line % read or line // read > 32:
                raise BadBoard(f"{path}: {prefix}read_bytes does not divide a line")
            if table["sets"] * table["ways"] > _MAX_LINES:
                raise BadBoard(f"{path}: timing.{name} has more than {_MAX_LINES} lines")
    return Timing(**{name: MemoryPath(**table) for name, table in data.items()})
