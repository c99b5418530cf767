"""Has one job after the other done on a board of another computer."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from edgebottle.bench.board_work import AttemptLimits, RecordJson
from edgebottle.bench.jobs_file import Job
from edgebottle.bench.journal import utc_now
from edgebottle.bench.sent_files import SentFile, files_of
from edgebottle.bench.worker_process import Stopped, Told
from edgebottle.errors import BadInput, BoardError, EdgebottleError
from hil.bench.remote_boards import RemoteEntry
from hil.bench.results import BROKEN, ERROR, LINK, JobResult
from hil.bench.ssh import HostRequest, LinkBroken

AGAIN_SECONDS = 2.0
"""Between two attempts to reach a host."""

STOP_SECONDS = 15.0
"""For the host to hear that a job is not wanted any more."""


class RemoteWork:
    """What is done with one board of a host.

    The host does the job whether it is connected or not, and does it once: whoever asks for the
    same job again gets what came of it. So a link that breaks is only connected again.
    """

    def __init__(
        self,
        entry: RemoteEntry,
        limits: AttemptLimits,
        stop: threading.Event,
        told: Told,
        run: str,
    ) -> None:
        """Connects to nothing yet.

        Args:
            entry: The board.
            limits: What it is given; the deadline of ``link`` is for a host that is away.
            stop: Set: the work ends with ``Stopped``.
            told: Told what is being done.
            run: Of which run its jobs are: the same job of another run is another one.
        """
        self._entry, self._limits, self._stop, self._told = entry, limits, stop, told
        self._run = run
        self._fetched: str | None = None
        self._heard = 0.0

    def close(self) -> None:
        """Lets the host forget the last job."""
        identity, self._fetched = self._fetched, None
        if identity is not None:
            self._dismiss("forget", identity)

    def do(self, job: Job) -> tuple[JobResult, RecordJson | None]:
        """Does a job to its end; the result, and the record where it is right.

        Raises:
            Stopped: the run was interrupted; nothing has come of the job.
        """
        self.close()  # the journal has that result by now
        started, begun = utc_now(), time.monotonic()
        identity = self._identity(job)
        try:
            ended = self._ended(job, identity)
        except (Stopped, KeyboardInterrupt):
            self._dismiss("stop", identity)
            raise
        except EdgebottleError as error:
            is_away = isinstance(error, BoardError)
            result = job.result(
                self._entry.name,
                self._entry.board,
                BROKEN if is_away else ERROR,
                step=LINK,
                cause=str(error),
                started=started,
                seconds=round(time.monotonic() - begun, 3),
            )
            return result, None
        self._fetched = identity
        return self._own(job, ended["result"]), self._marked(ended["record"])

    def _ended(self, job: Job, identity: str) -> Mapping[str, Any]:
        """What came of a job, once the host says it, however often the link breaks."""
        with files_of(job) as files:
            return self._told_at_last(job, self._request(job, identity, files), files)

    def _told_at_last(
        self, job: Job, request: Mapping[str, Any], files: Mapping[str, SentFile]
    ) -> Mapping[str, Any]:
        self._heard = time.monotonic()
        while True:
            try:
                return self._asked(request, files, f"{job.model} {job.schedule}")
            except LinkBroken as error:
                limit = self._limits.deadlines[LINK]
                if time.monotonic() - self._heard > limit:
                    raise BoardError(f"{error}; that did not change in {limit:g} s") from error
                self._told(f"{job.model} {job.schedule}: {error}; tries again")
            if self._stop.wait(AGAIN_SECONDS):
                raise Stopped

    def _request(self, job: Job, identity: str, files: Mapping[str, SentFile]) -> Mapping[str, Any]:
        said = {**asdict(job), "board": self._entry.there}
        return {
            "do": "job",
            "id": identity,
            "board": self._entry.there,
            "job": said,
            "retries": self._limits.retries,
            "deadlines": dict(self._limits.deadlines),
            "files": {kind: one.to_json() for kind, one in files.items()},
        }

    def _asked(
        self, request: Mapping[str, Any], files: Mapping[str, SentFile], title: str
    ) -> Mapping[str, Any]:
        with HostRequest(self._entry.host, request, self._check) as connection:
            try:
                for answer in connection.answers():
                    if "lacks" in answer:
                        for kind in answer["lacks"]:
                            self._told(f"{title}: sends {files[kind].name}")
                            connection.send(files[kind].path)
                    elif "doing" in answer:
                        self._told(answer["doing"])
                    elif "ended" in answer:
                        return self._checked(answer["ended"])
            finally:
                self._heard = connection.heard or self._heard
        raise LinkBroken(f"{self._entry.host.name}: the connection ended")

    def _checked(self, ended: Mapping[str, Any]) -> Mapping[str, Any]:
        error = ended.get("error")
        if error is not None:
            raise BadInput(f"{self._entry.host.name}: {error['message']}")
        return ended

    def _own(self, job: Job, said: dict[str, Any]) -> JobResult:
        """The result of the host, as that of the job as it is called here."""
        found = JobResult.from_json(said)
        return replace(
            found,
            key=job.key,
            model=job.model,
            board=job.board,
            samples=job.sample_words,
            entry=self._entry.name,
        )

    def _marked(self, record: dict[str, Any] | None) -> RecordJson | None:
        return None if record is None else {**record, "host": self._entry.host.name}

    def _identity(self, job: Job) -> str:
        said = f"{self._run} {self._entry.name} {job.key}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _dismiss(self, what: str, identity: str) -> None:
        """Tells the host that a job is not wanted any more; it may be away."""
        end = time.monotonic() + STOP_SECONDS

        def check() -> None:
            if time.monotonic() > end:
                raise LinkBroken("no answer in time")

        with contextlib.suppress(EdgebottleError):
            request = {"do": what, "ids": [identity]}
            with HostRequest(self._entry.host, request, check) as connection:
                next(connection.answers(), None)
