"""Where the lines of a network's drawing run: one row for each layer, one lane for each branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vertex:
    """A layer, an input or an output of the network.

    Attributes:
        reads: Tensors, each of an earlier vertex.
        writes: Tensors.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What is drawn beside one vertex.

    Attributes:
        lane: Of the vertex.
        passing: Lanes that run past it.
        above: Lanes that come down into it; one that is also passing goes on as well.
        below: Lanes that start at it.
    """

    lane: int
    passing: tuple[int, ...]
    above: tuple[int, ...]
    below: tuple[int, ...]


@dataclass
class _Lane:
    """A line from a tensor to the vertices that still wait for it."""

    tensor: str
    waiting: list[int] = field(default_factory=list)


def rows(vertices: Sequence[Vertex]) -> tuple[Row, ...]:
    """Lays the lines out.

    A tensor goes straight down to the next vertex that reads it; one more lane carries it to all
    later readers, so that the main path stays straight and a residual branch runs beside it.

    Args:
        vertices: In the order of the run.
    """
    readers: dict[str, list[int]] = {}
    for index, vertex in enumerate(vertices):
        for tensor in dict.fromkeys(vertex.reads):
            readers.setdefault(tensor, []).append(index)
    lanes: dict[int, _Lane] = {}
    drawn = []
    for index, vertex in enumerate(vertices):
        above = [lane for lane, held in lanes.items() if index in held.waiting]
        for lane in above:
            lanes[lane].waiting.remove(index)
        ending = [lane for lane in above if not lanes[lane].waiting]
        passing = tuple(sorted(lane for lane in lanes if lane not in ending))
        own = min(ending) if ending else _free(lanes, 0)
        for lane in ending:
            del lanes[lane]
        below = []
        for tensor in vertex.writes:
            waiting = readers.get(tensor, [])
            for group in (waiting[:1], waiting[1:]):
                if group:
                    lane = own if own not in lanes else _free(lanes, own)
                    lanes[lane] = _Lane(tensor, list(group))
                    below.append(lane)
        drawn.append(Row(own, passing, tuple(sorted(above)), tuple(below)))
    return tuple(drawn)


def _free(lanes: dict[int, _Lane], first: int) -> int:
    """The nearest free lane from ``first`` outwards."""
    lane = first
    while lane in lanes:
        lane += 1
    return lane


def width(drawn: Sequence[Row]) -> int:
    """How many lanes there are."""
    used = [lane for row in drawn for lane in (row.lane, *row.passing, *row.below)]
    return max(used, default=0) + 1
