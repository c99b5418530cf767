"""Each core runs its own instructions: floating point, DSP, and none that it has not."""

import pytest
from virtual_helpers import BOARDS, F7, G0, L4, NRF51, U5, booted

from edgebottle.boards import Board


@pytest.mark.parametrize("board", (L4, F7, U5), ids=lambda board: board.id)
def test_floating_point(board: Board) -> None:
    with booted(board) as link:
        link.port.write(b"E")
        assert link.ask("p") == [0x40600000]  # 3.5


@pytest.mark.parametrize("board", (L4, F7, U5), ids=lambda board: board.id)
def test_floating_point_before_it_is_enabled(board: Board) -> None:
    with booted(board) as link:
        fault = link.fault("p")
    assert fault.kind == "fpu-disabled"
    assert fault.symbol.startswith(("fpu", "main"))


@pytest.mark.parametrize("board", (L4, F7, U5), ids=lambda board: board.id)
def test_dsp(board: Board) -> None:
    smlad = (-32766 * -32765 + 32767 * 3 + 1000) & 0xFFFFFFFF
    with booted(board) as link:
        assert link.ask("d", lines=5) == [smlad, 0xFF80007F, 0xFFFFFFFC, 0x80038002, 0xFFFFFF80]


@pytest.mark.parametrize("board", (G0, NRF51), ids=lambda board: board.id)
def test_cortex_m0_has_no_division(board: Board) -> None:
    with booted(board) as link:
        assert link.fault("t").kind == "undefined-instruction"


def test_cortex_m4_has() -> None:
    with booted(L4) as link:
        assert link.ask("t") == [0]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
def test_wait_for_interrupt_ends_by_itself(board: Board) -> None:
    with booted(board) as link:
        link.port.write(b"W")
        assert link.ask("e") == [0x12345678]
