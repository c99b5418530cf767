"""Random networks through everything: LiteRT = NumPy = NumPy after the passes = C.

``python -m tests.fuzz.models --graphs 20000 --jobs 2`` draws valid networks of every operator
(``tests/fuzz/rules.py``), writes each as a .tflite file, and compares LiteRT, NumPy before and
after the passes, and C under AddressSanitizer and UBSan: each with one kernel variant, one schedule
(row-fed where that can be) and one optimization, drawn by its seed. ``--only S`` repeats one seed
under all variants. A network that fails is made smaller and saved in ``--out``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from edgebottle.codegen.kernels import Optimize
from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.ir.text import dump
from edgebottle.ops.base import Isa
from tests.fuzz.networks import random_model
from tests.fuzz.oracle import Trial, dtypes, prepare, run_in_c
from tests.fuzz.shrink import shrink

PER_PROGRAM = 24
"""Networks per executable: the compiler's memory sets it."""


@dataclass
class Tally:
    """What happened.

    Attributes:
        counts: Networks, and of what kind they were.
        operators: Layers of each operator.
        failures: Seed and what is wrong.
    """

    counts: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Adds what happened elsewhere."""
        self.counts += other.counts
        self.operators += other.operators
        self.failures |= other.failures


def variant(seed: int) -> Isa:
    """The kernel variant of a batch: that of its first seed."""
    return list(Isa)[(seed // PER_PROGRAM) % len(Isa)]


def batch(seeds: Sequence[int], isa: Isa, *, isolated: bool = False) -> Tally:
    """Some networks, their C in a program for each optimization."""
    tally, trials = Tally(), list[Trial]()
    for seed in seeds:
        tally.counts["networks"] += 1
        graph = random_model(seed)
        try:
            trials.append(prepare(graph, seed, isa, isolated=isolated))
        except UnsupportedOp as error:
            tally.counts["refused"] += 1
            tally.failures[seed] = f"refused: {error}"
        except Exception as error:
            tally.failures[seed] = f"{type(error).__name__}: {error}"
    for optimize in Optimize:
        mine = [trial for trial in trials if trial.optimize is optimize]
        for trial in mine:
            tally.counts[dtypes(trial.graph)] += 1
            tally.counts[trial.kind] += 1
            tally.counts["not run by LiteRT"] += not trial.checked
            tally.counts["C not compared: magnifies"] += not trial.calm
            tally.operators.update(node.OP for node in trial.graph.nodes)
        _compare_c(mine, tally)
    return tally


def _compare_c(trials: Sequence[Trial], tally: Tally) -> None:
    """All in one program; one by one where that fails."""
    if not trials:
        return
    try:
        run_in_c(trials)
    except Exception as error:
        if len(trials) == 1:
            tally.failures[trials[0].seed] = f"{type(error).__name__}: {error}"
            return
        for trial in trials:
            _compare_c([trial], tally)


def failure(graph: Graph, seed: int, isa: Isa, *, in_c: bool = True) -> str | None:
    """What is wrong with one network; None where nothing is."""
    if not graph.nodes or not graph.outputs:
        return None
    try:
        trial = prepare(graph, seed, isa, isolated=True)
        if in_c:
            run_in_c([trial])
    except EdgebottleError:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def save(seed: int, isa: Isa, out: Path) -> str:
    """Shrinks a network that fails and writes it, its text and what is wrong; returns the file."""
    graph = random_model(seed)
    in_c = failure(graph, seed, isa, in_c=False) is None  # a compiler takes most of the time
    if failure(graph, seed, isa, in_c=in_c) is not None:
        most = 25 if in_c else 80
        graph = shrink(graph, lambda other: failure(other, seed, isa, in_c=in_c) is not None, most)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"seed_{seed}.tflite"
    with suppress(UnsupportedOp):
        path.write_bytes(write_tflite(graph))
    said = failure(graph, seed, isa, in_c=in_c)
    path.with_suffix(".txt").write_text(f"{isa.value}: {said}\n\n{dump(graph)}", encoding="utf-8")
    return str(path)


def _work(pipe: Connection, seeds: Sequence[int], isolated: bool) -> None:
    pipe.send(batch(seeds, variant(seeds[0]), isolated=isolated))


def run(batches: Iterator[Sequence[int]], jobs: int) -> Iterator[tuple[Sequence[int], Tally]]:
    """Each batch in a process of its own; once more, with LiteRT apart, where that one ended."""
    context = multiprocessing.get_context("fork")
    running: dict[Connection, tuple[Sequence[int], bool]] = {}

    def start(seeds: Sequence[int], isolated: bool) -> None:
        mine, its = context.Pipe(duplex=False)
        context.Process(target=_work, args=(its, seeds, isolated), daemon=True).start()
        its.close()
        running[mine] = (seeds, isolated)

    for seeds in batches:
        start(seeds, False)
        while len(running) >= jobs:
            yield from _finished(running, start)
    while running:
        yield from _finished(running, start)


def _finished(running, start) -> Iterator[tuple[Sequence[int], Tally]]:  # type: ignore[no-untyped-def]
    for pipe in wait(list(running)):
        seeds, isolated = running.pop(pipe)
        try:
            yield seeds, pipe.recv()
        except EOFError:
            if not isolated:
                start(seeds, True)
            else:
                text = "the process of these seeds ended"
                yield seeds, Tally(failures=dict.fromkeys(seeds, text))


def batches(first: int, count: int, seconds: float | None) -> Iterator[Sequence[int]]:
    """Seeds in batches, until there are enough or the time is over."""
    end = None if seconds is None else time.monotonic() + seconds
    for start in range(first, first + count, PER_PROGRAM):
        if end is not None and time.monotonic() > end:
            return
        yield range(start, min(start + PER_PROGRAM, first + count))


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the first (default: 0)")
    parser.add_argument("--seconds", type=float, help="begin no further networks after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("edgebottle-out/fuzz"))
    parser.add_argument("--only", type=int, metavar="SEED", help="this one, under all variants")
    options = parser.parse_args()
    if options.only is not None:
        print(dump(random_model(options.only)))
        found = {isa: failure(random_model(options.only), options.only, isa) for isa in Isa}
        print(*(f"{isa.value}: {text or 'the same everywhere'}" for isa, text in found.items()))
        return 1 if any(found.values()) else 0
    total, began = Tally(), time.monotonic()
    work = batches(options.seed, options.graphs, options.seconds)
    for seeds, tally in run(work, options.jobs):
        total.add(tally)
        for seed, text in tally.failures.items():
            print(f"seed {seed}: {text[:600]}", flush=True)
            print(f"  saved as {save(seed, variant(seeds[0]), options.out)}", flush=True)
        print(f"{time.monotonic() - began:6.0f} s  {dict(total.counts)}", file=sys.stderr)
    print(f"{dict(total.counts)}\n{dict(total.operators.most_common())}")
    print(f"{len(total.failures)} failures")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
