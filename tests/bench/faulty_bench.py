"""Boards that misbehave, many times: ``python -m tests.bench.faulty_bench FOLDER``.

Each fault has a board of its own on a desk (``tests/lab/desk.py``), on which it happens at every
other flashing, so that a job fails and the next, or the same once more, does not. The table says
for each fault how the jobs ended, the longest of them, and whether each names its cause. With
``--soak`` each of some boards fails in any way at any flashing, one time of ten, and memory, open
files and files of the whole run are looked at while it goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hil.bench.results import JobResult
from tests.cli.command_line import SCRIPT
from tests.lab.desk import FAULTS, Desk, first_time

SOAK_SHARE = 0.1
LOOK_SECONDS = 30.0

CAUSES = {
    "garbage": "answered garbage",
    "reset": "the board reset",
    "hang": "nothing for 10 s) while running the network",
    "dribble": "while reading the outputs",
    "unplug": "connection to the board was closed",
    "wrong-image": "runs another image",
    "power-loss": "openocd could not flash",
    "dead": "no answer in",
    "wrong-result": "differs on sample",
}
"""What must be said of each fault."""


FINAL = ("reset", "hang", "dribble", "wrong-result")
"""Faults after which a job is not tried again."""


def soak_plan(seed: int) -> Iterator[str | None]:
    """Any fault now and then."""
    drawn = random.Random(seed)
    while True:
        yield drawn.choice(list(FAULTS)) if drawn.random() < SOAK_SHARE else None


def jobs_text(counts: dict[str, int]) -> str:
    """So many jobs for each board; they differ in their budget alone."""
    text = "version = 1\ndeadlines = { run = 15 }\n"
    for number in range(max(counts.values())):
        boards = [name for name, count in counts.items() if number < count]
        text += (
            f'[[job]]\nmodels = ["digits"]\nboards = {json.dumps(boards)}\nsamples = [1]\n'
            f"ram = {12000 + number}\n"
        )
    return text


def main() -> None:
    """Runs it, and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything is put")
    parser.add_argument("--runs", type=int, default=100, help="times that each fault happens")
    parser.add_argument("--kind", action="append", choices=list(FAULTS), help="these faults alone")
    parser.add_argument("--soak", type=int, metavar="JOBS", help="any fault on any board")
    parser.add_argument("--boards", type=int, default=8, help="of the soak (default 8)")
    parser.add_argument("--minutes", type=float, help="of the soak, where that is sooner")
    parser.add_argument(
        "--kill", type=float, metavar="SECONDS", help="kill -9 the run now and then, and go on"
    )
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.soak:
        plans = {f"board-{number}": soak_plan(number) for number in range(given.boards)}
        text = jobs_text({"microbit": given.soak})
    else:
        kinds = given.kind or list(FAULTS)
        plans = {kind: first_time(kind)() for kind in kinds}
        # A job that is not tried again is followed by one that passes.
        text = jobs_text({kind: given.runs * (1 + (kind in FINAL)) for kind in kinds})
    (given.folder / "jobs.toml").write_text(text)
    with Desk(given.folder, plans) as desk:
        started = time.monotonic()
        end = None if given.minutes is None else started + 60 * given.minutes
        results = run(given.folder, desk.environment(), bool(given.soak), given.kill, end)
        print(f"{len(results)} jobs in {time.monotonic() - started:,.0f} s")
        faults = {name: Counter(board.faults) for name, board in desk.boards.items()}
    if given.soak:
        show_soak(results, sum(faults.values(), Counter()), given.folder)
    else:
        show_kinds(results, faults, given.folder)


def run(
    folder: Path,
    environment: dict[str, str],
    look: bool,
    kill: float | None,
    end: float | None = None,
) -> list[JobResult]:
    """The results of all jobs; a run that was interrupted, or is killed, goes on until ``end``."""
    drawn, kills = random.Random(0), 0
    while True:
        left = math.inf if end is None else end - time.monotonic()
        limit = math.inf if kill is None else drawn.uniform(0, 2 * kill)
        if left <= 0 or _ran(folder, environment, look, min(left, limit)):
            break
        kills += 1
    print(f"killed {kills} times")
    return [JobResult.from_json(one["result"]) for one in journal_jobs(folder)]


def journal_jobs(folder: Path) -> list[dict[str, Any]]:
    """What the journal says of each job; a line that was cut off is none, as for a run."""
    jobs = []
    for line in (folder / "out" / "journal.jsonl").open():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            jobs += [event] if event["event"] == "job" else []
    return jobs


def _ran(folder: Path, environment: dict[str, str], look: bool, limit: float) -> bool:
    """Whether a run came to its end before so many seconds had passed."""
    words = [str(SCRIPT), "bench", "run", "--json", "--out", "out"]
    with (folder / "summary.json").open("w") as out:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=out)
        begun = last = time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            now = time.monotonic()
            if now - begun > limit:
                process.kill()
                process.wait()
                return False
            if look and now - last > LOOK_SECONDS:
                last = now
                print(looked_at(process.pid, folder), flush=True)
    return True


def looked_at(pid: int, folder: Path) -> str:
    """Megabytes, open files and processes of a run, and files of its folder."""
    tree = processes_below(pid)
    memory = {one: resident(one) for one in tree}
    opened = [len(list(Path(f"/proc/{one}/fd").glob("*"))) for one in tree]
    files = sum(1 for _ in folder.rglob("*"))
    journal = folder / "out" / "journal.jsonl"
    done = sum(1 for _ in journal.open()) - 1 if journal.exists() else 0
    return (
        f"{done} jobs: run {memory[pid]:.0f} MB, all {sum(memory.values()):.0f} MB in "
        f"{len(tree)} processes, {opened[0]} open files, {sum(opened)} in all, {files} files"
    )


def processes_below(pid: int) -> list[int]:
    """A process, and all that it and they have started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def resident(pid: int) -> float:
    """Megabytes in memory."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 2**20


def show_kinds(results: list[JobResult], faults: dict[str, Counter[str]], folder: Path) -> None:
    """A row a fault."""
    print("| fault | times | jobs | outcomes | cause named | longest job |")
    print("|---|--:|--:|---|--:|--:|")
    for kind in faults:
        mine = [one for one in results if one.entry == kind]
        failures = [one for one in mine if one.cause or one.failures]
        named = sum(CAUSES[kind] in (one.cause or one.failures[0].cause) for one in failures)
        ended = ", ".join(f"{n} {name}" for name, n in Counter(r.outcome for r in mine).items())
        longest = max((one.seconds for one in mine), default=0)
        share = f"{named} of {faults[kind][kind]}"
        print(
            f"| {kind} | {faults[kind][kind]} | {len(mine)} | {ended} | {share} | {longest:.1f} s |"
        )
    show_records(results, folder)


def show_soak(results: list[JobResult], faults: Counter[str], folder: Path) -> None:
    """All boards together."""
    print("faults:", ", ".join(f"{count} {name}" for name, count in sorted(faults.items())))
    ended = Counter(one.outcome for one in results)
    print("outcomes:", ", ".join(f"{count} {name}" for name, count in ended.items()))
    show_records(results, folder)


def show_records(results: list[JobResult], folder: Path) -> None:
    """Whether each good job has one record, and each job one result."""
    good = sum(one.latency_us is not None for one in results)
    records = sum(one["record"] is not None for one in journal_jobs(folder))
    made = folder / "out" / "records.jsonl"  # of a run that came to its end
    if made.exists() and (count := sum(1 for _ in made.open())) != records:
        print(f"{made} has {count}")
    keys = len({one.key + one.entry for one in results})
    print(f"{keys} different jobs of {len(results)}; {records} records of {good} good jobs")


if __name__ == "__main__":
    main()
