"""Runs the ONNX file that a network comes from in onnxruntime: the oracle for its import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.compare import Difference, compare
from edgebottle.errors import BadModel, ToolMissing
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array
from edgebottle.passes.permuted import inverse
from edgebottle.pipeline import Model
from edgebottle.reference import as_in_file, quantized
from edgebottle.samples import Samples

Progress = Callable[[str, int, int], None]

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
        values: Of an integer network, how many outputs were compared; 0 of others.
        one_step: How many of them differ by one step of their scale: onnxruntime rounds elsewhere.
        more: How many differ by more.
    """

    refusal: str | None = None
    difference: Difference | None = None
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
        expected = onnx_outputs(model, samples, progress)
    except (BadModel, ToolMissing) as error:
        return OnnxCheck(refusal=str(error))
    if not any(tensor.quant for tensor in model.imported.tensors.values()):
        return OnnxCheck(difference=first_difference(model, expected, found))
    values = one_step = more = 0
    for want, got in zip(expected, found, strict=True):
        for name, a, b in zip(model.imported.outputs, want, got, strict=True):
            steps = np.abs(a.astype(np.float64) - b.astype(np.float64)) / _step(model, name)
            values += steps.size
            one_step += int(((steps > 0.5) & (steps < 1.5)).sum())
            more += int((steps >= 1.5).sum())
    return OnnxCheck(values=values, one_step=one_step, more=more)


def _step(model: Model, name: str) -> float:
    """What one step of the quantization of an output is, in the units that it is handed out in."""
    graph = model.imported
    producer = graph.producer(name)
    source = None if producer is None else graph.ins(producer)[0]
    if graph.tensors[name].quant is None and source is not None and source.quant is not None:
        return source.scale
    return 1.0


def onnx_outputs(model: Model, samples: Samples, progress: Progress) -> list[tuple[Array, ...]]:
    """Outputs of onnxruntime, in the order of axes and the types of ``model.imported``.

    Args:
        model: A model that comes from an ONNX file.
        samples: The inputs.
        progress: Told what is being done.

    Raises:
        ToolMissing: onnxruntime is not installed.
        BadModel: onnxruntime refuses the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ToolMissing("onnxruntime is missing: pip install 'edgebottle[onnx]'") from error
    assert model.onnx is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.onnx.data, options, providers=["CPUExecutionProvider"]
        )
        outputs = []
        for number, sample in enumerate(samples.inputs):
            results = session.run(None, _feeds(model, session, sample))
            outputs.append(_ours(model, results))
            progress("onnxruntime", number + 1, len(samples))
    except Exception as error:  # it raises classes of its own, which share no base
        reason = " ".join(str(error).split())
        raise BadModel(f"onnxruntime refuses the model: {reason}") from error
    return outputs


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


def first_difference(
    model: Model, expected: Sequence[tuple[Array, ...]], found: Sequence[tuple[Array, ...]]
) -> Difference | None:
    """The first place where a floating-point network leaves onnxruntime, beyond the tolerance."""
    names = model.imported.outputs
    for number, (want, got) in enumerate(zip(expected, found, strict=True)):
        difference = compare(
            "NumPy (against onnxruntime)", number, model.imported, names, want, got
        )
        if difference is not None:
            return difference
    return None
