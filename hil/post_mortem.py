"""Looks into the core of a silent board, through its debug probe, before it is restarted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edgebottle.build.elf import Elf
from hil.fault_registers import (
    BFAR,
    BFAR_VALID,
    CFSR,
    HFSR,
    MMFAR,
    MMFAR_VALID,
    cfsr_words,
    hfsr_words,
)
from hil.source_lines import place_of

PAINT = b"\xa5" * 4
"""``EB_PORT_STACK_PAINT`` of eb_port.h."""

_FRAME_WORDS = 8
"""Of the frame that a Cortex-M pushes on an exception: r0 to r3, r12, lr, pc, xpsr."""
_LR, _PC, _XPSR = 5, 6, 7
_THUMB, _EXCEPTION = 1 << 24, 0x1FF
"""Of xPSR: the Thumb state, and the number of the exception that is handled."""

_COMPARED = 512
"""Bytes at either end of an image that tell it from another."""


class CoreAccess(Protocol):
    """A halted Cortex-M core."""

    def register(self, name: str) -> int:
        """One of ``pc``, ``lr``, ``sp`` and ``xpsr``."""

    def read(self, address: int, size: int) -> bytes:
        """Memory, from a multiple of 4 on, a multiple of 4 bytes; raises ``OSError``."""


@dataclass(frozen=True)
class PostMortem:
    """What was found in the core.

    Attributes:
        pc: Where it stopped: of the program that faulted, where an exception is being handled.
        lr: Where that would return to.
        sp: The stack pointer, as it is.
        place: ``pc`` as function, offset and source line.
        caller: ``lr`` likewise.
        exception: Number of the exception that is handled, 3 for a hard fault; 0 for none.
        cfsr: None where the core has none, as Armv6-M.
        hfsr: Likewise.
        mmfar: The address of a memory protection fault; None where it is not known.
        bfar: The address of a bus fault; None where it is not known.
        stack: Bytes of the stack that have been used, by its paint.
        stack_size: Bytes of the stack.
    """

    pc: int
    lr: int
    sp: int
    place: str
    caller: str
    exception: int
    cfsr: int | None
    hfsr: int | None
    mmfar: int | None
    bfar: int | None
    stack: int
    stack_size: int

    @property
    def causes(self) -> tuple[str, ...]:
        """What the fault registers say, in words."""
        address = self.bfar if self.bfar is not None else self.mmfar
        words = [*cfsr_words(self.cfsr or 0), *hfsr_words(self.hfsr or 0)]
        return (*words, *([] if address is None else [f"the address was {address:#010x}"]))

    def __str__(self) -> str:
        """One sentence."""
        doing = f"in exception {self.exception}, from" if self.exception else "at"
        parts = [f"the probe found the core {doing} pc {self.pc:#010x} in {self.place}"]
        parts.append(f"called from {self.caller}")
        full = " (all of it)" if self.stack >= self.stack_size else ""
        parts.append(f"{self.stack:,} of {self.stack_size:,} bytes of stack used{full}")
        if self.causes:
            parts.append(f"cfsr {self.cfsr or 0:#010x} hfsr {self.hfsr or 0:#010x}")
        return "; ".join([", ".join(parts), *self.causes])


def look_into(core: CoreAccess, elf: Elf, has_fault_registers: bool) -> PostMortem:
    """Reads what tells why a core stopped; changes nothing.

    Args:
        core: Halted.
        elf: The image that it runs.
        has_fault_registers: It is an Armv7-M or Armv8-M with CFSR, HFSR, MMFAR and BFAR.

    Raises:
        OSError: the probe cannot read it.
    """
    pc, lr, sp = (core.register(name) for name in ("pc", "lr", "sp"))
    exception = core.register("xpsr") & _EXCEPTION
    bottom, top = elf.address_of("__eb_stack_bottom"), elf.address_of("__eb_stack_top")
    memory = b"" if bottom is None or top is None else core.read(bottom, top - bottom)
    if exception and bottom is not None and (frame := _frame(memory, sp - bottom, elf)):
        lr, pc = frame[_LR], frame[_PC]
    cfsr, hfsr, mmfar, bfar = None, None, None, None
    if has_fault_registers:
        cfsr, hfsr = _word(core, CFSR), _word(core, HFSR)
        mmfar = _word(core, MMFAR) if cfsr & MMFAR_VALID else None
        bfar = _word(core, BFAR) if cfsr & BFAR_VALID else None
    return PostMortem(
        *(pc, lr, sp, place_of(elf, pc), place_of(elf, lr), exception),
        *(cfsr, hfsr, mmfar, bfar),
        *(len(memory) - _painted(memory), len(memory)),
    )


def holds(core: CoreAccess, elf: Elf) -> bool:
    """Whether the first and the last of what an image puts into flash is there.

    Raises:
        OSError: the probe cannot read it.
    """
    first = min(elf.segments, key=lambda one: one.physical)
    last = max(elf.segments, key=lambda one: one.physical)
    for segment, begin in ((first, 0), (last, max(len(last.data) - _COMPARED, 0) & ~3)):
        expected = segment.data[begin : begin + _COMPARED]
        expected = expected[: len(expected) & ~3]
        if expected and core.read(segment.physical + begin, len(expected)) != expected:
            return False
    return True


def _painted(memory: bytes) -> int:
    """Bytes from the stack's end on that nobody has written to."""
    count = 0
    while memory[count : count + 4] == PAINT:
        count += 4
    return count


def _frame(memory: bytes, offset: int, elf: Elf) -> tuple[int, ...] | None:
    """The frame of the exception: the first above the stack pointer that can be one."""
    words = [int.from_bytes(memory[at : at + 4], "little") for at in range(0, len(memory), 4)]
    for start in range(max(offset // 4, 0), len(words) - _FRAME_WORDS + 1):
        frame = tuple(words[start : start + _FRAME_WORDS])
        is_thread = frame[_XPSR] & _THUMB and not frame[_XPSR] & _EXCEPTION
        returns = frame[_LR] == 0xFFFFFFFF or (frame[_LR] & 1 and elf.function_at(frame[_LR] & ~1))
        if is_thread and not frame[_PC] & 1 and returns:
            return frame
    return None


def _word(core: CoreAccess, address: int) -> int:
    return int.from_bytes(core.read(address, 4), "little")
