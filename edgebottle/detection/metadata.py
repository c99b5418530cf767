"""The description of boxes in the metadata of a ``.tflite`` file, which other tools skip."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgebottle.detection.description import BoxDescription
from edgebottle.errors import BadModel
from edgebottle.importers import is_tflite
from edgebottle.importers.tflite_file import checked_model
from edgebottle.ir.graph import Graph

NAME = "edgebottle.boxes"
"""Of the entry."""


def with_boxes(data: bytes, description: BoxDescription) -> bytes:
    """A copy of a ``.tflite`` file with a description, in the place of one that it has.

    Args:
        data: The file.
        description: Of its outputs.

    Raises:
        BadModel: the file is broken.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    checked_model(data)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    model.metadata = model.metadata or []
    entry = next((one for one in model.metadata if one.name == NAME.encode()), None)
    if entry is None or not 0 < entry.buffer < len(model.buffers):
        entry = schema.MetadataT()
        entry.name, entry.buffer = NAME, len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.metadata.append(entry)
    model.buffers[entry.buffer].data = np.frombuffer(description.to_json().encode(), np.uint8)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def checked_boxes(data: bytes, graph: Graph) -> BoxDescription | None:
    """The description in a ``.tflite`` file, which fits its network; raises as ``boxes_of`` does.

    Args:
        data: The file.
        graph: The network that was read from it.
    """
    description = boxes_of(data)
    if description is not None:
        description.check(graph)
    return description


def boxes_of(data: bytes) -> BoxDescription | None:
    """The description in a ``.tflite`` file; None where it has none, or is of another format.

    Args:
        data: The file.

    Raises:
        BadModel: the file or its description is broken.
    """
    if not is_tflite(data):
        return None
    model: Any = checked_model(data)
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() != NAME.encode():
            continue
        if not 0 <= entry.Buffer() < model.BuffersLength():
            raise BadModel("the description of its boxes is broken: there is no such buffer")
        return BoxDescription.of_json(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return None
