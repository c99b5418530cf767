"""How much more than what is modelled networks take that a model has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

FOLDS = 8
"""Parts of what was measured, each of which is held against a table of the others."""

KEPT = 0.95
"""The share of networks that take no more than is modelled, with the margin."""

Network = TypeVar("Network")

Beyond = Callable[[Sequence[Network], Sequence[Network]], Iterable[float]]
"""Given networks that a table is made of, and others: what each of the others takes beyond what the
table says, as a share of that; below 0 where it takes less."""


def margin(networks: Sequence[Network], beyond: Beyond[Network]) -> float:
    """The share of what is modelled that ``KEPT`` of networks took beyond it, at most; 0 or more.

    Args:
        networks: That were measured, two or more.
        beyond: What some of them take beyond a table of the others.
    """
    shares: list[float] = []
    folds = min(FOLDS, len(networks))
    for fold in range(folds):
        others = [one for number, one in enumerate(networks) if number % folds != fold]
        shares += beyond(others, networks[fold::folds])
    return max(0.0, float(np.quantile(shares, KEPT)))
