"""What has been done of a run of jobs, in a file that survives whatever ends the run.

Each job is one line, its record included, which is written whole or not at all: a job whose line
is there is done, and all others are still to do. The files that people read (records, JUnit,
HTML) are made of it.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from edgebottle import __version__
from edgebottle.bench.jobs_file import JobsFile
from edgebottle.errors import BadInput
from edgebottle.files import reason
from edgebottle.operating_system import try_lock
from hil.bench.results import BenchReport, JobResult
from hil.lines import append_line

VERSION = 1
"""Of the journal."""

JOURNAL = "journal.jsonl"
EARLIER = "earlier"
FILES = (JOURNAL, "records.jsonl", "junit.xml", "report.html")
"""Of a run, in its folder."""


def utc_now() -> str:
    """ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class BenchJournal:
    """The journal of the newest run in a folder.

    Attributes:
        folder: Where it lies.
        path: The file.
        run: A name of the run that is its own in the whole world, from ``begin`` on.
    """

    def __init__(self, folder: Path) -> None:
        """Opens what there is."""
        self.folder = folder
        self.path = folder / JOURNAL
        self.run = ""
        self._lock: IO[bytes] | None = None

    def take(self) -> None:
        """Makes the folder, and keeps others from working in it until ``close``.

        Raises:
            BadInput: another run works there, or nothing can be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / "lock").open("ab")
        except OSError as error:
            raise BadInput(f"cannot write {self.folder}: {reason(error)}") from error
        if not try_lock(file):
            file.close()
            raise BadInput(f"another edgebottle runs jobs in {self.folder}: give another --out")
        self._lock = file

    def close(self) -> None:
        """Lets others work in the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def begin(self, jobs: JobsFile, *, fresh: bool = False) -> dict[str, JobResult]:
        """Goes on with a run that was interrupted, or begins one; moves the one before away.

        Args:
            jobs: What is to be done.
            fresh: Begin one in any case.

        Returns:
            What is done already, by key of the job.
        """
        if self.path.exists():
            found = self.report(jobs)
            if not found.has_ended and not fresh and found.started:
                self.run = self._begun_run()
                return {result.key: result for result in found.results}
            self._move_away(found.started)
        self.run = uuid.uuid4().hex
        said = {"version": VERSION, "time": utc_now(), "name": jobs.name, "run": self.run}
        self._add({"event": "begin", **said})
        return {}

    def add(self, result: JobResult, record: dict[str, Any] | None) -> None:
        """A job is done."""
        self._add({"event": "job", "result": result.to_json(), "record": record})

    def end(self) -> None:
        """Nothing is left to do."""
        self._add({"event": "end", "time": utc_now(), "edgebottle": __version__})

    def report(self, jobs: JobsFile) -> BenchReport:
        """How far the run has come; what it did before ``jobs`` were changed is left out."""
        keys = {job.key for job in jobs.jobs}
        report = BenchReport(jobs.name, "", len(keys), (), False)
        results: dict[str, JobResult] = {}
        for event in self._events():
            kind = event.get("event")
            if kind == "begin":
                if event.get("version") != VERSION:
                    raise BadInput(f"{self.path} is of another version: give another --out")
                report = replace(report, started=str(event.get("time", "")))
            elif kind == "end":
                report = replace(report, has_ended=True)
            elif kind == "job":
                result = self._result(event.get("result"))
                results[result.key] = result
        kept = tuple(result for key, result in results.items() if key in keys)
        return replace(report, results=kept)

    def records(self, jobs: JobsFile) -> Iterator[dict[str, Any]]:
        """The record of each job that has one, once, as JSON."""
        keys = {job.key for job in jobs.jobs}
        for event in self._events():
            if event.get("event") == "job" and event.get("record") is not None:
                key = event["result"]["key"]
                if key in keys:
                    keys.remove(key)
                    yield event["record"]

    def _begun_run(self) -> str:
        begun = [event for event in self._events() if event.get("event") == "begin"]
        return str(begun[-1].get("run") or begun[-1].get("time"))

    def _result(self, data: Any) -> JobResult:
        try:
            return JobResult.from_json(data)
        except BadInput as error:
            raise BadInput(f"{self.path}: {error}; give another --out") from error

    def _add(self, event: dict[str, Any]) -> None:
        append_line(self.path, event, "result of a job")

    def _events(self) -> Iterator[dict[str, Any]]:
        """Each line; one that was cut off when the computer stopped is none."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    try:
                        event = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(event, dict):
                        yield event
        except OSError as error:
            raise BadInput(f"cannot read {self.path}: {reason(error)}") from error

    def _move_away(self, started: str) -> None:
        """Keeps an earlier run, under the time of its beginning."""
        stem = started.replace(":", "").replace("+0000", "Z") or "unknown"
        folder, number = self.folder / EARLIER / stem, 1
        while folder.exists():
            number += 1
            folder = self.folder / EARLIER / f"{stem}-{number}"
        folder.mkdir(parents=True)
        for name in FILES:
            if (self.folder / name).exists():
                (self.folder / name).rename(folder / name)
