"""What betrays an emulator behind a port, in rows of what boards say."""

import pytest

from edgebottle.boards import load_board
from edgebottle.plausibility import DOUBTFUL, EMULATED, MEASURED, judge
from hil.answers import BoardCycles
from hil.session import StepCounts

M7, M4, M0 = load_board("stm32f746"), load_board("nucleo_l4r5zi"), load_board("microbit")
PICO = load_board("raspberry_pi_pico")  # its counter counts microseconds
LOOPS = (40_000, 1_000_000, 1_500, 90_000)

# board, cycles of each layer, seconds claimed and passed, what it is, a part of why
ROWS = [
    (M4, (52_000, 1_380_000, 2_300, 131_000), 0.013, 0.02, MEASURED, "1.38 cycles for an instr"),
    (M7, (31_000, 720_000, 1_200, 70_000), 0.013, 0.02, MEASURED, "0.73 cycles for an instr"),
    (M0, LOOPS, 0.07, 0.5, EMULATED, "as many cycles as instructions in each of 3 loops"),
    (M0, (40_050, 1_001_000, 9_999, 90_064), 0.07, 0.5, EMULATED, "as many cycles as instr"),
    (M7, LOOPS, 0.07, 0.5, EMULATED, "as many cycles as instructions"),
    (M4, (31_000, 720_000, 1_200, 70_000), 0.013, 0.02, DOUBTFUL, "fewer than a cortex-m4 needs"),
    (M4, (0, 0, 0, 0), 0.0, 0.02, DOUBTFUL, "0.00 cycles for an instruction are fewer"),
    (M4, (52_000, 1_380_000, 2_300, 131_000), 0.5, 0.2, DOUBTFUL, "answered after 200.0 ms and"),
    (M4, (52_000, 1_380_000, 2_300, 131_000), None, 0.2, MEASURED, "plausible"),
    (PICO, (320, 8_000, 12, 720), 0.009, 0.1, EMULATED, "as many cycles as instructions"),
    (PICO, (500, 15_000, 12, 1_100), 0.016, 0.1, MEASURED, "1.84 cycles for an instruction"),
    # A network that is fed by rows says the whole alone.
    (M4, (), 0.013, 0.02, MEASURED, "1.50 cycles for an instruction, 2.26 for a multiply-acc"),
]


@pytest.mark.parametrize(("board", "ticks", "claimed", "passed", "kind", "why"), ROWS)
def test_what_a_board_says(board, ticks, claimed, passed, kind, why) -> None:  # type: ignore[no-untyped-def]
    total = sum(LOOPS)
    cycles = BoardCycles(board.clock_hz // board.cycle_divider, ticks, total * 3 // 2)
    found = judge(board, 750_000, cycles, StepCounts(total, LOOPS), claimed, passed)
    assert found.kind == kind and why in found.remark


@pytest.mark.parametrize("cycles", (None, BoardCycles(80_000_000, (1, 2), 3)))
def test_a_board_of_which_nothing_is_known(cycles: BoardCycles | None) -> None:
    found = judge(M4, 1, cycles, None, 0.1, 0.2)
    assert found.kind == MEASURED and found.remark.startswith("nothing tells")
