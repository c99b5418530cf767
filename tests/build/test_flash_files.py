"""Intel HEX and UF2, read back by readers of their own."""

import pytest

from edgebottle.boards import load_board
from edgebottle.build.flash_files import intel_hex, suffixes_of, uf2
from edgebottle.ports import uf2_family


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


def read_uf2(data: bytes, family: int) -> dict[int, int]:
    """Address to byte; every block must be as the boot ROM of an RP2040 wants it."""
    found: dict[int, int] = {}
    blocks = [data[i : i + 512] for i in range(0, len(data), 512)]
    for number, block in enumerate(blocks):
        words = [int.from_bytes(block[i : i + 4], "little") for i in range(0, 512, 4)]
        assert (words[0], words[1], words[127]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        address, size = words[3], words[4]
        assert words[2] == 0x2000 and words[7] == family
        assert (size, address % 256) == (256, 0)
        assert (words[5], words[6]) == (number, len(blocks))
        # A group of 16 blocks is a sector, which is erased at its first block (RP2040-E14).
        assert address // 4096 - min(found, default=address) // 4096 == number // 16
        found |= {address + i: block[32 + i] for i in range(size)}
    assert len(found) % 4096 == 0
    return found


@pytest.mark.parametrize(("port", "number"), [("rp2040", 0xE48BFF56), ("rp2350", 0xE48BFF59)])
@pytest.mark.parametrize("size", [1, 4096, 9000])
def test_whole_sectors_of_uf2(size: int, port: str, number: int) -> None:
    data = bytes((i * 7 + 3) % 251 for i in range(size))
    family = uf2_family(port)
    assert family is not None
    found = read_uf2(uf2(data, 0x10000000, family), number)
    assert bytes(found[0x10000000 + i] for i in range(size)) == data
    assert {found[address] for address in range(0x10000000 + size, max(found) + 1)} <= {0xFF}


def test_only_a_board_with_such_a_drive_gets_one() -> None:
    assert suffixes_of(load_board("raspberry_pi_pico")) == (".bin", ".hex", ".uf2")
    assert suffixes_of(load_board("microbit")) == (".bin", ".hex")
    assert suffixes_of(load_board("host")) == ()
