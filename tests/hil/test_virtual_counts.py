"""Instruction counts against counts made by hand, and the cycle counters that derive from them."""

import pytest
from virtual_helpers import BOARDS, F7, GD32, booted, commands_elf

from edgebottle.boards import Board
from edgebottle.build.elf import read_elf


def expected_steps(board: Board) -> tuple[int, ...]:
    riscv = board.cpu == "rv32imac"
    return (2002 if riscv else 2003, 2 * 1502, 102 + (5 if riscv else 3), 5)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_steps_are_counted_to_the_instruction(board: Board) -> None:
    with booted(board) as link:
        link.ask("e")
        for _ in range(2):
            link.virtual.reset_counts()
            link.ask("x")
            assert link.virtual.counts().steps == expected_steps(board)
        counts = link.virtual.counts()
    assert counts.functions["eb_net_step_01_straight"] == 2 * 1502
    assert counts.functions["helper"] == 102
    assert sum(counts.functions.values()) == counts.instructions


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
