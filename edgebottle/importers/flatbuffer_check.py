"""Checks every offset and size of a .tflite flatbuffer that the importer will follow.

The accessors of the flatbuffers package trust the file. ``check`` walks the tables first, as the
format's specification describes them (https://flatbuffers.dev/internals): a table starts with the
signed distance back to its vtable, the vtable holds its own size, the table's size and the place
of each field, and strings, vectors and tables are reached by unsigned forward distances.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from edgebottle.errors import BadModel
from edgebottle.ops import OPERATORS

SCALARS = {
    "bool": 1,
    "i8": 1,
    "u8": 1,
    "u16": 2,
    "i32": 4,
    "u32": 4,
    "f32": 4,
    "i64": 8,
    "u64": 8,
}

INDEX_VECTORS = {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"}
"""The tables of a sparse dimension's numbers, by their type code."""

TABLES: dict[str, tuple[str, ...]] = {
    **{s.options: s.fields for s in (operator.SIGNATURE for operator in OPERATORS) if s.options},
    "Model": ("u32", "[OperatorCode]", "[SubGraph]", "-", "[Buffer]", "-", "-", "[SignatureDef]"),
    "OperatorCode": ("i8", "string", "i32", "i32"),
    "SubGraph": ("[Tensor]", "[i32]", "[i32]", "[Operator]"),
    "Tensor": (
        "[i32]",
        "i8",
        "u32",
        "string",
        "QuantizationParameters",
        "bool",
        "SparsityParameters",
        "[i32]",
        "bool",
        "-",
        "u32",
    ),
    "SparsityParameters": ("[i32]", "[i32]", "[DimensionMetadata]"),
    "DimensionMetadata": ("i8", "i32", "u8", "indices", "u8", "indices"),
    "Int32Vector": ("[i32]",),
    "Uint16Vector": ("[u16]",),
    "Uint8Vector": ("[u8]",),
    "QuantizationParameters": ("-", "-", "[f32]", "[i64]", "u8", "-", "i32"),
    "Operator": (
        "u32",
        "[i32]",
        "[i32]",
        "u8",
        "options",
        "-",
        "i8",
        "-",
        "[i32]",
        "u64",
        "u64",
        "u8",
        "-",
    ),
    "SignatureDef": ("-", "-", "string", "-", "u32"),
    "Buffer": ("[u8]", "u64", "u64"),
    "AbsOptions": (),
    "BroadcastToOptions": (),
    "CallOnceOptions": ("i32",),
    "CastOptions": ("i8", "i8"),
    "DensifyOptions": (),
    "DivOptions": ("i8",),
    "EqualOptions": (),
    "FillOptions": (),
    "FloorDivOptions": (),
    "FloorModOptions": (),
    "GatherOptions": ("i32", "i32"),
    "GreaterOptions": (),
    "GreaterEqualOptions": (),
    "LessOptions": (),
    "LessEqualOptions": (),
    "LogicalAndOptions": (),
    "LogicalNotOptions": (),
    "LogicalOrOptions": (),
    "MaximumMinimumOptions": (),
    "NegOptions": (),
    "NotEqualOptions": (),
    "RangeOptions": (),
    "RankOptions": (),
    "ReadVariableOptions": (),
    "SelectOptions": (),
    "SelectV2Options": (),
    "ShapeOptions": ("i8",),
    "SliceOptions": (),
    "TileOptions": (),
    "VarHandleOptions": ("string", "string"),
    "WhileOptions": ("i32", "i32"),
    "ZerosLikeOptions": (),
}
"""The fields of each table by their number in the schema; ``-`` is never followed.

``[X]`` is a vector, ``options`` the operator's options and ``indices`` one of ``INDEX_VECTORS``,
whose table the field before it names.
The options of what can be compiled come from the operators.
"""

BUDGET = 100_000
"""Tables, offsets, and sixteens of numbers or letters that may be reached, counting what is shared
as often as it is named: many times those of the largest network for these chips, and a bound on
the time and memory that a malicious file can cost.
"""


def check(data: bytes, options: Mapping[int, str]) -> None:
    """Checks that all that the importer follows lies inside of ``data``.

    Args:
        data: The whole file.
        options: Name of the options table of each type code; codes not in it are not followed.

    Raises:
        BadModel: the file is truncated or corrupt.
    """
    if len(data) < 8:
        raise BadModel(f"the file is truncated: it has {len(data)} bytes")
    if data[4:8] != b"TFL3":
        raise BadModel("the file is not a TensorFlow Lite model: it lacks the mark TFL3")
    try:
        _Walk(data, options).table(_target(data, 0, "the model"), "Model", "the model")
    except struct.error:
        raise BadModel("the file is corrupt: a field lies outside of it") from None


def _u32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _target(data: bytes, position: int, where: str) -> int:
    """Where the offset at ``position`` leads; aligned, forward and inside."""
    target = position + _u32(data, position)
    if target == position or target % 4 or target + 4 > len(data):
        raise BadModel(f"the file is corrupt: the offset to {where} leads outside of it")
    return target


class _Walk:
    def __init__(self, data: bytes, options: Mapping[int, str]) -> None:
        self.data = data
        self.unions = {"options": options, "indices": INDEX_VECTORS}
        self.seen: set[tuple[int, str]] = set()
        self.work = 0

    def spend(self, amount: int) -> None:
        self.work += amount
        if self.work > BUDGET:
            raise BadModel(f"the file is corrupt or too complex: over {BUDGET} tables and offsets")

    def table(self, position: int, kind: str, where: str) -> None:
        """Checks the table at ``position`` and all below it, once."""
        if (position, kind) in self.seen:
            return
        self.seen.add((position, kind))
        self.spend(1)
        vtable, vtable_size, table_size = self._vtable(position, where)
        places = struct.unpack_from(f"<{vtable_size // 2 - 2}H", self.data, vtable + 4)
        for number, (field, place) in enumerate(zip(TABLES[kind], places, strict=False)):
            if field == "-" or place == 0:
                continue
            size = SCALARS.get(field, 4)
            if place < 4 or place + size > table_size or (position + place) % size:
                raise BadModel(f"the file is corrupt: field {number} of {where} is misplaced")
            if field not in SCALARS:
                name = field
                if field in self.unions:
                    code = self.data[position + places[number - 1]] if places[number - 1] else 0
                    name = self.unions[field].get(code, "")
                    if name not in TABLES:
                        continue
                self._follow(position + place, name, where)

    def _vtable(self, position: int, where: str) -> tuple[int, int, int]:
        """Position and size of the table's vtable, and size of the table."""
        data = self.data
        (distance,) = struct.unpack_from("<i", data, position)
        vtable = position - distance
        if vtable < 0 or vtable % 2 or vtable + 4 > len(data):
            raise BadModel(f"the file is corrupt: the vtable of {where} lies outside of it")
        vtable_size, table_size = struct.unpack_from("<HH", data, vtable)
        if (
            vtable_size < 4
            or vtable_size % 2
            or vtable + vtable_size > len(data)
            or table_size < 4
            or position + table_size > len(data)
        ):
            raise BadModel(f"the file is corrupt: the vtable of {where} has a wrong size")
        return vtable, vtable_size, table_size

    def _follow(self, position: int, field: str, where: str) -> None:
        """Checks what the offset at ``position`` leads to."""
        target = _target(self.data, position, f"a {field} of {where}")
        if field in TABLES:
            self.table(target, field, f"{field} of {where}" if where != "the model" else field)
            return
        element = "string" if field == "string" else field[1:-1]
        count = _u32(self.data, target)
        end = target + 4 + count * SCALARS.get(element, 1 if field == "string" else 4)
        if end + (field == "string") > len(self.data):
            raise BadModel(
                f"the file is truncated or corrupt: a {field} of {where} reaches beyond its end"
            )
        if field == "string" and self.data[end] != 0:
            raise BadModel(f"the file is corrupt: a string of {where} does not end")
        if element != "u8":
            self.spend(count // 16)
        if element in TABLES and (target, field) not in self.seen:
            self.seen.add((target, field))
            self.spend(count)
            for i in range(count):
                place = target + 4 + 4 * i
                name = f"{element} {i}"
                self.table(_target(self.data, place, name), element, name)
