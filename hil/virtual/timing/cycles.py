"""Modelled cycles, by where they go."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Cycles:
    """Modelled CPU cycles.

    Attributes:
        issue: Slots that instructions take.
        stalls: Waiting for results.
        branches: Refilling the pipeline after taken branches.
        fetch: Waiting for instructions from flash.
        data: Waiting for data from flash.
    """

    issue: int = 0
    stalls: int = 0
    branches: int = 0
    fetch: int = 0
    data: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, part.name) for part in fields(self))

    def shared(self, runs: int) -> Cycles:
        """The mean of ``runs`` equal runs."""
        return Cycles(*(getattr(self, part.name) // runs for part in fields(self)))

    def __add__(self, other: Cycles) -> Cycles:
        """Part by part."""
        return Cycles(*(getattr(self, p.name) + getattr(other, p.name) for p in fields(self)))
