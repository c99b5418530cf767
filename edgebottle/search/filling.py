"""What fits and leaves room, made as wide as the budgets allow.

Where accuracy alone counts, memory that nothing uses is wasted, and a network with room left says
little of what its kind could do. Source of the thought: Lin et al., "MCUNet" (2020), who choose
spaces whose networks fill memory.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgebottle.search.costs import CandidateCost
from edgebottle.search.narrowing import CHANNELS
from edgebottle.search.trials import CandidateCosts, fitting_cost
from quantize.search.space import Choice, Space, Value


def filled(
    space: Space,
    choice: Choice,
    cost: CandidateCost,
    costs: CandidateCosts,
    limits: Mapping[str, float],
) -> tuple[dict[str, Value], CandidateCost]:
    """A choice whose parts have as many channels as the budgets allow.

    Its parts take turns, the last ones first: each gets the next larger number, as long as that
    fits. A part that is not there does not come.

    Args:
        space: What may be chosen.
        choice: Of it, that keeps to the budgets.
        cost: What it takes.
        costs: Of candidates.
        limits: The most of each figure, by name.

    Returns:
        The choice, and what it takes.
    """
    best, now = dict(choice), space.candidate(choice)
    widths = {
        one.name: sorted(int(value) for value in one.values if value)
        for one in space.parameters()
        if one.name.endswith(CHANNELS) and choice[one.name]
    }
    growing = list(reversed(widths))
    while growing:
        for name in tuple(growing):
            wider = [one for one in widths[name] if one > int(best[name])]
            other = {**best, name: wider[0]} if wider else best
            candidate = space.candidate(other)
            # A part without blocks changes nothing.
            found = None if candidate == now else fitting_cost(candidate, costs, limits)
            if found is None:
                growing.remove(name)
            else:
                best, now, cost = other, candidate, found
    return best, cost
