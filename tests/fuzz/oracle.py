"""Whether a network computes the same everywhere: LiteRT, NumPy before and after the passes, C."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.codegen.kernels import Optimize
from edgebottle.compare import FLOAT_TOLERANCE, is_exact
from edgebottle.errors import BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.importers.tflite_uint8 import CONVERSIONS, OF_UINT8, SHIFTED
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.litert_process import LiteRTProcess
from edgebottle.ops import HYBRID
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.passes.narrow import narrow, packed_groups
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from tests.codegen.schedules import Kind, drawn_plan
from tests.fuzz.drawing import LOW_BITS_EVERY
from tests.fuzz.nudging import is_calm
from tests.importers.uint8 import as_uint8
from tests.ops.compiled import CompiledFailure, run_compiled
from tests.samples import samples

Outputs = tuple[Array, ...]

CALM = 1e-5
"""Where LiteRT and NumPy differ by less, relative to the largest, the network magnifies no error
of floating point, and C is held to ``FLOAT_TOLERANCE``."""

ROUNDING = 2.0**-22
"""Of the largest input of a layer: what float32 leaves of terms that cancel each other."""

TAME = 1e18
"""Floats whose square is still a float."""


OPTIMISED_ONLY = frozenset({"ELU"})
"""LiteRT's reference kernels lack these. Networks with them run with its optimised ones, which
compute these layers exactly and round several others in another way: no others are compared."""


class Different(AssertionError):
    """Two implementations differ, or one of them fails."""


@dataclass(frozen=True)
class Agreed:
    """A network that LiteRT and NumPy agree about.

    Attributes:
        seed: Its seed.
        graph: The network after the passes, as C computes it.
        narrow: The same with its tensors of few values stored with few bits; the same object where
            there are none.
        inputs: Of each run.
        expected: NumPy's outputs of each run.
        checked: LiteRT ran it as well.
        calm: C is compared at all.
    """

    seed: int
    graph: Graph
    narrow: Graph
    inputs: list[Outputs]
    expected: list[Outputs]
    checked: bool
    calm: bool

    @property
    def is_narrow(self) -> bool:
        """Some of its tensors can be stored with few bits."""
        return self.narrow is not self.graph


@dataclass(frozen=True)
class Trial:
    """A network, and how C is to compute it.

    Attributes:
        network: The network.
        graph: The form of it that is compiled.
        isa: Kernel variant.
        optimize: Which layers get a kernel of their own.
        plan: The plan.
        kind: What plan it is.
    """

    network: Agreed
    graph: Graph
    isa: Isa
    optimize: Optimize
    plan: Plan
    kind: Kind

    @property
    def is_packed(self) -> bool:
        """Some tensors are stored with few bits."""
        return any(tensor.dtype.bits < 8 for tensor in self.graph.tensors.values())


def agree(drawn: Graph, seed: int) -> Agreed:
    """Compares LiteRT with NumPy before and after the passes, now and then as uint8.

    Args:
        drawn: The network.
        seed: Draws samples.

    Raises:
        Different: they differ.
        UnsupportedOp: the importer refuses what was drawn.
    """
    data = write_tflite(drawn)
    return agree_on(as_uint8(data) if seed % 2 and may_be_uint8(drawn) else data, drawn.name, seed)


def may_be_uint8(graph: Graph) -> bool:
    """Whether a network of int8 can be one of uint8.

    Not with scales that are millions apart: some tables of LiteRT for uint8 overflow there.
    """
    quantized = [tensor for tensor in graph.tensors.values() if tensor.dtype.is_quantized]
    is_plain = all(one.dtype is not DType.I16 and one.quant is not None for one in quantized)
    scales = [one.quant.scale for one in quantized if one.quant is not None]
    operators = {*CONVERSIONS, *OF_UINT8, *SHIFTED}
    return (
        bool(quantized)
        and is_plain
        and all(len(one) == 1 for one in scales)
        and max(scales)[0] < 1e6 * min(scales)[0]
        and all(node.OP in operators for node in graph.nodes)
        and not any(isinstance(node, tuple(HYBRID.values())) for node in graph.nodes)
    )


def agree_on(data: bytes, name: str, seed: int) -> Agreed:
    """The same of a .tflite file."""
    graph = load_tflite(data, name)
    random = np.random.default_rng([seed, 1])
    values = [sample for _, sample in samples(graph, 3)]
    picked = [values[int(i)] for i in random.permutation(len(values))[:4]]
    reference = Interpreter(graph)
    with np.errstate(all="ignore"):
        expected = [reference.run(sample) for sample in picked]
        better = optimise(graph)
        small = narrow(better)
        verify(small, "narrow")
        after, packed = Interpreter(better), Interpreter(small)
        for sample, outputs in zip(picked, expected, strict=True):
            require_same(after.run(sample), outputs, "NumPy after the passes")
            if small is not better:
                require_same(packed.run(sample), outputs, "NumPy with few bits")
        checked, calm = _against_litert(data, graph, picked)
        if calm and not is_exact(graph):
            pairs = zip(picked, expected, strict=True)
            calm = all(is_calm(graph, *pair, seed) for pair in pairs)
    return Agreed(seed, better, small, picked, expected, checked, calm)


def drawn_trial(network: Agreed, isa: Isa) -> Trial:
    """A schedule and an optimization that the seed draws; few bits where that makes a difference.

    One in four of such networks is computed with 8 bits all the same, one with some of its tensors
    packed. Half of the smallest arenas are what ``build`` chooses, stages in parts included.
    """
    random = np.random.default_rng([network.seed, 2])
    optimize = list(Optimize)[int(random.integers(len(Optimize)))]
    kind = list(Kind)[int(random.integers(len(Kind)))]
    graph = _form(network)
    if kind is Kind.MIN_RAM and network.seed % 4 < 2:
        chosen = choose_schedule(network.graph, isa, Schedule.MIN_RAM)
        return Trial(network, chosen.graph, isa, optimize, chosen.plan, kind)
    plan = drawn_plan(kind, graph, isa, random)
    if plan is None:
        kind, plan = Kind.LAYERS, make_plan(graph, isa)
    return Trial(network, graph, isa, optimize, plan, kind)


def _form(network: Agreed) -> Graph:
    """The network with 8 bits, with few, or with some of its tensors packed."""
    which = network.seed // LOW_BITS_EVERY % 4
    if which == 3 or not network.is_narrow:
        return network.graph
    groups = packed_groups(network.graph)
    random = np.random.default_rng([network.seed, 3])
    return (
        network.narrow
        if which
        else narrow(network.graph, [g for g in groups if random.random() < 0.5])
    )


def every_trial(network: Agreed, isa: Isa) -> list[Trial]:
    """Every schedule, with 8 bits and with few."""
    random = np.random.default_rng([network.seed, 2])
    forms = [network.graph, *([network.narrow] if network.is_narrow else [])]
    plans = [(one, kind, drawn_plan(kind, one, isa, random)) for one in forms for kind in Kind]
    return [
        Trial(network, one, isa, list(Optimize)[int(random.integers(len(Optimize)))], plan, kind)
        for one, kind, plan in plans
        if plan is not None
    ]


class _LiteRT:
    """LiteRT in one process for many networks; in another one after one that took it down."""

    def __init__(self) -> None:
        self._process: LiteRTProcess | None = None

    def load(self, data: bytes, *, reference: bool) -> LiteRTProcess:
        """Prepares a model; raises ``BadModel`` where LiteRT refuses it."""
        if self._process is not None and self._process.has_ended:
            self._process.__exit__(None, None, None)
            self._process = None
        if self._process is None:
            self._process = LiteRTProcess(data, reference)
        else:
            self._process.load(data, reference)
        return self._process


_litert = _LiteRT()


def _against_litert(data: bytes, graph: Graph, inputs: Sequence[Outputs]) -> tuple[bool, bool]:
    """Layer by layer, each from what LiteRT has computed; whether it ran, and whether it is calm.

    Raises:
        Different: a layer differs.
    """
    calm = True
    exact = is_exact(graph)
    optimised = any(node.OP in OPTIMISED_ONLY for node in graph.nodes)
    try:
        model = _litert.load(data, reference=not optimised)
        reference = Interpreter(graph)
        for sample in inputs:
            found, expected = model.run(sample), reference.run(sample)
            if exact and not optimised:
                require_same(found, expected, "LiteRT")
                continue
            _layers_agree(model, graph, sample, optimised=optimised)
            calm = calm and all(map(_nearly_same, found, expected))
    except BadModel:
        return False, exact
    return True, calm or exact


def _layers_agree(model: LiteRTProcess, graph: Graph, sample: Outputs, *, optimised: bool) -> None:
    """Compares what each layer makes of LiteRT's own inputs: errors do not add up."""
    values: dict[str, Array | None] = dict(zip(graph.inputs, sample, strict=True))
    for name, tensor in graph.tensors.items():
        if name not in values:
            values[name] = tensor.data if tensor.data is not None else _value(model, tensor)
    for node in graph.nodes:
        arguments = [None if name is None else values[name] for name in node.inputs]
        needed = [values[name] for name in (*node.inputs, *node.outputs) if name is not None]
        if any(value is None for value in needed) or node.state_inputs or not _is_tame(needed):
            continue
        if optimised and node.OP not in OPTIMISED_ONLY:
            continue
        made = node.reference(arguments, graph.ins(node), graph.outs(node))
        # LiteRT leaves axes of one element away where it selects among such
        found = [
            value.reshape(one.shape) if value.size == one.size == 1 else value
            for name, one in zip(node.outputs, made, strict=True)
            if (value := values[name]) is not None
        ]
        floats = [one for one in arguments if one is not None and one.dtype.kind == "f"]
        largest = max((float(np.abs(one).max(initial=0.0)) for one in floats), default=0.0)
        require_same(found, made, f"LiteRT, layer {node.name}", ROUNDING * largest)


def _value(model: LiteRTProcess, tensor: Tensor) -> Array | None:
    """What LiteRT has computed; of uint8 as int8."""
    value = model.tensor(tensor.name)
    if value is None or tensor.dtype is not DType.I8 or value.dtype != np.uint8:
        return value
    return (value ^ np.uint8(128)).view(np.int8)


def _is_tame(values: Sequence[Array | None]) -> bool:
    """Whether floats are far from the end of their range, where the order of sums decides.

    LiteRT clamps there, but not in every operator.
    """
    floats = [value for value in values if value is not None and value.dtype.kind == "f"]
    return all(np.isfinite(value).all() and (np.abs(value) < TAME).all() for value in floats)


def require_same(
    found: Sequence[Array], expected: Sequence[Array], what: str, slack: float = 0.0
) -> None:
    """Integers must be equal, floats within the tolerance of ``verify``.

    Args:
        found: Outputs.
        expected: What they should be.
        what: What computed them.
        slack: How far floats may be off as well.

    Raises:
        Different: they are not; says where.
    """
    if len(found) != len(expected):
        raise Different(f"{what}: {len(found)} outputs instead of {len(expected)}")
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise Different(f"{what}: output {index} is {one.shape} {one.dtype}")
        allowed = _slack(other, FLOAT_TOLERANCE)
        if other.dtype.kind == "f":
            allowed = max(allowed, slack)
        wrong = ~np.isclose(one, other, 0, allowed, equal_nan=True)
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


def run_in_c(trials: Sequence[Trial]) -> list[str | None]:
    """Compiles networks of one variant into one program, under sanitizers, and compares.

    Returns:
        What is wrong with each, None where nothing is.

    Raises:
        Different: a sanitizer, a canary or the compiler stopped the whole program.
    """
    isa = trials[0].isa
    runs = [(trial.graph, trial.network.inputs) for trial in trials]
    plans, optimize = [t.plan for t in trials], [t.optimize for t in trials]
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = run_compiled(runs, isa, Path(folder), plans, optimize)
        except CompiledFailure as error:
            raise Different(f"C for {isa.value}: {error}") from error
    return [_wrong_in_c(*pair) for pair in zip(trials, found, strict=True)]


def _wrong_in_c(trial: Trial, results: Sequence[Outputs]) -> str | None:
    few = ", few bits" if trial.is_packed else ""
    what = f"C for {trial.isa.value}, {trial.kind.value}{few}"
    try:
        for outputs, expected in zip(results, trial.network.expected, strict=True):
            if trial.network.calm:
                require_same(outputs, expected, what)
    except Different as error:
        return str(error)
    return None


def dtypes(graph: Graph) -> str:
    """``integer``, ``float`` or ``mixed``."""
    kinds = {tensor.dtype is DType.F32 for tensor in graph.tensors.values() if tensor.data is None}
    return "mixed" if len(kinds) > 1 else "float" if True in kinds else "integer"
