"""What came of the jobs of a bench."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from edgebottle.errors import BadInput
from hil.recovery import RecoveryStep, steps_from_json

PASSED, FLAKY, FAILED, BROKEN, ERROR, SKIPPED = (
    *("passed", "flaky", "failed"),
    *("broken", "error", "skipped"),
)
OUTCOMES = {
    PASSED: "every output is right",
    FLAKY: "right, but the board or its line had to be tried again",
    FAILED: "an output is wrong, or the firmware failed; never tried again",
    BROKEN: "the board or its line failed, each time it was tried",
    ERROR: "the job cannot be done by any board: it does not build or fit",
    SKIPPED: "in quarantine",
}
"""How a job ends, and what that means."""

GOOD = (PASSED, FLAKY, SKIPPED)
"""Outcomes that let a run succeed."""

BUILD, REFERENCE, BOOK, PORT, FLASH, BOOT, RUN, CHECK = (
    *("build", "reference", "book", "port"),
    *("flash", "boot", "run", "check"),
)
STEPS = (BUILD, REFERENCE, BOOK, PORT, FLASH, BOOT, RUN, CHECK)
"""Of a job, in this order."""

RECOVER = "recover"
"""What may come between: a board that failed is looked into and restarted."""

LINK = "link"
"""What a job on another computer may fail at instead, at any time."""


@dataclass(frozen=True)
class Attempt:
    """A failure of the board or its line, after which the job was tried again, or given up.

    Attributes:
        step: Of ``STEPS``, or ``LINK``.
        cause: What failed.
        recovery: What was done about it; "" for nothing.
        steps: All that was done about the board, and seen of it.
    """

    step: str
    cause: str
    recovery: str = ""
    steps: tuple[RecoveryStep, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Attempt:
        """Inverse of ``dataclasses.asdict``; raises ``TypeError`` for anything else."""
        return cls(**{**data, "steps": steps_from_json(data.get("steps", ()))})


@dataclass(frozen=True)
class JobResult:
    """What came of a job.

    Attributes:
        key: Of the job: the same in every run that does the very same.
        model: As the jobs name it.
        board: As the jobs name it: a board of the bench, or any of one id.
        schedule: As asked for.
        samples: What was run, in words.
        entry: The board of the bench that did it; "" for none.
        board_id: Of its board file; "" for none.
        outcome: Of ``OUTCOMES``.
        step: At which it ended otherwise than well; "" where it did not.
        cause: Why; "" where all is well.
        steps: What was done about the board after that, and seen of it.
        failures: Of the board or its line, before that.
        started: UTC, ISO 8601.
        seconds: That it took, without waiting for a board.
        latency_us: Median of a run; None without a measurement.
        latency_kind: As of a record; "" without.
        ram: Bytes; None without a measurement.
        flash: As well.
        accuracy: Share of samples that were recognised; None without labels.
        joules: Energy of a run, measured; None without a meter.
    """

    key: str
    model: str
    board: str
    schedule: str
    samples: str
    entry: str
    board_id: str
    outcome: str
    step: str = ""
    cause: str = ""
    steps: tuple[RecoveryStep, ...] = ()
    failures: tuple[Attempt, ...] = ()
    started: str = ""
    seconds: float = 0.0
    latency_us: float | None = None
    latency_kind: str = ""
    ram: int | None = None
    flash: int | None = None
    accuracy: float | None = None
    joules: float | None = None

    @property
    def title(self) -> str:
        """What was asked for, without the board."""
        return f"{self.model}, {self.schedule}, {self.samples}"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> JobResult:
        """Inverse of ``to_json``; raises ``BadInput`` for anything else."""
        known = {one.name for one in fields(cls)}
        try:
            values = {name: value for name, value in data.items() if name in known}
            values["failures"] = tuple(map(Attempt.from_json, data.get("failures", ())))
            values["steps"] = steps_from_json(data.get("steps", ()))
            result = cls(**values)
        except (TypeError, AttributeError) as error:
            raise BadInput(f"not the result of a job ({error})") from error
        if result.outcome not in OUTCOMES:
            raise BadInput(f"not the result of a job (outcome {result.outcome!r})")
        return result


@dataclass(frozen=True)
class BenchReport:
    """A run of jobs, as far as it has come.

    Attributes:
        name: Of the jobs.
        started: UTC, ISO 8601.
        jobs: How many there are.
        results: In the order in which they came.
        has_ended: Nothing is left to do.
    """

    name: str
    started: str
    jobs: int
    results: tuple[JobResult, ...]
    has_ended: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many results there are of each outcome that there is."""
        found = Counter(result.outcome for result in self.results)
        return {name: found[name] for name in OUTCOMES if found[name]}

    @property
    def is_good(self) -> bool:
        """All is done, and well."""
        return self.has_ended and all(result.outcome in GOOD for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "started": self.started,
            "jobs": self.jobs,
            "ended": self.has_ended,
            "counts": self.counts,
            "results": [result.to_json() for result in self.results],
        }


def words_of(counts: dict[str, int]) -> str:
    """``12 passed, 1 flaky``."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing yet"


def by_board(results: Sequence[JobResult]) -> dict[str, list[JobResult]]:
    """Results by the board that did them, or should have."""
    found: dict[str, list[JobResult]] = {}
    for result in results:
        found.setdefault(result.entry or result.board, []).append(result)
    return found
