"""The jobs that are left, and which board may do which of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgebottle.bench.jobs_file import Job
from hil.bench.results import Attempt


@dataclass
class QueuedJob:
    """A job that waits for a board, or is with one.

    Attributes:
        job: The job.
        candidates: Names of the boards that may do it; those that could not are taken out.
        failures: Of boards that could not.
    """

    job: Job
    candidates: set[str]
    failures: list[Attempt] = field(default_factory=list)


class JobQueue:
    """Gives jobs to boards, from any thread, in the order of the file.

    A job that breaks on one board goes to another that may do it. So a board without work waits
    while others have jobs that it might get.
    """

    def __init__(self, jobs: Mapping[str, Job], candidates: Mapping[str, Iterable[str]]) -> None:
        """Takes what is to be done.

        Args:
            jobs: By key.
            candidates: Names of boards, by key of the job.
        """
        self._waiting = [QueuedJob(job, set(candidates[key])) for key, job in jobs.items()]
        self._working: list[QueuedJob] = []
        self._changed = threading.Condition()
        self._is_stopped = False

    def take(self, board: str) -> QueuedJob | None:
        """The next job of a board; None once there can be none any more."""
        with self._changed:
            while not self._is_stopped:
                for one in self._waiting:
                    if board in one.candidates:
                        self._waiting.remove(one)
                        self._working.append(one)
                        return one
                if not any(board in one.candidates for one in self._working):
                    break
                self._changed.wait()
        return None

    def finish(self, one: QueuedJob) -> None:
        """A job that was taken is done."""
        with self._changed:
            self._working.remove(one)
            self._changed.notify_all()

    def give_back(self, one: QueuedJob, board: str, failures: Iterable[Attempt]) -> bool:
        """A board could not do a job: another may; False where there is none, and it is done."""
        with self._changed:
            one.candidates.discard(board)
            if not one.candidates:
                return False
            one.failures += failures
            self._working.remove(one)
            self._waiting.insert(0, one)
            self._changed.notify_all()
        return True

    def give_up(self, board: str) -> list[QueuedJob]:
        """A board gets no more jobs; those that wait and nobody else may do, which are taken."""
        with self._changed:
            for one in (*self._waiting, *self._working):
                one.candidates.discard(board)
            left = [one for one in self._waiting if not one.candidates]
            self._waiting = [one for one in self._waiting if one.candidates]
            self._working += left
            self._changed.notify_all()
        return left

    def stop(self) -> None:
        """Nobody gets a job any more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
