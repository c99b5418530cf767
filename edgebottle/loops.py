"""Finds the hot loops of a firmware from exact counts of the blocks it executed.

What lies in no loop is told by function: a kernel may call a small one from its inner loop.

A loop is what lies between a branch that was taken backwards within a function and its target.
An emulator's blocks end at branches but do not begin at their targets, so that they overlap: the
counts are spread over instructions first. Branches are read as in the Arm v7-M Architecture
Reference Manual (A7.7.12) and in The RISC-V Instruction Set Manual, volume I (2.5, 16.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgebottle.build.elf import Elf, Symbol
from hil.virtual.state import BlockCount

Halfword = Callable[[int], int]
"""The 16 bits of code at an address."""


@dataclass(frozen=True)
class Loop:
    """A loop that was executed, or what a function executed outside of its loops.

    Attributes:
        function: Symbol of the function it is in.
        first: Address of its first instruction.
        end: Address behind its last instruction.
        iterations: Passes, partial ones included; calls of a function.
        instructions: Executed between ``first`` and ``end``, without loops inside of it and
            without functions it calls.
        is_loop: False for the rest of a function.
    """

    function: str
    first: int
    end: int
    iterations: int
    instructions: int
    is_loop: bool = True

    @property
    def per_iteration(self) -> float:
        """Instructions of one pass, on average."""
        return self.instructions / self.iterations


def find_loops(blocks: Iterable[BlockCount], elf: Elf) -> tuple[Loop, ...]:
    """The loops among ``blocks`` and the rest of each function, most instructions first.

    Together they have every instruction once.

    Args:
        blocks: Of one step.
        elf: The firmware.
    """
    code, is_riscv = code_of(elf), elf.machine == "riscv"
    counts: Counter[int] = Counter()
    ends: dict[tuple[str, int], int] = {}
    closing: dict[tuple[str, int], int] = {}
    for block in blocks:
        last = address = block.address
        while address < block.address + block.size:
            counts[address] += block.executions
            last, address = address, address + width(code(address), is_riscv)
        target = branch_target(last, code, is_riscv)
        if target is None or target > last or block.executions == block.fell_through:
            continue
        function = elf.function_at(last)
        if function is not None and elf.function_at(target) == function:
            key = (function.name, target)
            if address >= ends.get(key, 0):
                ends[key], closing[key] = address, last
    own, rest = _shared_out(counts, [(first, end) for (_, first), end in ends.items()])
    loops = [
        Loop(
            function=function,
            first=first,
            end=end,
            # A jump into an unrolled loop passes the end only, a `continue` the beginning only.
            iterations=max(counts[first], counts[closing[function, first]]),
            instructions=own[first, end],
        )
        for (function, first), end in ends.items()
    ]
    loops += _rest_by_function(rest, counts, elf)
    return tuple(sorted(loops, key=lambda loop: (-loop.instructions, loop.first)))


def _rest_by_function(rest: Counter[int], counts: Counter[int], elf: Elf) -> list[Loop]:
    """What was executed in no loop, by function."""
    per_function: dict[Symbol, int] = {}
    for address, count in rest.items():
        function = elf.function_at(address) or Symbol("?", address, 2, True)
        per_function[function] = per_function.get(function, 0) + count
    return [
        Loop(
            function=function.name,
            first=function.address,
            end=function.address + function.size,
            iterations=max(counts[function.address], 1),
            instructions=count,
            is_loop=False,
        )
        for function, count in per_function.items()
    ]


def _shared_out(
    counts: Counter[int], loops: list[tuple[int, int]]
) -> tuple[Counter[tuple[int, int]], Counter[int]]:
    """Gives the count of each instruction to the smallest loop around it; returns the rest too."""
    own: Counter[tuple[int, int]] = Counter()
    rest: Counter[int] = Counter()
    loops = sorted(loops, key=lambda loop: loop[1] - loop[0])
    for address, count in counts.items():
        inside = next((loop for loop in loops if loop[0] <= address < loop[1]), None)
        if inside is None:
            rest[address] = count
        else:
            own[inside] += count
    return own, rest


def code_of(elf: Elf) -> Halfword:
    """Reads the code of ``elf``; zeros where it has none."""

    def halfword(address: int) -> int:
        for segment in elf.segments:
            offset = address - segment.virtual
            if 0 <= offset < len(segment.data):
                return int.from_bytes(segment.data[offset : offset + 2], "little")
        return 0

    return halfword


def width(halfword: int, is_riscv: bool) -> int:
    """Bytes of the instruction that begins with ``halfword``."""
    is_wide = halfword & 3 == 3 if is_riscv else halfword >> 11 >= 0x1D
    return 4 if is_wide else 2


def branch_target(address: int, code: Halfword, is_riscv: bool) -> int | None:
    """Where the direct branch at ``address`` goes; None if there is none, or it is a call."""
    first = code(address)
    second = code(address + 2) if width(first, is_riscv) == 4 else 0
    offset = _riscv_offset(first, second) if is_riscv else _thumb_offset(first, second)
    if offset is None:
        return None
    return address + offset + (0 if is_riscv else 4)


def _signed(value: int, bits: int) -> int:
    return value - ((value >> (bits - 1)) << bits)


def _thumb_offset(first: int, second: int) -> int | None:
    """B in its encodings T1 to T4; what it is relative to lies four bytes on."""
    if first >> 12 == 0xD and first >> 8 & 0xF < 0xE:
        return _signed(first & 0xFF, 8) * 2
    if first >> 11 == 0x1C:
        return _signed(first & 0x7FF, 11) * 2
    if first >> 11 != 0x1E or second >> 14 != 2:
        return None
    sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
    low = (second & 0x7FF) << 1
    if second & 0x1000:
        high = sign << 24 | (1 - (j1 ^ sign)) << 23 | (1 - (j2 ^ sign)) << 22
        return _signed(high | (first & 0x3FF) << 12 | low, 25)
    if first >> 6 & 0xF >= 0xE:
        return None
    return _signed(sign << 20 | j2 << 19 | j1 << 18 | (first & 0x3F) << 12 | low, 21)


def _riscv_offset(first: int, second: int) -> int | None:
    """The conditional branches, C.BEQZ, C.BNEZ, and jumps that keep no return address."""
    word = first | second << 16
    if first & 0x7F == 0x63:
        return _immediate(word, ((31, 1, 12), (25, 6, 5), (8, 4, 1), (7, 1, 11)))
    if first & 0xFFF == 0x06F:
        return _immediate(word, ((31, 1, 20), (21, 10, 1), (20, 1, 11), (12, 8, 12)))
    if first & 3 == 1 and first >> 13 == 5:
        parts = ((12, 1, 11), (11, 1, 4), (9, 2, 8), (8, 1, 10), (7, 1, 6), (6, 1, 7))
        return _immediate(word, (*parts, (3, 3, 1), (2, 1, 5)))
    if first & 3 == 1 and first >> 13 in (6, 7):
        return _immediate(word, ((12, 1, 8), (10, 2, 3), (5, 2, 6), (3, 2, 1), (2, 1, 5)))
    return None


def _immediate(word: int, parts: tuple[tuple[int, int, int], ...]) -> int:
    """An immediate put together from parts: first bit in the word, bits, first bit in the value.

    The first part is the sign.
    """
    value = sum((word >> at & ((1 << bits) - 1)) << to for at, bits, to in parts)
    return _signed(value, parts[0][2] + 1)
