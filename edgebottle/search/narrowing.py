"""What was drawn and does not fit, made as narrow as it must be.

The best networks lie at the budgets, and nearly all that is drawn near these breaks them: what does
not is small. Made narrower, whatever is drawn counts for its shape, and lies where the best are.
Source of the thought: Lin et al., "MCUNet" (2020), who choose spaces whose networks fill memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from edgebottle.search.costs import CandidateCost
from edgebottle.search.trials import CandidateCosts, fitting_cost
from quantize.search.space import Choice, Space, Value

SHARES = (7 / 8, 3 / 4, 5 / 8, 1 / 2, 3 / 8, 1 / 4, 1 / 8)
"""Of the channels that were drawn."""

_CHANNELS = "channels"
"""The end of the names of all parameters that say how wide a part is."""


def narrowed(
    space: Space, choice: Choice, costs: CandidateCosts, limits: Mapping[str, float]
) -> tuple[dict[str, Value], CandidateCost] | None:
    """The widest version of a choice with fewer channels that keeps to the budgets.

    All parts lose the same share. That less of it takes less is a rule, which has exceptions: then
    it may be another version than the widest that fits.

    Args:
        space: What may be chosen.
        choice: Of it, that breaks the budgets.
        costs: Of candidates.
        limits: The most of each figure, by name.

    Returns:
        The version, and what it takes; None where none was found that fits.
    """
    found: dict[float, tuple[dict[str, Value], CandidateCost]] = {}

    def is_narrow_enough(share: float) -> bool:
        version = _with_share(space, choice, share)
        cost = fitting_cost(space.candidate(version), costs, limits)
        if cost is not None:
            found[share] = version, cost
        return cost is not None

    place = bisect_left(SHARES, True, key=is_narrow_enough)
    return found[SHARES[place]] if place < len(SHARES) else None


def nearest(values: Sequence[int], wanted: float) -> int:
    """Of what may be chosen, that which comes nearest to what is wanted."""
    return min(values, key=lambda one: abs(one - wanted))


def _with_share(space: Space, choice: Choice, share: float) -> dict[str, Value]:
    result = dict(choice)
    for parameter in space.parameters():
        width = choice[parameter.name]
        if parameter.name.endswith(_CHANNELS) and width:
            # A part that is not there stays so, and one that is does not go.
            widths = [int(one) for one in parameter.values if one]
            result[parameter.name] = nearest(widths, int(width) * share)
    return result
