"""Random row-local networks under random schedules, as C, against the NumPy reference.

The short run is a test; ``python -m tests.codegen.stream_fuzz --graphs 2000`` is the long one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.passes.upright import upright
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from quantize.patch.check import check_plan
from quantize.patch.schedule import build_plan
from tests.codegen.schedules import Kind, drawn_plan
from tests.ops.compiled import run_compiled
from tests.quantize.random_graphs import random_row_network
from tests.quantize.random_parts import random_gate, random_parts
from tests.quantize.random_signals import random_sequence_network, random_signal_network
from tests.samples import assert_same, samples

PER_PROGRAM = 25
"""Graphs per executable: the compiler's memory sets it."""


@dataclass(frozen=True)
class Trial:
    """One graph under one plan, with the inputs of its runs and what they should give."""

    what: str
    graph: Graph
    plan: Plan
    inputs: list[tuple[Array, ...]]
    expected: list[tuple[Array, ...]]


def trials(seed: int, isa: Isa) -> list[Trial]:
    """The network of ``seed`` under a schedule at random, and row-fed where that can be."""
    random = np.random.default_rng(seed)
    plain = _network(seed)
    graph = optimise(plain) if random.random() < 0.7 else plain
    graph = upright(graph)
    values = [sample for _, sample in samples(plain, 2)]
    picked = [values[int(i)] for i in random.permutation(len(values))[:3]]
    reference = Interpreter(plain)
    expected = [reference.run(sample) for sample in picked]
    found = []
    for name, plan in _plans(graph, isa, random).items():
        what = f"network {seed}, {isa.value}, {name}"
        found.append(Trial(what, graph, plan, picked, expected))
    return [*found, *_in_parts(seed, isa)] if seed % 2 else found


def _network(seed: int) -> Graph:
    """Images mostly, and signals, which are stood up."""
    signal = {3: random_signal_network, 8: random_sequence_network}.get(seed % 10)
    return random_row_network(seed) if signal is None else signal(seed)


def _in_parts(seed: int, isa: Isa) -> Iterator[Trial]:
    """A network of ``seed`` with stages that are cut into parts, where it has any."""
    graph = random_gate(seed) if seed % 4 == 1 else random_row_network(seed)
    rows, units = random_parts(graph, isa, seed)
    if units is not None:
        plan = build_plan(rows, units, Schedule.MIN_RAM, "model", rounds=1)
        values = [sample for _, sample in samples(graph, 2)][-2:]
        expected = [Interpreter(graph).run(sample) for sample in values]
        what = f"network {seed}, {isa.value}, in parts"
        yield Trial(what, rows.graph, plan, values, expected)


def _plans(graph: Graph, isa: Isa, random: np.random.Generator) -> dict[str, Plan]:
    drawn = (Kind.MIN_RAM, Kind.MIN_TIME, Kind.CUT)[int(random.integers(3))]
    plans = {kind.value: drawn_plan(kind, graph, isa, random) for kind in (drawn, Kind.ROW_FED)}
    return {name: plan for name, plan in plans.items() if plan is not None}


def run_trials(batch: list[Trial], isa: Isa, folder: Path) -> None:
    """Compiles and runs a batch as one program; raises ``AssertionError`` for wrong bits."""
    runs = [(trial.graph, trial.inputs) for trial in batch]
    found = run_compiled(runs, isa, folder, [trial.plan for trial in batch])
    for trial, results in zip(batch, found, strict=True):
        for number, (actual, expected) in enumerate(zip(results, trial.expected, strict=True)):
            try:
                assert_same(actual, expected, f"{trial.what}, sample {number}")
            except AssertionError as error:
                check_plan(trial.graph, trial.plan)  # a plan that is wrong says so itself
                raise AssertionError(f"{error}\n{trial.plan.to_json()}") from None


def main() -> None:
    """Runs many graphs and counts what they covered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    covered: Counter[str] = Counter()
    start = time.monotonic()
    end = options.first + options.graphs
    for number, first in enumerate(range(options.first, end, PER_PROGRAM)):
        isa = list(Isa)[number % len(Isa)]
        seeds = range(first, min(first + PER_PROGRAM, end))
        batch = [trial for seed in seeds for trial in trials(seed, isa)]
        with tempfile.TemporaryDirectory() as folder:
            run_trials(batch, isa, Path(folder))
        covered["graphs"] += len(seeds)
        for trial in batch:
            stages = [step.stage for step in trial.plan.steps if step.stage is not None]
            covered["plans"] += 1
            covered["row-fed plans"] += trial.plan.row_fed
            covered["plans with stages"] += bool(stages)
            covered["stages"] += len(stages)
            covered["plans in parts"] += trial.what.endswith("in parts")
            covered["rings"] += sum(p.ring_rows > 0 for p in trial.plan.placements)
            covered["accumulators"] += sum(len(stage.accumulators) for stage in stages)
        print(f"{time.monotonic() - start:6.0f} s  {dict(covered)}", flush=True)


if __name__ == "__main__":
    main()
