"""Where the loads of a block read, against sums written by hand."""

from dataclasses import replace

import pytest
from timing_helpers import assemble

from hil.virtual.timing.addresses import WORD, Load, Sum, loads_of

START = 0x08000100
LITERAL = 0x08001234


def at(constant: int, *terms: tuple[int, int], size: int = 1) -> Load:
    return Load(Sum(terms, constant), size)


def behind(constant: int, *terms: tuple[int, int], size: int = 1) -> Load:
    """One that is pipelined behind the one before it."""
    return Load(Sum(terms, constant), size, is_pipelined=True)


R0, R1, R2, R3, SP = ((register, 1) for register in (0, 1, 2, 3, 13))
ROWS = (
    # code, loads, words
    ("ldr r0, [r1, #8]; ldr r0, [r1], #4; ldr r0, [r1, #4]!; ldr r0, [r1]",
     (at(8, R1), behind(0, R1), at(8, R1), at(8, R1)), ()),
    ("ldrsb r0, [r1, r2]; ldrh r0, [r1, r2, lsl #1]", (at(0, R1, R2), behind(0, R1, (2, 2))), ()),
    ("adds r1, #3; subs r1, #1; add r1, r1, r2, lsl #2; ldrb r0, [r1, #1]!; ldrb r0, [r1, #-1]",
     (at(3, R1, (2, 4)), at(2, R1, (2, 4))), ()),
    ("sub r1, r1, r2; movs r3, #12; ldr r0, [r1, r3]; lsls r3, r2, #2; ldr r0, [r1, r3]",
     (at(12, R1, (2, -1)), at(0, R1, (2, 3))), ()),
    ("addw r1, r1, #1027; sub.w r1, r1, #0x3f800; ldrd r2, r3, [r1, #-8]!; ldr r0, [r1]",
     (at(1027 - 0x3F800 - 8, R1, size=8), at(1027 - 0x3F800 - 8, R1)), ()),
    ("ldm r1!, {r2, r3}; ldmdb r1, {r2, r3}; ldr r0, [r1]",
     (at(0, R1, size=8), at(0, R1, size=8), at(8, R1)), ()),
    ("push {r4, lr}; ldr r0, [sp, #8]; pop {r4, r5}; ldr r0, [sp]",
     (at(0, SP), at(-8, SP, size=8), at(0, SP)), ()),
    ("movw r1, #0x5678; movt r1, #0x0800; ldr r0, [r1]; mul r1, r2, r3; ldr r0, [r1]",
     (at(0x08005678),), ()),
    ("mov r2, r1; mov r3, sp; ldr r0, [r2]; ldr r0, [r3, #4]", (at(0, R1), behind(4, SP)), ()),
    ("vldr s0, [r1, #4]; vldmia r1!, {s0, s1, s2}; ldr r0, [r1]",
     (at(4, R1), at(0, R1, size=12), at(12, R1)), ()),
    # A literal's value is known, a word from elsewhere is a term.
    ("ldr r1, [pc, #4]; ldr r0, [r1, #4]", (at(START + 8), at(LITERAL + 4)), ()),
    ("ldrd r2, r3, [sp]; ldr r0, [r3, #4]; ldr r0, [r0]",
     (at(0, SP, size=8), at(4, (WORD, 1)), at(0, (WORD + 1, 1))),
     (Sum((SP,), 4), Sum(((WORD, 1),), 4))),
    ("ldrb r1, [r0]; ldr r2, [r3, r1]", (at(0, R0),), ()),  # half a word is no pointer
    ("str r0, [r1], #4; ldr r2, [r1]; stmia r1!, {r2, r3}; ldr r2, [r1]",
     (at(4, R1), at(12, R1)), ()),
    # Stores count where they are behind a load whose address is known.
    ("ldr r0, [r1]; str r0, [r1, #4]; str r0, [r1]; ldr r0, [r2]; str r0, [r0]",
     (at(0, R1), behind(4, R1, size=0), at(0, R2)), ()),
    ("mul r1, r2, r3; ldr r0, [r1]; ldr r0, [r2]; str r0, [r1]", (at(0, R2),), ()),
)  # fmt: skip


@pytest.mark.parametrize(("code", "loads", "words"), ROWS)
def test_loads(code: str, loads: tuple[Load, ...], words: tuple[Sum, ...]) -> None:
    codes = tuple(row[0] for row in ROWS)
    binary = assemble("cortex-m4", codes)[codes.index(code)]
    found = loads_of(binary, START, lambda address: LITERAL)
    assert [_sorted(load) for load in found.loads] == [_sorted(load) for load in loads]
    assert found.words == words


def _sorted(load: Load) -> Load:
    address = Sum(tuple(sorted(load.address.terms)), load.address.constant)
    return replace(load, address=address)
