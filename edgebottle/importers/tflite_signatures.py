"""The signatures of a .tflite file: each names a graph of it that can be run alone."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadInput, BadModel
from edgebottle.importers.tflite_file import checked_model

DEFAULT = "serving_default"
"""What TensorFlow calls the network itself."""

_MAX_LISTED = 6
_MAX_NAME = 60
_GRAPHS, _SIGNATURES = 2, 7
_OPTIONS = 12
"""Where the table of an operator says what its options are."""


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
    """A copy whose first graph is another one, in whose place the first one is; no signatures.

    Operators that name graphs name the same ones as before.
    """
    copy = bytearray(data)
    first = _vector(model, _GRAPHS)
    here, there = first, first + 4 * graph
    ends = [place + struct.unpack_from("<I", data, place)[0] for place in (here, there)]
    for place, end in zip((there, here), ends, strict=True):
        struct.pack_into("<I", copy, place, end - place)
    struct.pack_into("<I", copy, _vector(model, _SIGNATURES) - 4, 0)
    renumbered = {0: graph, graph: 0} if graph else {}
    for number in range(model.SubgraphsLength()) if renumbered else ():
        one = model.Subgraphs(number)
        for index in range(one.OperatorsLength()):
            _renumber(copy, one.Operators(index), renumbered)
    return bytes(copy)


def _renumber(copy: bytearray, operator: Any, renumbered: Mapping[int, int]) -> None:
    """Gives an operator that names graphs options with other numbers, at the end of the file."""
    from ai_edge_litert.schema_py_generated import BuiltinOptions

    counts = {
        BuiltinOptions.CallOnceOptions: 1,
        BuiltinOptions.CallOptions: 1,
        BuiltinOptions.IfOptions: 2,
        BuiltinOptions.WhileOptions: 2,
    }
    count, options = counts.get(operator.BuiltinOptionsType(), 0), operator.BuiltinOptions()
    if not count or options is None:
        return
    values = []
    for field in range(count):
        at = options.Offset(4 + 2 * field)  # 0 where the file leaves out a zero
        values.append(struct.unpack_from("<i", options.Bytes, options.Pos + at)[0] if at else 0)
    copy.extend(bytes(-len(copy) % 4))
    header = struct.pack(
        f"<{2 + count}H", 4 + 2 * count, 4 + 4 * count, *range(4, 4 + 4 * count, 4)
    )
    header += bytes(-len(header) % 4)
    table = operator._tab
    place = table.Pos + table.Offset(_OPTIONS)
    struct.pack_into("<I", copy, place, len(copy) + len(header) - place)
    numbers = [renumbered.get(value, value) for value in values]
    copy.extend(header + struct.pack(f"<{1 + count}i", len(header), *numbers))


def _vector(model: Any, field: int) -> int:
    """Where the elements of a vector of the model begin."""
    return int(model._tab.Vector(model._tab.Offset(4 + 2 * field)))
