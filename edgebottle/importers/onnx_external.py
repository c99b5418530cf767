"""Constants of an ONNX file that lie in other files beside it, put into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from edgebottle.errors import BadInput, BadModel
from edgebottle.files import read_file

_MARK = b"location"
"""The key that each such constant has."""


def has_external_data(data: bytes) -> bool:
    """Whether constants of a file may lie in others: where not, it is whole as it is."""
    return _MARK in data


def with_external_data(data: bytes, folder: Path, limit: int) -> bytes:
    """The same file with all of its constants inside.

    Args:
        data: The file; returned as it is where it has no such constants, or is broken.
        folder: The folder that it lies in, which no constant may be outside of.
        limit: Bytes that the constants may have, all together.

    Raises:
        BadInput: one of the other files is not there, cannot be read, or is too large.
        BadModel: the file does not say where a constant is, or names a place that is not there.
    """
    if not has_external_data(data):
        return data
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RuntimeError):  # the importer says it
        return data
    files: dict[str, bytes] = {}
    taken = 0
    outside = onnx.TensorProto.EXTERNAL
    tensors = [one for one in _tensors(model.graph) if one.data_location == outside]
    for tensor in tensors:
        entries = {one.key: one.value for one in tensor.external_data}
        location = entries.get("location", "")
        if location not in files:
            room = limit - sum(map(len, files.values()))
            files[location] = _read(tensor.name, folder, location, room)
        tensor.raw_data = _part(tensor.name, files[location], entries)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        taken += len(tensor.raw_data)  # more than the files have, where constants overlap
        if taken > limit:
            raise BadModel(f"'{tensor.name}' and the constants before it share the bytes of a file")
    return bytes(model.SerializeToString()) if tensors else data


def _tensors(graph: Any) -> Iterator[Any]:
    """All constants of a graph and of its branches."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)


def _read(name: str, folder: Path, location: str, room: int) -> bytes:
    relative = PurePosixPath(location)
    path = (folder / relative).resolve()
    if not location or relative.is_absolute() or not path.is_relative_to(folder.resolve()):
        raise BadModel(f"the constant '{name}' lies in '{location}', outside of the model's folder")
    if not path.is_file():
        raise BadInput(
            f"the constant '{name}' lies in the file '{location}', which is not beside the model: "
            "copy it there"
        )
    return read_file(path, room)


def _part(name: str, content: bytes, entries: dict[str, str]) -> bytes:
    """The bytes of a constant."""
    try:
        begin = int(entries.get("offset") or 0)
        length = int(entries.get("length") or len(content) - begin)
    except ValueError:
        begin = length = -1
    if min(begin, length) < 0 or begin + length > len(content):
        raise BadModel(
            f"the constant '{name}' lies beyond the end of '{entries['location']}': it is not whole"
        )
    return content[begin : begin + length]
