"""What the outputs of a network have to be: LiteRT's, and NumPy's where it cannot run the file."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle import __version__
from edgebottle.errors import ToolMissing
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.litert_process import LiteRTProcess
from edgebottle.pipeline import Model
from edgebottle.samples import Samples

Progress = Callable[[str, int, int], None]

NUMPY = "NumPy"

MAX_FILES = 100
"""Sets of outputs that are kept."""

MAX_BYTES = 64 * 1024 * 1024
"""A larger set of outputs is computed anew each time."""


@dataclass(frozen=True)
class Reference:
    """Outputs to compare with.

    Attributes:
        name: ``LiteRT`` with its version, or ``NumPy``.
        outputs: For each sample one array per output of the network, of its type.
        litert_refusal: Why it is not LiteRT; "" where it is.
    """

    name: str
    outputs: tuple[tuple[Array, ...], ...]
    litert_refusal: str = ""


def litert_name() -> str:
    """LiteRT and its version; raises ``ToolMissing`` without it."""
    try:
        return f"LiteRT {importlib.metadata.version('ai-edge-litert')}"
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissing("LiteRT is missing: pip install ai-edge-litert") from error


def litert_reference(model: Model, samples: Samples, repeats: int, progress: Progress) -> Reference:
    """Outputs of LiteRT's reference kernels, computed once per model, samples and versions.

    Args:
        model: The model.
        samples: The inputs.
        repeats: Runs of each sample: a state advances with every one.
        progress: Told what is being done.

    Raises:
        BadModel: LiteRT refuses the file, or ends on it.
        ToolMissing: LiteRT is not installed.
    """
    name = litert_name()
    path = _cache_file(model, samples, repeats, name)
    outputs = _read(path, model.imported, len(samples))
    if outputs is None:
        outputs = litert_outputs(model, samples, progress, repeats=repeats)
        _write(path, outputs)
    return Reference(name, outputs)


def litert_outputs(
    model: Model, samples: Samples, progress: Progress, *, repeats: int = 1
) -> tuple[tuple[Array, ...], ...]:
    """Outputs of LiteRT's reference kernels, in the types of ``model.graph``.

    Args:
        model: The model.
        samples: The inputs.
        progress: Told what is being done.
        repeats: Runs of each sample, of which the last one counts.

    Raises:
        BadModel: LiteRT refuses the file, or ends on it.
        ToolMissing: LiteRT is not installed.
    """
    graph = model.imported
    outputs = []
    with LiteRTProcess(model.data) as runner:
        for number, sample in enumerate(samples.inputs):
            wide = [
                as_in_file(graph.tensors[name], value, dtype)
                for name, value, dtype in zip(
                    graph.inputs, sample, model.stripped_inputs, strict=True
                )
            ]
            results = [runner.run(wide) for _ in range(repeats)][-1]
            outputs.append(
                tuple(quantized(graph, n, v) for n, v in zip(graph.outputs, results, strict=True))
            )
            progress("LiteRT reference", number + 1, len(samples))
    return tuple(outputs)


def as_in_file(tensor: Tensor, value: Array, dtype: DType | None) -> Array:
    """An input as the file's own takes it: a stripped one is real values there, or uint8.

    Args:
        tensor: The input.
        value: Its value.
        dtype: The type in the file where the input was stripped, else None.
    """
    if dtype is None or tensor.quant is None:
        return value
    if dtype is DType.U8:
        return value.view(np.uint8) ^ np.uint8(128)
    return ((value.astype(np.int32) - tensor.zero_point) * np.float32(tensor.scale)).astype(
        np.float32
    )


def quantized(graph: Graph, name: str, value: Array) -> Array:
    """The stored values that the original turned into the output ``value``."""
    tensor = graph.tensors[name]
    if value.dtype == np.uint8 and tensor.dtype is DType.I8:
        return (value ^ np.uint8(128)).view(np.int8)
    if tensor.quant is None or value.dtype.kind != "f":
        return value
    steps = np.round(value.astype(np.float64) / tensor.scale) + tensor.zero_point
    return steps.astype(tensor.dtype.numpy)


def _cache_file(model: Model, samples: Samples, repeats: int, name: str) -> Path:
    from edgebottle.build.cache import cache_dir

    digest = hashlib.sha256(model.data)
    digest.update("|".join((model.io, name, __version__, str(repeats))).encode())
    for sample in samples.inputs:
        for array in sample:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
    return cache_dir() / "litert" / f"{digest.hexdigest()[:32]}.npz"


def _read(path: Path, graph: Graph, count: int) -> tuple[tuple[Array, ...], ...] | None:
    """The outputs in a file of the cache; None if it is absent, or not what it should be."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            columns = [archive[f"arr_{index}"] for index in range(len(graph.outputs))]
        path.touch()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    for column, name in zip(columns, graph.outputs, strict=True):
        tensor = graph.tensors[name]
        if column.shape != (count, *tensor.shape) or column.dtype != tensor.dtype.numpy:
            return None
    return tuple(zip(*columns, strict=True))


def _write(path: Path, outputs: Sequence[tuple[Array, ...]]) -> None:
    """Keeps outputs for the next time, whole or not at all."""
    from edgebottle.build.cache import forget_oldest, keep

    stream = io.BytesIO()
    columns = [np.stack(column) for column in zip(*outputs, strict=True)]
    if sum(column.nbytes for column in columns) > MAX_BYTES:
        return
    np.savez_compressed(stream, *columns)
    keep(path, stream.getvalue())
    forget_oldest(path.parent, "*.npz", MAX_FILES)
