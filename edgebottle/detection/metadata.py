"""The description of boxes in the metadata of a ``.tflite`` file."""

from __future__ import annotations

from edgebottle.detection.description import BoxDescription
from edgebottle.exporters.metadata import entry_of, with_entry
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
    return with_entry(data, NAME, description.to_json().encode())


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
    found = entry_of(data, NAME)
    return None if found is None else BoxDescription.of_json(found)
