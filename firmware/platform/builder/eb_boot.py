"""The checksum of a second-stage boot, which a boot ROM checks before it runs it."""

import struct

POLYNOMIAL = 0x04C11DB7
PT_LOAD = 1


def checksum(data):
    """CRC-32 as the boot ROM of the RP2040 has it: nothing is reflected, nothing inverted at the end.

    RP2040 Datasheet 2.8.1.3.1.
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (POLYNOMIAL if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def seal(path, address, size):
    """Writes the checksum of ``size`` - 4 bytes at ``address`` of an ELF file into the word behind.

    Raises ``ValueError`` where the file has no such bytes.
    """
    with open(path, "r+b") as file:
        offset = _file_offset(file.read(), address, size)
        file.seek(offset)
        code = file.read(size - 4)
        file.write(checksum(code).to_bytes(4, "little"))


def _file_offset(elf, address, size):
    """Where the bytes for ``address`` lie in a 32-bit ELF file, little-endian."""
    (table,) = struct.unpack_from("<I", elf, 28)
    entry_size, count = struct.unpack_from("<HH", elf, 42)
    for n in range(count):
        kind, offset, _, physical, length = struct.unpack_from("<5I", elf, table + n * entry_size)
        if kind == PT_LOAD and physical <= address and address + size <= physical + length:
            return offset + address - physical
    raise ValueError(f"there are no {size} bytes for 0x{address:08x}")
