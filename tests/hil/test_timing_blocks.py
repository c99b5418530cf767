"""Cycles of single blocks, core by core, against cycles counted by hand."""

import pytest
from timing_helpers import assemble, instructions

from edgebottle.cpus import find_cpu
from hil.virtual.timing.block import block_cost

M4 = (
    # code, issue slots, stalls, cycles more when taken
    ("adds r0, r0, #1; adds r0, r0, #1", 1 + 1, 0, 0),
    ("1: subs r0, #1; bne 1b", 1 + 1, 0, 2),
    # One load takes two cycles, each further one in a row a cycle more.
    ("ldr r0, [r1]; ldr r2, [r3]; ldr r4, [r5]", 2 + 1 + 1, 0, 0),
    ("ldr r0, [r1]; ldr r2, [r0]", 2 + 2, 0, 0),  # the address is what was loaded
    ("ldr r0, [r1], #4; ldr r2, [r3], #4", 2 + 1, 0, 0),
    ("ldr r0, [r1], #4; ldr r2, [r1], #4", 2 + 2, 0, 0),  # the base has just changed
    ("adds r1, #4; ldr r0, [r1]", 1 + 2, 1, 0),  # the address was computed just before
    ("adds r1, #4; nop; ldr r0, [r1]", 1 + 1 + 2, 0, 0),
    ("ldr r0, [r1]; adds r0, #1", 2 + 1, 0, 0),
    ("str r0, [r1]; str r2, [r3, #8]", 1 + 1, 0, 0),
    ("str r0, [r1, r2]", 2, 0, 0),
    ("ldr r0, [r4]; str r0, [r1, r2]", 2 + 1, 0, 0),  # pipelined behind the load
    ("ldr r0, [r4]; str r0, [r1, #4]; str r0, [r1]", 2 + 0 + 1, 0, 0),
    ("ldr r0, [r4]; str r1, [r0]", 2 + 1, 0, 0),  # the address is what was loaded
    ("str r0, [r1]; ldr r2, [r3]", 1 + 3, 0, 0),
    # The inner loop of a dot product: three loads, two products, a counter.
    (
        "1: ldr r0, [r1], #4; ldr r2, [r3], #4; ldr r4, [r5], #4; smlad r6, r0, r2, r6;"
        "smlad r7, r0, r4, r7; subs r8, r8, #1; bne 1b",
        (2 + 1 + 1) + 1 + 1 + 1 + 1,
        0,
        2,
    ),
    ("udiv r0, r1, r2", 12, 0, 0),
    ("smlal r0, r1, r2, r3; mul r4, r0, r1", 1 + 1, 0, 0),
    ("ldmia r0!, {r1, r2, r3, r4}", 1 + 4, 0, 0),
    ("push {r4, r5, lr}; pop {r4, r5, pc}", (1 + 3) + (1 + 3), 0, 3),
    ("ldrd r0, r1, [r2]", 1 + 2, 0, 0),
    ("bl 1f; 1:", 1, 0, 2),
    ("bx lr", 1, 0, 3),
    ("tbb [pc, r0]", 2, 0, 3),
    ("cmp r0, r1; it ne; movne r0, r1", 1 + 1 + 1, 0, 0),
    ("vadd.f32 s0, s1, s2; vadd.f32 s3, s0, s1", 1 + 1, 1, 0),
    ("vfma.f32 s0, s1, s2", 3, 0, 0),
    ("vmov s0, r0; vadd.f32 s1, s0, s2; vmov r0, s3; add r0, r0", 1 + 1 + 1 + 1, 0, 0),
    ("vmov r0, r1, d0", 2, 0, 0),
    ("str r0, [r1]; ldm r2, {r3, r4}", 1 + 4, 0, 0),
    ("str r0, [r1], #4; str r0, [r1], #4", 1 + 1, 1, 0),
    ("str r0, [r1], #4; str r0, [r2], #4", 1 + 1, 0, 0),
)

M3 = (
    ("ldr r0, [r1]; ldr r2, [r3]; nop; str r2, [r1, r3]", 2 + 1 + 1 + 2, 0, 0),
    ("mul r0, r1, r2; mla r3, r1, r2, r3", 1 + 2, 0, 0),
    ("smull r0, r1, r2, r3; smlal r4, r5, r2, r3", 5 + 7, 0, 0),
    ("udiv r0, r1, r2", 12, 0, 0),
    ("push {r4, r5, lr}; pop {r4, r5, pc}", (1 + 3) + (1 + 3), 0, 3),
    ("1: subs r0, #1; bne 1b", 1 + 1, 0, 2),
)

M0 = (
    ("adds r0, #1; ldr r1, [r2]; str r1, [r3]", 1 + 2 + 2, 0, 0),
    ("1: subs r0, #1; bne 1b", 1 + 1, 0, 2),
    ("muls r0, r1, r0", 1, 0, 0),
    ("ldm r0!, {r1, r2, r3}", 1 + 3, 0, 0),
    ("push {r4, lr}; pop {r4, pc}", (1 + 2) + (1 + 2), 0, 3),
    ("bl 1f; 1:", 1, 0, 3),
    ("bx lr", 1, 0, 2),
)

M0PLUS = (
    ("1: ldrb r0, [r1, r2]; adds r0, #1; subs r2, #1; bne 1b", 2 + 1 + 1 + 1, 0, 1),
    ("push {r4, lr}; pop {r4, pc}", (1 + 2) + (1 + 2), 0, 2),
    ("bl 1f; 1:", 1, 0, 2),
    ("bx lr", 1, 0, 1),
)

M7 = (
    ("add r0, r1, r2; add r3, r4, r5", 1, 0, 0),  # a pair
    ("add r0, r1, r2; add r3, r0, r5", 1, 0, 0),  # the first ALU feeds the second
    ("and r0, r1, r2; add r3, r0, r5", 1 + 1, 0, 0),  # but for that it must be simple
    # and its operands must be there: a chain takes a cycle for each.
    ("mul r0, r1, r2; add r0, r0, r3; add r0, r0, r4; add r0, r0, r5", 1 + 1 + 1 + 1, 1, 0),
    ("add r0, r1, r2, lsl #2; add r3, r4, r5, lsl #2", 1 + 1, 0, 0),  # one shifter for operands
    ("sxtb16 r0, r1; add r2, r3, r4", 1, 0, 0),
    ("add r2, r3, r4; sxtb16 r0, r1", 1 + 1, 0, 0),  # only the older of a pair
    ("and r1, r2, r3; sxtb16 r0, r1", 1 + 1, 1, 0),  # and needs its operand earlier
    ("add r1, r2, r3; sxtb16 r0, r1", 1 + 1, 0, 0),
    ("ldr r0, [r1]; add r2, r0, r3, lsl #2", 1 + 1, 1, 0),  # even what is not shifted
    ("ldr r0, [r1]; ldr r2, [r0]", 1 + 1, 1, 0),  # addresses are needed early
    ("ssat r0, #8, r1; add r2, r0, r3", 1 + 1, 1, 0),
    ("ldr r0, [r2]; ldr r1, [r2, #4]", 1, 0, 0),  # even and odd word
    ("ldr r0, [r2]; ldr r1, [r2, #8]", 1 + 1, 0, 0),
    ("ldr r0, [r2]; ldr r1, [r3]", 1 + 1, 0, 0),  # nobody knows the bank
    ("ldr r0, [r2]; str r1, [r3]", 1, 0, 0),
    ("str r0, [r2]; str r1, [r3]", 1 + 1, 0, 0),
    ("ldr r0, [r1]; add r2, r0, r3", 1 + 1, 0, 0),
    ("ldrb r0, [r1]; add r2, r0, r3", 1 + 1, 1, 0),
    ("ldr r0, [r1]; mul r2, r0, r3", 1 + 1, 1, 0),
    ("ldr r0, [r1]; mla r2, r3, r4, r0", 1, 0, 0),  # the sum is taken later
    ("ldrb r0, [r1]; strb r0, [r2]", 1, 0, 0),  # and what is stored
    ("mul r0, r1, r2; add r3, r0, r4", 1 + 1, 1, 0),
    ("smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 1 + 1, 0, 0),  # chained each cycle
    ("smlad r0, r1, r2, r0; str r3, [r4]", 1 + 1, 0, 0),
    ("smlad r0, r1, r2, r0; ldr r3, [r4]", 1, 0, 0),
    ("adds r1, #4; ldr r0, [r1]", 1 + 1, 0, 0),
    ("ands r1, r2; ldr r0, [r1]", 1 + 1, 1, 0),
    ("add r0, r1, r2; str r0, [r3]", 1, 0, 0),  # stored in the cycle that makes it
    ("ldm r0, {r1, r2, r3}; add r4, r5, r6", 2 + 1, 0, 0),  # two words a cycle, alone
    ("1: subs r2, r2, #1; bne 1b", 1, 0, 0),  # what is predicted waits for no flags
    ("1: ldr r0, [r1], #4; subs r2, r2, #1; bne 1b", 1 + 1, 0, 0),
    # (ldr) (ldr smlad) (smlad subs) (bne)
    (
        "1: ldr r0, [r1], #4; ldr r2, [r3], #4; smlad r4, r5, r6, r4; smlad r7, r5, r8, r7;"
        "subs r9, r9, #1; bne 1b",
        1 + 1 + 1 + 1,
        0,
        0,
    ),
    ("udiv r0, r1, r2", 12, 0, 0),
    ("bx lr", 1, 0, 8),
)

M33 = (
    ("ldr r0, [r1]; adds r0, #1", 1 + 1, 1, 0),
    ("ldr r0, [r1]; ldr r2, [r3]; adds r0, #1", 1 + 1 + 1, 0, 0),
    ("smlad r0, r1, r2, r0; smlad r0, r3, r4, r0; adds r0, #1", 1 + 1 + 1, 1, 0),
    ("1: subs r0, #1; bne 1b", 1, 0, 2),  # beside it, but it waits for its flags
    ("1: subs.w r0, r0, #1; mov r1, r1; bne 1b", 1 + 1, 0, 1),
    ("1: subs.w r0, r0, #1; bne 1b", 1 + 1, 0, 2),
    ("add r0, r1, r2, lsl #2; add r3, r0, r4", 1 + 1, 1, 0),
    ("muls r0, r1, r0", 2, 0, 0),
    ("ldr r0, [r1]; str r0, [r2]", 1 + 1, 0, 0),
    ("ldm r0, {r1, r2, r3}", 3, 0, 0),
    ("udiv r0, r1, r2", 12, 0, 0),
)

RISCV = (
    ("lw a0, 0(a1); addi a0, a0, 1", 1 + 1, 1, 0),
    ("lw a0, 0(a1); addi a2, a2, 1; addi a0, a0, 1", 1 + 1 + 1, 0, 0),
    (".option norvc; lw s2, 0(s3); add s4, s2, s5", 1 + 1, 1, 0),
    ("mul a0, a1, a2; add a0, a0, a3", 2 + 1, 0, 0),
    ("divu a0, a1, a2", 33, 0, 0),
    ("1: addi a0, a0, -1; bnez a0, 1b", 1 + 1, 0, 2),
    ("1: lb a3, 0(a1); addi a1, a1, 1; add a0, a0, a3; bne a1, a2, 1b", 4, 0, 2),
    ("ret", 1, 0, 2),
)

CORES = {
    "cortex-m0": M0,
    "cortex-m0plus": M0PLUS,
    "cortex-m3": M3,
    "cortex-m4": M4,
    "cortex-m7": M7,
    "cortex-m33": M33,
    "rv32imac": RISCV,
}
ROWS = [(cpu, *row) for cpu, rows in CORES.items() for row in rows]


@pytest.mark.parametrize(("cpu", "code", "issue", "stalls", "taken"), ROWS)
def test_cycles_of_a_block(cpu: str, code: str, issue: int, stalls: int, taken: int) -> None:
    codes = tuple(row[1] for row in ROWS if row[0] == cpu)
    binary = assemble(cpu, codes)[codes.index(code)]
    costs = find_cpu(cpu).cycles
    assert costs is not None
    cost = block_cost(costs, instructions(cpu, binary))
    assert (cost.issue, cost.stalls, cost.taken) == (issue, stalls, taken)
