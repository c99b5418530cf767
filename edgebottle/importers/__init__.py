"""Bytes of a model file to a Graph, and nothing else."""

from __future__ import annotations

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.ir.graph import Graph

_TO_TFLITE = "export it to .tflite first"


def import_model(data: bytes, name: str, suffix: str) -> Graph:
    """Reads a model, recognised by its content.

    Args:
        data: The whole file.
        name: Name of the model; made a C identifier.
        suffix: The file's suffix with its dot, a hint for files without a mark of their own.

    Returns:
        A verified graph.

    Raises:
        BadModel: the file is empty, truncated, corrupt, or not a model.
        UnsupportedOp: a format, operator, type or shape that edgebottle cannot compile.
    """
    if data[4:8] == b"TFL3":
        from edgebottle.importers.tflite import load_tflite

        return load_tflite(data, name)
    if not data:
        raise BadModel("the file is empty")
    _refuse_other_formats(data, suffix.lower())
    if suffix.lower() == ".tflite":
        raise BadModel("the file is not a TensorFlow Lite model: it lacks the mark TFL3")
    raise BadModel("the file is not a model that edgebottle knows; it reads .tflite")


def _refuse_other_formats(data: bytes, suffix: str) -> None:
    """Says what a foreign file is, and what to do with it."""
    head = data[:512].lstrip()
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise UnsupportedOp(
            f"the file is a Keras or HDF5 model, which edgebottle does not read yet; {_TO_TFLITE} "
            "(tf.lite.TFLiteConverter.from_keras_model)"
        )
    if data.startswith(b"PK\x03\x04"):
        if suffix == ".keras" or b"config.json" in data[:4096]:
            raise UnsupportedOp(
                f"the file is a Keras model, which edgebottle does not read yet; {_TO_TFLITE} "
                "(tf.lite.TFLiteConverter.from_keras_model)"
            )
        raise BadModel("the file is a ZIP archive; unpack it and name the .tflite file in it")
    if head[:9].lower() == b"<!doctype" or head[:5].lower() in (b"<html", b"<?xml"):
        raise BadModel("the file is a web page, not a model; download the raw file")
    if head.startswith(b"version https://git-lfs"):
        raise BadModel("the file is a Git LFS pointer, not a model; run `git lfs pull`")
    if data.startswith(b"\x1f\x8b"):
        raise BadModel("the file is compressed with gzip; unpack it first")
    if suffix == ".onnx" or _looks_like_onnx(data):
        raise UnsupportedOp(
            f"the file is an ONNX model, which edgebottle does not read yet; {_TO_TFLITE}"
        )
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in data[:512]):
        raise BadModel("the file is text, not a model")


def _looks_like_onnx(data: bytes) -> bool:
    """A protocol buffer whose first field is ONNX's ir_version, followed by the producer's name."""
    return (
        data[:1] == b"\x08"
        and b"\0" < data[1:2] < b"@"
        and data[2:3] in (b"\x12", b"\x1a", b"\x2a", b"\x3a")
    )
