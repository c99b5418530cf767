"""What ``inspect`` shows: the model, layer by layer, and the boards it fits."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.project import write_project
from edgebottle.errors import BadInput, DoesNotFit
from edgebottle.ir.text import dump as dump_text
from edgebottle.ops.base import Isa
from edgebottle.pipeline import Model, check_fit, kernel_variant, weight_bytes
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan

CODE_ESTIMATE = 24 * 1024
"""Flash that is set aside for code when judging, without compiling, whether a model fits."""

PEAK_SHARE = 0.95
"""Steps that hold at least this share of the largest memory are said to set the peak."""


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
    """Whether the model fits a board; ``reason`` says why not."""

    board: str
    fits: bool
    reason: str


@dataclass(frozen=True)
class Inspection:
    """The whole of what is shown."""

    model: Model
    plan: Plan
    layers: tuple[LayerView, ...]
    weights: int
    boards: tuple[BoardFit, ...]
    operators: tuple[tuple[str, int], ...]

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
            "ram": {"arena": self.plan.arena_bytes, "lower_bound": self.plan.lower_bound},
            "flash": {"weights": self.weights},
            "layers": [asdict(layer) for layer in self.layers],
            "boards": [asdict(fit) for fit in self.boards],
        }


def inspect_model(model: Model, board: Board | None = None) -> Inspection:
    """Looks at a model without compiling it.

    Args:
        model: The model.
        board: Plan for this board's kernels; by default for a Cortex-M with DSP instructions.
    """
    isa = kernel_variant(board) if board is not None else Isa.DSP
    plans = {isa: make_plan(model.graph, isa)}
    boards = all_boards()
    reference = board or next(item for item in boards if not item.is_host)
    plan = plans[isa]
    weights = weight_bytes(write_project(model.graph, plan, reference))
    fits = []
    for candidate in boards:
        variant = kernel_variant(candidate)
        if variant not in plans:
            plans[variant] = make_plan(model.graph, variant)
        fits.append(_fit(plans[variant], weights, candidate))
    counts = Counter(node.OP for node in model.imported.nodes)
    return Inspection(
        model=model,
        plan=plan,
        layers=_layers(model, plan),
        weights=weights,
        boards=tuple(fits),
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    )


def _fit(plan: Plan, weights: int, board: Board) -> BoardFit:
    try:
        check_fit(plan, weights + CODE_ESTIMATE, board, (None, None))
    except DoesNotFit as error:
        over = "RAM" if " of RAM " in str(error) else "flash"
        return BoardFit(board.id, False, f"not enough {over}")
    return BoardFit(board.id, True, "")


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
