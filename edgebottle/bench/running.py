"""Runs the jobs of a file on the boards of a bench, all boards at once."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from edgebottle.bench.board_work import AttemptLimits, BoardWork
from edgebottle.bench.jobs_file import Job, JobsFile
from edgebottle.bench.journal import BenchJournal, utc_now
from edgebottle.bench.worker_process import Stopped
from hil.bench.entries import Bench, BenchEntry
from hil.bench.results import SKIPPED, JobResult

JOIN_SECONDS = 0.2
"""How long Ctrl-C may go unnoticed."""


class BenchView(Protocol):
    """Whoever looks on."""

    def doing(self, name: str, words: str) -> None:
        """A board does something now; called from any thread."""

    def done(self, result: JobResult, left: int) -> None:
        """A job is done, and so many are left; called from any thread, one at a time."""


class BenchRun:
    """The jobs that are left, and the boards that do them."""

    def __init__(self, jobs: JobsFile, bench: Bench, journal: BenchJournal, view: BenchView):
        """Takes what is to be done; ``journal`` must be taken."""
        self._jobs, self._bench, self._journal, self._view = jobs, bench, journal, view
        self._queue: list[Job] = []
        self._left = 0
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._errors: list[BaseException] = []

    def run(self, done: Mapping[str, JobResult]) -> None:
        """Does what is left.

        Args:
            done: What needs not be done any more, by key.

        Raises:
            KeyboardInterrupt: it was interrupted; what was done is in the journal.
            EdgebottleError: it cannot go on: the journal cannot be written, no process started.
        """
        self._queue = [job for job in self._jobs.jobs if job.key not in done]
        self._left = len(self._queue)
        self._skip(datetime.date.today())
        used = [entry for entry in self._usable() if self._has_work(entry)]
        threads = [threading.Thread(target=self._work, args=(entry,)) for entry in used]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(JOIN_SECONDS)
        except BaseException:
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            raise
        if self._errors:
            raise self._errors[0]
        self._journal.end()

    def _usable(self) -> tuple[BenchEntry, ...]:
        today = datetime.date.today()
        return tuple(
            entry
            for entry in self._bench.entries
            if entry.quarantine is None or not entry.quarantine.holds(today)
        )

    def _skip(self, today: datetime.date) -> None:
        """Takes what is in quarantine out of the queue, with a result that says why."""
        usable = set(self._usable())
        for job in tuple(self._queue):
            quarantine = self._jobs.quarantine_of(job, today)
            candidates = job.candidates(self._bench)
            if quarantine is None and not usable & set(candidates):
                quarantine = candidates[0].quarantine
            if quarantine is not None:
                self._queue.remove(job)
                self._finish(_skipped(job, candidates, str(quarantine)), None)

    def _has_work(self, entry: BenchEntry) -> bool:
        return any(entry in job.candidates(self._bench) for job in self._queue)

    def _next(self, entry: BenchEntry) -> Job | None:
        """The first job that a board may do."""
        with self._turn:
            for job in self._queue:
                if entry in job.candidates(self._bench):
                    self._queue.remove(job)
                    return job
        return None

    def _work(self, entry: BenchEntry) -> None:
        """The thread of a board."""
        limits = AttemptLimits(self._jobs.retries, self._jobs.deadlines)
        try:
            work = BoardWork(
                entry, limits, self._stop, lambda words: self._view.doing(entry.name, words)
            )
            try:
                while not self._stop.is_set() and (job := self._next(entry)) is not None:
                    self._finish(*work.do(job))
            finally:
                work.close()
            self._view.doing(entry.name, "done")
        except Stopped:
            self._view.doing(entry.name, "stopped")
        except BaseException as error:  # said by the main thread, which ends the run
            self._errors.append(error)
            self._stop.set()

    def _finish(self, result: JobResult, record: Mapping[str, object] | None) -> None:
        with self._turn:
            self._journal.add(result, None if record is None else dict(record))
            self._left -= 1
            self._view.done(result, self._left)


def _skipped(job: Job, candidates: Sequence[BenchEntry], cause: str) -> JobResult:
    return JobResult(
        key=job.key,
        model=job.model,
        board=job.board,
        schedule=job.schedule,
        samples=job.sample_words,
        entry=candidates[0].name if len(candidates) == 1 else "",
        board_id=candidates[0].board,
        outcome=SKIPPED,
        cause=cause,
        started=utc_now(),
    )
