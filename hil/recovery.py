"""What was done about a board that was silent or had faulted, and what was seen, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BoardError

LINE, CORE, PROBE, POWER = "line", "core", "probe", "power"
"""Steps: the board was asked over its line; its core was looked into over the probe, and reset by
it; its power was switched off and on. Others are called as in ``hil.probes.RESETS``."""

ANSWERS = "the board answers"
"""What is seen of one that is back."""


@dataclass(frozen=True)
class RecoveryStep:
    """One of the steps, in their order.

    Attributes:
        step: ``line``, ``core``, a way to restart a board, or ``power``.
        did: What was done, in words.
        saw: What was seen then, in words.
    """

    step: str
    did: str
    saw: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.step}: {self.did}: {self.saw}"


class BoardLost(BoardError):
    """A board was silent or had faulted, and something was done about it."""

    def __init__(self, message: str, steps: tuple[RecoveryStep, ...]) -> None:
        """Takes the message, which says the most of it, and all steps."""
        super().__init__(message)
        self.steps = steps


def steps_of(error: BaseException) -> tuple[RecoveryStep, ...]:
    """What was done about the board that an error is of."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, BoardLost):
            return found.steps
        found = found.__cause__
    return ()


def steps_from_json(data: Sequence[dict[str, Any]]) -> tuple[RecoveryStep, ...]:
    """Inverse of ``dataclasses.asdict`` for each; raises ``TypeError`` for anything else."""
    return tuple(RecoveryStep(**one) for one in data)
