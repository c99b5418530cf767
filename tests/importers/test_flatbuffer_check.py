"""The table of fields that the check follows, and files that break its rules."""

import re
import struct

import pytest

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.flatbuffer_check import SCALARS, TABLES, check
from edgebottle.importers.tflite_file import read_tflite
from tests.waiting import calls_of

SLOTS = {
    "Bool": "bool",
    "Int8": "i8",
    "Uint8": "u8",
    "Int32": "i32",
    "Uint32": "u32",
    "Float32": "f32",
    "Int64": "i64",
    "Uint64": "u64",
}


def schema_source() -> str:
    from ai_edge_litert import schema_py_generated

    with open(schema_py_generated.__file__, encoding="utf-8") as file:
        return file.read()


def test_tables_are_those_of_the_schema():
    source = schema_source()
    for table, fields in TABLES.items():
        slots = re.findall(
            rf"^def {table}Add\w+\(builder[^\n]*\n\s+builder\.Prepend(\w+?)Slot\((\d+),",
            source,
            re.MULTILINE,
        )
        for kind, number in slots:
            if int(number) >= len(fields):
                assert table in ("Model", "SubGraph", "Operator"), f"{table} has new fields"
                continue
            field = fields[int(number)]
            if kind == "UOffsetTRelative":
                assert field not in SCALARS, f"{table} field {number}"
            else:
                assert field in (SLOTS[kind], "-"), f"{table} field {number}"


def file_of(root: bytes, after: bytes = b"") -> bytes:
    """A file whose root table starts at byte 8 + its vtable."""
    return struct.pack("<I", 8) + b"TFL3" + root + after


def table(*fields: int | None) -> bytes:
    """A vtable-after-table: 4 bytes of distance, then one word per field."""
    size = 4 + 4 * len(fields)
    body = struct.pack("<i", -size)
    body += b"".join(struct.pack("<I", field or 0) for field in fields)
    places = [0 if field is None else 4 + 4 * i for i, field in enumerate(fields)]
    return body + struct.pack(f"<HH{len(fields)}H", 4 + 2 * len(fields), size, *places)


# the root table stands at 8: distance, then field words at 12, 16, 20, 24, 28; vtable at 32
ROWS = [
    ("empty", b"", "truncated"),
    ("seven-bytes", b"\x08\0\0\0TFL", "truncated"),
    ("other-mark", b"\x08\0\0\0TFL2" + bytes(40), "lacks the mark"),
    ("root-offset-zero", struct.pack("<I", 0) + b"TFL3" + bytes(40), "outside"),
    ("root-outside", struct.pack("<I", 4000) + b"TFL3" + bytes(40), "outside"),
    ("root-negative", struct.pack("<i", -4) + b"TFL3" + bytes(40), "outside"),
    ("root-misaligned", struct.pack("<I", 9) + b"TFL3" + bytes(40), "outside"),
    ("vtable-before-file", file_of(struct.pack("<i", 1000) + bytes(40)), "vtable"),
    ("vtable-after-file", file_of(struct.pack("<i", -1000) + bytes(40)), "vtable"),
    ("vtable-odd", file_of(struct.pack("<i", -5) + bytes(40)), "vtable"),
    ("vtable-too-small", file_of(struct.pack("<iHH", -4, 2, 8)), "wrong size"),
    ("vtable-too-large", file_of(struct.pack("<iHH", -4, 4000, 8)), "wrong size"),
    ("vtable-odd-size", file_of(struct.pack("<iHHH", -4, 5, 8, 0)), "wrong size"),
    ("table-too-large", file_of(struct.pack("<iHH", -4, 4, 4000)), "wrong size"),
    ("table-too-small", file_of(struct.pack("<iHH", -4, 4, 2)), "wrong size"),
    ("field-in-vtable-offset", file_of(struct.pack("<iHHHH", -4, 8, 4, 2, 0)), "misplaced"),
    ("field-past-table", file_of(struct.pack("<iHHHH", -4, 8, 8, 8, 0)), "misplaced"),
    ("vector-offset-outside", file_of(table(3, 5000)), "outside"),
    ("vector-offset-backward", file_of(table(3, 0xFFFFFFF0)), "outside"),
    ("vector-offset-zero", file_of(table(3, 0)), "outside"),
    ("vector-huge", file_of(table(3, 20), b"\xff" * 16), "beyond its end"),
    ("cycle", file_of(table(3, 12), struct.pack("<II", 1, 0xFFFFFFE4)), "outside"),
]


@pytest.mark.parametrize(("data", "message"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_corrupt_structure(data, message):
    with pytest.raises(BadModel, match=message):
        check(data, {})


def test_absent_fields_are_no_error():
    check(file_of(table(3, None, None, None)), {})


def test_a_table_that_is_its_own_vtable_is_no_endless_walk():
    data = file_of(struct.pack("<i", 0) + bytes(60))
    with pytest.raises(BadModel):
        check(data, {})


@pytest.mark.parametrize("claimed", [20_000, 90_000, 1_000_000])
def test_many_offsets_to_one_table_cost_little(claimed):
    """Vectors of very many offsets, all to one shared table, as a bomb would have them."""
    header = table(3, None, 12 + 4)  # field 2: subgraphs, word at 20
    start = 8 + len(header)
    shared = start + 4 + 4 * claimed
    data = bytearray(struct.pack("<I", 8) + b"TFL3" + header)
    data[20:24] = struct.pack("<I", start - 20)
    data += struct.pack("<I", claimed)
    data += b"".join(struct.pack("<I", shared - (start + 4 + 4 * i)) for i in range(claimed))
    data += struct.pack("<iHH", -4, 4, 4)

    def read():
        with pytest.raises((BadModel, UnsupportedOp)):
            read_tflite(bytes(data))

    _, calls = calls_of(read)
    assert calls < 10_000
