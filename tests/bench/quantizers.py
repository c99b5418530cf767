"""Compares networks quantized here with those of ai-edge-quantizer, on the same data.

``python -m tests.bench.quantizers --floats FOLDER --peer PYTHON``: FOLDER is what
``tests.bench.float_networks`` has written, PYTHON one that has ai-edge-quantizer. It shows how the
validation part does, by which quantizers are worked on; ``--part test`` looks at the test part,
once, when all is chosen. Needs TensorFlow for the Keras files.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers import import_model
from edgebottle.ir.graph import Array, Quant
from quantize.post.affine import dequantized, quantized
from quantize.post.quantizer import Options, quantize_graph
from quantize.post.runner import Runner
from quantize.post.score import Outputs, agreement
from tests.bench.quantizer_data import CASES, Case, Part
from tests.conftest import SHARED

ROWS = (("w8a8", 8, False), ("w8a8 high", 8, True), ("w4a8", 4, False), ("w4a8 high", 4, True))
"""Ours: name, bits of the weights, effort."""

COLUMNS = "{:8} {:22} {:>14} {:>14} {:>8} {:>6} {:>5}"

HEADER = COLUMNS.format("network", "quantizer", "accuracy, %", "lost, points", "same", "dB", "s")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floats", type=Path, required=True)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--network", choices=list(CASES), action="append")
    parser.add_argument("--row", choices=[row[0] for row in ROWS], action="append")
    options = parser.parse_args(arguments)
    print(HEADER)
    for name in options.network or CASES:
        _compare(CASES[name](SHARED, options.floats), options)


def _compare(case: Case, options: argparse.Namespace) -> None:
    graph = import_model(case.float_bytes, case.name, ".tflite")
    part: Part = getattr(case, options.part)
    real = _run(case.float_bytes, part)
    origins = len(np.unique(part.origin))
    print(f"# {case.name}: {case.note}")
    print(f"# {case.name}: {options.part}, {len(part.values):,} samples of {origins:,} origins")
    _line(case, part, "float", real, real, 0.0)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = [(value.reshape(shape).astype(np.float32),) for value in case.calibration]
    for name, bits, thorough in ROWS:
        if options.row and name not in options.row:
            continue
        start = time.monotonic()
        wish = Options(bits=bits, thorough=thorough)
        with Runner() as runner:
            found = quantize_graph(graph, inputs, wish, runner, lambda what, done, total: None)
        spent = time.monotonic() - start
        data = write_tflite(found.graph)
        _line(case, part, f"edgebottle {name}", real, _run(data, part), spent)
    for bits in (8, 4) if options.peer else ():
        start = time.monotonic()
        name = f"ai-edge-quantizer w{bits}a8"
        try:
            data = _peer(case, bits, options.peer)
            spent = time.monotonic() - start
            results = _run(data, part)
        except (RuntimeError, ValueError) as error:
            print(f"{case.name:8} {name}: {str(error)[:90]}")
            continue
        _line(case, part, name, real, results, spent)


def _run(data: bytes, part: Part) -> Outputs:
    """Real outputs of the samples, in LiteRT's reference kernels; of any file it runs."""
    kind = OpResolverType.BUILTIN_REF
    model = Interpreter(model_content=data, experimental_op_resolver_type=kind)
    model.allocate_tensors()
    (source,), (target,) = model.get_input_details(), model.get_output_details()
    results = []
    for value in part.values:
        sample = value.reshape(source["shape"]).astype(np.float32)
        model.set_tensor(source["index"], _stored(sample, source))
        model.invoke()
        results.append((_real(model.get_tensor(target["index"]), target),))
    return results


def _stored(sample: Array, detail: dict[str, Any]) -> Array:
    scale, zero_point = detail["quantization"]
    return quantized(sample, Quant((scale,), (zero_point,))) if scale else sample


def _real(stored: Array, detail: dict[str, Any]) -> Array:
    scale, zero_point = detail["quantization"]
    return dequantized(stored, Quant((scale,), (zero_point,)) if scale else None)


def _peer(case: Case, bits: int, python: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, samples, out = (Path(folder) / name for name in ("f.tflite", "x.npz", "q.tflite"))
        # Written anew: of the files of 2020 it takes some constants for activations.
        source.write_bytes(write_tflite(import_model(case.float_bytes, "net", ".tflite")))
        np.savez(samples, x=case.calibration.astype(np.float32))
        script = Path(__file__).with_name("peer_quantizer.py")
        command = [str(python), str(script), str(source), str(samples), str(bits), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not out.exists():
            raise RuntimeError((done.stderr.strip().splitlines() or ["no output"])[-1])
        return out.read_bytes()


def _line(case: Case, part: Part, name: str, real: Outputs, found: Outputs, spent: float) -> None:
    near = agreement(real, found)
    accuracy = lost = "-"
    if part.labels is not None:
        before, after = (
            np.array([s[0].argmax() == y for s, y in zip(outputs, part.labels, strict=True)], float)
            for outputs in (real, found)
        )
        share = after.mean()
        error = 100 * np.sqrt(share * (1 - share) / len(np.unique(part.origin)))
        accuracy = f"{100 * share:.2f} \xb1{error:.2f}"
        lost = f"{100 * (before - after).mean():+.2f} \xb1{_paired_error(before - after, part):.2f}"
    same = "-" if near.same is None or case.name == "ad" else f"{near.same:.2%}"
    cells = (case.name, name, accuracy, lost, same, f"{near.sqnr:.1f}", f"{spent:.0f}")
    print(COLUMNS.format(*cells), flush=True)


def _paired_error(lost: Array, part: Part) -> float:
    """Standard error, in points, of the mean loss of the same samples: views of one go together."""
    _, numbers = np.unique(part.origin, return_inverse=True)
    sums = np.bincount(numbers, weights=lost - lost.mean())
    return float(100 * np.sqrt(np.sum(np.square(sums))) / len(lost))


if __name__ == "__main__":
    main()
