"""Entries in the metadata of a ``.tflite`` file, which tools that do not know them skip."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.importers import is_tflite
from edgebottle.importers.tflite_file import checked_model


def with_entry(data: bytes, name: str, content: bytes) -> bytes:
    """A copy of a ``.tflite`` file with an entry, in the place of one of that name.

    Raises:
        BadModel: the file is broken.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    checked_model(data)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    model.metadata = model.metadata or []
    entry = next((one for one in model.metadata if one.name == name.encode()), None)
    if entry is None or not 0 < entry.buffer < len(model.buffers):
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.metadata.append(entry)
    model.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def entry_of(data: bytes, name: str) -> bytes | None:
    """What a ``.tflite`` file has under this name; None where nothing, or it is of another format.

    Raises:
        BadModel: the file is broken.
    """
    if not is_tflite(data):
        return None
    model: Any = checked_model(data)
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() != name.encode():
            continue
        if not 0 <= entry.Buffer() < model.BuffersLength():
            raise BadModel(f"the file's entry {name} is broken: there is no such buffer")
        return bytes(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return None
