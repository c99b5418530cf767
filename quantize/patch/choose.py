"""Chooses units: dynamic programming over the cuts of a linear order of the nodes.

The cost of a unit does not depend on the other units: tensors that cross a cut are held whole.
"""

from __future__ import annotations

from bisect import bisect_left

from edgebottle.plan.limits import UNLIMITED
from edgebottle.plan.work import Work
from quantize.patch.units import Unit

AVOIDED = 8
"""A layer that is better avoided costs as much as so many layers row by row."""


class Choices:
    """The ways to compute a network in the units that are worth considering.

    Attributes:
        units: The units, by the node after their last.
    """

    def __init__(self, units: list[list[Unit]], work: Work) -> None:
        """What choosing takes is spent from ``work``."""
        self.units = units
        self._work = work

    def smallest(self) -> int:
        """The least peak that any choice of units reaches, ``UNLIMITED`` for none."""
        best = [0]
        for units in self.units[1:]:
            best.append(min((max(best[u.first], u.nbytes) for u in units), default=UNLIMITED))
        return best[-1]

    def smallest_within(self, most_extra_macs: int | None) -> int:
        """The least peak at so many extra MACs at most (None for any), ``UNLIMITED`` for none."""

        def is_reached(limit: int) -> bool:
            macs = self.extra_macs(limit)
            return macs is not None and (most_extra_macs is None or macs <= most_extra_macs)

        limits = sorted({unit.nbytes for units in self.units for unit in units})
        place = bisect_left(limits, True, key=is_reached)
        return limits[place] if place < len(limits) else UNLIMITED

    def extra_macs(self, limit: int) -> int | None:
        """The fewest extra MACs with all units within ``limit`` bytes; None when there are none."""
        units = self.fastest(limit)
        return None if units is None else sum(unit.extra_macs for unit in units)

    def fastest(
        self, limit: int, avoid: int = UNLIMITED, *, few_units: bool = False
    ) -> list[Unit] | None:
        """The units with the fewest extra MACs, all within ``limit`` bytes.

        Of these the fewest layers streamed, of these the fewest stages, and of these the smallest
        sum of bytes. None when there are none.

        Args:
            limit: Bytes that no unit may exceed.
            avoid: Bytes that a layer outside of a stage should not exceed. A run of layers that
                nearly fill the arena, each written over the last, may be impossible to place.
            few_units: The fewest units come first: the least is held whole.
        """
        self._work.spend(sum(map(len, self.units)))
        best: list[tuple[int, int, int, int] | None] = [(0, 0, 0, 0)]
        chosen: list[Unit | None] = [None]
        for units in self.units[1:]:
            options = []
            for unit in units:
                before = best[unit.first]
                if before is None or unit.nbytes > limit:
                    continue
                price = len(unit.nodes) if unit.streamed else AVOIDED * (unit.nbytes > avoid)
                parts = 1 if unit.split is None else unit.split.parts
                cost = (1, price) if few_units else (price, parts * unit.streamed)
                total = (
                    before[0] + unit.extra_macs,
                    before[1] + cost[0],
                    before[2] + cost[1],
                    before[3] + unit.nbytes,
                )
                options.append((total, unit))
            winner = min(options, key=lambda option: option[0], default=(None, None))
            best.append(winner[0])
            chosen.append(winner[1])
        return _walk_back(chosen)


def _walk_back(chosen: list[Unit | None]) -> list[Unit] | None:
    units: list[Unit] = []
    number = len(chosen) - 1
    while number > 0:
        unit = chosen[number]
        if unit is None:
            return None
        units.append(unit)
        number = unit.first
    return units[::-1]
