"""Random networks through everything: LiteRT = NumPy = NumPy after the passes = C.

``python -m tests.fuzz.models --graphs 20000 --jobs 2`` draws valid networks of every operator
(``tests/fuzz/rules.py``), writes each as a .tflite file, and compares LiteRT, NumPy before and
after the passes, and C under AddressSanitizer and UBSan: each with one kernel variant, one schedule
(row-fed where that can be), one optimization and, where tensors have few values, few or 8 bits for
them, drawn by its seed. Networks of floats are written
as ONNX too, and onnxruntime compared with their import. ``--every`` compares all variants under all
schedules; ``--only S`` does so for one seed. ``--onnx`` draws ONNX files of floats instead
(``tests/fuzz/onnx_rules.py``): onnxruntime and their import agree within 1e-4 of the largest value,
or what rounding explains, and the import goes the same way. A network that fails is made smaller
and saved in ``--out``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path

from edgebottle.errors import UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from edgebottle.ir.text import dump
from edgebottle.ops.base import Isa
from tests.fuzz.networks import random_model
from tests.fuzz.onnx_drawing import OnnxDrawing
from tests.fuzz.onnx_export import as_onnx
from tests.fuzz.onnx_networks import against_onnxruntime, random_onnx
from tests.fuzz.oracle import (
    Agreed,
    Trial,
    agree,
    agree_on,
    drawn_trial,
    dtypes,
    every_trial,
    run_in_c,
)
from tests.fuzz.shrink import shrink

PER_PROGRAM = 192
"""Networks per executable: half of the compiler's time is for kernels that they share."""


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
    """The kernel variant that a seed draws: the same for all of a program."""
    return list(Isa)[(seed // PER_PROGRAM) % len(Isa)]


def batch(seeds: Sequence[int], *, every: bool = False, onnx: bool = False) -> Tally:
    """Some networks: each as its seed draws, or under every variant and schedule.

    Args:
        seeds: Of one variant.
        every: All variants, all schedules.
        onnx: Of ONNX files.
    """
    tally, trials = Tally(), list[Trial]()
    for seed in seeds:
        tally.counts["networks"] += 1
        try:
            network = (
                imported(random_onnx(seed), seed) if onnx else _agreed(random_model(seed), seed)
            )
            trials += _trials(network, every=every)
        except UnsupportedOp as error:
            tally.counts["refused"] += 1
            if not onnx:
                tally.failures[seed] = f"refused: {error}"
        except Exception as error:
            tally.failures[seed] = f"{type(error).__name__}: {error}"
        else:
            _count(network, tally)
    for isa in Isa:
        mine = [trial for trial in trials if trial.isa is isa]
        tally.counts.update(trial.kind.value for trial in mine)
        tally.counts["few bits"] += sum(one.is_packed for one in mine)
        for first in range(0, len(mine), PER_PROGRAM):
            tally.failures |= _wrong_in_c(mine[first : first + PER_PROGRAM])
    return tally


def _agreed(graph: Graph, seed: int) -> Agreed:
    """A network of floats as ONNX too, where ONNX has it and our importer takes it."""
    data = as_onnx(graph)
    if data is not None:
        with suppress(UnsupportedOp):
            against_onnxruntime(data, graph.name, seed)
    return agree(graph, seed)


def _trials(network: Agreed, *, every: bool) -> list[Trial]:
    if every:
        return [trial for isa in Isa for trial in every_trial(network, isa)]
    return [drawn_trial(network, variant(network.seed))]


def _count(network: Agreed, tally: Tally) -> None:
    tally.counts[dtypes(network.graph)] += 1
    tally.counts["not run by LiteRT"] += not network.checked
    tally.counts["C not compared: magnifies"] += not network.calm
    tally.operators.update(node.OP for node in network.graph.nodes)


def _wrong_in_c(trials: Sequence[Trial]) -> dict[int, str]:
    """What is wrong, by seed: all in one program, and in halves where that fails."""
    try:
        found = run_in_c(trials)
    except Exception as error:
        if len(trials) == 1:
            return {trials[0].network.seed: f"{type(error).__name__}: {error}"}
        half = len(trials) // 2
        return _wrong_in_c(trials[:half]) | _wrong_in_c(trials[half:])
    pairs = zip(trials, found, strict=True)
    return {trial.network.seed: text for trial, text in pairs if text is not None}


def imported(drawn: OnnxDrawing, seed: int, count: int | None = None) -> Agreed:
    """An ONNX network, or its first nodes, of which the import agrees with onnxruntime."""
    name = f"onnx_{seed}"
    data = against_onnxruntime(drawn.model(count), name, seed, drawn.step)
    return agree_on(data, name, seed)


def failure(graph: Graph, seed: int, *, in_c: bool = True, every: bool = False) -> str | None:
    """What is wrong with one network; None where nothing is."""
    if not graph.nodes or not graph.outputs:
        return None
    return _failure(lambda: _agreed(graph, seed), in_c=in_c, every=every)


def _failure(agreed: Callable[[], Agreed], *, in_c: bool, every: bool) -> str | None:
    try:
        trials = _trials(agreed(), every=every)
        found = [text for isa in Isa if in_c for text in _of_variant(trials, isa)]
    except UnsupportedOp:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return next(iter(found), None)


def _of_variant(trials: Sequence[Trial], isa: Isa) -> list[str]:
    mine = [trial for trial in trials if trial.isa is isa]
    return list(_wrong_in_c(mine).values()) if mine else []


def save(seed: int, out: Path, *, every: bool) -> str:
    """Shrinks a network that fails and writes it, its text and what is wrong; returns the file."""
    graph = random_model(seed)
    in_c = failure(graph, seed, in_c=False) is None  # a compiler takes most of the time

    def fails(other: Graph) -> bool:
        return failure(other, seed, in_c=in_c, every=every) is not None

    if fails(graph):
        graph = shrink(graph, fails, 25 if in_c else 80)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"seed_{seed}.tflite"
    with suppress(UnsupportedOp):
        path.write_bytes(write_tflite(graph))
    said = failure(graph, seed, in_c=in_c, every=every)
    text = f"{variant(seed).value}: {said}\n\n{dump(graph)}"
    path.with_suffix(".txt").write_text(text, encoding="utf-8")
    return str(path)


def save_onnx(seed: int, out: Path, *, every: bool) -> str:
    """Writes the first nodes of an ONNX network that fail, and what is wrong; returns the file."""
    drawn = random_onnx(seed)
    said = None
    for count in range(1, len(drawn.nodes) + 1):
        fails = partial(imported, drawn, seed, count)
        said = _failure(fails, in_c=count == len(drawn.nodes), every=every)
        if said is not None:
            break
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"seed_{seed}.onnx"
    path.write_bytes(drawn.model(count))
    nodes = "\n".join(str(node) for node in drawn.nodes[:count])
    path.with_suffix(".txt").write_text(f"{said}\n\n{drawn.shapes}\n{nodes}", encoding="utf-8")
    return str(path)


def batches(first: int, count: int) -> Iterator[Sequence[int]]:
    """Seeds in batches of one variant each."""
    start = first
    while start < first + count:
        stop = min(start - start % PER_PROGRAM + PER_PROGRAM, first + count)
        yield range(start, stop)
        start = stop


def _only(seed: int, *, onnx: bool) -> str | None:
    """One network under every variant and schedule."""
    if onnx:
        drawn = random_onnx(seed)
        return _failure(lambda: imported(drawn, seed), in_c=True, every=True)
    print(dump(graph := random_model(seed)))
    return failure(graph, seed, every=True)


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the first (default: 0)")
    parser.add_argument("--seconds", type=float, default=inf, help="begin no more after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--every", action="store_true", help="all variants under all schedules")
    parser.add_argument("--onnx", action="store_true", help="ONNX files of floats")
    parser.add_argument("--out", type=Path, default=Path("edgebottle-out/fuzz"))
    parser.add_argument(
        "--only", type=int, metavar="SEED", help="this one, under every one of them"
    )
    options = parser.parse_args()
    if options.only is not None:
        print(said := _only(options.only, onnx=options.onnx) or "the same everywhere")
        return 0 if said == "the same everywhere" else 1
    total, began = Tally(), time.monotonic()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.jobs, context) as pool:
        work = partial(batch, every=options.every, onnx=options.onnx)
        for done in as_completed(
            [pool.submit(work, seeds) for seeds in batches(options.seed, options.graphs)]
        ):
            tally = done.result()
            total.add(tally)
            for seed, text in tally.failures.items():
                print(f"seed {seed}: {text[:600]}", flush=True)
                keep = save_onnx if options.onnx else save
                print(f"  saved as {keep(seed, options.out, every=options.every)}", flush=True)
            print(f"{time.monotonic() - began:6.0f} s  {dict(total.counts)}", file=sys.stderr)
            if time.monotonic() - began > options.seconds:
                pool.shutdown(cancel_futures=True)
                break
    print(f"{dict(total.counts)}\n{dict(total.operators.most_common())}")
    print(f"{len(total.failures)} failures")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
