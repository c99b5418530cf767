"""Runs the ONNX file that a network comes from in onnxruntime: the oracle for its import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgebottle.compare import FLOAT_TOLERANCE, Difference, compare
from edgebottle.errors import BadModel, ToolMissing
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.passes.permuted import inverse
from edgebottle.pipeline import Model
from edgebottle.reference import as_in_file, quantized
from edgebottle.samples import Samples

Progress = Callable[[str, int, int], None]

ROUNDING = 2.0**-23
"""Of float32: how far inputs are moved to see what an input's outputs are worth."""

SPREAD = 2.0
"""Times the distance between onnxruntime's own outputs that ours may have on such an input."""

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
"""What onnxruntime calls its types."""


@dataclass(frozen=True)
class OnnxCheck:
    """How a network agrees with onnxruntime on the file that it comes from.

    Attributes:
        refusal: Why onnxruntime did not run; None where it did.
        difference: The first beyond the tolerance, of a floating-point network.
        unstable: Samples that differ by more, but for which onnxruntime's own outputs move as far
            when it computes in another order, or the input moves by a rounding error.
        values: Of an integer network, how many outputs were compared; 0 of others.
        one_step: How many of them differ by one step of their scale: onnxruntime rounds elsewhere.
        more: How many differ by more.
    """

    refusal: str | None = None
    difference: Difference | None = None
    unstable: int = 0
    values: int = 0
    one_step: int = 0
    more: int = 0

    @property
    def is_oracle(self) -> bool:
        """Whether onnxruntime's outputs are those that there must be, within the tolerance."""
        return self.refusal is None and not self.values


def check_against_onnx(
    model: Model, samples: Samples, found: Sequence[tuple[Array, ...]], progress: Progress
) -> OnnxCheck:
    """Compares the outputs of the NumPy reference with onnxruntime's.

    Args:
        model: A model that comes from an ONNX file.
        samples: The inputs.
        found: The outputs for them.
        progress: Told what is being done.
    """
    try:
        runner = OnnxRunner(model)
        expected = []
        for number, sample in enumerate(samples.inputs):
            expected.append(runner.run(sample))
            progress("onnxruntime", number + 1, len(samples))
        if any(tensor.quant for tensor in model.imported.tensors.values()):
            return _steps(model, expected, found)
        return _within_tolerance(model, samples, runner, expected, found)
    except (BadModel, ToolMissing) as error:
        return OnnxCheck(refusal=str(error))


def _within_tolerance(
    model: Model,
    samples: Samples,
    runner: OnnxRunner,
    expected: Sequence[tuple[Array, ...]],
    found: Sequence[tuple[Array, ...]],
) -> OnnxCheck:
    """The comparison of a floating-point network."""
    names, unstable = model.imported.outputs, 0
    for number, (want, got) in enumerate(zip(expected, found, strict=True)):
        implementation = "NumPy (against onnxruntime)"
        difference = compare(implementation, number, model.imported, names, want, got)
        if difference is None:
            continue
        if not _is_unstable(model, samples.inputs[number], runner, want, got):
            return OnnxCheck(difference=difference, unstable=unstable)
        unstable += 1
    return OnnxCheck(unstable=unstable)


def _is_unstable(
    model: Model,
    sample: Sequence[Array],
    runner: OnnxRunner,
    want: Sequence[Array],
    got: Sequence[Array],
) -> bool:
    """Whether onnxruntime's own outputs for a sample are no nearer to each other than ours."""
    generator = np.random.default_rng(0)
    moved = [
        (value * (1 + ROUNDING * generator.choice([-1, 1], value.shape))).astype(value.dtype)
        for value in sample
    ]
    others = [OnnxRunner(model, optimise=False).run(sample), runner.run(moved)]
    for index, (a, b) in enumerate(zip(want, got, strict=True)):
        spread = max(float(np.abs(other[index] - a).max()) for other in others)
        tolerance = FLOAT_TOLERANCE * float(np.abs(a).max())
        if not float(np.abs(b - a).max()) <= SPREAD * spread + tolerance:
            return False
    return True


def _steps(
    model: Model, expected: Sequence[tuple[Array, ...]], found: Sequence[tuple[Array, ...]]
) -> OnnxCheck:
    """The comparison of an integer network."""
    check = OnnxCheck()
    for want, got in zip(expected, found, strict=True):
        for name, a, b in zip(model.imported.outputs, want, got, strict=True):
            steps = np.abs(a.astype(np.float64) - b.astype(np.float64)) / _step(model, name)
            check = replace(
                check,
                values=check.values + steps.size,
                one_step=check.one_step + int(((steps > 0.5) & (steps < 1.5)).sum()),
                more=check.more + int((steps >= 1.5).sum()),
            )
    return check


def _step(model: Model, name: str) -> float:
    """What one step of the quantization of an output is, in the units that it is handed out in."""
    graph = model.imported
    producer = graph.producer(name)
    source = None if producer is None else graph.ins(producer)[0]
    if graph.tensors[name].quant is None and source is not None and source.quant is not None:
        return source.scale
    return 1.0


class OnnxRunner:
    """A file in onnxruntime, with inputs and outputs as our network has them."""

    def __init__(self, model: Model, optimise: bool = True) -> None:
        """Prepares the file.

        Args:
            model: A model that comes from an ONNX file.
            optimise: Let onnxruntime fuse operators.

        Raises:
            ToolMissing: onnxruntime is not installed.
            BadModel: onnxruntime refuses the file.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ToolMissing("onnxruntime is missing: pip install 'edgebottle[onnx]'") from error
        assert model.onnx is not None
        self.model = model
        level = onnxruntime.GraphOptimizationLevel
        chosen = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
        try:
            self._session = exact_session(model.onnx.data, chosen)
        except Exception as error:  # it raises classes of its own, which share no base
            raise self._refusal(error) from error

    def run(self, sample: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs, in the order of axes and the types of ``model.imported``.

        Raises:
            BadModel: onnxruntime fails.
        """
        try:
            results = self._session.run(None, _feeds(self.model, self._session, sample))
        except Exception as error:  # as above
            raise self._refusal(error) from error
        return _ours(self.model, results)

    @staticmethod
    def _refusal(error: Exception) -> BadModel:
        return BadModel(f"onnxruntime refuses the model: {' '.join(str(error).split())}")


def exact_session(data: bytes, level: Any) -> Any:
    """A session that computes what the file says, as far as onnxruntime can.

    Args:
        data: The file.
        level: How far onnxruntime may rewrite it, of its ``GraphOptimizationLevel``.
    """
    import onnxruntime

    def opened(is_exact: bool) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        options.graph_optimization_level = level
        if is_exact:
            options.add_session_config_entry("session.x64quantprecision", "1")
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    try:
        # Without it, sums of products of uint8 and int8 saturate on many x86 processors.
        return opened(is_exact=True)
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return opened(is_exact=False)  # QGemm of int8 is not there in that mode


def _feeds(model: Model, session: Any, sample: Sequence[Array]) -> dict[str, Array]:
    """The inputs as the file has them."""
    assert model.onnx is not None
    graph = model.imported
    feeds: dict[str, Array] = {}
    for record, name, value, order, stripped in zip(
        session.get_inputs(),
        graph.inputs,
        sample,
        model.onnx.inputs,
        model.stripped_inputs,
        strict=True,
    ):
        wide = as_in_file(graph.tensors[name], value, stripped)
        turned = np.ascontiguousarray(wide.transpose(inverse(order)))
        if record.type == "tensor(uint8)":  # int8 here: 128 less
            turned = turned.astype(np.int16) + 128
        feeds[record.name] = turned.reshape(value.shape and turned.shape).astype(
            _TYPES.get(record.type, np.float32)
        )
    return feeds


def _ours(model: Model, results: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs as our network has them."""
    assert model.onnx is not None
    graph = model.imported
    found = []
    for name, value, order in zip(graph.outputs, results, model.onnx.outputs, strict=True):
        turned = quantized(graph, name, np.asarray(value).transpose(order))
        if turned.dtype == np.uint8 and graph.tensors[name].dtype is DType.I8:
            turned = turned.astype(np.int16) - 128
        found.append(turned.astype(graph.tensors[name].dtype.numpy))
    return tuple(found)
