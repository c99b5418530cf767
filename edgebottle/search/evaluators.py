"""What says how accurate a candidate is, as ``search.toml`` names it."""

from __future__ import annotations

from collections.abc import Callable

from edgebottle.errors import BadInput, EdgebottleError
from edgebottle.search.settings import SHARED_WEIGHTS, SHORT_TRAINING, SearchSettings
from edgebottle.search.trials import CandidateCosts, Evaluator
from edgebottle.user_functions import imported, is_function
from quantize.search.space import Candidate, Choice

Progress = Callable[[str, int, int], None]


class CalledEvaluator:
    """A Python function of the user: takes a candidate, and returns its accuracy."""

    def __init__(self, name: str, function: Callable[[Candidate], float]) -> None:
        """Calls nothing yet."""
        self._name, self._function = name, function

    def accuracy(self, candidate: Candidate) -> float:
        """Share of right classes, 0 .. 1; raises ``BadInput`` where the function gives none."""
        try:
            found = float(self._function(candidate))
        except EdgebottleError:
            raise
        except Exception as error:  # whatever the user's own code raises
            raise BadInput(f"{self._name} failed: {type(error).__name__}: {error}") from error
        if not 0 <= found <= 1:
            raise BadInput(f"{self._name} returned {found:g}, no accuracy from 0 to 1")
        return found


def called_evaluator(name: str) -> Evaluator:
    """The evaluator of a name.

    Args:
        name: ``module:name``, a function; modules are looked for in the current folder as well.

    Raises:
        BadInput: there is none, or its module fails.
    """
    if not is_function(name):
        raise BadInput(
            f"evaluator is '{name}': it must be {SHARED_WEIGHTS}, {SHORT_TRAINING}, or "
            "module:name, a Python function"
        )
    found = imported(name)
    if not callable(found):
        raise BadInput(f"{name} is no function")
    return CalledEvaluator(name, found)


def evaluator_of(
    settings: SearchSettings,
    costs: CandidateCosts,
    limits: dict[str, float],
    smallest: Callable[[], Choice],
    progress: Progress,
) -> Evaluator:
    """The evaluator that settings name.

    Args:
        settings: Of the search.
        costs: Of candidates.
        limits: That they keep to.
        smallest: Finds a choice that does.
        progress: Told what is being done.

    Raises:
        BadInput: there is none of this name, or the samples cannot serve.
        ToolMissing: Keras is needed, and not installed.
    """
    if settings.evaluator == SHORT_TRAINING:
        from edgebottle.search.short_training import ShortTraining

        return ShortTraining(settings, progress)
    if settings.evaluator != SHARED_WEIGHTS:
        return called_evaluator(settings.evaluator)
    if settings.space.labels:
        raise BadInput(
            f'{SHARED_WEIGHTS} learns classes, and no boxes: write evaluator = "{SHORT_TRAINING}"'
        )
    from edgebottle.search.shared_weights import SharedWeights

    return SharedWeights(settings, costs, limits, smallest, progress)
