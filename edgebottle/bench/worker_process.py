"""The process that works for one board, and the end of every step that takes too long."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import IO, Any

from edgebottle.bench.jobs_file import Job
from edgebottle.errors import ToolMissing
from edgebottle.operating_system import Child, ending
from hil.bench.meters.recording import MeterSettings
from hil.bench.results import (
    BOOK,
    BOOT,
    BROKEN,
    BUILD,
    ERROR,
    FAILED,
    FLASH,
    PORT,
    RECOVER,
    REFERENCE,
    RUN,
)
from hil.probes import ProbeChoice
from hil.recovery import RecoveryStep, steps_from_json

POLL_SECONDS = 0.2
"""How often somebody who waits asks whether he shall stop."""

RUN_SHARE = 2 / 3
"""Of the deadline of a run, after which whoever waits for the board says that it is silent, and
looks after it: an end from outside would tell nothing of it."""

JOBS_PER_PROCESS = 100
"""A process that has done so many is ended, with all that it remembers of them."""

Told = Callable[[str], None]
"""Called with what begins, in words: ``flash``, ``run 3/10``."""


class Stopped(Exception):
    """The run of jobs was interrupted."""


@dataclass(frozen=True)
class StepFailure:
    """What a worker could not do.

    Attributes:
        step: At which.
        outcome: What it makes of the job, as of ``results.OUTCOMES``.
        cause: Why.
        steps: What was done about the board then, and seen of it.
    """

    step: str
    outcome: str
    cause: str
    steps: tuple[RecoveryStep, ...] = ()


class WorkerProcess:
    """Prepares and measures jobs for one board.

    The process is started when it is needed, and anew after a step that had to be ended.
    """

    def __init__(self, deadlines: Mapping[str, float], stop: threading.Event) -> None:
        """Starts nothing yet.

        Args:
            deadlines: Seconds of each step.
            stop: Set: whoever waits gets ``Stopped``.
        """
        self._deadlines, self._stop = deadlines, stop
        self._process: Child[str] | None = None
        self._diagnostics: IO[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._prepared: Job | None = None
        self._jobs = 0

    def prepare(self, job: Job, board: str, told: Told) -> StepFailure | None:
        """Builds a job for a board; None: it only lacks the board."""
        if self._prepared == job and self._process is not None:
            return None
        if self._jobs == JOBS_PER_PROCESS:
            self.close()
        self._jobs += 1
        answer = self._asked({"do": "prepare", "job": asdict(job), "board": board}, BUILD, told)
        if isinstance(answer, StepFailure):
            return answer
        self._prepared = job
        return None

    def measure(
        self,
        port: str | None,
        choice: ProbeChoice,
        told: Told,
        meter: MeterSettings | None = None,
    ) -> dict[str, Any] | StepFailure:
        """Runs what is prepared; the record as JSON, or what failed."""
        request = {
            "do": "measure",
            "port": port,
            "choice": asdict(choice),
            "meter": None if meter is None else asdict(meter),
            "run_seconds": self._deadlines[RUN] * RUN_SHARE,
        }
        answer = self._asked(request, REFERENCE, told)
        return answer if isinstance(answer, StepFailure) else dict(answer["record"])

    def close(self) -> None:
        """Ends the process and all that it started."""
        process, self._process, self._prepared, self._jobs = self._process, None, None, 0
        if process is not None:
            process.end()
            for stream in (process.stdin, process.stdout, self._diagnostics):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _asked(
        self, request: dict[str, Any], step: str, told: Told
    ) -> dict[str, Any] | StepFailure:
        """Sends a request, and waits for its end while each step keeps to its deadline."""
        process = self._started()
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # that it has gone is seen below
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        told(step)
        end, behind, lost = time.monotonic() + self._deadlines[step], "", None
        while True:
            if self._stop.is_set():
                self.close()
                raise Stopped
            try:
                left = max(end - time.monotonic(), 0.0)
                answer = self._answers.get(timeout=min(POLL_SECONDS, left))
            except queue.Empty:
                if time.monotonic() < end:
                    continue
                self.close()
                return _ended_in_recovery(lost, self._late(step, behind))
            if answer is None:
                return _ended_in_recovery(lost, self._gone(step))
            if "step" in answer:
                step = answer["step"]
                lost = _failure(answer["lost"]) if "lost" in answer else None
                end, behind = time.monotonic() + self._deadlines[step], ""
                if "done" in answer:
                    behind = f" behind sample {answer['done']} of {answer['total']}"
                told(f"{step} {answer['done']}/{answer['total']}" if behind else step)
            elif "failed" in answer:
                return _failure(answer["failed"])
            else:
                return answer

    def _late(self, step: str, behind: str) -> StepFailure:
        outcome = {RUN: FAILED, BOOK: BROKEN, PORT: BROKEN, FLASH: BROKEN, BOOT: BROKEN}.get(
            step, ERROR
        )
        cause = f"{step} did not end in {self._deadlines[step]:g} s{behind}"
        return StepFailure(step, outcome, cause)

    def _gone(self, step: str) -> StepFailure:
        """The process ended by itself."""
        assert self._process is not None and self._diagnostics is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(POLL_SECONDS * 10)
        how = ending(self._process.poll())
        self._diagnostics.seek(0)
        lines = self._diagnostics.read().strip().splitlines()
        self.close()
        said = f": {lines[-1]}" if lines else ""
        return StepFailure(step, ERROR, f"the process that does {step} ended: {how}{said}")

    def _started(self) -> Child[str]:
        if self._process is not None:
            if self._process.poll() is None:
                return self._process
            self.close()
        self._diagnostics = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        try:
            self._process = Child.python(
                "edgebottle.bench.worker",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._diagnostics,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise ToolMissing(f"cannot start a process for a board: {error}") from error
        self._answers = queue.Queue()
        thread = threading.Thread(
            target=_listen, args=(self._process.stdout, self._answers), daemon=True
        )
        thread.start()
        return self._process


def _failure(said: Mapping[str, Any]) -> StepFailure:
    return StepFailure(**{**said, "steps": steps_from_json(said.get("steps", ()))})


def _ended_in_recovery(lost: StepFailure | None, ended: StepFailure) -> StepFailure:
    """What has failed, where the process ended as it looked after a board that was lost."""
    if lost is None:
        return ended
    step = RecoveryStep(RECOVER, "looked into its core and restarted it", ended.cause)
    return replace(lost, steps=(*lost.steps, step))


def _listen(stream: IO[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
    """Takes each line; ``None`` says that there are no more."""
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            answers.put(json.loads(line))
    answers.put(None)
