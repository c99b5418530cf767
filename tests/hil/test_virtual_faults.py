"""What the firmware must not do stops the board, with address, place and reason."""

import pytest
import serial
from virtual_helpers import BOARDS, F7, G0, GD32, booted

from edgebottle.boards import Board

# command, kind, address (None: that of the instruction), function
ROWS = (
    ("r", "unmapped-read", 0x60000000, "fault"),
    ("w", "unmapped-write", 0x60000004, "fault"),
    ("f", "write-to-flash", -1, "fault"),
    ("b", "breakpoint", None, "fault"),
    ("u", "undefined-instruction", None, "fault"),
    ("s", "stack-overflow", -1, "overflow"),
)


@pytest.mark.parametrize("board", (F7, G0, GD32), ids=lambda board: board.id)
@pytest.mark.parametrize(("command", "kind", "address", "symbol"), ROWS, ids=[r[1] for r in ROWS])
def test_fault(board: Board, command: str, kind: str, address: int | None, symbol: str) -> None:
    with booted(board) as link:
        fault = link.fault(command)
        with pytest.raises(serial.SerialException):  # the socket is closed
            while True:
                link.port.read(1)
        assert link.virtual.counts().instructions > 0
    assert fault.kind == kind
    assert address == -1 or fault.address == (fault.pc if address is None else address)
    flash = board.region("flash")
    assert flash.start <= fault.pc < flash.start + flash.size
    # Small functions may have been inlined into main.
    assert fault.symbol.split("+")[0] in (symbol, "main")
    assert f"{fault.pc:#010x}" in fault.message and fault.symbol in fault.message


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
@pytest.mark.parametrize(("command", "address"), (("j", 0x20000000), ("n", 0xF0000000)))
def test_execution_outside_the_flash(board: Board, command: str, address: int) -> None:
    with booted(board) as link:
        fault = link.fault(command)
    assert fault.kind == "bad-fetch"
    assert fault.address == fault.pc == address
    assert (
        "called from" in fault.message and "fault+" in fault.message
    ) or "main+" in fault.message


def test_reset_request() -> None:
    with booted(F7) as link:
        assert link.fault("R").kind == "reset"


def test_runaway() -> None:
    with booted(F7, deadline=0.5) as link:
        fault = link.fault("l")
    assert fault.kind == "runaway"
    assert fault.symbol.split("+")[0] in ("fault", "main")


def test_idle_is_no_runaway() -> None:
    with booted(F7, deadline=0.3) as link:
        assert link.virtual.fault(timeout=1.0) is None
        assert link.ask("e") == [0x12345678]
