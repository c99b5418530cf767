"""Reads an ELF file: segments, sections, symbols, and the flashed image."""

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput, BuildFailed


@dataclass(frozen=True)
class Segment:
    """Bytes that a loader puts into memory.

    Attributes:
        physical: Address they are flashed to.
        virtual: Address they have while the program runs; start-up code copies where it differs.
        data: The bytes in the file; memory beyond them, up to ``memory_size``, is zero.
        memory_size: Bytes in memory.
    """

    physical: int
    virtual: int
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class Section:
    """A section that takes up memory while the program runs.

    Attributes:
        name: Such as ``.text``.
        address: Where it lies at run time.
        size: Bytes.
        in_file: It has contents in the file (is flashed); else it is only memory.
        executable: It holds code.
        writable: It can be written at run time.
    """

    name: str
    address: int
    size: int
    in_file: bool
    executable: bool
    writable: bool


@dataclass(frozen=True)
class Symbol:
    """A function, object or label; ``address`` is without the Thumb bit."""

    name: str
    address: int
    size: int
    is_function: bool


@dataclass(frozen=True)
class SectionSizes:
    """Bytes of all sections that take up memory, by what they hold."""

    text: int
    rodata: int
    data: int
    bss: int


@dataclass(frozen=True)
class Elf:
    """What edgebottle needs to know of an ELF file.

    Attributes:
        path: The file.
        machine: ``arm`` or ``riscv``; for others the name in the ELF specification.
        entry: Entry address, without the Thumb bit.
        segments: Loadable segments with bytes in the file.
        sections: Sections that take up memory, by address.
        symbols: All named symbols with an address, by address.
    """

    path: Path
    machine: str
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    @cached_property
    def functions(self) -> tuple[Symbol, ...]:
        """Functions by address."""
        return tuple(symbol for symbol in self.symbols if symbol.is_function)

    @cached_property
    def _function_starts(self) -> tuple[int, ...]:
        return tuple(function.address for function in self.functions)

    @cached_property
    def _addresses(self) -> dict[str, int]:
        return {symbol.name: symbol.address for symbol in self.symbols}

    def address_of(self, name: str) -> int | None:
        """Returns the address of a symbol, None if there is none."""
        return self._addresses.get(name)

    def function_at(self, address: int) -> Symbol | None:
        """Returns the function that ``address`` lies in, None if it lies in none.

        A function without a size (assembly) reaches to the next one.
        """
        index = bisect_right(self._function_starts, address) - 1
        if index < 0:
            return None
        function = self.functions[index]
        inside = function.size == 0 or address < function.address + function.size
        return function if inside else None

    def read(self, address: int, size: int) -> bytes:
        """Returns the bytes flashed at ``address``, fewer than ``size`` where they end."""
        for segment in self.segments:
            offset = address - segment.physical
            if 0 <= offset < len(segment.data):
                return segment.data[offset : offset + size]
        return b""

    @property
    def sizes(self) -> SectionSizes:
        """Bytes by kind of section."""
        sizes = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
        for section in self.sections:
            if not section.in_file:
                kind = "bss"
            elif section.executable:
                kind = "text"
            else:
                kind = "data" if section.writable else "rodata"
            sizes[kind] += section.size
        return SectionSizes(**sizes)

    @cached_property
    def image(self) -> bytes:
        """All that is flashed, ``__eb_image_start`` to ``__eb_image_end``; gaps are 0xFF.

        Raises:
            BadInput: the file has no such symbols.
        """
        start, end = self.address_of("__eb_image_start"), self.address_of("__eb_image_end")
        if start is None or end is None or end < start:
            raise BadInput(f"{self.path}: no __eb_image_start and __eb_image_end: not our firmware")
        image = bytearray(b"\xff" * (end - start))
        for segment in self.segments:
            first = max(start, segment.physical)
            last = min(end, segment.physical + len(segment.data))
            if first < last:
                data = segment.data[first - segment.physical : last - segment.physical]
                image[first - start : last - start] = data
        return bytes(image)

    @property
    def crc32(self) -> int:
        """CRC-32/ISO-HDLC of ``image``, what the firmware answers to ``build%``."""
        return zlib.crc32(self.image)


_EXECUTABLE, _ALLOCATED, _WRITABLE = 4, 2, 1
_MACHINES = {"EM_ARM": "arm", "EM_RISCV": "riscv"}


MAX_REMEMBERED = 4
"""Files whose contents are not taken apart a second time: one is asked for its sizes, its CRC and
its functions, by one job after the other."""


def read_elf(path: Path) -> Elf:
    """Reads an ELF file.

    Raises:
        BuildFailed: there is no such file.
        BadInput: it is not a complete ELF file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BuildFailed(f"cannot read {path}: {error.strerror or error}") from error
    return _parsed(path, content)


@lru_cache(maxsize=MAX_REMEMBERED)
def _parsed(path: Path, content: bytes) -> Elf:
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        file = ELFFile(BytesIO(content))
        machine = str(file.header["e_machine"])
        thumb = machine == "EM_ARM"
        return Elf(
            path=path,
            machine=_MACHINES.get(machine, machine),
            entry=int(file.header["e_entry"]) & ~int(thumb),
            segments=tuple(_segments(file, path)),
            sections=tuple(sorted(_sections(file), key=lambda section: section.address)),
            symbols=tuple(sorted(_symbols(file, thumb), key=lambda symbol: symbol.address)),
        )
    except (
        ELFError,
        ConstructError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        AssertionError,
        OverflowError,
    ) as error:
        raise BadInput(f"{path} is not a complete ELF file: {error}") from error


def _segments(file: Any, path: Path) -> Iterator[Segment]:
    for segment in file.iter_segments():
        if segment["p_type"] != "PT_LOAD" or segment["p_filesz"] == 0:
            continue
        data = segment.data()
        if len(data) != segment["p_filesz"]:
            raise BadInput(f"{path} is cut short: a segment lacks bytes")
        yield Segment(
            physical=int(segment["p_paddr"]),
            virtual=int(segment["p_vaddr"]),
            data=data,
            memory_size=int(segment["p_memsz"]),
        )


def _sections(file: Any) -> Iterator[Section]:
    for section in file.iter_sections():
        flags = section["sh_flags"]
        if flags & _ALLOCATED and section["sh_size"]:
            yield Section(
                name=str(section.name),
                address=int(section["sh_addr"]),
                size=int(section["sh_size"]),
                in_file=section["sh_type"] != "SHT_NOBITS",
                executable=bool(flags & _EXECUTABLE),
                writable=bool(flags & _WRITABLE),
            )


def _symbols(file: Any, thumb: bool) -> Iterator[Symbol]:
    table = file.get_section_by_name(".symtab")
    if table is None:
        return
    for symbol in table.iter_symbols():
        kind = symbol["st_info"]["type"]
        mapping = symbol.name.startswith("$")  # $t, $d, $x: kind of contents, not a name
        if not symbol.name or mapping or symbol["st_shndx"] == "SHN_UNDEF":
            continue
        if kind not in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE"):
            continue
        is_function = kind == "STT_FUNC"
        address = int(symbol["st_value"]) & ~int(thumb and is_function)
        yield Symbol(symbol.name, address, int(symbol["st_size"]), is_function)
