"""What a search may cost: counted in work, not in time, so that plans are reproducible."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Work:
    """A budget of work.

    Attributes:
        left: Units that may still be spent, negative where a last piece of work took more. A unit
            is one thing looked at in an inner loop, which takes less than a microsecond.
    """

    left: int

    def spend(self, units: int) -> None:
        """Takes ``units`` off the budget; what has begun may overdraw it."""
        self.left -= units

    @property
    def is_spent(self) -> bool:
        """Nothing more should be begun."""
        return self.left <= 0

    def refill(self, units: int) -> None:
        """Starts anew with ``units``."""
        self.left = units
