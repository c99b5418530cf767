"""The firmware as flash tools take it: plain bytes, and Intel HEX."""

from __future__ import annotations

from pathlib import Path

from edgebottle.build.elf import read_elf
from edgebottle.errors import BadInput

SUFFIXES = (".bin", ".hex")

_LINE = 16
_DATA, _END, _HIGH_ADDRESS = 0, 1, 4


def flash_files(path: Path) -> dict[str, bytes]:
    """All that is flashed of an ELF file, by the suffix of the file it belongs into.

    The plain bytes begin where the board's flash does; gaps are 0xFF.

    Raises:
        BadInput: it is no firmware of ours.
    """
    elf = read_elf(path)
    start = elf.address_of("__eb_image_start")
    if start is None:
        raise BadInput(f"{path}: no __eb_image_start: not our firmware")
    return {".bin": elf.image, ".hex": intel_hex(elf.image, start).encode()}


def intel_hex(data: bytes, address: int) -> str:
    """``data`` from ``address`` on as Intel HEX, with 32-bit addresses (record type 04)."""
    lines = []
    high = 0
    position = 0
    while position < len(data):
        here = address + position
        if here >> 16 != high:
            high = here >> 16
            lines.append(_record(_HIGH_ADDRESS, 0, high.to_bytes(2, "big")))
        count = min(_LINE, 0x10000 - (here & 0xFFFF))  # no record crosses 64 kB
        lines.append(_record(_DATA, here & 0xFFFF, data[position : position + count]))
        position += count
    lines.append(_record(_END, 0, b""))
    return "\n".join(lines) + "\n"


def _record(kind: int, address: int, data: bytes) -> str:
    content = bytes((len(data), *address.to_bytes(2, "big"), kind)) + data
    checksum = -sum(content) & 0xFF
    return f":{content.hex().upper()}{checksum:02X}"
