"""Random ONNX networks of floats, one for each seed, and whether onnxruntime computes the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from edgebottle.conversion import OnnxSource, Reading, convert_onnx
from edgebottle.errors import UnsupportedOp
from edgebottle.importers import import_model
from edgebottle.ir.graph import Array
from edgebottle.ir.interpreter import Interpreter
from edgebottle.passes.permuted import inverse
from tests.fuzz.nudging import run_nudged
from tests.fuzz.onnx_drawing import OnnxDrawing, Refused
from tests.fuzz.onnx_quantized import quantized_layer
from tests.fuzz.onnx_rules import RULES
from tests.fuzz.oracle import TAME, Different

ATTEMPTS = 200
"""Draws of which some are refused, at most."""

TOLERANCE = 1e-4
"""Of an output, relative to its largest magnitude."""

CHOOSING = {"ARG_MAX", "ARG_MIN", "MAXIMUM", "MINIMUM", "MAX_POOL_2D", "REDUCE_MAX", "REDUCE_MIN"}
"""Operators that choose among elements: ONNX does not say what becomes of NaN there. LiteRT, and so
ours, passes over it; onnxruntime keeps it, or passes over it unless it comes first."""

ERRORS = 30
"""Errors of float32 that a network collects, in nudges of all that it computes."""


def random_onnx(seed: int) -> OnnxDrawing:
    """A network of two to a dozen nodes: images, signals, matrices; branches, several inputs."""
    d = OnnxDrawing(seed)
    if d.chance(0.12):
        with suppress(Refused):
            quantized_layer(d, d.input(_shape(d)))
            return d
        d = OnnxDrawing(seed)
    alive = [d.input(_shape(d))]
    wanted = d.number(2, 12)
    for _ in range(ATTEMPTS):
        if len(d.nodes) >= wanted:
            break
        x = alive[-1] if d.chance(0.65) else str(d.pick(*alive))
        kept = len(d.nodes), len(d.inputs), set(d.shapes)
        try:
            outputs = d.pick(*RULES)(d, x)
        except Refused:
            _forget(d, *kept)
            continue
        alive += [name for name in outputs if d.is_float(name)]
    return d


def _shape(d: OnnxDrawing) -> tuple[int, ...]:
    kind = d.random.random()
    if kind < 0.6:
        return (1, d.number(1, 12), d.number(1, 12), d.number(1, 12))
    if kind < 0.65:
        return (2, d.number(1, 6), d.number(1, 6), d.number(1, 6))
    if kind < 0.7:
        return (1, *(d.number(1, 5) for _ in range(4)))
    if kind < 0.75:
        return (d.number(1, 6), d.number(1, 2), d.number(1, 8))
    if kind < 0.85:
        return (1, d.number(1, 8), d.number(2, 40))
    return (d.number(1, 4), d.number(1, 40))


def _forget(d: OnnxDrawing, nodes: int, inputs: int, shapes: set[str]) -> None:
    """Takes back what a rule made before it was refused."""
    del d.nodes[nodes:], d.inputs[inputs:]
    for name in set(d.shapes) - shapes:
        del d.shapes[name]
        d.exact.discard(name)


def against_onnxruntime(data: bytes, name: str, seed: int, step: float = 0.0) -> bytes:
    """Compares the import of an ONNX file, in NumPy, with onnxruntime.

    Args:
        data: The file.
        name: Of the network.
        seed: Draws inputs.
        step: Of outputs that are rounded: they may differ by one.

    Returns:
        The import, as ``.tflite``.

    Raises:
        Different: an output differs by more than float32 explains.
        UnsupportedOp: the importer, or onnxruntime, refuses the file.
    """
    converted, source = convert_onnx(data, name, Reading())
    graph = import_model(converted, name, ".tflite")
    interpreter = Interpreter(graph)
    run = interpreter.run
    random = np.random.default_rng([seed, 3])
    with np.errstate(all="ignore"):
        for scale in (1.0, 3.0):
            inputs, expected = _in_onnxruntime(data, random, scale)
            ours = [_turned(*pair) for pair in zip(inputs, source.inputs, strict=True)]
            found = _outputs(run(ours), source)
            if _chooses_among_nan(interpreter):
                continue
            shaken = _outputs(run_nudged(graph, ours, seed), source)
            compare(found, shaken, expected, step)
    return converted


def _chooses_among_nan(run: Interpreter) -> bool:
    """Whether an operator of ``CHOOSING`` has met NaN in the last run."""
    choosing = [node for node in run.graph.nodes if node.OP in CHOOSING]
    read = [run.values[name] for node in choosing for name in node.inputs if name is not None]
    return any(value.dtype.kind == "f" and np.isnan(value).any() for value in read)


def _turned(value: Array, order: Sequence[int]) -> Array:
    return np.ascontiguousarray(value.transpose(order))


def _outputs(values: Sequence[Array], source: OnnxSource) -> list[Array]:
    """In the file's order of axes."""
    pairs = zip(values, source.outputs, strict=True)
    return [value.transpose(inverse(order)) for value, order in pairs]


def _in_onnxruntime(
    data: bytes, random: np.random.Generator, scale: float
) -> tuple[list[Array], list[Array]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Unfused: its kernels of 8 bits saturate sums of pairs on processors without VNNI.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
        names = {one.name: tuple(one.shape) for one in session.get_inputs()}
        inputs = {
            name: np.asarray(random.normal(0, scale, shape), np.float32)
            for name, shape in names.items()
        }
        return list(inputs.values()), list(session.run(None, inputs))
    except Exception as error:
        raise UnsupportedOp(f"onnxruntime: {error}") from error


def compare(
    found: Sequence[Array], nudged: Sequence[Array], expected: Sequence[Array], step: float
) -> None:
    """Integers must be equal, floats within the tolerance, or what rounding makes of them.

    Args:
        found: Outputs of ours.
        nudged: The same, where all that is computed differs by rounding.
        expected: Outputs of onnxruntime.
        step: See ``against_onnxruntime``.

    Raises:
        Different: they are not; says where.
    """
    for index, (one, other, theirs) in enumerate(zip(found, nudged, expected, strict=True)):
        where = f"onnxruntime: output {index}"
        if one.shape != theirs.shape:
            raise Different(f"{where} has the shape {theirs.shape}, not {one.shape}")
        if theirs.dtype.kind != "f":
            if (one != theirs).any():
                raise Different(f"{where} differs")
            continue
        tame = np.isfinite(theirs) & (np.abs(theirs) < TAME)
        largest = float(np.abs(theirs[tame]).max(initial=0.0))
        shaken = float(np.abs(one - other)[tame & np.isfinite(one - other)].max(initial=0.0))
        slack = max(TOLERANCE * largest, ERRORS * shaken) + 1e-6
        slack = 1.001 * step if step else slack
        wrong = tame & ~(np.abs(one - theirs) <= slack)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise Different(f"{where} at {at} is {theirs[at]}, not {one[at]}")
