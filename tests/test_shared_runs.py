"""Samples on several virtual boards at once, and some on the board with the rest on the host."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from edgebottle import shared_runs
from edgebottle.boards import load_board
from edgebottle.errors import BadInput, BoardError, Mismatch
from edgebottle.measure import measure
from edgebottle.pipeline import Built, build, load
from edgebottle.samples import Samples, edge_cases
from edgebottle.shared_runs import Share
from hil.records import Record
from hil.session import Run
from hil.virtual.client import VirtualBoard

COUNT = 8


@pytest.fixture(scope="module")
def built() -> Built:
    return build(load("digits"), load_board("microbit"))


@pytest.fixture(scope="module")
def samples(built: Built) -> Samples:
    return replace(edge_cases(built.model.graph, COUNT), labels=tuple(range(COUNT)))


@pytest.fixture(scope="module")
def alone(built: Built, samples: Samples) -> Record:
    return measure(built, samples)


@pytest.fixture
def booted(monkeypatch: pytest.MonkeyPatch) -> list[VirtualBoard]:
    """The virtual boards that are started."""
    boards: list[VirtualBoard] = []
    boot = VirtualBoard.boot

    def note(*args: Any, **options: Any) -> VirtualBoard:
        boards.append(boot(*args, **options))
        return boards[-1]

    monkeypatch.setattr(VirtualBoard, "boot", note)
    return boards


def test_three_boards_make_the_record_of_one(
    built: Built, samples: Samples, alone: Record, booted: list[VirtualBoard]
) -> None:
    told: list[tuple[str, int, int]] = []
    found = measure(built, samples, share=Share(3), progress=lambda *one: told.append(one))
    assert replace(found, time=alone.time) == alone
    assert found.instructions and found.cycles and found.output_crc != "00000000"
    assert len(booted) == 3
    counted = [one for one in told if one[0] == "microbit"]
    assert counted == [("microbit", n + 1, COUNT) for n in range(COUNT)]


def test_a_board_that_dies_is_reported_and_the_others_end(
    built: Built, samples: Samples, booted: list[VirtualBoard]
) -> None:
    def kill(what: str, done: int, total: int) -> None:
        if what == "microbit" and done == 1:
            booted[1]._process.kill()

    with pytest.raises(BoardError, match=r"virtual board's process ended: killed by SIGKILL"):
        measure(built, samples, share=Share(2), progress=kill, runs=50)
    assert [board.death() is None for board in booted] == [False, False]


def test_ctrl_c_ends_all_boards(built: Built, samples: Samples, booted: list[VirtualBoard]) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what == "microbit" and done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        measure(built, samples, share=Share(2), progress=interrupt, runs=20)
    assert [board.death() is None for board in booted] == [False, False]


def test_some_on_the_board_and_the_rest_on_the_host(
    built: Built, samples: Samples, alone: Record
) -> None:
    found = measure(built, samples, share=Share(on_board=3))
    assert found.remarks == (
        "3 of 8 samples on the board, 5 on the host's C of the same plan; those of the board are "
        "spread evenly from the first on, were run on both, and agree",
    )
    assert replace(found, time=alone.time, remarks=()) == replace(alone, attempts=3, ram=found.ram)
    assert found.ram.stack <= alone.ram.stack


def test_a_board_that_differs_from_the_host_is_a_mismatch(
    built: Built, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_on_host = shared_runs.run_on_host

    def spoiled(*args: Any) -> list[Run]:
        runs = run_on_host(*args)
        data = runs[5].outputs[0]
        runs[5] = replace(runs[5], outputs=[bytes([data[0] ^ 1]) + data[1:]])
        return runs

    monkeypatch.setattr(shared_runs, "run_on_host", spoiled)
    with pytest.raises(Mismatch, match=r"sample 5\b.*against the host's C of the same plan"):
        measure(built, samples, share=Share(on_board=3))


@pytest.mark.parametrize(
    ("count", "of", "numbers"),
    [
        (1, 8, (0,)),
        (3, 8, (0, 2, 5)),
        (8, 8, tuple(range(8))),
        (50, 3, (0, 1, 2)),
        (50, 1000, tuple(range(0, 1000, 20))),
    ],
)
def test_which_samples_are_taken(count: int, of: int, numbers: tuple[int, ...]) -> None:
    assert Share(on_board=count).numbers(of) == numbers


@pytest.mark.parametrize(
    ("port", "boards", "on_board", "board", "message"),
    [
        ("/dev/ttyACM0", 2, None, "microbit", "one board at --port"),
        ("/dev/ttyACM0", 0, 5, "microbit", "one board at --port"),
        (None, 1, 5, "host", "the host is the board"),
    ],
)
def test_what_cannot_be_shared(
    built: Built, port: str | None, boards: int, on_board: int | None, board: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Share(boards, on_board).check(replace(built, board=load_board(board)), port)
