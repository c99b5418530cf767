"""Runs a built model over samples on a board, checks every output, and makes a Record."""

from __future__ import annotations

import datetime
import itertools
import statistics
import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from edgebottle import __version__
from edgebottle.arena_blocks import memory_blocks, step_labels
from edgebottle.boards import Board
from edgebottle.boxed_samples import decoder_of, picture_records
from edgebottle.compare import compare, compare_boxes, is_exact
from edgebottle.describe import describe
from edgebottle.detection.boxes import BoxDecoder, Boxes
from edgebottle.detection.precision import label_precisions
from edgebottle.energy import supplied
from edgebottle.errors import BadInput, BadModel, Mismatch, ToolMissing
from edgebottle.ir.graph import Array
from edgebottle.ir.interpreter import Interpreter
from edgebottle.pipeline import Built
from edgebottle.plausibility import EMULATED, judge, known_loops
from edgebottle.reference import NUMPY, Reference, litert_reference
from edgebottle.samples import Samples
from edgebottle.shared_runs import ALONE, BoardRuns, Share
from edgebottle.verify import layer_records
from hil.bench.meters.recording import MeterSettings
from hil.confusion import Confusion, count_confusion
from hil.probes import ProbeChoice
from hil.records import Ram, Record
from hil.session import NOBODY, Session, Watcher

Progress = Callable[[str, int, int], None]

Outputs = Callable[[tuple[Array, ...]], None]
"""Given what the board made of a sample: one array per output of the network."""


def check_board(board: Board) -> None:
    """Raises ``BadInput`` for a core whose instructions nothing here runs."""
    if board.is_core and board.is_host:
        raise BadInput(
            f"nothing here runs the instructions of {board.id}, so there is nothing to measure: "
            f"`edgebottle verify --board {board.id}` proves its C on this computer"
        )


def check_runs(runs: int, row_fed: bool) -> None:
    """Raises ``BadInput`` for several runs of one sample that is gone after the first."""
    if row_fed and runs > 1:
        raise BadInput(
            f"--runs {runs}: with --input rows a run uses up the rows of its input; leave one of "
            "the two out"
        )


def measure(
    built: Built,
    samples: Samples,
    *,
    runs: int = 1,
    windows: int = 1,
    share: Share = ALONE,
    port: str | None = None,
    choice: ProbeChoice | None = None,
    meter: MeterSettings | None = None,
    progress: Progress = lambda what, done, total: None,
    watcher: Watcher = NOBODY,
    outputs: Outputs = lambda arrays: None,
) -> Record:
    """Measures a built model.

    Args:
        built: The firmware.
        samples: What to run; the first one also gives instructions or cycles per layer.
        runs: Timed runs of each sample.
        windows: How often all samples are timed; once where nothing but a model says how long.
        share: Which boards run which samples; by default one runs all.
        port: Serial port of a real board; None for the virtual one.
        choice: How the real board is flashed.
        meter: Measures what the real board takes; its firmware is that of energy mode then.
        progress: Told what is being done.
        watcher: Told what begins: ``reference``, what ``open_session`` says, ``check``.
        outputs: Given those of each sample, in order, once all are known to be right.

    Raises:
        Mismatch: an output differs from LiteRT's, or NumPy's where LiteRT cannot run the file.
        BoardError: the board failed.
        BadInput: nothing runs this core, or several runs of a sample that is fed row by row.
    """
    share.check(built, port)
    repeats = _repeats(built, runs)
    watcher.step("reference")
    reference, refusal = _litert(built, samples, repeats, progress)
    stop = threading.Event()
    with (
        ThreadPoolExecutor(1) as pool,
        supplied(built, port, meter, watcher.step) as power,
        share.sessions(built, samples, port, choice, watcher) as sessions,
    ):
        if reference is None:  # NumPy takes its time on a large set: it runs beside the board
            numpy = pool.submit(_numpy_outputs, built, samples, repeats, stop)
        try:
            result = share.run(built, sessions, samples, (runs, windows), progress)
            session = sessions[0]
            energy = None if power is None else power.energy(session, samples, windows, progress)
        except BaseException:
            stop.set()
            raise
        if reference is None:
            reference = Reference(NUMPY, numpy.result(), refusal)
    watcher.step("check")
    decoder = _check(built, result, reference, outputs)
    record = _told(built, session, samples, result, reference, port, runs)
    return replace(_with_boxes(record, decoder, samples, result.boxes), energy=energy)


def _told(
    built: Built,
    session: Session,
    samples: Samples,
    result: BoardRuns,
    reference: Reference,
    port: str | None,
    runs: int,
) -> Record:
    """The record of what a board brought back, judged where somebody says that it is real."""
    crc, virtual = session.driver.image_crc or 0, port is None and not built.board.is_host
    record = _record(built, crc, virtual, samples, result, reference)
    remarks = (*record.remarks, *result.remarks, *session.line)
    record = replace(record, remarks=remarks, baud=session.baud)
    if port is None:
        return record
    record = replace(record, recovery=session.recovery)
    return _judged(record, built, samples, result, runs, session.remarks)


def _repeats(built: Built, runs: int) -> int:
    """How often the reference runs each sample; raises as ``check_board`` and ``check_runs`` do."""
    check_board(built.board)
    check_runs(runs, built.plan.row_fed)
    return runs if built.model.imported.has_state else 1  # state advances with every run


def _litert(
    built: Built, samples: Samples, repeats: int, progress: Progress
) -> tuple[Reference | None, str]:
    """LiteRT's outputs; or None, and why it cannot run the file."""
    try:
        return litert_reference(built.model, samples, repeats, progress), ""
    except (BadModel, ToolMissing) as error:
        return None, str(error)


def _with_boxes(
    record: Record, decoder: BoxDecoder | None, samples: Samples, boxes: tuple[Boxes, ...]
) -> Record:
    """The record of a detector, with what its boxes are worth where the true ones are known."""
    if decoder is None or samples.truths is None:
        return record
    return replace(
        record,
        detection=label_precisions(decoder.description.labels, boxes, samples.truths),
        pictures=tuple(picture_records(decoder, samples, boxes)),
    )


def _check(
    built: Built,
    result: BoardRuns,
    reference: Reference,
    told: Outputs,
) -> BoxDecoder | None:
    """Raises ``Mismatch`` where outputs, or boxes, are not those of the reference; else tells.

    Returns:
        What made the boxes; None where the network makes none.
    """
    graph, where, decoder = built.model.graph, built.board.id, decoder_of(built.model)
    for number, outputs in enumerate(result.outputs):
        expected = reference.outputs[number]
        found = compare(where, number, graph, graph.outputs, expected, outputs)
        if found is None and decoder is not None:
            found = compare_boxes(where, number, decoder.boxes(expected), result.boxes[number])
        if found is not None:
            raise Mismatch(
                f"{found}. `edgebottle verify {built.model.path} --board {built.board.id}` "
                "names the first layer that differs"
            )
    for arrays in result.outputs:
        told(arrays)
    return decoder


def _numpy_outputs(
    built: Built, samples: Samples, repeats: int, stop: threading.Event
) -> tuple[tuple[Array, ...], ...]:
    """Outputs of the NumPy reference.

    Ends early once ``stop`` is set: nobody wants to wait for it after Ctrl-C or a dead board.
    """
    interpreter = Interpreter(built.model.imported)
    outputs: list[tuple[Array, ...]] = []
    for sample in samples.inputs:
        if stop.is_set():
            break
        outputs.append([interpreter.run(sample) for _ in range(repeats)][-1])
    return tuple(outputs)


def _record(
    built: Built,
    image_crc: int,
    virtual: bool,
    samples: Samples,
    result: BoardRuns,
    reference: Reference,
) -> Record:
    model, plan = built.model, built.plan
    correct, confusion = _right(samples, result)
    crc = 0
    for array in itertools.chain.from_iterable(result.outputs):
        crc = zlib.crc32(array.tobytes(), crc)
    counts = result.counted.counts if result.counted else None
    modelled = result.counted.modelled if result.counted else None
    cycles, micros = _time(built.board, virtual, result)
    kind = _kind(built.board, virtual)
    return Record(
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=model.name,
        model_hash=model.sha256,
        image_hash=f"{image_crc:08x}",
        board=built.board.id,
        virtual=virtual,
        compiler=built.compiler,
        flags=built.flags,
        schedule=plan.schedule,
        macs=model.macs(),
        ram=Ram(built.ram.arena, result.stack, built.ram.static),
        flash=built.flash,
        lower_bound=plan.lower_bound,
        instructions=counts.instructions if counts else None,
        latency_us=(min(micros), statistics.median(micros), max(micros)),
        latency_kind=kind,
        layers=layer_records(
            built,
            counts.steps if counts else None,
            _step_cycles(built.board, result),
            modelled.steps if modelled else None,
        ),
        memory=memory_blocks(plan),
        steps=step_labels(plan),
        samples=len(samples),
        correct=correct,
        match=True,
        output_crc=f"{crc:08x}",
        attempts=result.attempts,
        edgebottle=__version__,
        exact=is_exact(model.graph),
        reference=reference.name,
        litert_refusal=reference.litert_refusal,
        inputs="; ".join(samples.taken),
        confusion=confusion,
        cycles=cycles,
        clock_hz=built.board.clock_hz or None,
        cycles_kind="" if cycles is None else kind,
        network=describe(model.graph, plan, built.project.source),
        windows_us=result.windows,
        threads=built.project.source.threads,
    )


def _judged(
    record: Record,
    built: Built,
    samples: Samples,
    result: BoardRuns,
    runs: int,
    remarks: Sequence[str],
) -> Record:
    """The record of a board at a port, with what speaks for a chip or for an emulator."""
    found = judge(
        built.board,
        record.macs,
        result.cycles,
        known_loops(built, samples.inputs[0]),
        None if built.plan.row_fed else sum(result.micros) * runs / 1e6,
        result.seconds,
    )
    return replace(
        record,
        latency_kind=found.kind,
        cycles_kind=found.kind if record.cycles_kind else "",
        remarks=(
            *remarks,
            *record.remarks,
            *(result.system.remarks() if result.system else ()),
            found.remark,
        ),
        system=result.system,
    )


def _right(samples: Samples, result: BoardRuns) -> tuple[int | None, tuple[Confusion, ...]]:
    """How many samples with a label were recognised, and what for what."""
    if samples.labels is None:
        return None, count_confusion((), ())
    guesses = [int(np.argmax(outputs[0])) for outputs in result.outputs]
    correct = sum(guess == label for guess, label in zip(guesses, samples.labels, strict=True))
    return correct, count_confusion(samples.labels, guesses)


def _kind(board: Board, virtual: bool) -> str:
    """What the times are; the emulator of programs for Linux says nothing of the chip's."""
    return "measured" if not virtual else EMULATED if board.is_linux else "modelled"


def _time(board: Board, virtual: bool, result: BoardRuns) -> tuple[int | None, list[float]]:
    """Cycles of a run, where they are known, and microseconds of a run of each sample."""
    modelled = result.counted.modelled if result.counted else None
    if modelled is not None:
        cycles = modelled.total.total
        return cycles, [cycles / board.clock_hz * 1e6]
    micros = list(result.micros) or [0.0]
    if result.cpu is not None:
        return result.cpu.cycles, micros
    if result.cycles is None or virtual:
        return None, micros
    return result.cycles.total * board.cycle_divider, micros


def _step_cycles(board: Board, result: BoardRuns) -> list[int] | None:
    """CPU cycles of each step, where the board has counted them."""
    if result.cycles is None:
        return None
    return [ticks * board.cycle_divider for ticks in result.cycles.steps]
