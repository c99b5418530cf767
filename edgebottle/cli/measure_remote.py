"""``edgebottle measure`` on a board of another computer."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgebottle.cli.voice import note, progress_bar

if TYPE_CHECKING:
    from edgebottle.bench.jobs_file import Job
    from edgebottle.cli.options import CommandTarget
    from edgebottle.errors import EdgebottleError
    from edgebottle.fit import Wish
    from hil.bench.remote_boards import RemoteEntry
    from hil.bench.results import JobResult
    from hil.records import Record


@dataclass(frozen=True)
class MeasureWish:
    """What is run, as the options of ``measure`` say."""

    inputs: Path | None
    samples: int | None
    runs: int
    windows: int
    data: str | None
    part: str
    meaning: str | None
    energy: bool


def measured_there(
    entry: RemoteEntry, chosen: CommandTarget, wish: Wish, asked: MeasureWish, *, quiet: bool
) -> Record:
    """The record of a measurement that the edgebottle of another computer does.

    Raises:
        EdgebottleError: it could not be done; the message says why.
    """
    from edgebottle.bench.board_work import AttemptLimits
    from edgebottle.bench.jobs_file import DEADLINES, MAX_RETRIES
    from edgebottle.bench.remote_work import RemoteWork
    from hil.records import Record

    job = _job(entry, chosen, wish, asked)
    limits = AttemptLimits(MAX_RETRIES, DEADLINES)
    if not quiet:
        note(f"board: {entry.name}, by the edgebottle of {entry.host.address}")
    with progress_bar(quiet=quiet) as progress:
        work = RemoteWork(
            entry,
            limits,
            threading.Event(),
            lambda words: progress(words, 0, 0),
            uuid.uuid4().hex,
        )
        try:
            result, record = work.do(job)
        finally:
            work.close()
    if record is None:
        raise _failure(result)
    for one in () if quiet else result.failures:
        note(f"{one.step} had to be tried again: {one.cause}")
    return Record.from_json(dict(record))


def _job(entry: RemoteEntry, chosen: CommandTarget, wish: Wish, asked: MeasureWish) -> Job:
    """The measurement as a job."""
    from edgebottle.bench.jobs_file import Job

    return Job(
        model=chosen.model,
        path=chosen.model,
        board=entry.name,
        schedule=wish.schedule.value,
        inputs=None if asked.inputs is None else str(asked.inputs),
        samples=asked.samples,
        runs=asked.runs,
        windows=asked.windows,
        io=chosen.io,
        optimize=wish.optimize,
        toolchain=chosen.toolchain,
        ram=wish.ram,
        flash=wish.flash,
        energy=asked.energy,
        name=chosen.name,
        signature=chosen.signature,
        shapes=tuple(chosen.reading.shapes.items()),
        keep_layout=chosen.reading.keep_layout,
        meaning=asked.meaning,
        data=asked.data,
        part=asked.part,
        row_fed=wish.row_fed,
        narrow=wish.narrow,
        copies=wish.copies,
    )


def _failure(result: JobResult) -> EdgebottleError:
    """What a command ends with whose job was not done well."""
    from edgebottle.errors import BadInput, BoardError, Mismatch
    from hil.bench.results import CHECK, ERROR

    kind: type[EdgebottleError] = BadInput if result.outcome == ERROR else BoardError
    if result.step == CHECK and result.outcome != ERROR:
        kind = Mismatch
    tried = f" (tried {len(result.failures) + 1} times)" if result.failures else ""
    return kind(f"{result.entry}: {result.step}: {result.cause}{tried}")
