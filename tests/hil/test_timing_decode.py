"""Cost classes and registers of instructions, against the architecture's reference manual."""

from collections.abc import Sequence

import pytest
from timing_helpers import assemble, instructions

from edgebottle.cycle_costs import Kind
from hil.virtual.timing.instructions import FLAGS, FP, Instruction

Row = tuple[str, Kind, set[int], set[int]]

THUMB: Sequence[Row] = (
    # code, kind, registers it reads, registers it writes
    ("movs r0, r1", Kind.ALU, {1}, {0, FLAGS}),
    ("lsls r0, r1, #3", Kind.SHIFT, {1}, {0, FLAGS}),
    ("adds r0, r1, r2", Kind.ALU, {1, 2}, {0, FLAGS}),
    ("cmp r0, #7", Kind.ALU, {0}, {FLAGS}),
    ("adcs r0, r1", Kind.ALU, {0, 1, FLAGS}, {0, FLAGS}),
    ("rsbs r0, r1, #0", Kind.ALU, {1}, {0, FLAGS}),
    ("mov r8, r9", Kind.ALU, {9}, {8}),
    ("add sp, #16", Kind.ALU, {13}, {13}),
    ("cbz r3, 1f; nop; 1:", Kind.BRANCH, {3}, set()),
    ("uxtb r0, r1", Kind.EXTEND, {1}, {0}),
    ("stmia r0!, {r1, r2}", Kind.STORE_MULTIPLE, {0, 1, 2}, {0}),
    ("ldr pc, [r0]", Kind.LOADED, {0}, {15}),
    ("mov.w r0, r1, lsl #4", Kind.SHIFT, {1}, {0}),
    ("add.w r0, r1, r2, lsl #4", Kind.SHIFTED, {1, 2}, {0}),
    ("pkhbt r0, r1, r2, lsl #16", Kind.EXTEND, {1, 2}, {0}),
    ("tst.w r1, #1", Kind.ALU, {1}, {FLAGS}),
    ("movt r0, #1", Kind.ALU, {0}, {0}),
    ("bfi r0, r1, #4, #4", Kind.EXTEND, {0, 1}, {0}),
    ("ssat r0, #8, r1", Kind.SATURATE, {1}, {0}),
    ("qsub8 r0, r1, r2", Kind.SATURATE, {1, 2}, {0}),
    ("qadd r0, r1, r2", Kind.SATURATE, {1, 2}, {0}),
    ("rev r0, r1", Kind.EXTEND, {1}, {0}),
    ("ubfx r0, r1, #4, #4", Kind.EXTEND, {1}, {0}),
    ("sxtb16 r0, r1, ror #8", Kind.EXTEND, {1}, {0}),
    ("sxtab16 r0, r1, r2", Kind.EXTEND, {1, 2}, {0}),
    ("sadd16 r0, r1, r2", Kind.EXTEND, {1, 2}, {0}),
    ("lsr.w r0, r1, r2", Kind.SHIFT, {1, 2}, {0}),
    ("smlad r0, r1, r2, r3", Kind.MULTIPLY, {1, 2, 3}, {0}),
    ("smuad r0, r1, r2", Kind.MULTIPLY, {1, 2}, {0}),
    ("smmla r0, r1, r2, r3", Kind.MULTIPLY, {1, 2, 3}, {0}),
    ("smull r0, r1, r2, r3", Kind.MULTIPLY_LONG, {2, 3}, {0, 1}),
    ("smlald r0, r1, r2, r3", Kind.MULTIPLY_LONG, {0, 1, 2, 3}, {0, 1}),
    ("sdiv r0, r1, r2", Kind.DIVIDE, {1, 2}, {0}),
    ("strd r0, r1, [r2], #8", Kind.STORE_MULTIPLE, {0, 1, 2}, {2}),
    ("pld [r0]", Kind.NOP, {0}, set()),
    ("dsb", Kind.SYSTEM, set(), set()),
    ("vadd.f32 s1, s2, s5", Kind.FP_ALU, {FP + 2, FP + 5}, {FP + 1}),
    ("vfma.f32 s0, s1, s2", Kind.FP_MAC, {FP, FP + 1, FP + 2}, {FP}),
    ("vcmp.f32 s0, s1", Kind.FP_ALU, {FP, FP + 1}, set()),
    ("vmrs apsr_nzcv, fpscr", Kind.FP_READ, set(), {FLAGS}),
    ("vmov r0, s3", Kind.FP_READ, {FP + 3}, {0}),
    ("vmov s3, r0", Kind.FP_MOVE, {0}, {FP + 3}),
    ("vmov.f32 s3, s1", Kind.FP_MOVE, {FP + 1}, {FP + 3}),
    ("vmov.f32 s3, #1.0", Kind.FP_MOVE, set(), {FP + 3}),
    ("vabs.f32 s3, s1", Kind.FP_ALU, {FP + 1}, {FP + 3}),
    ("vmov d1, r0, r1", Kind.FP_MOVE_TWO, {0, 1}, {FP + 2, FP + 3}),
    ("vsqrt.f32 s0, s1", Kind.FP_DIVIDE, {FP + 1}, {FP}),
    ("vldr s0, [r1]", Kind.LOAD, {1}, {FP}),
    ("vpush {s16, s17}", Kind.STORE_MULTIPLE, {13, FP + 16, FP + 17}, {13}),
)

RISCV: Sequence[Row] = (
    ("lui a0, 1", Kind.ALU, set(), {10}),
    ("addi a0, zero, 5", Kind.ALU, set(), {10}),
    ("slli a0, a0, 3", Kind.SHIFT, {10}, {10}),
    ("sub s4, s5, s6", Kind.ALU, {21, 22}, {20}),
    ("mulh a0, a1, a2", Kind.MULTIPLY, {11, 12}, {10}),
    ("rem a0, a1, a2", Kind.DIVIDE, {11, 12}, {10}),
    ("lbu a0, 3(a1)", Kind.LOAD, {11}, {10}),
    ("lw a0, 4(sp)", Kind.LOAD, {2}, {10}),
    ("sw a0, 4(a1)", Kind.STORE, {10, 11}, set()),
    ("sw s5, 4(sp)", Kind.STORE, {2, 21}, set()),
    ("mv a0, s5", Kind.ALU, {21}, {10}),
    ("add a0, a0, s5", Kind.ALU, {10, 21}, {10}),
    ("and a0, a0, a1", Kind.ALU, {10, 11}, {10}),
    ("addi sp, sp, -64", Kind.ALU, {2}, {2}),
    ("1: j 1b", Kind.BRANCH, set(), set()),
    ("1: beqz a0, 1b", Kind.BRANCH, {10}, set()),
    ("1: bltu a0, a1, 1b", Kind.BRANCH, {10, 11}, set()),
    ("jalr a0", Kind.INDIRECT, {10}, {1}),
    ("csrr a0, mcycle", Kind.SYSTEM, set(), {10}),
)

ROWS = [("cortex-m4", *row) for row in THUMB] + [("rv32imac", *row) for row in RISCV]


def first(cpu: str, code: str) -> Instruction:
    codes = tuple(row[1] for row in ROWS if row[0] == cpu)
    binary = assemble(cpu, codes)[codes.index(code)]
    instruction = instructions(cpu, binary)[0]
    return instruction


@pytest.mark.parametrize(("cpu", "code", "kind", "reads", "writes"), ROWS)
def test_class_and_registers(
    cpu: str, code: str, kind: Kind, reads: set[int], writes: set[int]
) -> None:
    found = first(cpu, code)
    expected = (kind, reads, writes - {15})
    assert (found.kind, set(found.reads), set(found.writes) - {15}) == expected


@pytest.mark.parametrize("code", ["1: j 1b", "1: beqz a0, 1b", "1: bltu a0, a1, 1b"])
def test_a_branch_to_itself(code: str) -> None:
    assert first("rv32imac", code).target == 0


OPERANDS: Sequence[tuple[str, bool, set[int]]] = (
    # code, whether it is simple, registers that go through the shifter
    ("adds r0, r1, #4", True, set()),
    ("mov r8, r9", True, set()),
    ("add.w r0, r1, #0x1b001b00", True, set()),  # a pattern of bytes
    ("add.w r0, r1, #0x1fc0", False, set()),  # a rotated byte
    ("addw r0, r1, #0xff9", True, set()),
    ("sub.w r9, r10, r11", True, set()),
    ("mov.w r0, r9", True, set()),
    ("movw r0, #4660", True, set()),
    ("cmp r0, r1", False, set()),
    ("ands r0, r1", False, set()),
    ("add.w r0, r1, r2, lsl #4", False, {2}),
    ("pkhbt r0, r1, r2, lsl #16", False, {2}),
    ("pkhtb r0, r1, r2, asr #16", False, {1, 2}),
    ("sxtab16 r0, r1, r2", False, {2}),
    ("uxtb r0, r1", False, {1}),
    ("bfi r0, r1, #4, #4", False, {1}),
    ("rev.w r0, r1", False, {1}),
    ("clz r0, r1", False, set()),
    ("sadd16 r0, r1, r2", False, set()),
)


@pytest.mark.parametrize(("code", "is_simple", "shifted"), OPERANDS)
def test_what_runs_early(code: str, is_simple: bool, shifted: set[int]) -> None:
    codes = tuple(row[0] for row in OPERANDS)
    (found,) = instructions("cortex-m4", assemble("cortex-m4", codes)[codes.index(code)])
    assert (found.simple, set(found.shifted)) == (is_simple, shifted)
