"""Loops found from block counts, against programs and counts written by hand."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edgebottle.build.elf import Elf, Segment, Symbol
from edgebottle.cycle_costs import Kind
from edgebottle.loops import ExecutedLoop, find_loops
from hil.virtual.state import BlockCount
from hil.virtual.timing import riscv, thumb

BASE = 0x800_0000


def elf(*halfwords: int, machine: str = "arm", symbols: dict[str, int] | None = None) -> Elf:
    """A program at ``BASE``; ``symbols``: where each function begins."""
    data = b"".join(halfword.to_bytes(2, "little") for halfword in halfwords)
    starts = sorted((symbols or {"f": 0}).items(), key=lambda item: item[1])
    ends = [start for _, start in starts[1:]] + [len(data)]
    functions = tuple(
        Symbol(name, BASE + start, end - start, True)
        for (name, start), end in zip(starts, ends, strict=True)
    )
    return Elf(Path("x"), machine, BASE, (Segment(BASE, BASE, data, len(data)),), (), functions)


def block(offset: int, size: int, executions: int, fell_through: int) -> BlockCount:
    return BlockCount(0, BASE + offset, size, 0, executions, fell_through)


def loops_of(blocks: Sequence[BlockCount], program: Elf) -> tuple[ExecutedLoop, ...]:
    return tuple(loop for loop in find_loops(blocks, program) if loop.is_loop)


NESTED = (
    0x2003,  # 0: movs r0, #3
    0x3801,  # 2: subs r0, #1
    0xD1FD,  # 4: bne 2
    0x3901,  # 6: subs r1, #1
    0xD1FA,  # 8: bne 0
    0x4770,  # a: bx lr
)
TWICE_THREE = (
    block(0, 6, 2, 0),  # the emulator's first block reaches into the inner loop
    block(2, 4, 4, 2),
    block(6, 4, 2, 1),
    block(10, 2, 1, 0),
)


def test_nested_loops_share_no_instruction() -> None:
    assert find_loops(TWICE_THREE, elf(*NESTED)) == (
        ExecutedLoop("f", BASE + 2, BASE + 6, iterations=6, instructions=12),
        ExecutedLoop("f", BASE, BASE + 10, iterations=2, instructions=6),
        ExecutedLoop("f", BASE, BASE + 12, iterations=2, instructions=1, is_loop=False),
    )
    assert [loop.per_iteration for loop in loops_of(TWICE_THREE, elf(*NESTED))] == [2, 3]


def test_what_a_loop_calls_is_told_by_function() -> None:
    """f: bl g; subs r0; bne f; bx lr. g: nop; bx lr."""
    program = (0xF000, 0xF802, 0x3801, 0xD1FB, 0x4770, 0xBF00, 0x4770)
    counts = (
        *(block(0, 4, 3, 0), block(4, 4, 3, 1), block(8, 2, 1, 0)),
        block(10, 4, 3, 0),
    )
    assert find_loops(counts, elf(*program, symbols={"f": 0, "g": 10})) == (
        ExecutedLoop("f", BASE, BASE + 8, 3, 9),
        ExecutedLoop("g", BASE + 10, BASE + 14, 3, 6, is_loop=False),
        ExecutedLoop("f", BASE, BASE + 10, 3, 1, is_loop=False),
    )


def test_a_branch_that_was_never_taken_closes_no_loop() -> None:
    once = (block(0, 6, 1, 1), block(6, 4, 1, 1), block(10, 2, 1, 0))
    assert loops_of(once, elf(*NESTED)) == ()


def test_a_branch_back_into_another_function_closes_no_loop() -> None:
    counts = (block(0, 6, 2, 2), block(6, 4, 2, 1), block(10, 2, 1, 0))
    assert loops_of(counts, elf(*NESTED, symbols={"f": 0, "g": 6})) == ()


def test_an_entry_into_the_middle_counts_as_an_iteration() -> None:
    """b 6; 2: nop; nop; 6: subs; bne 2: two passes and a part of one."""
    program = (0xE001, 0xBF00, 0xBF00, 0x3801, 0xD1FB, 0x4770)
    counts = (block(0, 2, 1, 0), block(6, 4, 1, 0), block(2, 8, 2, 1), block(10, 2, 1, 0))
    assert loops_of(counts, elf(*program)) == (ExecutedLoop("f", BASE + 2, BASE + 10, 3, 10),)


def test_two_branches_to_one_head_are_one_loop() -> None:
    """0: subs r0; bne 0; subs r1; bne 0."""
    program = (0x3801, 0xD1FD, 0x3901, 0xD1FB, 0x4770)
    counts = (block(0, 4, 6, 2), block(4, 4, 2, 1), block(8, 2, 1, 0))
    assert loops_of(counts, elf(*program)) == (ExecutedLoop("f", BASE, BASE + 8, 6, 16),)


def test_a_loop_of_riscv() -> None:
    """addi a0, a0, -1; nop (32 bits); bnez a0, -6."""
    program = (0x157D, 0x0013, 0x0000, 0xFD6D, 0x8082)
    counts = (block(0, 8, 5, 1), block(8, 2, 1, 0))
    assert loops_of(counts, elf(*program, machine="riscv")) == (
        ExecutedLoop("f", BASE, BASE + 8, 5, 15),
    )


@pytest.mark.parametrize(
    ("isa", "address", "words", "target"),
    [
        ("arm", 0x8000134, (0xD1F8,), 0x8000128),  # bne.n
        ("arm", 0x8000B28, (0xE05B,), 0x8000BE2),  # b.n
        ("arm", 0x8001C72, (0xF47F, 0xAF6F), 0x8001B54),  # bne.w
        ("arm", 0x80008A4, (0xF000, 0xBB1A), 0x8000EDC),  # b.w
        ("arm", 0x80000D2, (0xF000, 0xFA85), None),  # bl
        ("arm", 0x8000070, (0x4770,), None),  # bx lr
        ("arm", 0x8000070, (0xDE00,), None),  # udf
        ("riscv", 0x8000202, (0xF7F5,), 0x80001EE),  # c.bnez
        ("riscv", 0x80013A6, (0xC125,), 0x8001406),  # c.beqz
        ("riscv", 0x8001686, (0xA039,), 0x8001694),  # c.j
        ("riscv", 0x8000176, (0x6963, 0x02D6), 0x80001A8),  # bltu
        ("riscv", 0x8000100, (0xF06F, 0xFFDF), 0x80000FC),  # j
        ("riscv", 0x8000100, (0xF0EF, 0xFFDF), None),  # jal ra
        ("riscv", 0x8000070, (0x8082,), None),  # ret
    ],
)
def test_branches_are_read(isa: str, address: int, words: tuple[int, ...], target) -> None:
    decode = riscv.decode if isa == "riscv" else thumb.decode
    instruction = decode(words[0], words[-1])
    assert instruction.size == 2 * len(words)
    offset = instruction.target if instruction.kind is Kind.BRANCH else None
    assert (None if offset is None else address + offset) == target
