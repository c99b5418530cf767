"""The bytes of a model file as ``.tflite``: as they are, or what is made of another format.

TensorFlow's converter makes it of Keras files and SavedModels, our own importer of ONNX files.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgebottle.build.cache import cache_dir, forget_oldest, keep
from edgebottle.errors import BadInput, DoesNotFit, EdgebottleError, ToolMissing
from edgebottle.exporters.tflite import write_tflite
from edgebottle.files import read_file
from edgebottle.importers.foreign import KerasFile, is_onnx_file, keras_file
from edgebottle.importers.onnx_external import with_external_data
from edgebottle.ir.graph import Shape
from edgebottle.passes.channels_last import Order, channels_last
from edgebottle.passes.fold_affine import fold_affine
from edgebottle.passes.fuse_quantization import fuse_quantization
from edgebottle.passes.sink_reshapes import sink_reshapes
from edgebottle.tensorflow_process import convert_with_tensorflow, tensorflow_is_installed

MAX_MODEL_BYTES = 64 * 1024 * 1024
"""A larger file is no model for a microcontroller."""

MAX_TRAINED_BYTES = 4 * MAX_MODEL_BYTES
"""Keras keeps the state of the optimizer beside the weights, twice their size."""

MAX_FILES = 50
"""Converted networks that are kept."""

_TRAINED_SUFFIXES = (".keras", ".h5", ".hdf5")

_SAVED_MODEL_PARTS = ("saved_model.pb", "saved_model.pbtxt", "variables/*", "assets/**/*")

_RECIPE = "1"
"""Raised whenever the same file is converted to something else than before."""


@dataclass(frozen=True)
class Reading:
    """How a model file is read, where it leaves that open.

    Attributes:
        shapes: Of inputs, by name, where the file leaves dimensions free.
        keep_layout: Inputs and outputs keep the order of axes that the file has; else images have
            their channels last.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    keep_layout: bool = False


@dataclass(frozen=True)
class OnnxSource:
    """The ONNX file that a network comes from.

    Attributes:
        data: Its bytes.
        inputs: For each input the order of its axes: axis i is axis ``order[i]`` of the file's.
        outputs: The same for each output.
    """

    data: bytes
    inputs: tuple[Order, ...]
    outputs: tuple[Order, ...]


@dataclass(frozen=True)
class ModelFile:
    """A model as the importer reads it.

    Attributes:
        data: The bytes.
        sha256: Of what the user has: the file, or the files of the folder.
        onnx: What ``data`` was made of, where that is an ONNX file.
    """

    data: bytes
    sha256: str
    onnx: OnnxSource | None = None


def read_model(
    path: Path, progress: Callable[[str, int, int], None], reading: Reading | None = None
) -> ModelFile:
    """Reads a model file, or converts it; what TensorFlow makes is kept in the cache.

    Args:
        path: A file, or the folder of a SavedModel.
        progress: Told when it is converted.
        reading: What the file leaves open.

    Raises:
        BadInput: it cannot be read, is too large, or leaves nothing open that ``reading`` says.
        BadModel: a file is broken, or TensorFlow ended on it.
        UnsupportedOp: it cannot be converted.
        DoesNotFit: converted it is larger than a model may be.
        ToolMissing: TensorFlow or the package onnx is needed and not installed.
        BuildFailed: TensorFlow took too long.
    """
    reading = reading or Reading()
    kind = None
    if path.is_dir():
        digest = _folder_digest(path)
    else:
        trained = path.suffix.lower() in _TRAINED_SUFFIXES
        data = read_file(path, MAX_TRAINED_BYTES if trained else MAX_MODEL_BYTES)
        digest, kind = hashlib.sha256(data).hexdigest(), keras_file(data)
        if is_onnx_file(data, path.suffix):
            return _onnx_converted(path, data, digest, reading)
        _check_only_onnx(path, reading)
        if kind is None:
            return ModelFile(data, digest)
    kept = cache_dir() / "converted" / f"{digest[:32]}-{_RECIPE}.tflite"
    with contextlib.suppress(OSError):
        found = kept.read_bytes()
        kept.touch()
        return ModelFile(found, digest)
    progress(f"convert {path.name} with TensorFlow", 0, 0)
    try:
        converted = _converted(path) if kind is None else _keras_converted(data, kind)
    except EdgebottleError as error:
        raise type(error)(f"{path}: {error}") from error
    keep(kept, converted)
    forget_oldest(kept.parent, "*.tflite", MAX_FILES)
    return ModelFile(converted, digest)


def _check_only_onnx(path: Path, reading: Reading) -> None:
    """Refuses what only an ONNX file leaves open."""
    for option, given in (("--shape", reading.shapes), ("--layout", reading.keep_layout)):
        if given:
            raise BadInput(f"{path} is no ONNX file: it takes no {option}")


def _onnx_converted(path: Path, data: bytes, digest: str, reading: Reading) -> ModelFile:
    """Imports an ONNX file, and writes it as ``.tflite``."""
    if importlib.util.find_spec("onnx") is None:
        raise ToolMissing(
            f"{path}: the package onnx reads such files, and is not installed: "
            "pip install 'edgebottle[onnx]'"
        )
    try:
        whole = with_external_data(data, path.parent, MAX_MODEL_BYTES)
        converted, source = convert_onnx(whole, path.stem, reading)
    except EdgebottleError as error:
        raise type(error)(f"{path}: {error}") from error
    digest = digest if whole is data else hashlib.sha256(whole).hexdigest()
    return ModelFile(converted, digest, source)


def convert_onnx(data: bytes, name: str, reading: Reading) -> tuple[bytes, OnnxSource]:
    """The ``.tflite`` file of an ONNX file, and what there is to know of the latter.

    Args:
        data: The ONNX file.
        name: Name of the model; made a C identifier.
        reading: What the file leaves open.

    Raises:
        BadModel: the file is broken.
        UnsupportedOp: something in it cannot be compiled.
    """
    from edgebottle.importers.onnx import load_onnx

    found = channels_last(load_onnx(data, name, reading.shapes), keep=reading.keep_layout)
    graph = fuse_quantization(fold_affine(sink_reshapes(found.graph)))
    converted = write_tflite(graph)
    return converted, OnnxSource(data, found.inputs, found.outputs)


def _keras_converted(data: bytes, kind: KerasFile) -> bytes:
    """Converts a copy, under a name that Keras takes."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"network{kind.value}"
        copy.write_bytes(data)
        return _converted(copy)


def _converted(source: Path) -> bytes:
    if not tensorflow_is_installed():
        raise ToolMissing(
            "TensorFlow converts such networks, and is not installed: "
            "pip install 'edgebottle[train]'"
        )
    data = convert_with_tensorflow(source)
    if len(data) > MAX_MODEL_BYTES:
        raise DoesNotFit(
            f"as .tflite it has {len(data) / 2**20:,.1f} MB: more than the "
            f"{MAX_MODEL_BYTES / 2**20:,.0f} MB that a model may have"
        )
    return data


def _folder_digest(folder: Path) -> str:
    """SHA-256 of what makes a SavedModel: names and content of its files.

    Raises:
        BadInput: they are too large, or cannot be read.
    """
    found = hashlib.sha256()
    room = MAX_TRAINED_BYTES
    paths = [path for part in _SAVED_MODEL_PARTS for path in folder.glob(part) if path.is_file()]
    for path in sorted(paths):
        data = read_file(path, room)
        room -= len(data)
        found.update(f"{path.relative_to(folder).as_posix()} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()
