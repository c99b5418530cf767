"""What ``inspect`` shows: the model, layer by layer, and the boards it fits."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.model import ModelSource
from edgebottle.errors import BadInput, UnsupportedOp
from edgebottle.fit import (
    REGIONS,
    Answer,
    Judge,
    Verdict,
    Wish,
    is_hopeless,
    kernel_variant,
    patched,
)
from edgebottle.ir.text import dump as dump_text
from edgebottle.ops.base import Isa
from edgebottle.passes.dead_channels import DeadChannelReport, dead_channel_report
from edgebottle.passes.narrow import narrow_widths
from edgebottle.pipeline import Model
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from edgebottle.report.memory import PEAK_SHARE
from edgebottle.units import kilobytes
from quantize.patch import Chosen, Cut, choose_schedule

INSPECTED_PATCHES = 3
"""Patches along an axis that ``inspect`` tries, at most; ``build`` tries more, and takes longer."""


@dataclass(frozen=True)
class LayerView:
    """One step.

    Attributes:
        name: Layer.
        op: Operator.
        output_shape: Of output 0.
        output_dtype: Of output 0: the fewest bits that its values are proven to need.
        packed: The smallest arena stores them with so few.
        macs: Multiply-accumulates.
        weights: Bytes of its weights and tables in flash, as its kernel has them; what it shares
            with an earlier layer counts there.
        weight_bits: The fewest bits that tell its weights apart, if fewer than 8.
        live_bytes: Bytes of RAM in use while it runs.
        output_bytes: Bytes of its outputs.
        elided: It costs nothing (a view, or a concatenation in place).
        peak: It sets the peak of RAM.
    """

    name: str
    op: str
    output_shape: tuple[int, ...]
    output_dtype: str
    packed: bool
    macs: int
    weights: int
    weight_bits: int | None
    live_bytes: int
    output_bytes: int
    elided: bool
    peak: bool


@dataclass(frozen=True)
class BoardFit:
    """Whether the model fits a board.

    Attributes:
        board: Its id.
        fits: It does: ``build`` succeeds.
        may_fit: Only ``build`` can tell.
        schedule: The schedule that it fits with, or may fit with, ``auto`` chooses it (with
            ``, rows`` it does under ``--input rows``); empty if the model does not fit.
        reason: Why it does not fit, or what is near the limit; empty if it fits.
    """

    board: str
    fits: bool
    may_fit: bool
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
        packed: Tensors that are stored with fewer than 8 bits.
    """

    name: str
    arena: int
    extra_macs: int
    stages: int
    streamed: int
    cuts: tuple[Cut, ...] = ()
    packed: int = 0


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
    isa = kernel_variant(board) if board is not None else Isa.DSP
    schedules = _schedules(model, isa)
    judge = Judge(model.graph, model.beside)
    plan = schedules[Schedule.LAYERS].plan
    source = judge.source(schedules[Schedule.LAYERS])
    weights = source.weight_bytes
    arena = min(chosen.plan.arena_bytes for chosen in schedules.values())
    is_fed = any(chosen.plan.row_fed for chosen in schedules.values())
    counts = Counter(node.OP for node in model.imported.nodes)
    return Inspection(
        model=model,
        plan=plan,
        layers=_layers(model, plan, source, _packed(schedules[Schedule.MIN_RAM])),
        weights=weights,
        boards=tuple(_fit(judge, board, arena, weights, is_fed) for board in all_boards()),
        schedules=(
            *(_view(name, found) for name, found in schedules.items()),
            _view(Schedule.PATCHES.value, patched(model.graph, isa, most=INSPECTED_PATCHES)),
        ),
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        dead=dead_channel_report(model.imported, model.graph),
    )


def _schedules(model: Model, isa: Isa) -> dict[str, Chosen]:
    """The plans worth comparing, by name; row-fed only where the network allows it."""
    plans = {
        schedule.value: choose_schedule(model.graph, isa, schedule)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM)
    }
    with suppress(UnsupportedOp):
        plans[f"{Schedule.MIN_RAM}, rows"] = choose_schedule(
            model.graph, isa, Schedule.MIN_RAM, row_fed=True
        )
    return plans


def _view(name: str, chosen: Chosen) -> ScheduleView:
    plan = chosen.plan
    stages = [step.stage for step in plan.steps if step.stage is not None]
    streamed = sum(len(stage.nodes) for stage in stages)
    return ScheduleView(
        name=name,
        arena=plan.arena_bytes,
        extra_macs=chosen.extra_macs,
        stages=len(stages),
        streamed=streamed,
        cuts=chosen.cuts,
        packed=len(_packed(chosen)),
    )


def _packed(chosen: Chosen) -> set[str]:
    """The tensors between layers that a plan stores with fewer than 8 bits; no parts of them."""
    graph = chosen.uncut or chosen.graph
    return {node.outputs[0] for node in graph.nodes if graph.outs(node)[0].dtype.bits < 8}


def _fit(judge: Judge, board: Board, arena: int, weights: int, is_fed: bool) -> BoardFit:
    """Whether ``build`` succeeds for a board, the whole input in RAM or row by row.

    Rows are tried where RAM is short: they make no difference to flash.

    Args:
        judge: Of the model.
        board: The board.
        arena: Bytes of the smallest arena that is known.
        weights: Bytes of the constants.
        is_fed: The network can be fed row by row.
    """
    if board.is_computer:
        return BoardFit(board.id, True, False, Schedule.LAYERS.value, "")
    for region in REGIONS:
        needed = {"ram": (arena, 0), "flash": (0, weights)}[region]
        if is_hopeless(judge.graph, board, *needed):
            return BoardFit(board.id, False, False, "", f"not enough {REGIONS[region]}")
    verdicts = [judge.verdict(board, Wish())]
    if is_fed and verdicts[0].ram.answer is not Answer.YES:
        verdicts.append(judge.verdict(board, Wish(row_fed=True)))
    best = max(verdicts, key=lambda verdict: (verdict.answer, -verdict.plan.arena_bytes))
    fits, may_fit = (best.answer is answer for answer in (Answer.YES, Answer.MAYBE))
    schedule = best.plan.schedule + (", rows" if best.plan.row_fed else "")
    return BoardFit(board.id, fits, may_fit, schedule if fits or may_fit else "", _reason(best))


def _reason(verdict: Verdict) -> str:
    """Why a model does not fit, or what only a build can tell; empty if it fits."""
    for region in REGIONS:
        need = verdict.need(region)
        least, most = kilobytes(need.bounds.least), kilobytes(need.bounds.most)
        if need.answer is Answer.NO:
            return f"not enough {REGIONS[region]}: needs at least {least}"
        if need.answer is Answer.MAYBE and verdict.answer is Answer.MAYBE:
            return f"needs {least} to {most} of {REGIONS[region]}: `build` tells"
    return ""


def _layers(
    model: Model, plan: Plan, source: ModelSource, packed: set[str]
) -> tuple[LayerView, ...]:
    graph, widths = model.graph, narrow_widths(model.graph)
    in_flash = {choice.layer: choice.constants for choice in source.kernels}
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
                output_dtype=(widths.get(outs[0].name) or outs[0]).dtype.label,
                packed=outs[0].name in packed,
                macs=node.macs(ins, outs),
                weights=in_flash.get(node.name, 0),
                weight_bits=next((one.levels.bits for one in constants if one.levels), None),
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
