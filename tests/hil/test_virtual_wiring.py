"""Clocks and pins of a virtual STM32: a UART that is not set up is mute or deaf."""

import socket
from pathlib import Path

import pytest
from virtual_helpers import F7, L4, compile_program

from edgebottle.boards import Board
from edgebottle.errors import BadInput
from hil.virtual.client import VirtualBoard
from tests.waiting import wait_until

PROGRAM = Path(__file__).parent / "virtual_helpers_program.c"
ANSWER = b"12345678\n"  # to the command e; R resets the chip, which ends the virtual board

# (board, what the program leaves out: see SKIP, whether it then sends, receives)
LEFT_OUT = [
    (F7, 0, True, True),
    (F7, 1, False, False),  # the UART's clock
    (F7, 2, False, True),  # the TX pin
    (F7, 4, True, False),  # the RX pin
    (F7, 8, False, False),  # the clock of the pins' ports
    (F7, 32, False, False),  # the baud rate
    (L4, 16, False, False),  # the supply of the pins' port
]


@pytest.mark.parametrize(("board", "skip", "sends", "receives"), LEFT_OUT)
def test_what_is_left_out_silences(
    board: Board, skip: int, sends: bool, receives: bool, tmp_path: Path
) -> None:
    elf = tmp_path / "program.elf"
    compile_program(PROGRAM, board, elf, (f"-DSKIP={skip}",))
    with VirtualBoard.boot(elf, board) as virtual:
        address = ("127.0.0.1", int(virtual.url.rsplit(":", 1)[1]))
        with socket.create_connection(address, timeout=20) as link:
            link.sendall(b"eR")
            if receives:
                assert link.makefile("rb").read() == (ANSWER if sends else b"")
                fault = virtual.fault(timeout=20)
                assert fault is not None and fault.kind == "reset"
            else:
                start = virtual.counts().instructions
                wait_until(
                    lambda: virtual.counts().instructions > start + 500, "it asks for a byte"
                )
                assert virtual.fault() is None
        base = board.uart.base if board.uart else 0
        assert virtual.register(base) == (0 if skip == 1 else 0xD)
        with pytest.raises(BadInput, match="no register at 0x60000000"):
            virtual.register(0x60000000)
