"""What comes before the first instruction of the firmware: the core's reset, or a boot ROM.

Most chips begin with the vector table at the start of the flash. Where a boot ROM comes first, it
is played here as far as it looks at the image: what it would refuse does not start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgebottle.boards import Board
from edgebottle.build.elf import Elf
from edgebottle.data import platform_module
from edgebottle.errors import BadInput

_RP2040_STAGE = 256
_RP2040_RAM = 0x20041F00  # where the second stage runs (RP2040 Datasheet 2.8.1.3)
_RP2040_STEPS = 10_000
_SSI = 0x18000000
_VTOR = 0xE000ED08
_MAX_03H_HZ = 50_000_000  # of the command in any flash (W25Q16JV data sheet)

# (register, bits, what they hold): reads of the address window read the flash by command 03h
_READABLE = (
    (_SSI + 0x00, 3 << 21 | 31 << 16 | 3 << 8 | 3 << 6, 31 << 16 | 3 << 8),  # CTRLR0
    (_SSI + 0x04, 0xFFFF, 0),  # CTRLR1
    (_SSI + 0x08, 1, 1),  # SSIENR
    (_SSI + 0x10, 1, 1),  # SER
    (_SSI + 0xF4, 0xFF07FB3F, 0x03 << 24 | 2 << 8 | 6 << 2),  # SPI_CTRLR0
)

_BLOCK_START, _BLOCK_END = 0xFFFFDED3, 0xAB123579
_BLOCK_SEARCH = 4096
_MAX_BLOCK = 0x180
_IMAGE_TYPE, _VECTOR_TABLE, _LAST_ITEM = 0x42, 0x03, 0xFF
_ARM_EXECUTABLE = 0x1021  # executable, Secure, Arm, RP2350

_FCB_TAG = 0x42464346
_SERIAL_NOR = 1
_IVT_HEADER = 0x402000D1
_ROM_STACK = 0x8000
# Data lines: sequences that read a W25Q16JV, as EBh: 24 bits and a mode byte on 4 lines, 4 clocks
_READS = {4: ((0x0A1804EB, 0x32041EFF, 0x00002604),)}


@dataclass(frozen=True)
class Reset:
    """How the firmware's first instruction is reached.

    Attributes:
        pc: Its address, without the Thumb bit.
        sp: Stack pointer then; None: the core sets none.
    """

    pc: int
    sp: int | None = None


def reset(board: Board, elf: Elf, engine: Any, register: Callable[[int], int]) -> Reset:
    """Does what the chip does between power-up and firmware.

    Args:
        board: The board.
        elf: What is in the flash.
        engine: The emulator, with the board's memory and devices.
        register: Reads a register of a device.

    Raises:
        BadInput: the chip's boot ROM would not start this image.
    """
    start = board.region("flash").start
    if board.processor.arch == "riscv":
        return Reset(start)  # whatever the ELF's entry
    if board.port == "rp2040":
        return _second_stage(board, elf, engine, register)
    if board.port == "rp2350":
        return _image_definition(board, elf, engine)
    if board.port == "imxrt":
        return _image_vector_table(board, elf, engine)
    return _vectors(engine, start)


def _vectors(engine: Any, table: int) -> Reset:
    sp, pc = (int.from_bytes(engine.mem_read(table + 4 * n, 4), "little") for n in range(2))
    return Reset(pc & ~1, sp)


def _second_stage(board: Board, elf: Elf, engine: Any, register: Callable[[int], int]) -> Reset:
    """The RP2040's: its checksum, then its code, which has to make the flash readable."""
    from unicorn import UC_PROT_ALL, UcError
    from unicorn import arm_const as arm

    start = board.region("flash").start
    stage = bytes(engine.mem_read(start, _RP2040_STAGE))
    wanted = platform_module("eb_boot").checksum(stage[:-4])
    found = int.from_bytes(stage[-4:], "little")
    if found != wanted:
        raise BadInput(
            f"{elf.path}: the boot ROM of {board.mcu} starts no second stage whose CRC is"
            f" {found:#010x}, not {wanted:#010x}"
        )
    firmware = _vectors(engine, start + _RP2040_STAGE)
    page = _RP2040_RAM & ~0x3FF
    try:
        engine.mem_protect(page, 0x400, UC_PROT_ALL)
        engine.mem_write(_RP2040_RAM, stage)
        engine.reg_write(arm.UC_ARM_REG_SP, _RP2040_RAM)
        engine.reg_write(arm.UC_ARM_REG_LR, 0)
        engine.emu_start(_RP2040_RAM | 1, firmware.pc, count=_RP2040_STEPS)
        pc, sp = engine.reg_read(arm.UC_ARM_REG_PC), engine.reg_read(arm.UC_ARM_REG_SP)
    except UcError as error:
        raise BadInput(f"{elf.path}: its second stage of the boot fails: {error}") from error
    divider = register(_SSI + 0x14)
    readable = all(register(address) & bits == value for address, bits, value in _READABLE)
    slow = divider >= 2 and divider % 2 == 0 and board.clock_hz <= divider * _MAX_03H_HZ
    if not (readable and slow and (pc, sp) == (firmware.pc, firmware.sp)):
        raise BadInput(f"{elf.path}: its second stage of the boot leaves the flash unreadable")
    if register(_VTOR) != start + _RP2040_STAGE:
        raise BadInput(
            f"{elf.path}: its second stage of the boot leaves the vectors of the boot ROM"
        )
    return firmware


def _image_definition(board: Board, elf: Elf, engine: Any) -> Reset:
    """The RP2350's: the block with an IMAGE_DEF in the first 4 kB (RP2350 Datasheet 5.9)."""
    start = board.region("flash").start
    head = bytes(engine.mem_read(start, _BLOCK_SEARCH + _MAX_BLOCK))
    words = [int.from_bytes(head[i : i + 4], "little") for i in range(0, len(head), 4)]

    def refuse(what: str) -> BadInput:
        return BadInput(f"{elf.path}: the boot ROM of {board.mcu} starts no image {what}")

    if _BLOCK_START not in words[: _BLOCK_SEARCH // 4]:
        raise refuse(f"without a block in its first {_BLOCK_SEARCH} bytes")
    at = first = words.index(_BLOCK_START) + 1
    items: dict[int, tuple[int, ...]] = {}
    while words[at] & 0xFF != _LAST_ITEM:
        size = words[at] >> 8 & 0xFF  # of kinds without bit 7
        if words[at] & 0x80 or size == 0 or at - first > _MAX_BLOCK // 4:
            raise refuse("whose block has a broken item")
        items[words[at] & 0xFF] = tuple(words[at : at + size])
        at += size
    if (words[at] >> 8 & 0xFFFF, *words[at + 1 : at + 3]) != (at - first, 0, _BLOCK_END):
        raise refuse("whose block does not end as it should")
    if _IMAGE_TYPE not in items or items[_IMAGE_TYPE][0] >> 16 != _ARM_EXECUTABLE:
        raise refuse("that is no Secure program for its Arm cores")
    return _vectors(engine, items[_VECTOR_TABLE][1] if _VECTOR_TABLE in items else start)


def _image_vector_table(board: Board, elf: Elf, engine: Any) -> Reset:
    """The i.MX RT's: how its flash is read, where the program begins (IMXRT1060RM 9.6.3, 9.7.1)."""
    flash = board.region("flash")

    def word(address: int) -> int:
        return int.from_bytes(engine.mem_read(address, 4), "little")

    def refuse(what: str) -> BadInput:
        return BadInput(f"{elf.path}: the boot ROM of {board.mcu} starts no image {what}")

    if word(flash.start) != _FCB_TAG or word(flash.start + 4) >> 24 != ord("V"):
        raise refuse("without a FlexSPI configuration block")
    size = word(flash.start + 0x50)
    if word(flash.start + 0x44) & 0xFF != _SERIAL_NOR or size < len(elf.image):
        raise refuse("that is larger than the flash of its configuration block")
    lines = word(flash.start + 0x44) >> 8 & 0xFF
    if tuple(word(flash.start + 0x80 + 4 * n) for n in range(3)) not in _READS.get(lines, ()):
        raise refuse("whose configuration block has no read command of its flash")
    table = flash.start + 0x1000
    header, entry, _, _, boot_data, itself = (word(table + 4 * n) for n in range(6))
    if header & 0xF0FFFFFF != _IVT_HEADER or itself != table:
        raise refuse("without an image vector table")
    if (word(boot_data), word(boot_data + 8)) != (flash.start, 0):
        raise refuse("whose boot data are for another memory")
    pc = word(entry + 4)  # `entry` is that of a table of vectors, as with the vendor's SDK
    if not flash.start <= pc < flash.start + len(elf.image):
        raise refuse("that begins outside of it")
    # The boot ROM's own stack: the program sets up another.
    return Reset(pc & ~1, board.region("ram").start + _ROM_STACK)
