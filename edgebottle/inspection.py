"""What ``inspect`` shows: the model, layer by layer, and the boards it fits."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.project import write_project
from edgebottle.errors import BadInput, UnsupportedOp
from edgebottle.fit import (
    CODE_ESTIMATE,
    PATCHES,
    Wish,
    has_room,
    kernel_variant,
    kernel_variants,
    patched,
)
from edgebottle.ir.text import dump as dump_text
from edgebottle.ops.base import Isa
from edgebottle.passes.dead_channels import DeadChannelReport, dead_channel_report
from edgebottle.pipeline import Model, weight_bytes
from edgebottle.plan.plan import Plan
from quantize.patch import Chosen, Cut, choose_schedule

PEAK_SHARE = 0.95
"""Steps that hold at least this share of the largest memory are said to set the peak."""


INSPECTED_PATCHES = 3
"""Patches along an axis that ``inspect`` tries, at most; ``build`` tries more, and takes longer."""


@dataclass(frozen=True)
class LayerView:
    """One step.

    Attributes:
        name: Layer.
        op: Operator.
        output_shape: Of output 0.
        output_dtype: Of output 0.
        macs: Multiply-accumulates.
        weights: Bytes of constants it reads.
        live_bytes: Bytes of RAM in use while it runs.
        output_bytes: Bytes of its outputs.
        elided: It costs nothing (a view, or a concatenation in place).
        peak: It sets the peak of RAM.
    """

    name: str
    op: str
    output_shape: tuple[int, ...]
    output_dtype: str
    macs: int
    weights: int
    live_bytes: int
    output_bytes: int
    elided: bool
    peak: bool


@dataclass(frozen=True)
class BoardFit:
    """Whether the model fits a board.

    Attributes:
        board: Its id.
        fits: It does, code estimated.
        schedule: The schedule it fits with; empty if it does not.
        reason: Why it does not fit; empty if it does.
    """

    board: str
    fits: bool
    schedule: str
    reason: str


@dataclass(frozen=True)
class ScheduleView:
    """What a schedule costs.

    Attributes:
        name: ``layers``, ``min-ram``, ``min-ram, rows`` (with row-fed input) or ``patches``.
        arena: Bytes.
        extra_macs: Beyond one layer at a time.
        stages: Stages that run row by row; each part of one that is cut counts.
        streamed: Layers in them.
        cuts: The stages that are computed in parts.
    """

    name: str
    arena: int
    extra_macs: int
    stages: int
    streamed: int
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """The whole of what is shown."""

    model: Model
    plan: Plan
    layers: tuple[LayerView, ...]
    weights: int
    boards: tuple[BoardFit, ...]
    schedules: tuple[ScheduleView, ...]
    operators: tuple[tuple[str, int], ...]
    dead: DeadChannelReport

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        graph = self.model.graph
        tensors = {
            kind: [
                {
                    "name": name,
                    "shape": list(graph.tensors[name].shape),
                    "dtype": graph.tensors[name].dtype.label,
                }
                for name in names
            ]
            for kind, names in (("inputs", graph.inputs), ("outputs", graph.outputs))
        }
        return {
            "model": self.model.name,
            "file": str(self.model.path),
            "sha256": self.model.sha256,
            **tensors,
            "operators": dict(self.operators),
            "macs": self.model.macs(),
            "dead_channels": asdict(self.dead),
            "ram": {"arena": self.plan.arena_bytes, "lower_bound": self.plan.lower_bound},
            "flash": {"weights": self.weights},
            "layers": [asdict(layer) for layer in self.layers],
            "schedules": [asdict(view) for view in self.schedules],
            "boards": [asdict(fit) for fit in self.boards],
        }


def inspect_model(model: Model, board: Board | None = None) -> Inspection:
    """Looks at a model without compiling it.

    Args:
        model: The model.
        board: Plan for this board's kernels; by default for a Cortex-M with DSP instructions.
    """
    boards = all_boards()
    reference = board or next(item for item in boards if not item.is_host)
    isa = kernel_variant(board) if board is not None else Isa.DSP
    smallest = {board.id: kernel_variants(board)[-1] for board in boards}
    schedules = {variant: _Schedules(model, variant) for variant in {isa, *smallest.values()}}
    plans = schedules[isa].all()
    plan = plans[LAYERS].plan
    weights = weight_bytes(write_project(model.graph, plan, reference))
    counts = Counter(node.OP for node in model.imported.nodes)
    return Inspection(
        model=model,
        plan=plan,
        layers=_layers(model, plan),
        weights=weights,
        boards=tuple(_fit(schedules[smallest[b.id]], weights, b) for b in boards),
        schedules=(
            *(_view(name, found) for name, found in plans.items()),
            _view(PATCHES, patched(model.graph, isa, most=INSPECTED_PATCHES)),
        ),
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        dead=dead_channel_report(model.imported, model.graph),
    )


LAYERS, MIN_RAM, ROW_FED = "layers", "min-ram", "min-ram, rows"
COMPARED = (LAYERS, MIN_RAM, ROW_FED)
"""The schedules worth comparing, the fastest first."""


class _Schedules:
    """The plans of a network for a kernel variant, each made when it is asked for."""

    def __init__(self, model: Model, isa: Isa) -> None:
        self._graph = model.graph
        self._isa = isa
        self._found: dict[str, Chosen | None] = {}

    def get(self, name: str) -> Chosen | None:
        """The plan of one of ``COMPARED``; None where the network cannot be fed row by row."""
        if name not in self._found:
            self._found[name] = None
            schedule, row_fed = (LAYERS if name == LAYERS else MIN_RAM), name == ROW_FED
            with suppress(UnsupportedOp):
                self._found[name] = choose_schedule(
                    self._graph, self._isa, schedule, row_fed=row_fed
                )
        return self._found[name]

    def all(self) -> dict[str, Chosen]:
        """All that there are, by name."""
        return {name: chosen for name in COMPARED if (chosen := self.get(name)) is not None}


def _view(name: str, chosen: Chosen) -> ScheduleView:
    plan = chosen.plan
    stages = [step.stage for step in plan.steps if step.stage is not None]
    streamed = sum(len(stage.nodes) for stage in stages)
    return ScheduleView(
        name, plan.arena_bytes, chosen.extra_macs, len(stages), streamed, chosen.cuts
    )


def _fit(schedules: _Schedules, weights: int, board: Board) -> BoardFit:
    """The first schedule that fits, from the fastest on."""
    if not board.is_host and weights + CODE_ESTIMATE > board.region("flash").size:
        return BoardFit(board.id, False, "", "not enough flash")
    for name in COMPARED:
        chosen = schedules.get(name)
        if chosen is None:
            continue
        plan = chosen.plan
        if has_room(chosen.graph, plan.arena_bytes, board, Wish(), plan.row_fed):
            return BoardFit(board.id, True, name, "")
    return BoardFit(board.id, False, "", "not enough RAM")


def _layers(model: Model, plan: Plan) -> tuple[LayerView, ...]:
    graph = model.graph
    nodes = {node.name: node for node in graph.nodes}
    peak = max((step.live_bytes for step in plan.steps), default=0)
    views = []
    for step in plan.steps:
        node = nodes[step.node]
        ins, outs = graph.ins(node), graph.outs(node)
        constants = [tensor for tensor in ins if tensor is not None and tensor.data is not None]
        views.append(
            LayerView(
                name=node.name,
                op=node.OP,
                output_shape=outs[0].shape,
                output_dtype=outs[0].dtype.label,
                macs=node.macs(ins, outs),
                weights=sum(tensor.nbytes for tensor in constants),
                live_bytes=step.live_bytes,
                output_bytes=sum(tensor.nbytes for tensor in outs),
                elided=step.elided,
                peak=not step.elided and step.live_bytes >= PEAK_SHARE * peak,
            )
        )
    return tuple(views)


def write_dump(model: Model, plan: Plan, folder: Path) -> None:
    """Writes the graph before and after the passes and the plan; raises ``BadInput``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "imported.txt").write_text(dump_text(model.imported), encoding="utf-8")
        (folder / "graph.txt").write_text(dump_text(model.graph), encoding="utf-8")
        (folder / "plan.json").write_text(plan.to_json(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or folder}: {error.strerror}") from error
