"""How much RAM the bench application takes beside a network, to the byte.

It depends on the compiler and on the shape of the input, not on the network: a small network of the
same input is built once, and remembered by the content of the firmware.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.build.cache import cache_dir, keep
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.project import input_buffer, write_project
from edgebottle.codegen.stages import fed_depth
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Judge, Verdict, Wish, is_alone, ram_allowed
from edgebottle.ir.graph import Graph
from edgebottle.ir.layout import aligned
from edgebottle.pipeline import Model, build, load
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.untrained import untrained_graph

CANARIES = 32
"""Bytes of both of the arena's, which are not the network's."""

WORD = 4
"""Canaries and the ends of sections lie at multiples of it."""

FEED = 10
"""Bytes of a pointer and three half-words that a row-fed network remembers between its rows."""

COUNTER = 2
"""Bytes of each loop that such a network has left open."""


def model_of(graph: Graph) -> Model:
    """The model that ``build`` gets of the file of an imported graph."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{graph.name}.tflite"
        path.write_bytes(write_tflite(graph))
        return load(str(path), name=graph.name)


class Application:
    """The RAM of the bench application of one board."""

    def __init__(self, board: Board, toolchain: str, optimize: Optimize) -> None:
        """Builds nothing yet."""
        self._board, self._toolchain, self._optimize = board, toolchain, optimize
        self._known: dict[tuple[int, ...], int] = {}
        self._firmware = b""

    def static_bytes(self, verdict: Verdict) -> int:
        """``Built.ram.static`` of what a verdict is about.

        Raises:
            BuildFailed: the compiler failed.
            ToolMissing: it is not installed.
        """
        graph, plan = verdict.judge.graph, verdict.plan
        if self._board.is_host:
            return 0
        buffer = input_buffer(graph, plan, self._board, allowed_ram(verdict))
        shape = graph.tensors[graph.inputs[0]].shape
        row = graph.tensors[graph.inputs[0]].layout.row_bytes if plan.row_fed else 0
        key = (*shape, buffer and 1, row)
        if key not in self._known:
            self._known[key] = self._stand_in((shape[1], shape[2], shape[3]), bool(buffer), plan)
        return self._known[key] + own_bytes(plan, graph, buffer)

    def _stand_in(self, shape: tuple[int, int, int], buffered: bool, plan: Plan) -> int:
        """The same of a small network, built once."""
        architecture = Architecture(shape, Stem(1, 3, 2), (), ClassHead(2))
        model = model_of(untrained_graph(architecture.network("standin")))
        schedule = Schedule.MIN_RAM if plan.row_fed else Schedule.LAYERS
        wish = Wish(schedule=schedule, row_fed=plan.row_fed, optimize=self._optimize.value)
        verdict = Judge(model.graph).verdict(self._board, wish)
        if not buffered and not plan.row_fed and not is_alone(self._board):
            wish = replace(wish, ram=verdict.ram.bounds.most)
            verdict = Judge(model.graph).verdict(self._board, wish)
        path = self._path(verdict)
        if path.is_file():
            static = int(path.read_text())
        else:
            built = build(model, self._board, toolchain=self._toolchain, wish=wish)
            static = built.ram.static
            keep(path, str(static).encode())
        buffer = input_buffer(model.graph, verdict.plan, self._board, allowed_ram(verdict))
        return static - own_bytes(verdict.plan, model.graph, buffer)

    def _path(self, verdict: Verdict) -> Path:
        """Where it is remembered: the same files take the same RAM."""
        chosen, allowed = verdict.chosen, allowed_ram(verdict)
        project = write_project(
            chosen.graph, chosen.plan, self._board, allowed, self._optimize, verdict.source
        )
        digest = hashlib.sha256(self._toolchain.encode())
        for name, content in sorted(project.files.items()):
            digest.update(f"{name} {len(content)} ".encode() + content)
        return cache_dir() / "costs" / f"static-{digest.hexdigest()[:32]}.json"


def allowed_ram(verdict: Verdict) -> int | None:
    """Bytes of RAM that the firmware may take, as a build counts them."""
    return None if verdict.board.is_core else ram_allowed(verdict.board, verdict.wish)


def own_bytes(plan: Plan, graph: Graph, buffer: int) -> int:
    """Bytes of static RAM that differ from network to network: see ``Built.ram.static``.

    Args:
        plan: The plan.
        graph: Its graph.
        buffer: Bytes of the bench application's copy of the input.
    """
    arena = max(plan.arena_bytes, 1)
    filled = aligned(arena, WORD) + CANARIES - arena
    if not plan.row_fed:
        return filled + buffer
    fed = graph.inputs[0]
    stages = [step.stage for step in plan.steps if step.stage is not None]
    depth = max(fed_depth(stage.program, fed) for stage in stages)
    return filled + aligned(FEED + COUNTER * depth, WORD)
