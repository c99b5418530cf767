"""Samples of one measurement on several boards: virtual ones side by side, or some on the host."""

from __future__ import annotations

import itertools
import os
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from edgebottle.boards import load_board
from edgebottle.boxed_samples import board_boxes
from edgebottle.compare import compare
from edgebottle.detection.boxes import Boxes
from edgebottle.drivers import open_session, system_of, to_bytes
from edgebottle.errors import BadInput, Mismatch
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Built, build
from edgebottle.samples import Samples
from edgebottle.verify import from_bytes
from hil.answers import BoardCycles, CpuCounters
from hil.probes import ProbeChoice
from hil.session import Run, Session, Watcher
from hil.system_record import SystemRecord
from quantize.patch import Chosen

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Share:
    """Which boards run which samples.

    Attributes:
        boards: How many virtual boards run them, each a part; 0: as many as there are cores.
        on_board: How many of them a board runs; the host's C of the same plan runs all, and says
            what the others give. None: a board runs all.
    """

    boards: int = 1
    on_board: int | None = None

    def check(self, built: Built, port: str | None) -> None:
        """Raises ``BadInput`` where samples cannot be shared out like that."""
        if self.boards != 1 and port is not None:
            raise BadInput("--parallel is for virtual boards: there is one board at --port")
        if (self.boards != 1 or self.on_board) and built.model.graph.has_state:
            raise BadInput(
                "the network has state: its samples are the steps of one stream, which cannot be "
                "shared out; leave --parallel and --sample out"
            )
        if self.on_board and built.board.is_host:
            raise BadInput("--sample: the host is the board, so that there is no rest for it")

    def check_here(self, name: str) -> None:
        """Raises ``BadInput`` where samples are shared out, for a board of another computer."""
        if self != Share():
            raise BadInput(
                f"{name} is a board of another computer: leave --parallel and --sample out"
            )

    def numbers(self, of: int) -> tuple[int, ...]:
        """Those of the samples that a board runs, evenly spread from the first on."""
        taken = min(self.on_board or of, of)
        return tuple(i * of // taken for i in range(taken))

    @contextmanager
    def sessions(
        self,
        built: Built,
        samples: Samples,
        port: str | None,
        choice: ProbeChoice | None,
        watcher: Watcher,
    ) -> Iterator[list[Session]]:
        """One with each board; raises as ``open_session`` does."""
        count = min(self.boards or os.cpu_count() or 1, len(self.numbers(len(samples))))
        with ExitStack() as stack:
            yield [
                stack.enter_context(open_session(built, port, choice, watcher))
                for _ in range(max(1, count))
            ]

    def run(
        self,
        built: Built,
        sessions: Sequence[Session],
        samples: Samples,
        timed: tuple[int, int],
        progress: Progress,
    ) -> BoardRuns:
        """Runs every sample so many times, in so many windows.

        Raises:
            BoardError: a board failed.
            Mismatch: the host's C gives another output for a sample than the board.
        """
        if self.on_board is None:
            return run_samples(built, sessions, samples, timed, progress)
        numbers = self.numbers(len(samples))
        inputs = tuple(samples.inputs[number] for number in numbers)
        result = run_samples(built, sessions, replace(samples, inputs=inputs), timed, progress)
        host = run_on_host(built, samples, built.model.boxes is not None, progress)
        outputs = check_same(built, numbers, result.outputs, host)
        boxes = tuple(board_boxes(run.boxes or ()) for run in host)
        remarks = self._remarks(len(samples))
        return replace(result, outputs=tuple(outputs), boxes=boxes, remarks=remarks)

    def _remarks(self, of: int) -> tuple[str, ...]:
        """What a record says of samples that were shared out to board and host."""
        taken = len(self.numbers(of))
        return (
            f"{taken:,} of {of:,} samples on the board, {of - taken:,} on the host's C of the same "
            "plan; those of the board are spread evenly from the first on, were run on both, and "
            "agree",
        )


ALONE = Share()
"""One board runs all of them."""


@dataclass(frozen=True)
class BoardRuns:
    """What a board brought back.

    Attributes:
        outputs: Of each sample.
        micros: Of a run of each sample, on the board's own clock.
        counted: The run of the first sample, with what was counted.
        cycles: Of each step of a run of the first sample, as the board counts them.
        stack: High-water mark in bytes.
        attempts: How often an input had to be sent.
        boxes: Of each sample, of a detector.
        seconds: What all runs took until they were answered.
        windows: Mean microseconds of a run in each window; empty where there was one.
        cpu: What the CPU of a computer with Linux counted in a run of the first sample.
        system: That computer.
        remarks: On who ran which samples.
    """

    outputs: tuple[tuple[Array, ...], ...]
    micros: tuple[float, ...]
    counted: Run | None
    cycles: BoardCycles | None
    stack: int
    attempts: int
    boxes: tuple[Boxes, ...]
    seconds: float
    windows: tuple[float, ...]
    cpu: CpuCounters | None = None
    system: SystemRecord | None = None
    remarks: tuple[str, ...] = ()


def run_samples(
    built: Built,
    sessions: Sequence[Session],
    samples: Samples,
    timed: tuple[int, int],
    progress: Progress,
) -> BoardRuns:
    """Runs every sample so many times, in so many windows."""
    runs, windows = timed
    session, is_detector = sessions[0], built.model.boxes is not None
    cpu: list[CpuCounters] = []
    if built.model.graph.has_state:
        session.reset()

    def one(session: Session, number: int) -> Run:
        data, is_first = to_bytes(samples.inputs[number]), number == 0
        run = session.run(data, runs, count=is_first, model=is_first, boxes=is_detector)
        if is_first and built.board.is_linux and (counted := session.counters()) is not None:
            cpu.append(counted.shared(runs))
        return run

    def told(count: int) -> None:
        progress(f"{built.board.id}", count, len(samples))

    done = run_shared(sessions, len(samples), one, told)
    more = 0 if session.driver.counter else windows - 1
    again = [_window(built, session, samples, runs, done, progress) for _ in range(more)]
    cycles = None
    if session.driver.counter is None and not built.board.is_computer:
        cycles = session.cycles(to_bytes(samples.inputs[0]))
    return BoardRuns(
        outputs=tuple(from_bytes(built.model.graph, run.outputs) for run in done),
        micros=tuple(run.micros for run in itertools.chain(done, *again)),
        counted=done[0] if done else None,
        cycles=cycles,
        stack=max((run.memory.stack for run in done), default=0),
        attempts=max(1, sum(each.attempts for each in sessions)),
        boxes=tuple(board_boxes(run.boxes or ()) for run in done),
        seconds=sum(run.seconds for run in itertools.chain(done, *again)),
        windows=tuple(_mean(window) for window in (done, *again)) if again else (),
        cpu=cpu[0] if cpu else None,
        system=system_of(session.driver, cpu[0] if cpu else None),
    )


def _window(
    built: Built,
    session: Session,
    samples: Samples,
    runs: int,
    first: Sequence[Run],
    progress: Progress,
) -> list[Run]:
    """Times all samples once more; raises ``Mismatch`` where an output is another than before."""
    if built.model.graph.has_state:
        session.reset()
    done: list[Run] = []
    for number, sample in enumerate(samples.inputs):
        done.append(session.run(to_bytes(sample), runs))
        if done[-1].outputs != first[number].outputs:
            raise Mismatch(f"{built.board.id} gives another output for sample {number} than before")
        progress(f"{built.board.id}, once more", number + 1, len(samples))
    return done


def _mean(window: Sequence[Run]) -> float:
    return statistics.fmean(run.micros for run in window)


def run_shared(
    sessions: Sequence[Session],
    count: int,
    one: Callable[[Session, int], Run],
    progress: Callable[[int], None],
) -> list[Run]:
    """Runs samples 0 to ``count`` - 1, each board a part of them that is in one piece.

    Args:
        sessions: One for each board.
        count: Samples.
        one: Runs one of them.
        progress: Told how many have been run, from several threads.

    Raises:
        BoardError: the first of the boards that fails; the others end after their sample.
    """
    if len(sessions) == 1:
        return _run_part(sessions[0], range(count), one, progress, threading.Event())
    done, lock, stop = 0, threading.Lock(), threading.Event()

    def one_more(_: int) -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done)

    ends = [count * i // len(sessions) for i in range(len(sessions) + 1)]
    with ThreadPoolExecutor(len(sessions)) as pool:
        parts: list[Future[list[Run]]] = [
            pool.submit(_run_part, session, range(first, end), one, one_more, stop)
            for session, first, end in zip(sessions, ends[:-1], ends[1:], strict=True)
        ]
        try:
            wait(parts, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # Ctrl-C as well: then nobody wants the rest
    failed = [part for part in parts if part.exception() is not None]
    return [run for part in failed[:1] or parts for run in part.result()]


def _run_part(
    session: Session,
    numbers: range,
    one: Callable[[Session, int], Run],
    progress: Callable[[int], None],
    stop: threading.Event,
) -> list[Run]:
    runs: list[Run] = []
    for number in numbers:
        if stop.is_set() and runs:
            break
        runs.append(one(session, number))
        progress(len(runs))
    return runs


def run_on_host(built: Built, samples: Samples, boxes: bool, progress: Progress) -> list[Run]:
    """Runs all samples on this computer: the plan of the board, and its kernels' C twins.

    Raises:
        BoardError: the host's process failed.
    """
    planned = Chosen(built.model.graph, built.plan, built.extra_macs)
    host = build(built.model, load_board("host"), planned=planned)
    runs: list[Run] = []
    with open_session(host) as session:
        for number, sample in enumerate(samples.inputs):
            runs.append(session.run(to_bytes(sample), boxes=boxes))
            progress("host C", number + 1, len(samples))
    return runs


def check_same(
    built: Built,
    numbers: Sequence[int],
    board: Sequence[tuple[Array, ...]],
    host: Sequence[Run],
) -> list[tuple[Array, ...]]:
    """The outputs of all samples; those of the board where it ran them.

    Raises:
        Mismatch: the board has another output for a sample than the host.
    """
    graph = built.model.graph
    outputs = [from_bytes(graph, run.outputs) for run in host]
    for number, found in zip(numbers, board, strict=True):
        expected = outputs[number]
        difference = compare(built.board.id, number, graph, graph.outputs, expected, found)
        if difference is not None:
            raise Mismatch(f"{difference}, against the host's C of the same plan")
        outputs[number] = found
    return outputs
