"""Instruction counts against counts made by hand, and the cycle counters that derive from them."""

import pytest
from virtual_helpers import BOARDS, F7, GD32, booted, commands_elf

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf
from hil.virtual.timing.model import decode_code


def expected_steps(board: Board) -> tuple[int, ...]:
    riscv = board.cpu == "rv32imac"
    calls = (102 + 4, 204 + 5) if riscv else (102 + 3, 204 + 4)
    return (
        2002 if riscv else 2003,
        2 * 1502,
        calls[0],
        5,
        calls[1],
        *((260, 7) if riscv else (259, 6)),
    )


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_steps_are_counted_to_the_instruction(board: Board) -> None:
    with booted(board) as link:
        link.ask("e")
        for _ in range(2):
            link.virtual.reset_counts()
            link.ask("x")
            assert link.virtual.counts().steps == expected_steps(board)
        counts = link.virtual.counts()
    assert counts.functions["step_01_straight"] == 2 * 1502
    assert counts.functions["helper"] == 3 * 102
    assert sum(counts.functions.values()) == counts.instructions


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_blocks_are_counted_by_step(board: Board) -> None:
    elf = read_elf(commands_elf(board))
    with booted(board) as link:
        link.ask("x")
        link.virtual.reset_counts()
        link.ask("x")
        blocks = link.virtual.blocks()
    loop = [
        (block.instructions, block.executions, block.fell_through)
        for block in sorted(blocks, key=lambda block: block.address)
        if block.step == 0
    ]
    # The function's start runs into the loop's body; then 999 rounds, the last falls out; return.
    assert loop == [(3 if board.cpu == "rv32imac" else 4, 1, 0), (2, 999, 1), (1, 1, 0)]
    for step, expected in enumerate(expected_steps(board)):
        assert expected == sum(b.instructions * b.executions for b in blocks if b.step == step)
    runs: dict[int, int] = {}
    for block in blocks:
        if block.address == elf.address_of("helper"):
            runs[block.step] = runs.get(block.step, 0) + block.executions
    assert runs == {2: 1, 4: 2}
    for block in blocks:  # what counts and what models cycles decode alike
        code = elf.read(block.address, block.size)
        assert len(decode_code(board.processor, code, block.size)) == block.instructions
    assert len({(b.step, b.address, b.size) for b in blocks}) == len(blocks)
    assert all(0 <= b.fell_through <= b.executions for b in blocks)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_cycle_counter_follows_the_count(board: Board) -> None:
    with booted(board) as link:
        (ticks,) = link.ask("c")
    loop = expected_steps(board)[0]
    assert loop // board.cycle_divider <= ticks <= (loop + 40) // board.cycle_divider


def test_counts_repeat_over_millions() -> None:
    with booted(F7) as link:
        totals = []
        for _ in range(2):
            link.virtual.reset_counts()
            for _ in range(700):
                link.ask("x")
            totals.append(link.virtual.counts().steps)
    assert totals[0] == totals[1] == tuple(700 * n for n in expected_steps(F7))


def test_stack_low_water_mark_is_inside_the_stack() -> None:
    elf = read_elf(commands_elf(GD32))
    with booted(GD32) as link:
        link.ask("x")
        lowest = link.virtual.counts().stack_lowest
    bottom, top = elf.address_of("__eb_stack_bottom"), elf.address_of("__eb_stack_top")
    assert bottom is not None and top is not None and lowest is not None
    assert bottom <= lowest < top
