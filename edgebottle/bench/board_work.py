"""Does one job on one board, and tries again what is not the fault of the job."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgebottle.bench.jobs_file import Job
from edgebottle.bench.journal import utc_now
from edgebottle.bench.worker_process import (
    POLL_SECONDS,
    StepFailure,
    Stopped,
    Told,
    WorkerProcess,
)
from edgebottle.errors import BoardError
from hil.bench.attached import port_of
from hil.bench.board_lock import BoardLock
from hil.bench.entries import BenchEntry
from hil.bench.results import (
    BROKEN,
    FAILED,
    FLAKY,
    PASSED,
    PORT,
    RUN,
    Attempt,
    JobResult,
)
from hil.recovery import POWER, RecoveryStep

RecordJson = Mapping[str, Any]
"""As JSON."""


@dataclass(frozen=True)
class AttemptLimits:
    """What a board is given.

    Attributes:
        retries: How often it is tried again.
        deadlines: Seconds of each step.
    """

    retries: int
    deadlines: Mapping[str, float]


class BoardWork:
    """What is done with one board of the bench."""

    def __init__(
        self, entry: BenchEntry, limits: AttemptLimits, stop: threading.Event, told: Told
    ) -> None:
        """Takes nothing yet.

        Args:
            entry: The board.
            limits: What it is given.
            stop: Set: the work ends with ``Stopped``.
            told: Told what is being done.
        """
        self._entry, self._limits, self._stop, self._told = entry, limits, stop, told
        self._worker = WorkerProcess(limits.deadlines, stop)
        self._lock = None if entry.is_virtual else BoardLock(entry)

    def close(self) -> None:
        """Ends its process, and gives the board back."""
        self._worker.close()
        if self._lock is not None:
            self._lock.let_go()

    def do(self, job: Job) -> tuple[JobResult, RecordJson | None]:
        """Does a job to its end; the result, and the record where it is right.

        Raises:
            Stopped: the run was interrupted; nothing has come of the job.
        """
        started, begun = utc_now(), time.monotonic()

        def told(what: str) -> None:
            words = f"{job.model} {job.schedule}: {what}"
            self._told(words)
            if self._lock is not None:
                self._lock.tell(words)

        failures: list[Attempt] = []
        ended: RecordJson | StepFailure | None
        ended = self._worker.prepare(job, self._entry.board, told)
        waited = 0.0
        if ended is None:
            waiting = time.monotonic()
            with self._taken(told):
                waited = time.monotonic() - waiting
                ended = self._tried(job, failures, told)
        seconds = round(time.monotonic() - begun - waited, 3)
        result = self._result(job, ended, failures, started, seconds)
        return result, None if isinstance(ended, StepFailure) else _with_steps(ended, failures)

    def _tried(self, job: Job, failures: list[Attempt], told: Told) -> RecordJson | StepFailure:
        """The record, or why there is none; ``failures`` are those that were tried again."""
        while True:
            ended = self._attempt(job, told)
            if not isinstance(ended, StepFailure):
                return ended
            is_board = ended.outcome == BROKEN
            cycled: RecoveryStep | None = None
            if is_board or (ended.outcome == FAILED and ended.step == RUN):
                cycled = self._recovered(told)  # for the next attempt, or for the next job
            steps = ended.steps if cycled is None else (*ended.steps, cycled)
            if not is_board or len(failures) == self._limits.retries:
                return replace(ended, steps=steps)
            recovery = "" if cycled is None else cycled.did
            failures.append(Attempt(ended.step, ended.cause, recovery, steps))

    def _attempt(self, job: Job, told: Told) -> RecordJson | StepFailure:
        ended = self._worker.prepare(job, self._entry.board, told)  # where it had to be ended
        if ended is not None:
            return ended
        if self._entry.is_virtual:
            return self._worker.measure(None, self._entry.choice, told)
        try:
            port = self._port(told)
        except BoardError as error:
            return StepFailure(PORT, BROKEN, str(error))
        return self._worker.measure(port, self._entry.choice, told, self._entry.meter)

    def _port(self, told: Told) -> str:
        """Its port, once it is there; raises ``BoardError`` where it does not come."""
        told(PORT)
        end = time.monotonic() + self._limits.deadlines[PORT]
        while True:
            try:
                return port_of(self._entry)
            except BoardError:
                if time.monotonic() >= end:
                    raise
            self._wait()

    def _recovered(self, told: Told) -> RecoveryStep | None:
        """Takes the board's power off for a while; None where nothing can."""
        if self._entry.power is None:
            return None
        told("power cycle")
        try:
            self._entry.power.cycle()
        except BoardError as error:
            return RecoveryStep(POWER, str(error), "it was not switched")
        return RecoveryStep(POWER, "power cycle", "the next attempt, or the next job, tells")

    @contextlib.contextmanager
    def _taken(self, told: Callable[[str], None]) -> Iterator[None]:
        """Has the board, once whoever else has it gives it back."""
        lock = self._lock
        if lock is None:
            yield
            return
        while not lock.try_take():
            self._told(f"waits for the board: {lock.holder() or 'just given back'}")
            self._wait()
        told("taken")
        try:
            yield
        finally:
            lock.let_go()

    def _wait(self) -> None:
        if self._stop.wait(POLL_SECONDS * 2):
            raise Stopped

    def _result(
        self,
        job: Job,
        ended: RecordJson | StepFailure,
        failures: list[Attempt],
        started: str,
        seconds: float,
    ) -> JobResult:
        said: dict[str, Any] = {}
        if isinstance(ended, StepFailure):
            outcome = ended.outcome
            said = {"step": ended.step, "cause": ended.cause, "steps": ended.steps}
        else:
            outcome = FLAKY if failures else PASSED
            said = {
                "latency_us": ended["latency_us"][1],
                "latency_kind": ended["latency_kind"],
                "ram": ended["ram"]["bytes"],
                "flash": ended["flash"]["bytes"],
                "accuracy": ended["accuracy"],
                "joules": None
                if ended["energy"] is None
                else statistics.median(ended["energy"]["joules"]),
            }
        return job.result(
            self._entry.name,
            self._entry.board,
            outcome,
            failures=tuple(failures),
            started=started,
            seconds=seconds,
            **said,
        )


def _with_steps(record: RecordJson, failures: Sequence[Attempt]) -> RecordJson:
    """A record that has what was done about the board in the attempts before it, too."""
    before = [asdict(step) for attempt in failures for step in attempt.steps]
    return {**record, "recovery": [*before, *record.get("recovery", ())]}
