"""Proves that LiteRT, NumPy, host C and the board compute the very same bits."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.boards import Board, load_board
from edgebottle.boxed_samples import board_boxes, decoder_of
from edgebottle.compare import Difference, compare, compare_boxes, compare_frames, is_exact
from edgebottle.drivers import open_session, to_bytes
from edgebottle.errors import BadModel, BoardError, ToolMissing
from edgebottle.fit import Wish
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert_process import LiteRTProcess
from edgebottle.onnx_oracle import OnnxCheck, check_against_onnx
from edgebottle.pipeline import Built, Model, build
from edgebottle.reference import litert_outputs
from edgebottle.samples import Samples, edge_cases
from hil.probes import ProbeChoice
from hil.records import LayerRecord
from hil.session import Session
from hil.virtual.qemu import check_qemu
from hil.virtual.timing.cycles import Cycles
from quantize.patch import Chosen

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes:
        built: The firmware that was run.
        samples: How many inputs were run.
        implementations: Those that were compared, the reference first.
        exact: Compared to the last bit (False: floating point, within a tolerance).
        difference: The first one, None if all agree.
        instructions: Of one run, exact; None where they are not counted.
        layers: Per step, of the run of the first sample.
        stack: High-water mark in bytes, None on the host.
        litert_refusal: Why LiteRT cannot run this model, None where it did; NumPy is the
            reference then.
        onnx: The comparison with onnxruntime, of a model that comes from an ONNX file.
    """

    built: Built
    samples: int
    implementations: tuple[str, ...]
    exact: bool
    difference: Difference | None
    instructions: int | None
    layers: tuple[LayerRecord, ...]
    stack: int | None
    litert_refusal: str | None = None
    onnx: OnnxCheck | None = None

    @property
    def match(self) -> bool:
        """All agree."""
        return self.difference is None


@dataclass(frozen=True)
class References:
    """What every board must compute.

    Attributes:
        inputs: The samples.
        outputs: For each sample those of NumPy.
        difference: The first one between NumPy and what others compute; None if all agree.
        litert_refusal: See ``Verification``.
        onnx: See ``Verification``.
    """

    inputs: Samples
    outputs: list[tuple[Array, ...]]
    difference: Difference | None
    litert_refusal: str | None
    onnx: OnnxCheck | None


def references(
    model: Model,
    samples: int,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> References:
    """Runs inputs through LiteRT, NumPy and onnxruntime; the arguments are ``verify_model``'s."""
    inputs = edge_cases(model.graph, samples, seed)
    litert, refusal = _litert_outputs(model, inputs, progress)
    outputs, difference = _reference_outputs(model, inputs, litert, progress)
    onnx = check_against_onnx(model, inputs, outputs, progress) if model.onnx else None
    difference = difference or (onnx.difference if onnx else None)
    return References(inputs, outputs, difference, refusal, onnx)


def verify_model(
    model: Model,
    board: Board,
    *,
    samples: int = 20,
    seed: int = 0,
    toolchain: str = "zig",
    wish: Wish | None = None,
    port: str | None = None,
    choice: ProbeChoice | None = None,
    on_qemu: bool = False,
    expected: References | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Verification:
    """Runs the same inputs through every implementation and compares the outputs.

    The inputs are all minimum, all maximum, all zero point, then random. State carries over from
    one input to the next, in every implementation alike.

    Args:
        model: The model.
        board: The board; its virtual twin runs unless ``port`` is given.
        samples: How many inputs.
        seed: Of the random ones.
        toolchain: For the board.
        wish: Schedule and budget, of the board and of the host alike.
        port: Serial port of a real board.
        choice: How that is flashed.
        on_qemu: A machine of QEMU runs the firmware instead; raises as ``check_qemu`` does.
        expected: What ``references`` found of the model and as many samples of this seed, where
            several boards are compared with it; None to find it.
        progress: Told what is being done.
    """
    kind = check_qemu(board) if on_qemu else f"{'real' if port else 'virtual'} {board.id}"
    expected = expected or references(model, samples, seed, progress)
    difference = expected.difference
    progress("build", 0, 0)
    target = build(model, board, toolchain=toolchain, wish=wish, progress=progress)
    runs = [(_on_host(model, target), "host C"), *_on_kinds(target, kind, is_real=port is not None)]
    counts: tuple[int | None, tuple[LayerRecord, ...]] = (None, ())
    stack = None
    for built, name in runs:
        if difference is None:
            where = (None, None) if built.board.is_host else (port, choice)
            with open_session(built, *where, on_qemu=on_qemu and built is target) as session:
                difference, found, used = _on_board(built, session, name, expected, progress)
            counts = counts if counts[1] else found
            stack = None if built.board.is_host else used
    return Verification(
        built=target,
        samples=len(expected.inputs),
        implementations=(*_references(expected), *(name for _, name in runs)),
        exact=is_exact(model.graph),
        difference=difference,
        instructions=counts[0],
        layers=counts[1] or layer_records(target, None),
        stack=stack,
        litert_refusal=expected.litert_refusal,
        onnx=expected.onnx,
    )


def _on_kinds(target: Built, name: str, is_real: bool) -> list[tuple[Built, str]]:
    """A program and who runs it: an emulator for each kind of CPU on which it does something else.

    None where it is that of this computer.
    """
    kinds = target.board.processor.kinds
    if is_real or not kinds:
        return [] if target.board.is_host else [(target, name)]
    boards = [replace(target.board, cpu=cpu) for cpu in kinds]
    return [(replace(target, board=board), f"{name} ({board.cpu})") for board in boards]


def _references(found: References) -> list[str]:
    """The implementations that ran before any C: those of others, and NumPy."""
    onnx = found.onnx is not None and found.onnx.is_oracle
    ran = {"onnxruntime": onnx, "LiteRT": found.litert_refusal is None, "NumPy": True}
    return [name for name, has_run in ran.items() if has_run]


def _litert_outputs(
    model: Model, inputs: Samples, progress: Progress
) -> tuple[tuple[tuple[Array, ...], ...] | None, str | None]:
    """LiteRT's outputs; None, and why, where it does not run the model."""
    try:
        return litert_outputs(model, inputs, progress), None
    except (BadModel, ToolMissing) as error:
        return None, str(error)


def _on_host(model: Model, target: Built) -> Built:
    """The same computation for this computer: the plan of the board, and its kernels' C twins."""
    if target.board.is_host:
        return target
    planned = Chosen(target.model.graph, target.plan, target.extra_macs)
    return build(model, load_board("host"), planned=planned)


def _reference_outputs(
    model: Model, inputs: Samples, litert: Sequence[tuple[Array, ...]] | None, progress: Progress
) -> tuple[list[tuple[Array, ...]], Difference | None]:
    """Outputs of NumPy before and after the passes, compared with LiteRT's where it has any."""
    before, after = Interpreter(model.imported), Interpreter(model.graph)
    outputs: list[tuple[Array, ...]] = []
    difference = None
    for number, sample in enumerate(inputs.inputs):
        plain, optimised = before.run(sample), after.run(sample)
        names = model.imported.outputs
        if litert is not None:
            difference = difference or compare(
                "NumPy", number, model.imported, names, litert[number], plain
            )
        difference = difference or compare(
            "NumPy after the passes", number, model.graph, model.graph.outputs, plain, optimised
        )
        outputs.append(plain)
        progress("NumPy reference", number + 1, len(inputs))
    if difference is not None and litert is not None and model.io != "int8":
        with contextlib.suppress(BadModel, ToolMissing):  # the difference is what matters
            difference = _first_litert_layer(model, inputs, difference)
    return outputs, difference


def _first_litert_layer(model: Model, inputs: Samples, difference: Difference) -> Difference:
    """Names the first layer at which NumPy leaves LiteRT."""
    interpreter = Interpreter(model.imported)
    with LiteRTProcess(model.data) as runner:
        for sample in inputs.inputs[: difference.sample + 1]:
            runner.run(sample)
            interpreter.run(sample)
        for node in model.imported.nodes:
            for name in node.outputs:
                expected = runner.tensor(name)
                if expected is None:
                    continue
                if expected.dtype == np.uint8 and interpreter.values[name].dtype == np.int8:
                    expected = (expected ^ np.uint8(128)).view(np.int8)  # shifted by the importer
                found = compare(
                    difference.implementation,
                    difference.sample,
                    model.imported,
                    [name],
                    [expected],
                    [interpreter.values[name]],
                )
                if found is not None:
                    return found
    return difference


def _on_board(
    built: Built,
    session: Session,
    kind: str,
    expected: References,
    progress: Progress,
) -> tuple[Difference | None, tuple[int | None, tuple[LayerRecord, ...]], int]:
    """Runs all samples on a board and compares each output with the reference."""
    graph, inputs, decoder = built.model.graph, expected.inputs, decoder_of(built.model)
    counts: tuple[int | None, tuple[LayerRecord, ...]] = (None, ())
    stack = 0
    if graph.has_state:
        session.reset()
    for number, sample in enumerate(inputs.inputs):
        run = session.run(to_bytes(sample), count=number == 0, boxes=decoder is not None)
        if run.counts is not None:
            counts = (run.counts.instructions, layer_records(built, run.counts.steps))
        stack = run.memory.stack
        outputs = from_bytes(graph, run.outputs)
        difference = compare(kind, number, graph, graph.outputs, expected.outputs[number], outputs)
        if difference is not None:
            layer = _first_layer(built, session, kind, inputs, number)
            return layer or replace(difference, layer=None), counts, stack
        if decoder is not None:
            boxes = decoder.boxes(expected.outputs[number])
            difference = compare_boxes(kind, number, boxes, board_boxes(run.boxes or ()))
            if difference is not None:
                return difference, counts, stack
        difference = _frame_difference(built, session, kind, number, expected.outputs[number])
        if difference is not None:
            return difference, counts, stack
        progress(kind, number + 1, len(inputs))
    return None, counts, stack


def _frame_difference(
    built: Built, session: Session, kind: str, number: int, outputs: tuple[Array, ...]
) -> Difference | None:
    """Compares what the head of a split network sends of a run, at every rate."""
    head = built.model.head
    if head is None:
        return None
    for rate in range(1, head.split.code.rates + 1):
        found = session.frame(rate, request=number)
        expected = head.frame(outputs, rate, request=number)
        difference = compare_frames(kind, number, rate, expected, found.data)
        if difference is None and found.exit != head.exit_class(outputs):
            answers = (_exit(head.exit_class(outputs)), _exit(found.exit))
            difference = Difference(kind, number, None, "early exit", (), *answers)
        if difference is not None:
            return difference
    return None


def _exit(answer: int | None) -> int:
    """As C says it."""
    return -1 if answer is None else answer


def _first_layer(
    built: Built, session: Session, kind: str, inputs: Samples, number: int
) -> Difference | None:
    """Asks the board for the CRC of each layer or stage and names the first that differs."""
    if not is_exact(built.model.graph) or built.plan.row_fed:
        return None
    interpreter = Interpreter(built.model.graph)
    for sample in inputs.inputs[: number + 1]:
        interpreter.run(sample)
    if built.model.graph.has_state:
        session.reset()
        for sample in inputs.inputs[:number]:
            session.run(to_bytes(sample))
    found = session.checksums(to_bytes(inputs.inputs[number])).steps
    nodes = {node.name: node for node in built.model.graph.nodes}
    units = built.project.source.units
    if len(found) != len(units):
        raise BoardError(f"the board sent {len(found)} CRCs instead of {len(units)}, one a layer")
    for (name, _), crc in zip(units, found, strict=True):
        tensor = nodes[name].outputs[0]
        stored = built.model.graph.tensors[tensor].stored(interpreter.values[tensor])
        if zlib.crc32(stored) != crc:
            return Difference(kind, number, name, tensor)
    return None


def from_bytes(graph: Graph, outputs: Sequence[bytes]) -> tuple[Array, ...]:
    """The outputs of a board as arrays; raises ``BoardError`` for a wrong number of bytes."""
    arrays = []
    if len(outputs) != len(graph.outputs):
        raise BoardError(f"the board sent {len(outputs)} outputs instead of {len(graph.outputs)}")
    for name, data in zip(graph.outputs, outputs, strict=True):
        tensor = graph.tensors[name]
        if len(data) != tensor.nbytes:
            raise BoardError(
                f"the board sent {len(data)} bytes of output '{name}' instead of {tensor.nbytes}"
            )
        arrays.append(np.frombuffer(data, tensor.dtype.numpy).reshape(tensor.shape))
    return tuple(arrays)


def layer_records(
    built: Built,
    instructions: Sequence[int] | None,
    cycles: Sequence[int] | None = None,
    modelled: Sequence[Cycles] | None = None,
) -> tuple[LayerRecord, ...]:
    """One record per layer of the generated code.

    Args:
        built: The firmware.
        instructions: Of each layer.
        cycles: Of each layer or stage, as the board counts them; within a stage they are unknown.
        modelled: Modelled cycles of each layer, where the board does not count them.
    """
    graph, source = built.model.graph, built.project.source
    nodes = {node.name: node for node in graph.nodes}
    cycles_of = dict(zip(source.units, cycles or (), strict=False))
    records = []
    for index, (name, function) in enumerate(source.steps):
        node = nodes[name]
        ins, outs = graph.ins(node), graph.outs(node)
        records.append(
            LayerRecord(
                name=name,
                op=node.OP,
                macs=node.macs(ins, outs),
                instructions=instructions[index] if instructions else None,
                cycles=modelled[index].total if modelled else cycles_of.get((name, function)),
                output_bytes=sum(tensor.nbytes for tensor in outs),
                cycle_parts=modelled[index] if modelled else None,
            )
        )
    return tuple(records)
