"""The firmware as flash tools take it: plain bytes, Intel HEX, and UF2 for drives of boot ROMs."""

from __future__ import annotations

import struct
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from edgebottle.data import platform_module
from edgebottle.errors import BadInput
from edgebottle.ports import uf2_family

SUFFIXES = (".bin", ".hex", ".uf2")
"""Of all that may lie beside an ELF file; see ``suffixes_of`` for one board."""

_SECTOR = 4096
_PAGE = 256
_UF2_START, _UF2_START_2, _UF2_END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_UF2_HAS_FAMILY = 0x2000
_UF2_BLOCK = struct.Struct("<8I476sI")


def suffixes_of(board: Board) -> tuple[str, ...]:
    """Suffixes of what ``flash_files`` makes for a board; none for this computer."""
    if board.is_computer:
        return ()
    return SUFFIXES if uf2_family(board.port) is not None else SUFFIXES[:2]


def flash_files(path: Path, board: Board) -> dict[str, bytes]:
    """All that is flashed of an ELF file, by the suffix of the file it belongs into.

    The plain bytes begin where the board's flash does; gaps are 0xFF.

    Raises:
        BadInput: it is no firmware of ours.
    """
    elf = read_elf(path)
    start = elf.address_of("__eb_image_start")
    if start is None:
        raise BadInput(f"{path}: no __eb_image_start: not our firmware")
    made = {".bin": elf.image, ".hex": intel_hex(elf.image, start).encode()}
    family = uf2_family(board.port)
    return made if family is None else {**made, ".uf2": uf2(elf.image, start, family)}


def uf2(data: bytes, address: int, family: int) -> bytes:
    """``data`` from ``address`` on as UF2 (github.com/microsoft/uf2), for a drive of a boot ROM.

    Whole sectors of 4 kB, the last one filled up with 0xFF: the RP2040 takes blocks in groups of 16
    and erases the sector of a group's first one (RP2040 Datasheet, erratum RP2040-E14).

    Args:
        data: What is flashed.
        address: Where; the start of a sector.
        family: Number of the chip family.
    """
    data += b"\xff" * (-len(data) % _SECTOR)
    count = len(data) // _PAGE
    blocks = []
    for number in range(count):
        place = (_UF2_HAS_FAMILY, address + number * _PAGE, _PAGE, number, count, family)
        page = data[number * _PAGE : (number + 1) * _PAGE]
        blocks.append(_UF2_BLOCK.pack(_UF2_START, _UF2_START_2, *place, page, _UF2_END))
    return b"".join(blocks)


def intel_hex(data: bytes, address: int) -> str:
    """``data`` from ``address`` on as Intel HEX, with 32-bit addresses (record type 04)."""
    return str(platform_module("eb_programmers").intel_hex(data, address))
