"""The device half on a board, real or virtual: an input goes in, a frame comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edgebottle.boards import Board
from edgebottle.drivers import open_session, to_bytes
from edgebottle.errors import BadInput
from edgebottle.fit import Wish
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built, Model, Progress, build
from edgebottle.split.head import SplitHead
from hil.probes import ProbeChoice
from hil.session import Session


@dataclass(frozen=True)
class HeadRun:
    """What the head of a split network made of an input.

    Attributes:
        frame: What goes to the server.
        exit: The class that the early exit answers, so that nothing need go there; None where there
            is no exit, or it is not sure enough.
        micros: Microseconds of the head, on the board's own clock; modelled by none of its
            emulators.
        instructions: Of the head, exact, where they are counted: on most virtual boards.
    """

    frame: bytes
    exit: int | None
    micros: float
    instructions: int | None


class HeadBoard:
    """A board that runs the head of a split network.

    Attributes:
        head: What its outputs are.
        built: What runs on it.
        session: The line to it.
    """

    def __init__(self, built: Built, session: Session) -> None:
        """Takes a board that is up.

        Args:
            built: What runs on it.
            session: The line to it.

        Raises:
            BadInput: it is no head.
        """
        self.head = head_of(built.model)
        self.built = built
        self.session = session

    def run(
        self, sample: Sequence[Array], rate: int, request: int = 0, *, count: bool = False
    ) -> HeadRun:
        """Runs the head on one sample.

        Args:
            sample: An array for each input, as stored.
            rate: 1 to that of the head.
            request: 0 to 2^31 - 1, which the frame carries.
            count: Instructions are wanted, where something counts them.

        Raises:
            BoardError: the board is silent, faults, or answers garbage; or there is no such rate.
        """
        done = self.session.run(to_bytes(sample), count=count)
        found = self.session.frame(rate, request)
        instructions = done.counts.instructions if done.counts else None
        return HeadRun(found.data, found.exit, done.micros, instructions)

    def again(self, rate: int, request: int = 0) -> bytes:
        """The frame of the same run at another rate."""
        return self.session.frame(rate, request).data


@contextmanager
def open_head(
    model: Model,
    board: Board,
    *,
    port: str | None = None,
    choice: ProbeChoice | None = None,
    toolchain: str = "zig",
    wish: Wish | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Iterator[HeadBoard]:
    """Builds a head for a board, brings it up there, and keeps it.

    Args:
        model: The head.
        board: The board; its virtual twin runs unless ``port`` is given.
        port: Serial port or URL of a real board.
        choice: How that is flashed.
        toolchain: What builds it.
        wish: Schedule and budget.
        progress: Told what is being done.

    Raises:
        BadInput: it is no head.
        DoesNotFit: it does not fit the board.
        BoardError: the board cannot be flashed, booted or reached.
    """
    head_of(model)
    built = build(model, board, toolchain=toolchain, wish=wish, progress=progress)
    with open_session(built, port, choice) as session:
        yield HeadBoard(built, session)


def head_of(model: Model) -> SplitHead:
    """What the outputs of a model are; raises ``BadInput`` where it is no head."""
    head = model.head
    if head is None:
        what = "a whole split network" if model.split else "no split network"
        raise BadInput(
            f"{model.path} is {what}: `edgebottle split cut` makes the head for a device of one "
            "that is split"
        )
    return head
