"""Which network of a study is taken: to be trained to the end, quantized, verified and built."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.errors import BadInput
from edgebottle.search.trials import SearchTrial, front


def chosen_trial(
    trials: Sequence[SearchTrial], objectives: Sequence[str], number: int | None = None
) -> SearchTrial:
    """The trial whose candidate is taken.

    Args:
        trials: Of a study, as ``SearchStudy.trials`` gives them.
        objectives: What is small beside accuracy.
        number: Of the trial; None for the most accurate, and of equals the smallest.

    Raises:
        BadInput: there is none of that number, or none that keeps to the budgets.
    """
    within = [one for one in trials if one.result.accuracy is not None]
    if not within:
        raise BadInput("no network of the study has been assessed yet: run it first")
    best = front(within, objectives)
    if number is None:
        return best[0]
    found = next((one for one in trials if one.number == number), None)
    if found in within and found is not None:
        return found
    known = ", ".join(str(one.number) for one in best)
    what = "there is no such trial" if found is None else f"it is {found.result.outcome.value}"
    raise BadInput(f"trial {number} cannot be taken: {what}; the best are {known}")
