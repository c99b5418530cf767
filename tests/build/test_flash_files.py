"""Intel HEX, read back by a reader of its own."""

import pytest

from edgebottle.build.flash_files import intel_hex


def read_intel_hex(text: str) -> dict[int, int]:
    """Address to byte; every record must be as the format has it."""
    found: dict[int, int] = {}
    high = 0
    *lines, last = text.splitlines()
    assert last == ":00000001FF"
    for line in lines:
        assert line[0] == ":" and line == line.upper()
        record = bytes.fromhex(line[1:])
        count, address, kind, data = record[0], record[1:3], record[3], record[4:-1]
        assert sum(record) % 256 == 0 and count == len(data)
        if kind == 4:
            high = int.from_bytes(data, "big") << 16
            continue
        assert kind == 0 and int.from_bytes(address, "big") + count <= 0x10000
        for offset, byte in enumerate(data):
            place = high + int.from_bytes(address, "big") + offset
            assert place not in found
            found[place] = byte
    return found


@pytest.mark.parametrize("address", [0, 0x08000000, 0x0000FFF8, 0x0801FFFF, 0xFFFE0000])
@pytest.mark.parametrize("size", [0, 1, 16, 17, 70_000])
def test_every_byte_at_its_address(address: int, size: int) -> None:
    data = bytes((i * 7 + 3) % 251 for i in range(size))
    found = read_intel_hex(intel_hex(data, address))
    assert found == {address + i: byte for i, byte in enumerate(data)}
