"""The way of the data, as plain functions: load, optimise, plan, generate, build.

Each function's input and output can be written to disk and looked at. What runs on a board
(measure, verify) goes through ``drivers.py``.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.boxes import box_flash, with_boxes
from edgebottle.codegen.code_size import Bounds
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.naming import MAX_MODEL_NAME, identifier, shortened
from edgebottle.codegen.project import (
    Project,
    publish,
    publish_library,
    sync,
    work_key,
)
from edgebottle.codegen.split import split_flash, with_split
from edgebottle.codegen.task import BenchmarkTask, with_task
from edgebottle.conversion import OnnxSource, Reading, read_model
from edgebottle.detection.description import BoxDescription
from edgebottle.detection.metadata import checked_boxes
from edgebottle.detection.metadata import with_boxes as described_boxes
from edgebottle.errors import BadInput, BadModel, DoesNotFit, RegionOverflow, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.files import check_creatable
from edgebottle.fit import Judge, Verdict, Wish
from edgebottle.image_memory import image_memory
from edgebottle.importers import import_model, sign_model
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape
from edgebottle.ir.verify import verify
from edgebottle.model_files import find_model
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise, strip_float_io
from edgebottle.passes.permuted import inverse, permuted
from edgebottle.plan.plan import Plan
from edgebottle.refusal import Refusal, check_budget
from edgebottle.split.description import SplitPoint
from edgebottle.split.head import SplitHead, checked_split
from edgebottle.units import kilobytes, room
from hil.records import Flash, Ram
from quantize.patch import Chosen

if TYPE_CHECKING:
    from edgebottle.build.project import BuildResult

MAX_TENSOR_BYTES = 64 * 1024 * 1024
"""Of one tensor: sixty times what the largest board has, so that a computer can run the rest."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much (0: unknown)."""


@dataclass(frozen=True)
class Model:
    """A model and what became of it.

    Attributes:
        name: C identifier.
        path: The file, or the folder of a SavedModel.
        data: The ``.tflite`` file: its bytes, or what was made of the file that the user has; the
            graph of the chosen signature is its first.
        sha256: Of the file that the user has, or of those in the folder.
        imported: The graph as imported (with ``--io int8`` applied).
        graph: The graph after all passes.
        io: ``keep`` or ``int8``.
        stripped_inputs: For each input, the type that it has in the file where ``--io int8`` took
            the conversion from it away, else None.
        signature: Which of several signatures of the file it is, "" where there was no choice.
        other_signatures: Those that were not chosen.
        onnx: The ONNX file that it was made of, if it was one.
        boxes: What its outputs mean, if it is a detector and says so.
        split: Where it is split, if it says so: it is a whole split network, or the head of one.
    """

    name: str
    path: Path
    data: bytes
    sha256: str
    imported: Graph
    graph: Graph
    io: str
    stripped_inputs: tuple[DType | None, ...] = ()
    signature: str = ""
    other_signatures: tuple[str, ...] = ()
    onnx: OnnxSource | None = None
    boxes: BoxDescription | None = None
    split: SplitPoint | None = None

    @property
    def head(self) -> SplitHead | None:
        """What its outputs are, if it is the head of a split network."""
        return SplitHead.of(self.split, self.imported)

    @property
    def beside(self) -> Bounds:
        """Bytes of flash of what is made of its outputs: boxes, or frames."""
        boxes, frames = box_flash(self.boxes), split_flash(self.head)
        return Bounds(boxes.least + frames.least, boxes.most + frames.most)

    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return self.graph.macs()

    def turned(self) -> Iterator[tuple[str, str, Shape, Shape]]:
        """Inputs and outputs whose axes an ONNX file has in another order.

        Yields:
            ``input`` or ``output``, the name, the shape here and that of the file.
        """
        if self.onnx is None:
            return
        graph, onnx = self.imported, self.onnx
        inputs = (("input", *pair) for pair in zip(graph.inputs, onnx.inputs, strict=True))
        outputs = (("output", *pair) for pair in zip(graph.outputs, onnx.outputs, strict=True))
        for what, name, order in (*inputs, *outputs):
            shape = graph.tensors[name].shape
            theirs = permuted(shape, inverse(order))
            if theirs != shape:
                yield what, name, shape, theirs


@dataclass(frozen=True)
class Built:
    """A compiled project.

    Attributes:
        model: The model, as its schedule computes it: stages in parts have layers of their own.
        board: The board.
        plan: The memory plan.
        project: The generated files.
        folder: Where the project was built.
        elf: The firmware (an executable for ``host``; what the virtual run of a core runs).
        ram: Arena, reserved stack, other static data.
        flash: Constants of the model, and the rest.
        compiler: Name and version.
        flags: Compiler flags.
        extra_macs: Multiply-accumulates that the schedule does twice.
        wish: The schedule and the budget that were asked for.
    """

    model: Model
    board: Board
    plan: Plan
    project: Project
    folder: Path
    elf: Path
    ram: Ram
    flash: Flash
    compiler: str
    flags: str
    extra_macs: int = 0
    wish: Wish = field(default_factory=Wish)


def load(
    model: str,
    *,
    io: str = "keep",
    name: str | None = None,
    signature: str | None = None,
    reading: Reading | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Model:
    """Reads, imports and optimises a model; one in another format is converted before.

    Args:
        model: Path of a model file, or the name of a network of the zoo.
        io: ``int8`` strips floating-point inputs and outputs around an int8 network.
        name: C identifier; by default the file's name.
        signature: Which of the file's signatures; by default ``serving_default``, or the only one.
        reading: What the file leaves open.
        progress: Told when TensorFlow converts it.

    Raises:
        BadInput: there is no such file or signature, the name is no identifier, or the file is of
            no format that takes what ``reading`` says.
        BadModel: the file is broken or no model.
        UnsupportedOp: something in it cannot be compiled.
        DoesNotFit: one of its tensors is larger than any board.
        ToolMissing: TensorFlow or the package onnx is needed for it, and is not installed.
        BuildFailed: TensorFlow took too long.
    """
    path = find_model(model)
    _check_name(name)
    file = read_model(path, progress, reading)
    model_name = name or shortened(identifier(path.stem), MAX_MODEL_NAME)
    try:
        signed = sign_model(file.data, signature)
        imported = import_model(signed.data, model_name, path.suffix)
        verify(imported)
        _check_size(imported)
        boxes, split = checked_boxes(file.data, imported), checked_split(file.data, imported)
        original = imported
        if io == "int8":
            imported = strip_float_io(original)
            verify(imported, "strip_float_io")
    except (BadModel, BadInput, UnsupportedOp, DoesNotFit) as error:
        raise type(error)(f"{path}: {error}") from error
    graph = optimise(imported)
    return Model(
        name=model_name,
        path=path,
        data=signed.data,
        sha256=file.sha256,
        imported=imported,
        graph=graph,
        io=io,
        stripped_inputs=_stripped(original, imported),
        signature=signed.signature,
        other_signatures=signed.others,
        onnx=file.onnx,
        boxes=boxes,
        split=split,
    )


def model_of(graph: Graph, boxes: BoxDescription | None = None) -> Model:
    """The model of the file that a graph makes, with what its outputs mean if it is a detector."""
    data = write_tflite(graph)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{graph.name}.tflite"
        path.write_bytes(data if boxes is None else described_boxes(data, boxes))
        return load(str(path), name=graph.name)


def _stripped(original: Graph, imported: Graph) -> tuple[DType | None, ...]:
    """See ``Model.stripped_inputs``."""
    return tuple(
        None if before == after else original.tensors[before].dtype
        for before, after in zip(original.inputs, imported.inputs, strict=True)
    )


def _check_name(name: str | None) -> None:
    """Refuses what is no C identifier of ours."""
    if name is None:
        return
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise BadInput(
            f"'{name}' is no name for a model: lower-case letters and digits only, and single _ "
            "between them"
        )
    if len(name) > MAX_MODEL_NAME:
        raise BadInput(f"'{name}' is longer than the {MAX_MODEL_NAME} characters of a model's name")


def _check_size(graph: Graph) -> None:
    """Refuses a network with a tensor that no board could hold, nor a computer try out quickly."""
    tensor = max(graph.tensors.values(), key=lambda tensor: tensor.nbytes)
    if tensor.nbytes > MAX_TENSOR_BYTES:
        largest = max(
            (board for board in all_boards() if not board.is_computer),
            key=lambda board: board.region("ram").size,
        )
        ram = largest.region("ram").size
        raise DoesNotFit(
            f"tensor '{tensor.name}' of the shape {list(tensor.shape)} alone needs "
            f"{kilobytes(tensor.nbytes)}; the largest board, {largest.id}, has {room(ram)} of "
            f"RAM: {kilobytes(tensor.nbytes - ram)} too much"
        )


def build(
    model: Model,
    board: Board,
    *,
    toolchain: str = "zig",
    out: Path | None = None,
    wish: Wish | None = None,
    planned: Chosen | None = None,
    task: BenchmarkTask | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Built:
    """Generates and compiles the project of ``model`` for ``board``.

    The work happens in a folder of the cache: a second build does what has changed, and a failed
    one leaves ``out`` as it was.

    Args:
        model: From ``load``.
        board: The board.
        toolchain: ``zig`` or ``gcc``.
        out: Where to put the finished project; None to leave it in the cache.
        wish: Schedule and budget.
        planned: What another board computes, to be computed here in the very same way.
        task: Of a benchmark, that the bench application serves.
        progress: Told what is being done.

    Raises:
        DoesNotFit: the board or the budget is too small.
        BuildFailed: the compiler failed.
        ToolMissing: the compiler is not installed.
        BadInput: ``out`` holds something else, or cannot be written.
    """
    wish = wish or Wish()
    _check_out(out)
    verdict, refusal = _judged(model, board, wish, planned)
    fitted, project = verdict.chosen, _project(verdict, model, task)
    with _work_folder(project, toolchain) as folder:
        sync(project, folder)
        try:
            result = _compile(project, fitted.plan, folder, toolchain, wish, progress)
        except RegionOverflow as error:
            raise refusal.overflow(error.region, error.excess) from error
        ram, flash = image_memory(result.elf, fitted.plan, project)
        refusal.check_built(ram, flash)
        elf = _publish(project, folder, result.elf, out)
    return Built(
        model=replace(model, graph=fitted.graph),
        board=board,
        plan=fitted.plan,
        project=project,
        folder=out or folder,
        elf=elf,
        ram=ram,
        flash=flash,
        compiler=result.compiler,
        flags=" ".join(result.flags),
        extra_macs=fitted.extra_macs,
        wish=wish,
    )


def _project(verdict: Verdict, model: Model, task: BenchmarkTask | None) -> Project:
    """What is compiled, with what is made of the outputs: boxes, frames."""
    project = with_boxes(verdict.project(), model.boxes, model.graph)
    project = with_split(project, model.head, verdict.plan.row_fed)
    return with_task(project, task, verdict.chosen.graph)


def _judged(
    model: Model, board: Board, wish: Wish, planned: Chosen | None
) -> tuple[Verdict, Refusal]:
    """What fits; raises where nothing does."""
    check_budget(board, wish)
    verdict = Judge(model.graph, model.beside).verdict(board, wish, planned)
    refusal = Refusal(verdict)
    refusal.check()
    return verdict, refusal


def _check_out(out: Path | None) -> None:
    """Refuses a folder that holds something else, or cannot be written."""
    from edgebottle.codegen.project import check_output

    if out is not None:
        check_output(out)
        check_creatable(out)


def _compile(
    project: Project,
    plan: Plan,
    folder: Path,
    toolchain: str,
    wish: Wish,
    progress: Progress,
) -> BuildResult:
    """Compiles the project in ``folder``; raises as ``build_firmware`` and ``build_host`` do."""
    from edgebottle.build.linux import build_computer
    from edgebottle.build.project import build_firmware

    what = f"compile {project.model} for {project.board.id}"
    progress(what, 0, 0)

    def heard(line: str) -> None:
        if line.startswith(("Compiling", "Archiving", "Linking")):
            progress(f"{what}: {PurePath(line).name}", 0, 0)

    if project.board.is_computer:
        return build_computer(folder, project.board, toolchain, Isa(plan.isa))
    option = Optimize(wish.optimize).option
    return build_firmware(folder, project.board, toolchain, optimize=option, heard=heard)


def _publish(project: Project, folder: Path, elf: Path, out: Path | None) -> Path:
    """Puts a compiled project where it was asked for; returns where its image is to be found."""
    from edgebottle.build.flash_files import flash_files
    from edgebottle.build.images import keep_image

    if project.board.is_core and out is not None:
        publish_library(project, out)
    if project.board.is_core or out is None:
        return keep_image(elf)
    board = project.board
    return publish(folder, elf, out, {} if board.is_computer else flash_files(elf, board))


@contextmanager
def _work_folder(project: Project, toolchain: str) -> Iterator[Path]:
    """The work folder of a build, locked against other builds of the same project."""
    from edgebottle.build.cache import cache_dir, cleaning_lock, locked

    folder = cache_dir() / "projects" / work_key(project.model, project.board, toolchain)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        with locked(cleaning_lock()):
            pass  # whoever cleans sees from now on that a build is running
        yield folder
