"""The device's half as C: on a virtual board, under qemu-user, or as a program of this computer.

Head and whole network are two firmwares, as nobody would put both on one board to try them. What a
virtual microcontroller takes is modelled; where its emulator needs longer here, that is the time
which a request takes. Pictures are made in Python, for want of an encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edgebottle.boards import Board
from edgebottle.build.toolchains import qemu_user_path
from edgebottle.drivers import open_session, to_bytes
from edgebottle.errors import DoesNotFit
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built, Progress, build, load
from edgebottle.split.description import SplitFile
from edgebottle.split.device import DeviceFacts, WorkPace, answer_values
from edgebottle.split.frames import PACKED, Frame, ImageForm
from edgebottle.split.head_board import HeadBoard, open_head
from edgebottle.split.pictures import QUALITY, encoded, pixels
from edgebottle.split.serving import real_outputs
from edgebottle.split.session import DeviceFeatures
from hil.session import Session


@dataclass(frozen=True)
class BoardCosts:
    """What a virtual board takes for a run; None for what nobody knows.

    Attributes:
        instructions: Exact.
        seconds: Modelled.
    """

    instructions: int | None
    seconds: float | None

    @classmethod
    def of(cls, session: Session, built: Built) -> BoardCosts:
        """Of a run on zeros."""
        graph = built.model.imported
        given = [graph.tensors[name] for name in graph.inputs]
        zeros = [np.zeros(one.shape, one.dtype.numpy) for one in given]
        run = session.run(to_bytes(zeros), count=True, model=True)
        seconds = None
        if run.modelled is not None and built.board.clock_hz:
            seconds = run.modelled.total.total / built.board.clock_hz
        return cls(run.counts.instructions if run.counts else None, seconds)


class BoardDevice:
    """A ``DemoDevice``."""

    def __init__(
        self,
        file: SplitFile,
        head: HeadBoard,
        local: Session | None,
        facts: DeviceFacts,
        slowdown: float = 1.0,
        quality: int = QUALITY,
    ) -> None:
        """Takes boards that are up.

        Args:
            file: The network.
            head: Runs its head.
            local: Runs the whole of it; None where that does not fit.
            facts: What they are.
            slowdown: How many times slower than this computer the device is, where it is this
                computer, and for pictures in any case.
            quality: Of JPEG and WebP, 1 to 100.
        """
        self.facts = facts
        self._file, self._head, self._local, self._quality = file, head, local, quality
        board = head.built.board
        known = {"head": facts.head_seconds, "local": facts.local_seconds}
        least = {name: one for name, one in known.items() if one is not None}
        self._pace = WorkPace(slowdown if board.is_host else 1.0, least)
        self._picture_pace = WorkPace(slowdown)

    def features(self, image: Array, rate: int) -> DeviceFeatures:
        """See ``DeviceHalf``."""
        session = self._head.session
        _, capture = self._pace.run("capture", lambda: session.load(to_bytes([image])))
        _, head = self._pace.run("head", lambda: session.infer(1, 0))
        done, encode = self._pace.run(f"encode {rate}", lambda: session.frame(rate))
        frame, found = Frame.of_bytes(done.data), None
        if done.exit is not None:
            found = self._exit_values(session)
        is_packed = bool(frame.flags & PACKED)
        return DeviceFeatures(frame.payload, is_packed, head, encode, found, capture)

    def _exit_values(self, session: Session) -> Array:
        graph, name = self._file.graph, self._file.split.exit
        stored = np.frombuffer(session.outputs()[1], graph.tensors[name].dtype.numpy)
        return real_outputs(graph, (name,), (stored,))

    def picture(self, image: Array, form: ImageForm) -> bytes:
        """See ``DeviceHalf``."""
        made = self._picture_pace.run(
            form.name, lambda: encoded(pixels(image), form, self._quality)
        )
        return made[0]

    def local(self, image: Array) -> Array:
        """See ``DeviceHalf``."""
        session = self._local
        assert session is not None, "there is no such way, and no fallback"
        session.load(to_bytes([image]))
        self._pace.run("local", lambda: session.infer(1, 0))
        graph = self._file.graph
        stored = [
            np.frombuffer(data, graph.tensors[name].dtype.numpy)
            for name, data in zip(graph.outputs, session.outputs(), strict=True)
        ]
        return answer_values(self._file, stored)


def check_emulated(board: Board) -> None:
    """Raises ``ToolMissing`` where a board's emulator is not installed."""
    if board.is_linux:
        qemu_user_path(board)


@contextmanager
def open_board_device(
    file: SplitFile,
    board: Board,
    *,
    slowdown: float = 1.0,
    quality: int = QUALITY,
    needs_local: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> Iterator[BoardDevice]:
    """Builds head and whole network for a board, and keeps both running.

    Args:
        file: The network.
        board: ``host``, or one that is emulated here.
        slowdown: See ``BoardDevice``.
        quality: Of JPEG and WebP, 1 to 100.
        needs_local: The device has to be able to compute by itself.
        progress: Told what is being done.

    Raises:
        DoesNotFit: the head does not fit it; or the whole network, and that is needed.
        BoardError: it cannot be booted.
        ToolMissing: a compiler or an emulator is not installed.
    """
    check_emulated(board)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="edgebottle-split-")))
        name = file.graph.name
        parts = [folder / f"{name}_head.tflite", folder / f"{name}.tflite"]
        for path, data in zip(parts, (file.head, file.data), strict=True):
            path.write_bytes(data)
        head_model, whole_model = (load(str(path), name=path.stem) for path in parts)
        head = opened.enter_context(open_head(head_model, board, progress=progress))
        of_head = BoardCosts.of(head.session, head.built)
        local, of_local = None, BoardCosts(None, None)
        try:
            built = build(whole_model, board, progress=progress)
        except DoesNotFit as error:
            if needs_local:
                raise DoesNotFit(
                    f"{error}; the head does, and the demonstration goes without a device that "
                    "computes by itself with --fallback never"
                ) from error
        else:
            local = opened.enter_context(open_session(built))
            of_local = BoardCosts.of(local, built)
        facts = DeviceFacts(
            _name(board),
            of_head.instructions,
            of_head.seconds,
            of_local.seconds,
            has_local=local is not None,
            is_emulated=not board.is_host,
        )
        yield BoardDevice(file, head, local, facts, slowdown, quality)


def _name(board: Board) -> str:
    if board.is_host:
        return "C on this computer"
    if board.is_linux:
        return f"{board.id} under {Path(qemu_user_path(board)).name}"
    return f"virtual {board.id}"
