"""A raised rate and frames, on virtual boards whose line has a rate and fails on order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgebottle.boards import all_boards, load_board
from edgebottle.build.elf import read_elf
from edgebottle.errors import BoardError
from edgebottle.pipeline import Built, build, model_of
from hil import exchange, protocol, rates
from hil.link import BAUD
from hil.protocol import BoardClient
from hil.virtual.client import VirtualBoard
from hil.virtual.timing.model import CycleModel
from tests.cli.command_line import edgebottle
from tests.conftest import long
from tests.graphs import Builder
from tests.lab.timed_line import BITS, TimedLine

MOST = 1_000_000


@contextmanager
def on_a_line(built: Built) -> Iterator[tuple[VirtualBoard, TimedLine]]:
    with VirtualBoard.boot(built.elf, built.board) as virtual, TimedLine(virtual) as line:
        yield virtual, line


def connected(virtual: VirtualBoard, line: TimedLine) -> BoardClient:
    return BoardClient.connect(line.url, patience=virtual.patience)


def averaging(board: str, size: int) -> Built:
    """A network that takes an image of ``size`` x ``size`` x 3, and computes little."""
    b = Builder("wide")
    x = b.mean(b.input(1, size, size, 3), 1, 2, keep_dims=True)
    return build(model_of(b.graph(x)), load_board(board))


HIGHEST = {
    "microbit": 230_400,  # 2.1 % too fast at 460800 and 921600, too slow a core for more
    "nrf52840dk": 1_000_000,  # 921600 would be 2.1 % too fast
    "arduino_nano_33_ble": 1_000_000,
}
"""Of boards that cannot have 921600, or are nearer to another one."""

QUICK = ("nucleo_l4r5zi", "microbit")
BOARDS = [
    board.id if board.id in QUICK else long(board.id)
    for board in all_boards()
    if board.virtual and not (board.is_computer or board.is_qemu)
]
SIZE = 32
NBYTES = SIZE * SIZE * 3


@pytest.mark.parametrize("board", BOARDS)
def test_each_board_has_the_highest_rate_that_its_clock_allows(board: str) -> None:
    """The virtual UART takes bytes only at the divider that the platform makes of that rate."""
    built, baud = averaging(board, SIZE), HIGHEST.get(board, 921_600)
    with on_a_line(built) as (virtual, line):
        with connected(virtual, line) as client:
            client.raise_rate(MOST)
            assert client.baud == baud
            assert client.line == []
            assert client.name() == board
            virtual.reset_counts()
            client.load_input(0, bytes(range(256)) * (NBYTES // 256))
            counted, blocks = virtual.counts().instructions, virtual.blocks()
        with connected(virtual, line) as client:  # which was left as it was found
            assert (client.baud, client.name()) == (BAUD, board)
    assert line.rates == [BAUD, baud, BAUD]
    # The core is done with a byte before the next is there, what is sent around them included.
    model = CycleModel(built.board, read_elf(built.elf))
    if built.board.processor.cycles is not None:
        counted = sum(model.cycles(block).total for block in blocks)
    assert counted / NBYTES < BITS * built.board.clock_hz / baud


@pytest.mark.parametrize(("options", "baud"), [((), 230_400), (("--baud", "115200"), BAUD)])
def test_measure_raises_the_rate_and_says_so(
    tmp_path: Path, options: tuple[str, ...], baud: int
) -> None:
    """Of a virtual board too."""
    line = ("measure", "digits", "-b", "microbit", "--samples", "1", "--json", *options)
    record = edgebottle(*line, cwd=tmp_path).json()
    assert (record["baud"], record["remarks"]) == (baud, [])


PIXELS = 27_648
"""Of a VWW image, 96 x 96 x 3."""

COUNTED = {False: 56_061, True: 27_845}
"""Bytes of each image, both ways, in hex digits and in frames."""


@pytest.fixture(scope="module")
def wide() -> Built:
    return averaging("nucleo_l4r5zi", 96)


def test_a_thousand_images_take_less_than_a_quarter(wide: Built) -> None:
    image = random.Random(0).randbytes(PIXELS)
    seconds, counted = {}, {}
    for in_frames in (False, True):
        with on_a_line(wide) as (virtual, line), connected(virtual, line) as client:
            if in_frames:
                client.raise_rate(MOST)
                assert client.baud == 921_600
            client._knows("put")
            client._known["put"] = in_frames
            before, begun = line.nbytes, line.seconds
            for _ in range(2):
                client.load_input(0, image)
            counted[in_frames] = (line.nbytes - before) / 2
            seconds[in_frames] = (line.seconds - begun) / 2 * 1000
            assert client.load_attempts == 2
    assert counted == COUNTED
    assert seconds[True] * 16 < seconds[False]


Spoiler = Callable[[TimedLine, random.Random, bytes], bytes | None]


def flipped(line: TimedLine, rng: random.Random, data: bytes) -> bytes:
    """A bit of a long piece now and then."""
    if len(data) < 20 or rng.random() < 0.7:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def lost(line: TimedLine, rng: random.Random, data: bytes) -> bytes:
    """A byte of a long piece now and then, its end as well."""
    if len(data) < 20 or rng.random() < 0.7:
        return data
    at = rng.choice([rng.randrange(len(data)), len(data) - 1])
    return data[:at] + data[at + 1 :]


def added(line: TimedLine, rng: random.Random, data: bytes) -> bytes:
    """Garbage before a frame now and then."""
    if len(data) < 200 or rng.random() < 0.7:
        return data
    return rng.randbytes(30) + data


def too_fast(line: TimedLine, rng: random.Random, data: bytes) -> bytes:
    """A line that carries frames at the old rate alone."""
    return data if line.rates[-1] == BAUD or len(data) < 200 else data.replace(data[100:101], b"")


def never_fast(line: TimedLine, rng: random.Random, data: bytes) -> bytes:
    """A line that carries nothing but the old rate."""
    return data if line.rates[-1] == BAUD else bytes(len(data))


SPOILERS = [
    (flipped, True),
    long(lost, True),
    long(added, True),
    (too_fast, False),
    long(never_fast, False),
]


@pytest.mark.parametrize(("spoil", "stays"), SPOILERS)
def test_no_damage_changes_an_input(
    wide: Built, spoil: Spoiler, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the network makes of it is what it makes of it on a good line."""
    monkeypatch.setattr(protocol, "FRAME_SECONDS", 0.3)
    monkeypatch.setattr(exchange, "SYNC_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "FRAME_BYTES", 3000)
    monkeypatch.setattr(protocol, "LOAD_ATTEMPTS", 12 if stays else 2)
    image, rng = random.Random(5).randbytes(PIXELS), random.Random(7)
    with on_a_line(wide) as (virtual, line), connected(virtual, line) as client:
        client.load_input(0, image)
        client.infer(1)
        right = client.outputs()
        if spoil is never_fast:
            line.to_board = lambda data: spoil(line, rng, data)
        client.raise_rate(MOST)
        tried = ["the line does not carry 921600, 1000000, 460800, 230400 baud: it ran at 115200"]
        assert client.line == (tried if spoil is never_fast else [])
        for number in range(3):
            client.load_input(0, image[::-1])
            line.to_board = lambda data: spoil(line, rng, data)
            client.load_input(0, image)
            line.to_board = lambda data: data
            client.infer(1)
            assert client.outputs() == right, number
        assert (client.baud != BAUD) == stays
        attempts = client.load_attempts
        assert attempts > 7 or spoil is never_fast
        assert ("back to 115200 baud" in "".join(client.line)) == (spoil is too_fast)


def test_a_cut_line_is_named_and_the_board_is_there_for_the_next(wide: Built) -> None:
    with on_a_line(wide) as (virtual, line):
        client = connected(virtual, line)
        client.raise_rate(MOST)
        line.to_board = lambda data: None if len(data) > 500 else data
        with pytest.raises(BoardError, match=r"connection to the board was closed.*loading 27648"):
            client.load_input(0, bytes(PIXELS))
        client.close()
        line.to_board = lambda data: data
        with connected(virtual, line) as client:  # the board has gone back by itself
            client.load_input(0, bytes(PIXELS))


def test_a_board_that_nobody_speaks_to_goes_back_and_is_raised_again(wide: Built) -> None:
    with on_a_line(wide) as (virtual, line), connected(virtual, line) as client:
        client.raise_rate(MOST)
        for pause in (0.75 * rates.RATE_SECONDS, 10 * rates.RATE_SECONDS):  # asked, and given up
            client._heard -= pause
            assert client.name() == "nucleo_l4r5zi"
            assert (client.baud, client.line) == (921_600, [])
    assert line.rates == [BAUD, 921_600, BAUD, 921_600, BAUD]


def test_the_firmware_and_its_client_know_one_time_limit() -> None:
    text = (Path(__file__).parents[2] / "firmware/src/rate.h").read_text()
    assert f"BENCH_RATE_MICROS {rates.RATE_SECONDS * 1e6:.0f}u" in text
