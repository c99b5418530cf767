"""Energy mode: pulses on the pin of each board, as its virtual twin sees them."""

from dataclasses import replace

import pytest

from edgebottle.boards import Board, all_boards, load_board
from edgebottle.drivers import open_session
from edgebottle.energy_mode import in_energy_mode
from edgebottle.energy_pin import EnergyPin
from edgebottle.errors import BadBoard, BadInput, BoardError
from edgebottle.pipeline import Built, build, load
from hil.virtual.client import VirtualBoard
from hil.virtual.state import PinLevel
from tests.conftest import long

QUICK = (
    "nucleo_l4r5zi",
    "microbit",
    "arduino_zero",
    "longan_nano",
    "raspberry_pi_pico",
    "teensy40",
)
"""One of each port, and the oscillator of its own that the L4R5's UART takes."""

BOARDS = [
    board if board.id in QUICK else long(board)
    for board in all_boards()
    if board.energy is not None
]
READY = b"m-ready\r\n"
WIDTH = 1000
"""Microseconds of a pulse."""


def built_for(board: Board) -> Built:
    return build(load("digits"), in_energy_mode(board))


def input_of(built: Built) -> bytes:
    (name,) = built.model.graph.inputs
    return bytes(built.model.graph.tensors[name].nbytes)


def pulses(levels: tuple[PinLevel, ...], hz: int) -> list[tuple[float, float]]:
    """Falling and rising edge of each pulse, in microseconds; the pin rests high."""
    assert levels[0].is_high, "driven at its resting level"
    assert [level.is_high for level in levels[1:]] == [False, True] * (len(levels) // 2)
    micros = [level.instructions / hz * 1e6 for level in levels[1:]]
    return list(zip(micros[::2], micros[1::2], strict=True))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board.id))
def test_a_pulse_before_and_after_the_timed_runs(board: Board) -> None:
    built = built_for(board)
    with open_session(built) as session:
        virtual = session.driver.virtual  # type: ignore[attr-defined]
        assert len(pulses(virtual.pin_levels(), board.clock_hz)) == 1, "one at the start"
        found = []
        for runs in (1, 3):
            found.append(session.timed(input_of(built), runs, 1).us)
        levels = virtual.pin_levels()
    (_, first, end_1, third, end_3) = pulses(levels, board.clock_hz)
    for fall, rise in (first, end_1, third, end_3):
        assert rise - fall == pytest.approx(WIDTH, abs=25)
    # The board's own clock, and nothing else between the edges than so many runs.
    for window, told in zip((end_1[0] - first[0], end_3[0] - third[0]), found, strict=True):
        assert window == pytest.approx(told, abs=25)
    assert found[1] - WIDTH == pytest.approx(3 * (found[0] - WIDTH), rel=0.01, abs=50)


def test_what_the_line_says() -> None:
    """What the runner looks for, no times, and nothing between the pulses."""
    import serial

    board = load_board("microbit")
    built = built_for(board)
    with (
        VirtualBoard.boot(built.elf, built.board) as virtual,
        serial.serial_for_url(virtual.url, timeout=20) as link,
    ):
        # What the board says at its boot comes or not, as the port was open by then or not.
        link.write(b"name%")
        link.read_until(b"m-name-dut-[")
        link.read_until(READY)
        data = input_of(built)
        answers = []
        for command in (f"db load {len(data)}%", f"db {data.hex()}%", "infer 2 1%", "timestamp%"):
            link.write(command.encode())
            answers.append(link.read_until(READY))
        assert b"m-timestamp-mode-energy" in built.elf.read_bytes()
        lines = b"m-warmup-done\r\nm-infer-start-2\r\nm-infer-done\r\nm-results-["
        assert lines in answers[2] and b"m-lap-us" not in answers[2]
        assert answers[3] == READY
        assert len(pulses(virtual.pin_levels(), board.clock_hz)) == 4


def test_other_images_have_no_pulse() -> None:
    board = load_board("microbit")
    built = build(load("digits"), board)
    assert b"mode-energy" not in built.elf.read_bytes()
    with pytest.raises(BoardError), open_session(replace(built, board=in_energy_mode(board))):
        pass  # the baud rate is another


@pytest.mark.parametrize(
    ("board", "pin", "said"),
    [
        ("nucleo_l4r5zi", "PG7", "the UART has it"),
        ("nucleo_l4r5zi", "PF16", "no such pin of STM32L4R5ZIT6"),
        ("nucleo_l4r5zi", "D7", "no such pin"),
        ("longan_nano", "PF1", "no such pin"),
        ("microbit", "P0.31", "no such pin"),
        ("microbit", "P1.01", "no such pin"),
        ("arduino_zero", "PC01", "no such pin"),
        ("raspberry_pi_pico", "GP30", "no such pin"),
        ("teensy40", "GPIO_B1_02", "no such pin"),
        ("mps2_an385", "EXP0", "the port drives no pins"),
    ],
)
def test_a_pin_that_the_port_cannot_drive(board: str, pin: str, said: str) -> None:
    with pytest.raises(BadBoard, match=rf"energy.pin is {pin}: .*{said}"):
        replace(load_board(board), energy=EnergyPin(pin, "x")).pulse()


@pytest.mark.parametrize("board", ["host", "mps2_an385", "cortex-m4"])
def test_a_board_without_a_pin(board: str) -> None:
    with pytest.raises(BadInput, match=rf"{board} has no pin.*nucleo_l4r5zi"):
        in_energy_mode(load_board(board))
