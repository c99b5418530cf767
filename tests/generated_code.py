"""Says what is generated for every operator case and every real model, one digest a line.

A change that is to leave the generated C as it is runs this before and after, and compares:

    python -m tests.generated_code > before.txt
    python -m tests.generated_code > after.txt
    diff before.txt after.txt

Where a line differs, ``--only TEXT --save FOLDER`` writes the files behind it, to be compared from
two checkouts.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

from edgebottle import __version__
from edgebottle.boards import Board, load_board
from edgebottle.codegen.project import write_project
from edgebottle.errors import EdgebottleError
from edgebottle.fit import Wish, fit, kernel_variant
from edgebottle.ir.graph import Graph
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Isa
from edgebottle.pipeline import Model, load
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from edgebottle.zoo import NETWORKS
from tests.conftest import SHARED

BOARDS = {
    Isa.PORTABLE: "host",
    Isa.SCALAR: "nucleo_g0b1re",
    Isa.DSP: "nucleo_l4r5zi",
    Isa.MVE: "mps3_an547",
}
"""One for each kernel variant."""

SCHEDULES = (
    (Schedule.AUTO, False),
    (Schedule.LAYERS, False),
    (Schedule.MIN_RAM, False),
    (Schedule.MIN_RAM, True),
    (Schedule.PATCHES, False),
)
"""With whether the input is fed row by row."""

PATCHED = 2_000_000
"""Bytes of the largest file that is planned in patches: of larger ones it takes minutes."""

OPERATOR_CASES = "ops"


@dataclass(frozen=True)
class Task:
    """A model file or the cases of an operator, for one kernel variant."""

    source: str
    isa: Isa


def tasks(only: str) -> list[Task]:
    """All whose name contains ``only``, the same ones in the same order on every machine."""
    files = sorted(path.relative_to(SHARED).as_posix() for path in SHARED.rglob("*.tflite"))
    operators = (f"{OPERATOR_CASES}/{name}" for name in sorted(BY_NAME))
    sources = (*operators, *(f"zoo/{name}" for name in NETWORKS), *files)
    every = [Task(source, isa) for source, isa in product(sources, BOARDS)]
    return [task for task in every if only in f"{task.source} {task.isa.value}"]


def generate(task: Task) -> Iterator[tuple[str, str, dict[str, bytes] | str]]:
    """Each case with its plan, as JSON, and the files written for it, or why there are none."""
    board = load_board(BOARDS[task.isa])
    where = f"{task.source} {task.isa.value}"
    if task.source.startswith(f"{OPERATOR_CASES}/"):
        for graph in BY_NAME[task.source.split("/")[1]].cases():
            plan = make_plan(graph, task.isa)
            yield f"{where} {graph.name}", plan.to_json(), _files(graph, plan, board)
        return
    for schedule, row_fed in SCHEDULES:
        key = f"{where} {schedule}{' rows' if row_fed else ''}"
        try:
            model = _load(task.source)
            if schedule == Schedule.PATCHES and len(model.data) > PATCHED:
                continue
            graph = model.graph
            chosen = fit(graph, board, Wish(schedule, row_fed), kernel_variant(board))
        except EdgebottleError as error:
            yield key, "", str(error).replace(str(SHARED), "")
        else:
            yield key, chosen.plan.to_json(), _files(chosen.graph, chosen.plan, board)


@cache
def _load(source: str) -> Model:
    return load(source.removeprefix("zoo/") if source.startswith("zoo/") else str(SHARED / source))


def _files(graph: Graph, plan: Plan, board: Board) -> dict[str, bytes]:
    """What is generated, without what is copied."""
    project = write_project(graph, plan, board)
    return {
        name: content.replace(__version__.encode(), b"VERSION")
        for name, content in project.files.items()
        if name.startswith(f"lib/eb_{graph.name}/") or name == "src/bench_binding.h"
    }


def describe(task: Task) -> list[str]:
    """The lines of a task: its cases, each with the digests of its plan and of its files."""
    lines = []
    for key, plan, files in generate(task):
        if isinstance(files, str):
            lines.append(f"{key}: {files}")
            continue
        digest = hashlib.sha256()
        for name, content in sorted(files.items()):
            digest.update(name.encode() + b"\0" + content + b"\0")
        planned = hashlib.sha256(plan.encode()).hexdigest()
        lines.append(f"{key}: plan {planned[:16]} files {digest.hexdigest()[:16]}")
    return lines


def save(task: Task, folder: Path) -> None:
    """Writes the plans and the files of a task below ``folder``."""
    for key, plan, files in generate(task):
        case = folder / key.replace(" ", "/")
        if isinstance(files, str):
            files = {"error.txt": files.encode()}
        for name, content in {**files, "plan.json": plan.encode()}.items():
            path = case / PurePosixPath(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main() -> int:
    """Prints the lines; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.generated_code",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="sources and variants that contain this text")
    parser.add_argument("--save", type=Path, help="write the files below this folder instead")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    found = tasks(options.only)
    if options.save is not None:
        for task in found:
            save(task, options.save)
        return 0
    # A terminal's Ctrl-C reaches the workers as well: only the parent is to answer it.
    ignore = signal.signal, (signal.SIGINT, signal.SIG_IGN)
    with get_context("spawn").Pool(options.jobs, *ignore) as pool:
        for number, lines in enumerate(pool.imap(describe, found), 1):
            print("\n".join(lines), flush=True)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(found)}", end="", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
