"""What became of a network that was taken from a search, as the reports show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class TakenNetwork:
    """A network that was trained to the end.

    Attributes:
        file: The ``.tflite`` file.
        trial: Of the study; None for a network of another origin.
        searched: Its accuracy as the search saw it, 0 .. 1; None where none did.
        accuracy: Of the test samples, LiteRT on the file, 0 .. 1: share of right classes, or of a
            detector its mean average precision.
        tested: Test samples.
        validation: The same of the samples by which is chosen.
        board: Id.
        network: In words.
        bits: Of its layers.
        schedule: That it is run by.
        row_fed: Its input comes row by row.
        optimize: What its code was compiled for: ``size`` where it took too much flash otherwise.
        macs: Multiply-accumulates of a run.
        ram: Bytes of the firmware, as built.
        flash: Bytes of the firmware, as built.
        instructions: Of a run; exact; None where they are not counted.
        ms: Of a run; modelled.
        limits: The most of each budget, by name.
        metric: What accuracy is, in words.
        verified: Inputs whose outputs were equal in LiteRT, in NumPy, in C here and on the board.
    """

    file: str
    trial: int | None
    searched: float | None
    accuracy: float
    tested: int
    validation: float
    board: str
    network: str
    bits: str
    schedule: str
    row_fed: bool
    optimize: str
    macs: int
    ram: int
    flash: int
    instructions: int | None
    ms: float
    limits: dict[str, float]
    verified: int
    metric: str = "accuracy"

    @property
    def excess(self) -> dict[str, float]:
        """By how much it breaks its budgets: those that it breaks, by name."""
        taken = asdict(self)
        over = {name: taken[name] - limit for name, limit in self.limits.items()}
        return {name: amount for name, amount in over.items() if amount > 0}

    def to_json(self) -> dict[str, Any]:
        """What ``of_json`` reads, and what it breaks."""
        return {**asdict(self), "excess": self.excess}

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> TakenNetwork:
        """What ``to_json`` told of; raises ``KeyError`` where that is something else."""
        return cls(**{one.name: table[one.name] for one in fields(cls)})
