"""Writes what people and their tools read of a run of jobs: records, JUnit XML, and a page."""

from __future__ import annotations

import json
from pathlib import Path

from edgebottle.bench.jobs_file import JobsFile
from edgebottle.bench.journal import FILES, BenchJournal
from edgebottle.bench.junit import junit_xml
from edgebottle.files import write_file
from edgebottle.report.bench_page import bench_page
from edgebottle.report.page import write_page
from hil.bench.results import BenchReport

_, RECORDS, JUNIT, PAGE = FILES


def write_outputs(journal: BenchJournal, jobs: JobsFile) -> BenchReport:
    """Writes all files beside the journal, each whole or not at all; what they say.

    Raises:
        BadInput: one cannot be written.
    """
    report = journal.report(jobs)
    _write_records(journal, jobs, journal.folder / RECORDS)
    write_file(journal.folder / JUNIT, junit_xml(report))
    write_page(bench_page(report), journal.folder / PAGE)
    return report


def _write_records(journal: BenchJournal, jobs: JobsFile, path: Path) -> None:
    """Record by record: a long run has more than fits into memory."""
    records = (json.dumps(one, separators=(",", ":")) for one in journal.records(jobs))
    write_file(path, (f"{line}\n".encode() for line in records))
