"""Bytes of a model file to a Graph, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebottle.errors import BadInput, BadModel
from edgebottle.ir.graph import Graph

if TYPE_CHECKING:
    from edgebottle.importers.tflite_signatures import SignedModel

_TFLITE_MARK = b"TFL3"


def is_tflite(data: bytes) -> bool:
    """Whether it has the mark of a .tflite file."""
    return data[4:8] == _TFLITE_MARK


def sign_model(data: bytes, signature: str | None) -> SignedModel:
    """The network of a signature, where a model has several; raises as ``choose_signature`` does.

    Args:
        data: The whole file, of any format.
        signature: Its name; None to let the model decide.
    """
    from edgebottle.importers.tflite_signatures import SignedModel, choose_signature

    if is_tflite(data):
        return choose_signature(data, signature)
    if signature is not None:
        raise BadInput("only .tflite files have signatures to choose from: leave out --signature")
    return SignedModel(data)


def import_model(data: bytes, name: str, suffix: str) -> Graph:
    """Reads a model, recognised by its content.

    Args:
        data: The whole file; what TensorFlow saved is converted before (``conversion``).
        name: Name of the model; made a C identifier.
        suffix: The file's suffix with its dot, a hint for files without a mark of their own.

    Returns:
        A verified graph.

    Raises:
        BadModel: the file is empty, truncated, corrupt, or not a model.
        UnsupportedOp: a format, operator, type or shape that edgebottle cannot compile.
    """
    if is_tflite(data):
        from edgebottle.importers.tflite import load_tflite

        return load_tflite(data, name)
    if not data:
        raise BadModel("the file is empty")
    from edgebottle.importers.foreign import refuse_file

    refuse_file(data, suffix)
    if suffix.lower() == ".tflite":
        raise BadModel("the file is not a TensorFlow Lite model: it lacks the mark TFL3")
    raise BadModel("the file is not a model that edgebottle knows (.tflite, .keras, .h5)")
