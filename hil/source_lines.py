"""Names what lies at an address of an image: its function, and the line of its source."""

from __future__ import annotations

import posixpath
from typing import Any

from edgebottle.build.elf import Elf
from hil.virtual.faults import locate


def place_of(elf: Elf, address: int) -> str:
    """``function+offset``, with ``(file.c:12)`` where the image has debug information.

    Args:
        elf: The image.
        address: Of an instruction, with or without the Thumb bit.
    """
    address &= ~1
    name, line = locate(elf, address), _source_line(elf, address)
    return name if line is None else f"{name} ({line})"


def _source_line(elf: Elf, address: int) -> str | None:
    from elftools.common.exceptions import DWARFError, ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    if elf.function_at(address) is None:
        return None
    try:
        with elf.path.open("rb") as stream:
            file = ELFFile(stream)
            if not file.has_dwarf_info():
                return None
            dwarf = file.get_dwarf_info()
            units = dwarf.iter_CUs()
            found = (_line_in(dwarf.line_program_for_CU(unit), address) for unit in units)
            return next((line for line in found if line is not None), None)
    except (OSError, ELFError, DWARFError, ConstructError, LookupError, ValueError):
        return None  # debug information that cannot be read costs no more than a line number


def _line_in(program: Any, address: int) -> str | None:
    """The line of an address in one line number program (DWARF, section 6.2)."""
    if program is None:
        return None
    before = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if before is not None and before.address <= address < state.address:
            return f"{_file_name(program, before.file)}:{before.line}"
        before = None if state.end_sequence else state
    return None


def _file_name(program: Any, number: int) -> str:
    """Files count from 1 on up to DWARF 4, and from 0 since DWARF 5."""
    first = 0 if program.header["version"] >= 5 else 1
    name = program.header["file_entry"][number - first].name
    return posixpath.basename(bytes(name).decode(errors="replace"))
