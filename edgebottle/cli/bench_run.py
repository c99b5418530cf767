"""``edgebottle bench run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.bench_options import bench_option, required_bench
from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.voice import note

if TYPE_CHECKING:
    from edgebottle.bench.jobs_file import JobsFile
    from edgebottle.bench.journal import BenchJournal
    from hil.bench.entries import Bench
    from hil.bench.results import BenchReport

FILE = "jobs.toml"
OUT = Path("edgebottle-out") / "bench"


@click.command("run", short_help="Do the jobs of a file on all boards at once.")
@click.argument(
    "jobs",
    metavar="[JOBS.TOML]",
    type=click.Path(path_type=Path, readable=False),
    default=FILE,
)
@bench_option
@click.option(
    "--out",
    "-o",
    metavar="FOLDER",
    type=click.Path(path_type=Path, readable=False),
    default=OUT,
    help=f"Where results lie: records.jsonl, junit.xml and report.html (default: {OUT}).",
)
@click.option("--fresh", is_flag=True, help="Begin anew, not where an interrupted run was.")
@json_option
def run(jobs: Path, bench: Path | None, out: Path, fresh: bool, as_json: bool) -> None:
    """Do what JOBS.TOML says (default: jobs.toml) on the boards of the bench, all at once.

    Each board is taken by a lock, flashed, measured and given back. What fails before the firmware
    answers (port, flash, boot) is tried again, twice at most and after a power cycle where there is
    a switch; a wrong result never is. Ctrl-C stops it, and the same command goes on where it was.

    Exit code 0 where all is well, 1 where a result is wrong or a job cannot be done, 3 where only
    boards failed.

    \b
    Examples:
      edgebottle bench run
      edgebottle bench run nightly.toml --bench lab/bench.toml --out results
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.bench.jobs_file import read_jobs
    from edgebottle.bench.journal import BenchJournal
    from edgebottle.errors import BadInput
    from hil.bench.entries import read_bench

    found = read_bench(required_bench(bench))
    if jobs == Path(FILE) and not jobs.exists():
        raise BadInput(
            f"there is no {FILE} here: name another file, or write one "
            "(docs/bench.md, under Jobs, shows all that it can say)"
        )
    boards = _all_boards(found, quiet=as_json)
    said = read_jobs(jobs, boards)
    for text in () if as_json else _ended_quarantines(boards, said):
        note(text)
    journal = BenchJournal(out)
    journal.take()
    try:
        report = _work(said, boards, journal, fresh=fresh, quiet=as_json)
    finally:
        journal.close()
    if as_json:
        print_json({**report.to_json(), "folder": str(out)})
    else:
        from edgebottle.report.bench import bench_parts
        from edgebottle.report.terminal import show

        show(*bench_parts(report), f"results: {out}")
    sys.exit(_exit_code(report))


def _all_boards(bench: Bench, *, quiet: bool) -> Bench:
    """With those of its hosts, as they were the last time where a host is away.

    Raises:
        EdgebottleError: of a host that was never reached.
    """
    from hil.bench.remote_boards import ask_hosts, with_boards

    asked = ask_hosts(bench.hosts)
    for one in asked:
        if one.error is None:
            continue
        if not one.entries:
            raise one.error
        if not quiet:
            note(f"{one.error}; its boards are tried all the same")
    return with_boards(bench, asked)


def _work(
    jobs: JobsFile, bench: Bench, journal: BenchJournal, *, fresh: bool, quiet: bool
) -> BenchReport:
    """Does what is left; writes the files in any case, and says how an interrupted run goes on."""
    from edgebottle.bench.outputs import write_outputs
    from edgebottle.bench.running import BenchRun
    from edgebottle.cli.bench_lines import board_lines

    done = journal.begin(jobs, fresh=fresh)
    total = len(jobs.jobs)
    if done and not quiet:
        note(f"goes on: {len(done)} of {total} jobs are done (--fresh begins anew)")
    try:
        with board_lines(quiet=quiet) as view:
            BenchRun(jobs, bench, journal, view).run(done)
    except BaseException as error:
        report = write_outputs(journal, jobs)
        if isinstance(error, KeyboardInterrupt) and not quiet:
            note(f"stopped behind {len(report.results)} of {total} jobs; the same command goes on")
        raise
    return write_outputs(journal, jobs)


def _ended_quarantines(bench: Bench, jobs: JobsFile) -> list[str]:
    """For each quarantine that is over, that it is: somebody may want to renew it."""
    import datetime

    today = datetime.date.today()
    found = [(entry.name, entry.quarantine) for entry in bench.entries if entry.quarantine]
    found += [(f"{one.words} of the jobs", one.quarantine) for one in jobs.quarantine]
    return [
        f"the quarantine of {what} ended on {one.until} ({one.reason}): it runs again"
        for what, one in found
        if not one.holds(today)
    ]


def _exit_code(report: BenchReport) -> int:
    from hil.bench.results import BROKEN, GOOD

    bad = {result.outcome for result in report.results} - set(GOOD)
    return 0 if not bad else 3 if bad == {BROKEN} else 1
