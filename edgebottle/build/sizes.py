"""What an image takes of RAM and flash, and for what."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edgebottle.build.elf import Elf, read_elf


@dataclass(frozen=True)
class FirmwareSizes:
    """Bytes of an image.

    Attributes:
        weights: Constants of the model, in flash.
        code: Everything else in flash: code, other constants, initial values of variables.
        arena: The model's memory with its canaries.
        stack: Reserved for the stack.
        static: Other variables.
    """

    weights: int
    code: int
    arena: int
    stack: int
    static: int

    @property
    def flash(self) -> int:
        """All of the flash."""
        return self.weights + self.code

    @property
    def ram(self) -> int:
        """All of the RAM."""
        return self.arena + self.stack + self.static


def firmware_sizes(elf: Path, constants: Collection[str] = ()) -> FirmwareSizes:
    """Measures an image.

    Args:
        elf: The file, for a board or for this computer.
        constants: Symbols of the model's constants; section ``.eb_weights`` counts as well.

    Raises:
        BuildFailed: there is no such file.
        BadInput: it is not an ELF file.
    """
    return sizes_of(read_elf(elf), constants)


def plain_sizes(executable: Path, weights: int) -> FirmwareSizes:
    """Of an executable that is no ELF file: what is not weights counts as code, RAM is unknown.

    Args:
        executable: The file.
        weights: Bytes of the model's constants.
    """
    code = max(executable.stat().st_size - weights, 0)
    return FirmwareSizes(weights, code, arena=0, stack=0, static=0)


def sizes_of(elf: Elf, constants: Collection[str] = ()) -> FirmwareSizes:
    """The same for an ELF file that was read already."""
    spaces = {".eb_weights": 0, ".eb_arena": 0, ".eb_stack": 0}
    flash = ram = 0
    for section in elf.sections:
        if section.name in spaces:
            spaces[section.name] += section.size
        if section.in_file:
            flash += section.size
        if section.writable or not section.in_file:
            ram += section.size
    arena, stack = spaces[".eb_arena"], spaces[".eb_stack"]
    weights = spaces[".eb_weights"] + _bytes_outside_weights_section(elf, frozenset(constants))
    return FirmwareSizes(
        weights=weights,
        code=flash - weights,
        arena=arena,
        stack=stack,
        static=ram - arena - stack,
    )


def _bytes_outside_weights_section(elf: Elf, names: frozenset[str]) -> int:
    covered = [
        range(section.address, section.address + section.size)
        for section in elf.sections
        if section.name == ".eb_weights"
    ]
    # Linkers may fold two equal constants into one: an address counts once.
    sizes = {
        symbol.address: symbol.size
        for symbol in elf.symbols
        if symbol.name in names and not any(symbol.address in part for part in covered)
    }
    return sum(sizes.values())
