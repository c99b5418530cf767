"""The signatures of a .tflite file: each names a graph of it that can be run alone."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadInput, BadModel
from edgebottle.importers.tflite_file import checked_model

DEFAULT = "serving_default"
"""What TensorFlow calls the network itself."""

_MAX_LISTED = 6
_MAX_NAME = 60
_GRAPHS, _SIGNATURES = 2, 7


@dataclass(frozen=True)
class SignedModel:
    """A file whose first graph is the one to run, and that has no other to choose from.

    Attributes:
        data: The file, with the chosen graph as its first.
        signature: The name of what was chosen, "" where there was nothing to choose.
        others: The other signatures.
    """

    data: bytes
    signature: str = ""
    others: tuple[str, ...] = ()


def choose_signature(data: bytes, name: str | None = None) -> SignedModel:
    """Makes the graph of a signature the one that is imported, and that LiteRT runs.

    Args:
        data: A .tflite file.
        name: Of the signature; None for the only one, or ``serving_default`` of several.

    Raises:
        BadInput: there is none of this name, or it must be said which of several.
        BadModel: the file is corrupt.
        UnsupportedOp: a form of the format that edgebottle does not read.
    """
    model = checked_model(data)
    records = [model.SignatureDefs(i) for i in range(model.SignatureDefsLength())]
    if name is None and len(records) < 2:
        return SignedModel(data)
    names = [_printable(record.SignatureKey()) for record in records]
    wanted = DEFAULT if name is None else name
    if wanted not in names:
        raise BadInput(_refusal(name, names))
    number = names.index(wanted)
    graph, count = records[number].SubgraphIndex(), model.SubgraphsLength()
    if graph >= count:
        raise BadModel(f"the signature '{wanted}' names graph {graph}, but the model has {count}")
    others = tuple(other for other in names if other != wanted)
    return SignedModel(_with_first(data, model, graph), wanted, others)


def _printable(name: bytes | None) -> str:
    return re.sub(r"[^ -~]", "_", (name or b"").decode("latin-1"))[:_MAX_NAME]


def _refusal(name: str | None, names: list[str]) -> str:
    if not names:
        return f"the model has no signatures, so none is named '{name}'"
    listed = ", ".join(f"'{one}'" for one in names[:_MAX_LISTED])
    listed += f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    if name is None:
        return f"the model has the signatures {listed}: choose one with --signature NAME"
    return f"the model has no signature '{name}'; it has {listed}"


def _with_first(data: bytes, model: Any, graph: int) -> bytes:
    """A copy whose first graph is another one, in whose place the first one is; no signatures."""
    copy = bytearray(data)
    first = _vector(model, _GRAPHS)
    here, there = first, first + 4 * graph
    ends = [place + struct.unpack_from("<I", data, place)[0] for place in (here, there)]
    for place, end in zip((there, here), ends, strict=True):
        struct.pack_into("<I", copy, place, end - place)
    struct.pack_into("<I", copy, _vector(model, _SIGNATURES) - 4, 0)
    return bytes(copy)


def _vector(model: Any, field: int) -> int:
    """Where the elements of a vector of the model begin."""
    return int(model._tab.Vector(model._tab.Offset(4 + 2 * field)))
