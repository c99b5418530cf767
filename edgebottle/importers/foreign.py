"""What other tools save, recognised by its content: converted, or refused with what to do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

from edgebottle.errors import BadInput, BadModel, UnsupportedOp


class Advice(Enum):
    """How a network comes from another tool to a ``.tflite`` file."""

    AGAIN = "save it again, or download it again"
    WHOLE = "save the whole network, with model.save('net.keras')"
    FOLDER = "give the folder that it is in, which has the variables as well"
    UNPACK = "unpack it and give its folder"
    FROZEN = "convert it to .tflite with tf.compat.v1.lite.TFLiteConverter.from_frozen_graph"
    TORCH = "load it in PyTorch and convert it to .tflite with litert-torch"
    ONNX = "give the .onnx file that it was made from"
    CONVERTED = "convert it first, as every command of edgebottle does"
    SOURCE = "convert the network that it was made from to .tflite"
    WEIGHTS = "load them in the script that builds the network, and save that with model.save"


class KerasFile(Enum):
    """A whole network of Keras, by the suffix under which Keras reads it."""

    ZIP = ".keras"
    HDF5 = ".h5"


@dataclass(frozen=True)
class Format:
    """A format that edgebottle does not read, or reads where a file is whole.

    Attributes:
        what: What such a file is, with its article.
        advice: How to make a ``.tflite`` file.
        suffixes: Of its files, for those without a mark of their own; lower case, with the dot.
        is_content: Whether bytes are of this format.
        is_read: Whole files of this format are read; this one is not whole.
    """

    what: str
    advice: Advice
    suffixes: tuple[str, ...] = ()
    is_content: Callable[[bytes], bool] = lambda data: False
    is_read: bool = False

    def refuse(self) -> NoReturn:
        """Says what the file is, and how to go on.

        Raises:
            UnsupportedOp: it is of a format that is not read.
            BadModel: it is not whole.
        """
        if self.is_read:
            raise BadModel(f"the file is {self.what}; {self.advice.value}")
        raise UnsupportedOp(
            f"the file is {self.what}, which edgebottle does not read; {self.advice.value} "
            "(docs/models.md shows it step by step)"
        )


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


def _has_mark(mark: bytes) -> Callable[[bytes], bool]:
    """The mark of a flatbuffer, which stands behind its first offset."""
    return lambda data: data[4:8] == mark


def _is_safetensors(data: bytes) -> bool:
    """Eight bytes that tell the length of the JSON that follows."""
    return data[8:10] == b'{"' and int.from_bytes(data[:8], "little") <= len(data)


def _is_onnx(data: bytes) -> bool:
    """A protocol buffer whose first field is ONNX's ir_version, followed by the producer's name."""
    return (
        data[:1] == b"\x08"
        and b"\0" < data[1:2] < b"@"
        and data[2:3] in (b"\x12", b"\x1a", b"\x2a", b"\x3a")
    )


def _is_frozen_graph(data: bytes) -> bool:
    """A protocol buffer of nodes, each with a name and an operator."""
    return data[:1] == b"\x0a" and any(
        op in data[:4096] for op in (b"\x12\x05Const", b"\x12\x0bPl")
    )


def _is_hdf5(data: bytes) -> bool:
    return data.startswith(b"\x89HDF\r\n\x1a\n")


KERAS = Format(
    "no Keras model, or not all of one",
    Advice.AGAIN,
    (".keras", ".h5", ".hdf5"),
    is_read=True,
)
SAVED_MODEL = Format(
    "the graph of a TensorFlow SavedModel alone",
    Advice.FOLDER,
    is_content=_starts(b"\x08\x01\x12"),
)
TORCH = Format("a PyTorch model", Advice.TORCH, (".pt", ".pth", ".pt2", ".torchscript", ".ptl"))
CORE_ML = Format("a Core ML model", Advice.SOURCE, (".mlmodel", ".mlpackage", ".mlmodelc"))
ONNX = Format("an ONNX model", Advice.CONVERTED, (".onnx",), _is_onnx, is_read=True)
"""Commands convert it before the importer sees it."""

ONNX_ARCHIVE = Format("an archive of an ONNX model", Advice.UNPACK)
PICKLE = Format(
    "a Python pickle (of PyTorch, scikit-learn or joblib)",
    Advice.TORCH,
    (".pkl", ".pickle", ".joblib"),
    lambda data: data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"),
)
CHECKPOINT = Format(
    "part of a TensorFlow checkpoint: weights without the network",
    Advice.WEIGHTS,
    (".ckpt", ".index", ".meta", ".data-00000-of-00001"),
    lambda data: data.endswith(b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"),
)

BY_CONTENT = (
    Format(
        "one of Keras weights without the network",
        Advice.WEIGHTS,
        is_content=lambda data: _is_hdf5(data) and b"model_config" not in data,
    ),
    Format(
        "a PyTorch model",
        Advice.TORCH,
        is_content=_starts(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"),
    ),
    PICKLE,
    CHECKPOINT,
    Format("an ExecuTorch program", Advice.TORCH, (".pte",), _has_mark(b"ET12")),
    Format("an ONNX Runtime model", Advice.ONNX, (".ort",), _has_mark(b"ORTM")),
    Format("a GGUF file of a language model", Advice.SOURCE, (".gguf",), _starts(b"GGUF")),
    Format("a LiteRT-LM language model", Advice.SOURCE, (".litertlm",), _starts(b"LITERTLM")),
    Format("a TensorRT engine", Advice.SOURCE, (".engine", ".trt"), _starts(b"ftrt", b"ptrt")),
    Format(
        "one of weights without the network (safetensors)",
        Advice.WEIGHTS,
        (".safetensors",),
        _is_safetensors,
    ),
    SAVED_MODEL,
    ONNX,
    Format("a frozen TensorFlow graph", Advice.FROZEN, (".pb",), _is_frozen_graph),
)
"""In the order in which they are asked: some marks are the beginnings of others."""

BY_TEXT = (
    (b'"modelTopology"', Format("a TensorFlow.js model", Advice.SOURCE)),
    (b'"class_name"', Format("the layers of a Keras model without its weights", Advice.WHOLE)),
    (b"<net ", Format("an OpenVINO model", Advice.SOURCE)),
    (b"node {", Format("a TensorFlow graph as text", Advice.FROZEN)),
    (b"#VERSION", Format("a Caffe or Darknet model", Advice.SOURCE)),
    (b"[convolutional]", Format("a Darknet model", Advice.SOURCE)),
)
"""Formats that are text, by words of their first part."""

BY_SUFFIX = (KERAS, TORCH, CORE_ML, *BY_CONTENT)

BY_MEMBER: tuple[tuple[Callable[[str], bool], Format], ...] = (
    (lambda name: name == "model.weights.h5", KERAS),
    (lambda name: "/code/" in f"/{name}", Format("a TorchScript model", Advice.TORCH)),
    (
        lambda name: (
            name.endswith(("/data.pkl", "archive_format", "/archive_version"))
            or name == "serialized_exported_program.json"
        ),
        TORCH,
    ),
    (
        lambda name: name.endswith("saved_model.pb"),
        Format("an archive of a TensorFlow SavedModel", Advice.UNPACK),
    ),
    (lambda name: name.endswith(".mlmodel"), CORE_ML),
    (lambda name: name.endswith(".onnx"), ONNX_ARCHIVE),
    (lambda name: name.endswith(".pkl"), PICKLE),
)
"""ZIP archives, by the name of a member."""


def keras_file(data: bytes) -> KerasFile | None:
    """Which kind of Keras file it is, a whole network; None for anything else."""
    if _is_hdf5(data):
        return KerasFile.HDF5 if b"model_config" in data else None
    is_keras = {"config.json", "metadata.json"} <= set(_members(data))
    return KerasFile.ZIP if is_keras else None


def is_onnx_file(data: bytes, suffix: str) -> bool:
    """Whether a file is to be read as ONNX: by its content, or by its suffix if it has no mark."""
    found = _by_content(data)
    if found is not None or not data or data[4:8] == b"TFL3":
        return found is ONNX
    packed = data.startswith((b"PK\x03\x04", b"\x1f\x8b"))
    return suffix.lower() in ONNX.suffixes and not packed and not _is_text(data)


def is_saved_model(folder: Path) -> bool:
    """Whether a folder is a SavedModel of TensorFlow, which TensorFlow converts."""
    return (folder / "saved_model.pb").is_file() or (folder / "saved_model.pbtxt").is_file()


def refuse_file(data: bytes, suffix: str) -> None:
    """Says what a foreign file is, and what to do with it; returns where it is not known.

    Args:
        data: The whole file, none that ``keras_file`` knows.
        suffix: The file's suffix with its dot.

    Raises:
        UnsupportedOp: a network in a format that edgebottle does not read.
        BadModel: no network, or one that is packed.
    """
    suffix = suffix.lower()
    if data.startswith(b"PK\x03\x04"):
        _refuse_archive(data, suffix)
    if data.startswith(b"\x1f\x8b"):
        raise BadModel("the file is compressed with gzip; unpack it first")
    for form in BY_SUFFIX:
        if suffix in form.suffixes and not _is_text(data):
            # A suffix is asked for binary files alone: a page saved as model.onnx is a page. The
            # beginning of a Core ML model could be that of an ONNX model.
            (form if form is CORE_ML else _by_content(data) or form).refuse()
    found = _by_content(data)
    if found is not None:
        found.refuse()
    _refuse_text(data)


def refuse_folder(path: Path) -> NoReturn:
    """Says what a folder is, other than a SavedModel, that was given in the place of a file.

    Raises:
        UnsupportedOp: a network in a format that edgebottle does not read.
        BadInput: another folder; a ``.tflite`` file in it is named.
    """
    if path.suffix in CORE_ML.suffixes:
        what, advice = CORE_ML.what, CORE_ML.advice
    elif (path / "checkpoint").is_file():
        what, advice = "a TensorFlow checkpoint: weights without the network", Advice.WEIGHTS
    else:
        files = sorted(path.glob("*.tflite"))
        hint = f", such as {files[0]}" if files else ""
        raise BadInput(f"{path} is a folder: give a model file{hint}")
    raise UnsupportedOp(
        f"{path} is the folder of {what}, which edgebottle does not read; "
        f"{advice.value} (docs/models.md shows it step by step)"
    )


def _by_content(data: bytes) -> Format | None:
    return next((form for form in BY_CONTENT if form.is_content(data)), None)


def _is_text(data: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in data[:512])


def _members(data: bytes) -> list[str]:
    """The names in a ZIP archive; none if it is broken, or something else."""
    if not data.startswith(b"PK\x03\x04"):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return []


def _refuse_archive(data: bytes, suffix: str) -> NoReturn:
    """A ZIP archive is what its members are; a broken one is what its suffix says."""
    names = _members(data)
    for is_member, form in BY_MEMBER:
        if any(is_member(name) for name in names):
            form.refuse()
    if not names:
        for form in (KERAS, TORCH):
            if suffix in form.suffixes:
                form.refuse()
    if names and all(name.endswith(".npy") for name in names):
        raise BadModel("the file is a NumPy archive of arrays, not a model; give it to --inputs")
    models = [name for name in names if name.endswith(".tflite")]
    which = ascii(models[0][-80:]) if models else "the .tflite file in it"
    raise BadModel(f"the file is a ZIP archive; unpack it and give {which}")


def _refuse_text(data: bytes) -> None:
    """Raises for a file of text: a web page, a pointer, or a network that is written as text."""
    head = data[:512].lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        raise BadModel("the file is a Git LFS pointer, not a model; run `git lfs pull`")
    if not _is_text(data):
        return
    for word, form in BY_TEXT:
        if word in data[:4096]:
            form.refuse()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadModel("the file is a web page, not a model; download the raw file")
    raise BadModel("the file is text, not a model")
