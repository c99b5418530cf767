"""Whether a network computes the same everywhere: LiteRT, NumPy before and after the passes, C."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.codegen.kernels import Optimize
from edgebottle.compare import FLOAT_TOLERANCE, is_exact
from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.litert_process import LiteRTProcess
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import make_schedule
from tests.codegen.streaming import plain_plan
from tests.ops.compiled import CompiledFailure, run_compiled
from tests.samples import samples

Outputs = tuple[Array, ...]

CALM = 1e-5
"""Where LiteRT and NumPy differ by less, relative to the largest, the network magnifies no error
of floating point, and C is held to ``FLOAT_TOLERANCE``."""

TAME = 1e18
"""Floats whose square is still a float."""


class Different(AssertionError):
    """Two implementations differ, or one of them fails."""


@dataclass(frozen=True)
class Trial:
    """A network that LiteRT and NumPy agree about, and how C is to compute it.

    Attributes:
        seed: Its seed.
        graph: The network as C computes it.
        isa: Kernel variant.
        optimize: Which layers get a kernel of their own.
        plan: The plan.
        kind: What plan it is.
        inputs: Of each run.
        expected: NumPy's outputs of each run.
        checked: LiteRT ran it as well.
        exact: To the last bit.
        calm: C is compared at all.
    """

    seed: int
    graph: Graph
    isa: Isa
    optimize: Optimize
    plan: Plan
    kind: str
    inputs: list[Outputs]
    expected: list[Outputs]
    checked: bool
    exact: bool
    calm: bool


def prepare(drawn: Graph, seed: int, isa: Isa, *, isolated: bool) -> Trial:
    """Compares LiteRT with NumPy before and after the passes, and plans the network for C.

    Args:
        drawn: The network.
        seed: Draws samples, schedule and options.
        isa: The kernel variant.
        isolated: LiteRT runs in a process of its own: it may end that one.

    Raises:
        Different: they differ.
        UnsupportedOp: the importer refuses what was drawn.
    """
    data = write_tflite(drawn)
    graph = load_tflite(data, drawn.name)
    random = np.random.default_rng([seed, 1])
    values = [sample for _, sample in samples(graph, 3)]
    picked = [values[int(i)] for i in random.permutation(len(values))[:4]]
    reference = Interpreter(graph)
    with np.errstate(all="ignore"):
        expected = [reference.run(sample) for sample in picked]
        better = optimise(graph)
        after = Interpreter(better)
        for sample, outputs in zip(picked, expected, strict=True):
            require_same(after.run(sample), outputs, "NumPy after the passes")
        checked, calm = _against_litert(data, graph, picked, isolated)
    kind, plan = _plan(better, isa, random)
    optimize = list(Optimize)[int(random.integers(len(Optimize)))]
    return Trial(
        seed, better, isa, optimize, plan, kind, picked, expected, checked, is_exact(graph), calm
    )


def _against_litert(
    data: bytes, graph: Graph, inputs: Sequence[Outputs], isolated: bool
) -> tuple[bool, bool]:
    """Layer by layer, each from what LiteRT has computed; whether it ran, and whether it is calm.

    Raises:
        Different: a layer differs.
    """
    calm = True
    try:
        model = LiteRTProcess(data) if isolated else LiteRTModel(data)
    except BadModel:
        return False, is_exact(graph)
    try:
        reference = Interpreter(graph)
        for sample in inputs:
            found, expected = model.run(sample), reference.run(sample)
            if is_exact(graph):
                require_same(found, expected, "LiteRT")
                continue
            _layers_agree(model, graph, sample)
            calm = calm and all(map(_nearly_same, found, expected))
    except BadModel:
        return False, is_exact(graph)
    finally:
        if isinstance(model, LiteRTProcess):
            model.__exit__(None, None, None)
    return True, calm


def _layers_agree(model: LiteRTModel | LiteRTProcess, graph: Graph, sample: Outputs) -> None:
    """Compares what each layer makes of LiteRT's own inputs: errors do not add up."""
    values: dict[str, Array | None] = dict(zip(graph.inputs, sample, strict=True))
    for name, tensor in graph.tensors.items():
        values.setdefault(name, tensor.data if tensor.data is not None else model.tensor(name))
    for node in graph.nodes:
        arguments = [None if name is None else values[name] for name in node.inputs]
        needed = [values[name] for name in (*node.inputs, *node.outputs) if name is not None]
        if any(value is None for value in needed) or node.state_inputs or not _is_tame(needed):
            continue
        made = node.reference(arguments, graph.ins(node), graph.outs(node))
        found = [value for name in node.outputs if (value := values[name]) is not None]
        require_same(found, made, f"LiteRT, layer {node.name}")


def _is_tame(values: Sequence[Array | None]) -> bool:
    """Whether floats are far from the end of their range, where the order of sums decides.

    LiteRT clamps there, but not in every operator.
    """
    floats = [value for value in values if value is not None and value.dtype.kind == "f"]
    return all(np.isfinite(value).all() and (np.abs(value) < TAME).all() for value in floats)


def require_same(found: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    """Integers must be equal, floats within the tolerance of ``verify``.

    Raises:
        Different: they are not; says where.
    """
    if len(found) != len(expected):
        raise Different(f"{what}: {len(found)} outputs instead of {len(expected)}")
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise Different(f"{what}: output {index} is {one.shape} {one.dtype}")
        wrong = ~np.isclose(one, other, 0, _slack(other, FLOAT_TOLERANCE), equal_nan=True)
        if other.dtype.kind == "f":
            wrong &= np.abs(other) < TAME
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise Different(f"{what}: output {index} at {at} is {one[at]}, not {other[at]}")


def _nearly_same(found: Array, expected: Array) -> bool:
    return bool(np.isclose(found, expected, 0, _slack(expected, CALM), equal_nan=True).all())


def _slack(expected: Array, tolerance: float) -> float:
    """How far a value may be off: nothing for integers."""
    if expected.dtype.kind != "f":
        return 0.0
    finite = expected[np.isfinite(expected)]
    return tolerance * float(np.abs(finite).max(initial=0.0)) + 1e-12


def _plan(graph: Graph, isa: Isa, random: np.random.Generator) -> tuple[str, Plan]:
    """A schedule at random: one layer at a time, row by row, cut at random, row-fed."""
    kind = str(random.choice(["layers", "min-ram", "min-time", "cut at random", "row-fed"]))
    if kind == "row-fed":
        try:
            return kind, make_schedule(graph, isa, Schedule.MIN_RAM, row_fed=True)
        except UnsupportedOp:
            kind = "min-ram"
    if kind == "min-ram":
        return kind, make_schedule(graph, isa, Schedule.MIN_RAM)
    if kind == "min-time":
        least, most = (
            make_schedule(graph, isa, schedule).arena_bytes
            for schedule in (Schedule.MIN_RAM, Schedule.LAYERS)
        )
        limit = int(random.integers(least, max(least, most) + 1))
        return kind, make_schedule(graph, isa, Schedule.MIN_TIME, ram_limit=limit)
    if kind == "cut at random" and (plan := plain_plan(graph, isa, random)) is not None:
        return kind, plan
    return "layers", make_plan(graph, isa)


def run_in_c(trials: Sequence[Trial]) -> None:
    """Compiles networks of one variant into one program, under sanitizers, and compares.

    Raises:
        Different: wrong bits, or a sanitizer, a canary or the compiler stopped it.
    """
    isa, optimize = trials[0].isa, trials[0].optimize
    runs = [(trial.graph, trial.inputs) for trial in trials]
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = run_compiled(runs, isa, Path(folder), [t.plan for t in trials], optimize)
        except CompiledFailure as error:
            raise Different(f"C for {isa.value}: {error}") from error
    for trial, results in zip(trials, found, strict=True):
        for outputs, expected in zip(results, trial.expected, strict=True):
            if trial.calm:
                require_same(outputs, expected, f"C for {isa.value}, {trial.kind}")


def dtypes(graph: Graph) -> str:
    """``integer``, ``float`` or ``mixed``."""
    kinds = {tensor.dtype is DType.F32 for tensor in graph.tensors.values() if tensor.data is None}
    return "mixed" if len(kinds) > 1 else "float" if True in kinds else "integer"
