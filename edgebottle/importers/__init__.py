"""Bytes of a model file to a Graph, and nothing else."""

from __future__ import annotations

from edgebottle.errors import BadModel
from edgebottle.ir.graph import Graph


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
    if data[4:8] == b"TFL3":
        from edgebottle.importers.tflite import load_tflite

        return load_tflite(data, name)
    if not data:
        raise BadModel("the file is empty")
    from edgebottle.importers.foreign import refuse_file

    refuse_file(data, suffix)
    if suffix.lower() == ".tflite":
        raise BadModel("the file is not a TensorFlow Lite model: it lacks the mark TFL3")
    raise BadModel("the file is not a model that edgebottle knows (.tflite, .keras, .h5)")
