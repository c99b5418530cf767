"""Runs the jobs of a file on the boards of a bench, all boards at once."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from edgebottle.bench.board_work import AttemptLimits, BoardWork
from edgebottle.bench.job_queue import JobQueue, QueuedJob
from edgebottle.bench.jobs_file import Job, JobsFile
from edgebottle.bench.journal import BenchJournal, utc_now
from edgebottle.bench.remote_work import RemoteWork
from edgebottle.bench.worker_process import Stopped
from hil.bench.entries import Bench, BenchEntry
from hil.bench.remote_boards import RemoteEntry
from hil.bench.results import BROKEN, FLAKY, PASSED, SKIPPED, Attempt, JobResult

JOIN_SECONDS = 0.2
"""How long Ctrl-C may go unnoticed."""

GIVE_UP_AFTER = 3
"""Jobs in a row that a board breaks: it gets no more in this run."""


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
        self._left = 0
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._ended = threading.Semaphore(0)  # once for each thread
        self._errors: list[BaseException] = []

    def run(self, done: Mapping[str, JobResult]) -> None:
        """Does what is left.

        Args:
            done: What needs not be done any more, by key.

        Raises:
            KeyboardInterrupt: it was interrupted; what was done is in the journal.
            EdgebottleError: it cannot go on: the journal cannot be written, no process started.
        """
        today = datetime.date.today()
        usable = {entry.name: entry for entry in self._bench.entries if not _is_out(entry, today)}
        jobs = {job.key: job for job in self._jobs.jobs if job.key not in done}
        self._left = len(jobs)
        jobs = {key: job for key, job in jobs.items() if not self._is_skipped(job, usable, today)}
        candidates = {
            key: {entry.name for entry in job.candidates(self._bench)} & set(usable)
            for key, job in jobs.items()
        }
        queue = JobQueue(jobs, candidates)
        used = set().union(*candidates.values())
        threads = [
            threading.Thread(target=self._work, args=(entry, queue))
            for name, entry in usable.items()
            if name in used
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in threads:
                # Not join: interrupted in it, Python 3.11 takes a running thread for an ended one.
                while not self._ended.acquire(timeout=JOIN_SECONDS):
                    pass
        except BaseException:
            self._stop.set()
            queue.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            raise
        if self._errors:
            raise self._errors[0]
        self._journal.end()

    def _is_skipped(self, job: Job, usable: Mapping[str, BenchEntry], today: datetime.date) -> bool:
        """Whether a job is in quarantine; its result says why, then."""
        quarantine = self._jobs.quarantine_of(job, today)
        candidates = job.candidates(self._bench)
        if quarantine is None and not any(entry.name in usable for entry in candidates):
            quarantine = candidates[0].quarantine
        if quarantine is None:
            return False
        entry = candidates[0].name if len(candidates) == 1 else ""
        result = job.result(
            entry, candidates[0].board, SKIPPED, cause=str(quarantine), started=utc_now()
        )
        self._finish(result, None)
        return True

    def _work(self, entry: BenchEntry, queue: JobQueue) -> None:
        """The thread of a board."""
        try:
            work = self._work_of(entry)
            try:
                self._do_all(entry, work, queue)
            finally:
                work.close()
        except Stopped:
            self._view.doing(entry.name, "stopped")
        except BaseException as error:  # said by the main thread, which ends the run
            self._errors.append(error)
            self._stop.set()
            queue.stop()
        finally:
            self._ended.release()

    def _work_of(self, entry: BenchEntry) -> BoardWork | RemoteWork:
        limits = AttemptLimits(self._jobs.retries, self._jobs.deadlines)

        def told(words: str) -> None:
            self._view.doing(entry.name, words)

        if isinstance(entry, RemoteEntry):
            return RemoteWork(entry, limits, self._stop, told, self._journal.run)
        return BoardWork(entry, limits, self._stop, told)

    def _do_all(self, entry: BenchEntry, work: BoardWork | RemoteWork, queue: JobQueue) -> None:
        """One job after the other, until there are none, or the board is given up."""
        broken = 0
        while (queued := queue.take(entry.name)) is not None:
            result, record = work.do(queued.job)
            broken = broken + 1 if result.outcome == BROKEN else 0
            if result.outcome == BROKEN:
                last = Attempt(result.step, f"{entry.name}: {result.cause}", "another board")
                if not queue.give_back(queued, entry.name, (*result.failures, last)):
                    self._end(queued, result, None, queue)
            else:
                self._end(queued, result, record, queue)
            if broken == GIVE_UP_AFTER:
                self._view.doing(entry.name, f"given up: {result.cause}")
                cause = f"{entry.name} was given up after {broken} jobs in a row: {result.cause}"
                said = {"step": result.step, "cause": cause, "started": utc_now()}
                for one in queue.give_up(entry.name):
                    missed = one.job.result(entry.name, entry.board, BROKEN, **said)
                    self._end(one, missed, None, queue)
                return
        self._view.doing(entry.name, "done")

    def _end(
        self,
        queued: QueuedJob,
        result: JobResult,
        record: Mapping[str, object] | None,
        queue: JobQueue,
    ) -> None:
        """A job has come to its end, perhaps after other boards could not do it."""
        outcome = FLAKY if queued.failures and result.outcome == PASSED else result.outcome
        failures = (*queued.failures, *result.failures)
        self._finish(replace(result, outcome=outcome, failures=failures), record)
        queue.finish(queued)

    def _finish(self, result: JobResult, record: Mapping[str, object] | None) -> None:
        with self._turn:
            self._journal.add(result, None if record is None else dict(record))
            self._left -= 1
            self._view.done(result, self._left)


def _is_out(entry: BenchEntry, today: datetime.date) -> bool:
    """A board is in quarantine."""
    return entry.quarantine is not None and entry.quarantine.holds(today)
