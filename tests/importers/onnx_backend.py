"""The ONNX backend's node tests: which import and agree, which are refused, and why.

    python -m tests.importers.onnx_backend [--match REGEX] [--verbose]

Every case is a model of mostly one operator, with inputs and outputs. In most of them the weights
and shapes are inputs as well, which a compiler needs as constants: where a case is refused as it
is, all inputs but the first become constants. Files of an older opset are first brought to a newer
one, as the refusal of such files advises. A case agrees where all outputs of the NumPy
reference, of the network as every command reads it, are within the tolerance of those of the case.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

from edgebottle.conversion import Reading, convert_onnx
from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.importers import import_model
from edgebottle.importers.onnx_file import OLDEST_OPSET
from edgebottle.ir.graph import Array
from edgebottle.ir.interpreter import Interpreter
from edgebottle.passes.permuted import inverse

TOLERANCE = 1e-4
"""Relative to the largest magnitude of an output."""

HALF_TOLERANCE = 1e-3
"""Of outputs of half precision, which has 11 bits."""

NUMBERS = (np.float16, np.float32, np.float64, np.int32, np.int64, np.int8, np.uint8, np.bool_)


LISTED = frozenset(
    (
        *("Conv", "ConvTranspose", "QLinearConv", "Gemm", "MatMul", "QLinearMatMul"),
        *("AveragePool", "MaxPool", "LpPool", "GlobalAveragePool", "GlobalMaxPool"),
        *("Celu", "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish"),
        *("PRelu", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh"),
        *("ThresholdedRelu", "Hardmax", "LogSoftmax", "Softmax", "ArgMax", "ArgMin"),
        *("Concat", "Flatten", "Pad", "Reshape", "Resize", "Slice", "Split", "Squeeze"),
        *("Transpose", "Unsqueeze", "Upsample", "BatchNormalization", "GroupNormalization"),
        *("InstanceNormalization", "LayerNormalization", "LpNormalization"),
        *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"),
        *("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
        *("GRU", "LSTM", "RNN", "If", "QuantizeLinear", "DequantizeLinear"),
        *("Add", "Sub", "Mul", "Div", "Identity", "Constant", "Dropout", "Sum", "Exp"),
        *("GatherND", "GatherElements", "Gather", "TopK", "Einsum", "OneHot", "CumSum"),
    )
)
"""What the importer is for: all cases of these alone are to agree."""


@dataclass(frozen=True)
class Case:
    """A model with inputs and the outputs for them, in the order of the graph's."""

    name: str
    model: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """What became of a case: ``agrees``, ``constants`` (with those it agrees), ``refused`` ..."""

    case: Case
    kind: str
    why: str = ""

    @property
    def operator(self) -> str:
        nodes = [node.op_type for node in self.case.model.graph.node]
        return nodes[0] if len(nodes) == 1 else "several"

    @property
    def is_listed(self) -> bool:
        return all(node.op_type in LISTED for node in self.case.model.graph.node)


def node_cases(families: Sequence[str] = ()) -> Iterator[Case]:
    """Those that the package makes.

    Args:
        families: Modules of the package, each of which makes its cases when it is imported; all
            where none are named.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node

        if families:
            for family in families:
                importlib.import_module(f"{node.__name__}.{family}")
            made = list(node._NodeTestCases)
        else:
            made = node.collect_testcases(None)  # type: ignore[arg-type]
    for one in made:
        if one.model is not None and one.data_sets:
            inputs, outputs = one.data_sets[0]
            yield Case(one.name, one.model, tuple(inputs), tuple(outputs))


def stored_cases() -> Iterator[Case]:
    """Those that lie in the package: exported from PyTorch."""
    data = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for kind in ("pytorch-operator", "pytorch-converted", "simple"):
        for folder in sorted((data / kind).iterdir()):
            values = folder / "test_data_set_0"
            if (folder / "model.onnx").is_file() and values.is_dir():
                yield Case(
                    folder.name,
                    onnx.load(folder / "model.onnx"),
                    _tensors(values, "input"),
                    _tensors(values, "output"),
                )


def _tensors(folder: Path, what: str) -> tuple[Any, ...]:
    found = []
    for number in range(len(list(folder.glob(f"{what}_*.pb")))):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"{what}_{number}.pb").read_bytes())
        try:
            found.append(numpy_helper.to_array(tensor))
        except (ValueError, TypeError):
            found.append(None)
    return tuple(found)


def tried(case: Case) -> Result:
    """As it is, then with constants."""
    values = (*case.inputs, *case.outputs)
    if not all(map(_is_numbers, values)):
        return Result(case, "other types", "strings, sequences, 4 bits, what float32 cannot hold")
    opset = next((one.version for one in case.model.opset_import if not one.domain), OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        upgraded = version_converter.convert_version(case.model, OLDEST_OPSET)
        case = Case(case.name, upgraded, case.inputs, case.outputs)
    try:
        return _compared(case, "agrees")
    except EdgebottleError as error:
        first = error
    fixed = _with_constants(case)
    if fixed is not None:
        try:
            return _compared(fixed, "constants")
        except EdgebottleError as error:
            first = error
    kind = "refused" if isinstance(first, UnsupportedOp) else "bad"
    return Result(case, kind, str(first))


def _is_numbers(value: Any) -> bool:
    """Numbers of a type that there is, within float32 if they are real."""
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.type not in NUMBERS:
        return False
    real = np.atleast_1d(value) if value.dtype == np.float64 else np.zeros(0)
    finite = real[np.isfinite(real)]
    return not finite.size or bool(np.abs(finite).max() <= np.finfo(np.float32).max)


def _with_constants(case: Case) -> Case | None:
    """The case with all inputs but the first as constants."""
    if len(case.inputs) < 2:
        return None
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [one.name for one in model.graph.input]
    given = list(zip(names, case.inputs, strict=False))
    for name, value in given[1:]:
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    del model.graph.input[1:]
    return Case(case.name, model, case.inputs[:1], case.outputs)


def _compared(case: Case, kind: str) -> Result:
    names = [one.name for one in case.model.graph.input]
    known = {one.name for one in case.model.graph.initializer}
    free = [name for name in names if name not in known]
    shapes = {name: np.asarray(value).shape for name, value in zip(free, case.inputs, strict=False)}
    data, source = convert_onnx(
        case.model.SerializeToString(), "case", Reading(shapes=shapes if _is_open(case) else {})
    )
    graph = import_model(data, "case", ".tflite")
    values = [
        np.array(_shifted(value, graph.tensors[name].dtype.numpy).transpose(order), order="C")
        for name, value, order in zip(graph.inputs, case.inputs, source.inputs, strict=False)
    ]
    with np.errstate(all="ignore"):
        found = Interpreter(graph).run(values)
    ours = [
        value.transpose(inverse(order)) for value, order in zip(found, source.outputs, strict=True)
    ]
    ours = [_unshifted(*pair) for pair in zip(ours, map(np.asarray, case.outputs), strict=False)]
    pairs = list(zip(ours, map(np.asarray, case.outputs), strict=False))
    if all(_is_close(value, wanted) for value, wanted in pairs) or _is_onnxruntimes(case, ours):
        return Result(case, kind)
    return Result(case, "DIFFERS", f"{kind}: {'; '.join(_worst(*pair) for pair in pairs)}")


def _unshifted(value: Array, wanted: Array) -> Array:
    """uint8 is int8 here: 128 less."""
    if wanted.dtype == np.uint8 and value.dtype == np.int8:
        return value.astype(np.int16) + 128
    return value


def _shifted(value: Any, dtype: Any) -> Array:
    """An input in the type that the network takes."""
    array = np.asarray(value)
    if array.dtype == np.uint8 and dtype is np.int8:
        array = array.astype(np.int16) - 128
    return array.astype(dtype)


def _is_onnxruntimes(case: Case, ours: Sequence[Array]) -> bool:
    """Whether onnxruntime computes the same: some cases have their outputs with few digits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(case.model.SerializeToString(), options)
        names = [one.name for one in session.get_inputs()]
        found = session.run(None, dict(zip(names, map(np.asarray, case.inputs), strict=False)))
    except Exception:  # it does not know every operator
        return False
    return all(
        _is_close(value, np.asarray(theirs)) for value, theirs in zip(ours, found, strict=False)
    )


def _is_open(case: Case) -> bool:
    return any(
        not dim.dim_value
        for one in case.model.graph.input
        for dim in one.type.tensor_type.shape.dim
    )


def _is_close(value: Array, wanted: Array) -> bool:
    if value.shape != wanted.shape:
        return False
    a, b = value.astype(np.float64), wanted.astype(np.float64)
    finite = np.abs(b[np.isfinite(b)])
    tolerance = HALF_TOLERANCE if wanted.dtype == np.float16 else TOLERANCE
    slack = tolerance * float(finite.max(initial=1e-3))
    return bool(np.allclose(a, b, rtol=0, atol=slack, equal_nan=True))


def _worst(ours: Array, wanted: Array) -> str:
    if ours.shape != wanted.shape:
        return f"shape {list(ours.shape)} instead of {list(wanted.shape)}"
    return f"by {np.nanmax(np.abs(ours.astype(float) - wanted.astype(float)), initial=0):g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--match", default="", help="only cases whose name this is found in")
    parser.add_argument("--verbose", action="store_true", help="list the refused, with the reason")
    parser.add_argument("--listed", action="store_true", help="only cases of the listed operators")
    arguments = parser.parse_args()
    results = []
    for case in (*node_cases(), *stored_cases()):
        if not re.search(arguments.match, case.name):
            continue
        if arguments.listed and not Result(case, "").is_listed:
            continue
        try:
            results.append(tried(case))
        except Exception as error:  # what this command is for
            results.append(Result(case, "ERROR", f"{type(error).__name__}: {error}"))
    for result in results:
        if result.kind in ("DIFFERS", "ERROR") or (arguments.verbose and result.why):
            print(f"{result.kind:12} {result.case.name}: {' '.join(result.why.split())[:200]}")
    _print_table(results)
    return 1 if any(result.kind in ("DIFFERS", "ERROR") for result in results) else 0


def _print_table(results: Sequence[Result]) -> None:
    kinds = ("agrees", "constants", "refused", "bad", "other types", "DIFFERS", "ERROR")
    operators = Counter((result.operator, result.kind) for result in results)
    print(f"{'operator':28}" + "".join(f"{kind:>13}" for kind in kinds))
    for name in sorted({operator for operator, _ in operators}):
        print(f"{name:28}" + "".join(f"{operators[name, kind] or '':>13}" for kind in kinds))
    total = Counter(result.kind for result in results)
    print(f"{'total':28}" + "".join(f"{total[kind]:>13}" for kind in kinds))
    listed = Counter(result.kind for result in results if result.is_listed)
    print(f"{'of listed operators alone':28}" + "".join(f"{listed[kind]:>13}" for kind in kinds))


if __name__ == "__main__":
    sys.exit(main())
