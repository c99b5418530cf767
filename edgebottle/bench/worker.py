"""Does jobs, one after the other, in a process of its own: ``python -m edgebottle.bench.worker``.

A step that hangs can only be ended from outside, so the work of each board is a process that may be
killed with all it has started. Each line of standard input is a request, and each of standard
output says what begins, or what came of it:

    {"do": "prepare", "job": {...}, "board": "microbit"}     {"step": "build"} ... {"ready": true}
    {"do": "measure", "port": "/dev/tty9", "choice": {...}, "meter": null, "run_seconds": 120.0}
                                                             {"step": "flash"} ... {"record": {}}

A board that failed is looked into and restarted in a step of its own, which says why it began:
``{"step": "recover", "lost": {...}}``.

Whatever fails is ``{"failed": {"step": ..., "outcome": ..., "cause": ..., "steps": ...}}``; what
was lost is said like that.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from edgebottle.bench.jobs_file import SAMPLES, Job
from edgebottle.boards import load_board
from edgebottle.boxed_samples import boxed_samples
from edgebottle.conversion import Reading
from edgebottle.drivers import Faulted
from edgebottle.energy_mode import in_energy_mode
from edgebottle.errors import BadInput, BoardError, EdgebottleError, Mismatch
from edgebottle.fit import Wish
from edgebottle.measure import check_board, measure
from edgebottle.pipeline import Built, Model, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.sample_values import Meaning
from edgebottle.samples import Samples, edge_cases, load_samples
from hil.bench.meters.recording import MeterFault, MeterSettings
from hil.bench.results import (
    BOOK,
    BOOT,
    BROKEN,
    BUILD,
    CHECK,
    ERROR,
    FAILED,
    FLASH,
    PORT,
    RECOVER,
    RUN,
)
from hil.link import LinkClosed
from hil.probes import ProbeChoice
from hil.protocol import Garbled
from hil.recovery import steps_of
from hil.session import Watcher


@dataclass(frozen=True)
class Prepared:
    """A job that only lacks a board.

    Attributes:
        job: The job.
        built: Its firmware.
        samples: What is run.
    """

    job: Job
    built: Built
    samples: Samples


class Worker:
    """Answers requests."""

    def __init__(self, out: TextIO) -> None:
        """Takes where to answer to."""
        self._out = out
        self._step = BUILD
        self._prepared: Prepared | None = None

    def answer(self, request: dict[str, Any]) -> None:
        """Does one request; says how it failed where it does."""
        try:
            if request["do"] == "prepare":
                self._prepared = None
                self._begin(BUILD)
                self._prepared = prepare(Job.from_json(request["job"]), request["board"])
                self._say(ready=True)
            else:
                self._measure(
                    request["port"], request["choice"], request["meter"], request["run_seconds"]
                )
        except EdgebottleError as error:
            self._say(failed=self._failure(error))
        except Exception as error:
            traceback.print_exc()
            cause = f"a bug of edgebottle: {type(error).__name__}: {error}"
            self._say(failed={"step": self._step, "outcome": ERROR, "cause": cause})

    def _measure(
        self,
        port: str | None,
        choice: dict[str, Any],
        meter: dict[str, Any] | None,
        run_seconds: float,
    ) -> None:
        if self._prepared is None:
            raise BadInput("nothing was prepared")
        said = {**choice, "resets": tuple(choice["resets"])} if choice else {}
        record = measure(
            self._prepared.built,
            self._prepared.samples,
            runs=self._prepared.job.runs,
            windows=self._prepared.job.windows,
            port=port,
            choice=ProbeChoice(**said),
            meter=MeterSettings(**meter) if meter and self._prepared.job.energy else None,
            progress=self._progress,
            watcher=Watcher(self._begin, self._lost, run_seconds),
        )
        self._say(record=record.to_json())

    def _begin(self, step: str) -> None:
        self._step = step
        self._say(step=step)

    def _lost(self, error: BoardError) -> None:
        """Says how the board failed at once: what is done about it may not end."""
        self._say(step=RECOVER, lost=self._failure(error))

    def _failure(self, error: EdgebottleError) -> dict[str, Any]:
        steps = [asdict(one) for one in steps_of(error)]
        outcome = outcome_of(self._step, error)
        return {"step": self._step, "outcome": outcome, "cause": str(error), "steps": steps}

    def _progress(self, what: str, done: int, total: int) -> None:
        if self._step == RUN:
            self._say(step=RUN, done=done, total=total)

    def _say(self, **message: Any) -> None:
        print(json.dumps(message), file=self._out, flush=True)


def prepare(job: Job, board_id: str) -> Prepared:
    """Reads, and compiles for a board; raises as ``load``, ``load_samples`` and ``build`` do."""
    board = load_board(board_id)
    check_board(board)
    if job.energy:
        board = in_energy_mode(board)
    model = load(
        job.path,
        io=job.io,
        name=job.name,
        signature=job.signature,
        reading=Reading(dict(job.shapes), job.keep_layout),
    )
    wish = Wish(
        Schedule(job.schedule),
        job.row_fed,
        job.ram,
        job.flash,
        job.optimize,
        job.narrow,
        copies=job.copies,
    )
    built = build(model, board, toolchain=job.toolchain, wish=wish)
    return Prepared(job, built, _samples(job, model))


def _samples(job: Job, model: Model) -> Samples:
    """What is run."""
    if job.data is not None:
        return boxed_samples(job.data, job.part, model, job.samples)
    if job.inputs is None:
        return edge_cases(model.graph, job.samples or SAMPLES)
    meaning = None if job.meaning is None else Meaning(job.meaning)
    return load_samples(Path(job.inputs), model.graph, job.samples, meaning)


def outcome_of(step: str, error: EdgebottleError) -> str:
    """What a failure makes of a job: ``broken`` may be tried again, nothing else may.

    Until the firmware answers it is the board, its probe or its port that fails. From then on it
    is the firmware, unless the line is gone or what comes over it is no answer at all, or it is
    the meter.
    """
    if isinstance(error, Mismatch):
        return FAILED
    if not isinstance(error, BoardError) or step == CHECK:  # then it is the board that judges
        return ERROR
    causes = list(_causes(error))
    if any(isinstance(cause, Faulted) for cause in causes):
        return FAILED
    is_line = any(isinstance(cause, LinkClosed | Garbled | MeterFault) for cause in causes)
    return BROKEN if step in (BOOK, PORT, FLASH, BOOT) or is_line else FAILED


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and all that led to it."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def main() -> int:
    """Answers until there are no requests any more."""
    # What a library prints is no answer: standard output is kept for those.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        worker = Worker(out)
        with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
            for line in sys.stdin:
                worker.answer(json.loads(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
