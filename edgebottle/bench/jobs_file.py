"""``jobs.toml``: models x boards x schedules x samples, and how long each may take."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any

from edgebottle.boards import target_ids
from edgebottle.config import parse_bytes
from edgebottle.errors import BadInput, EdgebottleError
from edgebottle.files import check_plain
from edgebottle.model_files import find_model
from edgebottle.plan.schedules import SCHEDULES, Schedule
from edgebottle.toml_tables import (
    Reader,
    check_version,
    flag,
    list_of,
    load_toml,
    near_words,
    one_of,
    read_table,
    text,
    whole,
)
from edgebottle.zoo import NETWORKS
from hil.bench.entries import ALL, QUARANTINE, Bench, BenchEntry, Quarantine
from hil.bench.results import (
    BOOK,
    BOOT,
    BUILD,
    CHECK,
    FLASH,
    LINK,
    PORT,
    RECOVER,
    REFERENCE,
    RUN,
    JobResult,
)

VERSION = 1
"""Of ``jobs.toml``."""

DEADLINES = {
    BUILD: 900.0,
    REFERENCE: 900.0,
    BOOK: 700.0,
    PORT: 30.0,
    FLASH: 180.0,
    BOOT: 90.0,
    RUN: 180.0,
    RECOVER: 180.0,
    CHECK: 600.0,
    LINK: 300.0,
}
"""Seconds that a step may take where nothing else is said; of ``run``, for each sample, and of
``link``, how long a host may be away."""

MAX_RETRIES = 2
"""Of a board or a line that fails; what fails three times is broken."""

SAMPLES = 4
"""Made-up inputs, where nothing is said."""


_LATER = (
    *("energy", "name", "signature", "shapes", "keep_layout", "meaning", "data", "part"),
    *("row_fed", "narrow", "copies"),
)
"""Fields of a job that are no part of its key where they say nothing."""


@dataclass(frozen=True)
class Job:
    """One measurement that is asked for.

    Attributes:
        model: As ``jobs.toml`` names it.
        path: The file, or the name of a network of the zoo.
        board: A board of the bench by name, or the id of some of them: any one of those.
        schedule: How the network is run.
        inputs: An ``.npz`` file; None: inputs are made up.
        samples: How many of them; None: all of the file.
        runs: Timed runs of each.
        windows: How often a real board times all of them.
        io: ``keep`` or ``int8``.
        optimize: ``size``, ``balanced`` or ``speed``.
        toolchain: ``zig`` or ``gcc``.
        ram: The most bytes; None: all of the board.
        flash: As well.
        energy: The energy of a run is measured as well, by the meter of the board.
        content: SHA-256 over the files of model and inputs.
        name: What the model is called in C; None: as its file.
        signature: Which of the file's; None: the usual one.
        shapes: Of inputs that the file leaves open, by name.
        keep_layout: Inputs and outputs keep the file's order of axes.
        meaning: What the numbers of ``inputs`` are: ``real`` or ``stored``; None: as their type is.
        data: Images labelled with boxes, instead of ``inputs``.
        part: Of ``data``.
        row_fed: The input is handed over row by row.
        narrow: Tensors of few values may be stored with fewer than 8 bits.
        copies: Constants may be copied to RAM that is left, where flash makes the core wait.
    """

    model: str
    path: str
    board: str
    schedule: str = Schedule.AUTO.value
    inputs: str | None = None
    samples: int | None = None
    runs: int = 1
    windows: int = 1
    io: str = "keep"
    optimize: str = "balanced"
    toolchain: str = "zig"
    ram: int | None = None
    flash: int | None = None
    energy: bool = False
    content: str = ""
    name: str | None = None
    signature: str | None = None
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    keep_layout: bool = False
    meaning: str | None = None
    data: str | None = None
    part: str = "test"
    row_fed: bool = False
    narrow: bool = True
    copies: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """Inverse of ``dataclasses.asdict``."""
        shapes = tuple((name, tuple(shape)) for name, shape in data.get("shapes", ()))
        return cls(**{**data, "shapes": shapes})

    @property
    def key(self) -> str:
        """The same for all jobs that do the very same, wherever their files lie."""
        said = asdict(self)
        del said["path"]
        for one in fields(self):  # runs of before these were thought of go on
            if one.name in _LATER and said[one.name] == one.default:
                del said[one.name]
        if self.inputs is not None:
            said["inputs"] = Path(self.inputs).name
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def sample_words(self) -> str:
        """What is run."""
        source = self.data or self.inputs
        if source is None:
            return f"{self.samples or SAMPLES} made up"
        first = "all" if self.samples is None else f"first {self.samples}"
        return f"{first} of {Path(source).name}"

    def result(self, entry: str, board_id: str, outcome: str, **said: Any) -> JobResult:
        """What has come of it.

        Args:
            entry: Name of the board that did it, or should have; "" for none.
            board_id: Of its board file.
            outcome: Of ``results.OUTCOMES``.
            said: Further fields of the result.
        """
        return JobResult(
            key=self.key,
            model=self.model,
            board=self.board,
            schedule=self.schedule,
            samples=self.sample_words,
            entry=entry,
            board_id=board_id,
            outcome=outcome,
            **said,
        )

    def candidates(self, bench: Bench) -> tuple[BenchEntry, ...]:
        """The boards of a bench that may do it."""
        named = tuple(entry for entry in bench.entries if entry.name == self.board)
        return named or bench.of_board(self.board)


@dataclass(frozen=True)
class JobQuarantine:
    """Jobs that are left out for a while; a field that is None fits all.

    Attributes:
        quarantine: Why, and until when.
        model: As jobs name it.
        board: As jobs name it.
        schedule: How it is run.
    """

    quarantine: Quarantine
    model: str | None = None
    board: str | None = None
    schedule: str | None = None

    @property
    def words(self) -> str:
        """Which jobs are meant."""
        said = {"model": self.model, "board": self.board, "schedule": self.schedule}
        return ", ".join(f"{key} {value}" for key, value in said.items() if value is not None)

    def fits(self, job: Job) -> bool:
        """Whether a job is meant."""
        pairs = (self.model, job.model), (self.board, job.board), (self.schedule, job.schedule)
        return all(said is None or said == found for said, found in pairs)


@dataclass(frozen=True)
class JobsFile:
    """What ``jobs.toml`` says.

    Attributes:
        path: The file.
        name: What a report calls the run.
        jobs: All different, in the file's order.
        retries: How often a board or a line that fails is tried again.
        deadlines: Seconds of each step.
        quarantine: What is left out.
    """

    path: Path
    name: str
    jobs: tuple[Job, ...]
    retries: int = MAX_RETRIES
    deadlines: Mapping[str, float] = field(default_factory=lambda: DEADLINES)
    quarantine: tuple[JobQuarantine, ...] = ()

    def quarantine_of(self, job: Job, today: datetime.date) -> Quarantine | None:
        """Why a job is left out today; None where it is not."""
        for one in self.quarantine:
            if one.fits(job) and one.quarantine.holds(today):
                return one.quarantine
        return None


def read_jobs(path: Path, bench: Bench) -> JobsFile:
    """The jobs of a file, for the boards of a bench.

    Raises:
        BadInput: it is no such file, or names what is not there; the message names the key.
    """
    table = load_toml(path)
    check_version(table, path, VERSION, "docs/bench.md shows such a file")
    try:
        said = read_table(table, _TOP, "", ("job",))
        jobs: dict[str, Job] = {}
        for number, one in enumerate(said["job"], start=1):
            for job in _jobs(one, f"job {number}: ", path.parent, bench):
                jobs.setdefault(job.key, job)
        quarantine = tuple(
            _quarantine(one, f"quarantine {number}: ", jobs.values())
            for number, one in enumerate(said.get("quarantine", ()), start=1)
        )
        deadlines = read_table(
            said.get("deadlines", {}), dict.fromkeys(DEADLINES, _seconds), "deadlines."
        )
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return JobsFile(
        path,
        said.get("name", path.stem),
        tuple(jobs.values()),
        said.get("retries", MAX_RETRIES),
        {**DEADLINES, **deadlines},
        quarantine,
    )


def _jobs(table: Mapping[str, Any], prefix: str, folder: Path, bench: Bench) -> Iterator[Job]:
    """All combinations of one ``[[job]]``."""
    said = read_table(table, _JOB, prefix, ("models", "boards"))
    models = [pair for name in said.pop("models") for pair in _models(name, folder, prefix)]
    boards = [name for wanted in said.pop("boards") for name in _boards(wanted, bench, prefix)]
    if said.get("energy"):
        _check_meters(boards, bench, prefix)
    schedules = said.pop("schedules", (Schedule.AUTO.value,))
    files = tuple(_inputs(name, folder, prefix) for name in said.pop("inputs", ())) or (None,)
    samples = said.pop("samples", (None,))
    contents: dict[Path, str] = {}
    for (model, path), board, schedule, file, count in product(
        models, boards, schedules, files, samples
    ):
        content = hashlib.sha256()
        for one in (find_model(path), *(() if file is None else (Path(file),))):
            content.update(contents.setdefault(one, _digest(one)).encode())
        yield Job(model, path, board, schedule, file, count, **said, content=content.hexdigest())


def _digest(path: Path) -> str:
    """Of a file, or of all files of a folder."""
    found = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for one in files:
        if one.is_file():
            found.update(one.read_bytes())
    return found.hexdigest()


def _models(said: str, folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """Each model of a name or pattern, as it is called and where it is."""
    if any(sign in said for sign in "*?["):
        found = sorted(folder.glob(said))
        if not found:
            raise BadInput(f"'{prefix}models': no file fits {said}")
        yield from ((str(path.relative_to(folder)), str(path)) for path in found)
        return
    path = said if said in NETWORKS and not (folder / said).exists() else str(folder / said)
    try:
        find_model(path)
    except EdgebottleError as error:
        raise BadInput(f"'{prefix}models': {error}") from error
    yield said, path


def _boards(said: str, bench: Bench, prefix: str) -> Iterator[str]:
    names = tuple(entry.name for entry in bench.entries)
    if said == ALL:
        yield from names
    elif said in names or bench.of_board(said):
        yield said
    elif said in target_ids():
        raise BadInput(
            f"'{prefix}boards': {bench.path} has no {said}; it has "
            + ", ".join(f"{entry.name} ({entry.board})" for entry in bench.entries)
        )
    else:
        known = tuple(dict.fromkeys((*names, *(entry.board for entry in bench.entries), ALL)))
        raise BadInput(f"'{prefix}boards': there is no '{said}'{near_words(said, known)}")


def _check_meters(boards: list[str], bench: Bench, prefix: str) -> None:
    """Raises ``BadInput`` for a board that may be taken and has no meter."""
    for entry in bench.entries:
        if entry.meter is None and (entry.name in boards or entry.board in boards):
            raise BadInput(f"'{prefix}energy': {entry.name} has no meter ({bench.path})")


def _inputs(said: str, folder: Path, prefix: str) -> str:
    path = folder / said
    try:
        check_plain(path)
    except BadInput as error:
        raise BadInput(f"'{prefix}inputs': {error}") from error
    return str(path)


def _quarantine(table: Mapping[str, Any], prefix: str, jobs: Any) -> JobQuarantine:
    said = read_table(table, {**QUARANTINE, **_FILTER}, prefix, ("reason", "until"))
    quarantine = Quarantine(said.pop("reason"), said.pop("until"))
    if not said:
        raise BadInput(f"'{prefix}model', 'board' or 'schedule' must say what is left out")
    one = JobQuarantine(quarantine, **said)
    if not any(one.fits(job) for job in jobs):
        raise BadInput(f"{prefix}no job has {one.words}")
    return one


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise BadInput("a number of seconds above 0")
    return float(value)


def _bytes(value: object) -> int:
    try:
        return parse_bytes(str(value))
    except BadInput:
        raise BadInput('a number of bytes such as 65536 or "64k"') from None


def _tables(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        raise BadInput("a list of tables, each headed by its name in [[ ]]")
    return value


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("a table")
    return value


_TOP: Mapping[str, Reader] = {
    "name": text,
    "retries": whole(0, MAX_RETRIES),
    "deadlines": _table,
    "job": _tables,
    "quarantine": _tables,
}
_FILTER: Mapping[str, Reader] = dict.fromkeys(("model", "board", "schedule"), text)
_JOB: Mapping[str, Reader] = {
    **dict.fromkeys(("models", "boards", "inputs"), list_of(text)),
    "schedules": list_of(one_of(*(schedule.value for schedule in SCHEDULES))),
    "samples": list_of(whole(1)),
    "runs": whole(1, 1_000_000),
    "windows": whole(1, 1000),
    "io": one_of("keep", "int8"),
    "optimize": one_of("size", "balanced", "speed"),
    "toolchain": one_of("zig", "gcc"),
    "ram": _bytes,
    "flash": _bytes,
    "energy": flag,
}
