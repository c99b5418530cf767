"""Finds the hot loops of a firmware from exact counts of the blocks it executed.

What lies in no loop is told by function: a kernel may call a small one from its inner loop.

A loop is what lies between a branch that was taken backwards within a function and its target.
An emulator's blocks end at branches but do not begin at their targets, so that they overlap: the
counts are spread over instructions first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from edgebottle.build.elf import Elf, Symbol
from edgebottle.cycle_costs import Kind
from hil.virtual.state import BlockCount
from hil.virtual.timing import riscv, thumb
from hil.virtual.timing.instructions import Instruction


@dataclass(frozen=True)
class ExecutedLoop:
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


def find_loops(blocks: Iterable[BlockCount], elf: Elf) -> tuple[ExecutedLoop, ...]:
    """The loops among ``blocks`` and the rest of each function, most instructions first.

    Together they have every instruction once.

    Args:
        blocks: Of one step.
        elf: The firmware.
    """
    instruction_at = _decoder(elf)
    counts: Counter[int] = Counter()
    ends: dict[tuple[str, int], int] = {}
    closing: dict[tuple[str, int], int] = {}
    for block in blocks:
        last, address = block.address, block.address
        instruction = instruction_at(address)
        while address < block.address + block.size:
            instruction = instruction_at(address)
            counts[address] += block.executions
            last, address = address, address + instruction.size
        is_taken = block.executions > block.fell_through
        if instruction.kind is not Kind.BRANCH or instruction.target is None or not is_taken:
            continue
        target = last + instruction.target
        if target > last:
            continue
        function = elf.function_at(last)
        if function is not None and elf.function_at(target) == function:
            key = (function.name, target)
            if address >= ends.get(key, 0):
                ends[key], closing[key] = address, last
    own, rest = _shared_out(counts, [(first, end) for (_, first), end in ends.items()])
    loops = [
        ExecutedLoop(
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


def _rest_by_function(rest: Counter[int], counts: Counter[int], elf: Elf) -> list[ExecutedLoop]:
    """What was executed in no loop, by function."""
    per_function: dict[Symbol, int] = {}
    for address, count in rest.items():
        function = elf.function_at(address) or Symbol("?", address, 2, True)
        per_function[function] = per_function.get(function, 0) + count
    return [
        ExecutedLoop(
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


def _decoder(elf: Elf) -> Callable[[int], Instruction]:
    """Reads the instruction at an address."""
    decode = riscv.decode if elf.machine == "riscv" else thumb.decode

    @cache
    def at(address: int) -> Instruction:
        data = elf.read(address, 4).ljust(4, b"\0")
        return decode(int.from_bytes(data[:2], "little"), int.from_bytes(data[2:], "little"))

    return at
