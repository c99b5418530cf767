"""How much RAM the bench application takes beside a network, to the byte.

It depends on the compiler and on the size of the input, not on the network: a small network that is
fed alike is built once, and remembered by the content of its files.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from edgebottle.boards import Board
from edgebottle.build.cache import cache_dir, keep
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.project import input_buffer
from edgebottle.codegen.stages import fed_depth
from edgebottle.fit import Judge, Verdict, Wish, is_alone
from edgebottle.ir.graph import Graph
from edgebottle.ir.layout import aligned
from edgebottle.pipeline import build, model_of
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.untrained import untrained_graph

CANARIES = 32
"""Bytes of both of the arena's, which are not the network's."""

WORD = 4
"""Canaries and the ends of sections lie at multiples of it."""

WIDEST = 8
"""Bytes of the application's largest number, which lies at a multiple of it behind rows."""

FEED = 10
"""Bytes of a pointer and three half-words that a row-fed network remembers between its rows."""

COUNTER = 2
"""Bytes of each loop that such a network has left open."""


class Feeding(Enum):
    """How the bench application hands a network its input.

    ``COPIED``: from a copy, so that it can be run again. ``IN_PLACE``: it is written where the
    network reads it. ``ROWS``: row by row.
    """

    COPIED = "copied"
    IN_PLACE = "in place"
    ROWS = "rows"


class Application:
    """The RAM of the bench application of one board."""

    def __init__(self, board: Board, toolchain: str, optimize: Optimize) -> None:
        """Builds nothing yet."""
        self._board, self._toolchain, self._optimize = board, toolchain, optimize
        self._known: dict[tuple[Feeding, int], int] = {}

    def static_bytes(self, verdict: Verdict) -> int:
        """``Built.ram.static`` of what a verdict is about.

        Raises:
            BuildFailed: the compiler failed.
            ToolMissing: it is not installed.
        """
        graph, plan = verdict.judge.graph, verdict.plan
        if self._board.is_computer:
            return 0
        buffer = input_buffer(graph, plan, self._board, verdict.allowed_ram)
        kind = Feeding.ROWS if plan.row_fed else Feeding.COPIED if buffer else Feeding.IN_PLACE
        odd = graph.tensors[graph.inputs[0]].layout.row_bytes % WIDEST if plan.row_fed else 0
        if (kind, odd) not in self._known:
            self._known[kind, odd] = self._stand_in(kind, odd)
        return self._known[kind, odd] + own_bytes(plan, graph, buffer)

    def _stand_in(self, kind: Feeding, odd: int) -> int:
        """The same of a small network, built once.

        Args:
            kind: How it gets its input.
            odd: Bytes of a row beyond a multiple of ``WIDEST``.
        """
        architecture = Architecture((9, 8 + odd, 1), Stem(1, 3, 2), (), ClassHead(2))
        model = model_of(untrained_graph(architecture.network("standin")))
        is_fed = kind is Feeding.ROWS
        schedule = Schedule.MIN_RAM if is_fed else Schedule.LAYERS
        wish = Wish(schedule=schedule, row_fed=is_fed, optimize=self._optimize.value)
        verdict = Judge(model.graph).verdict(self._board, wish)
        if kind is Feeding.IN_PLACE and not is_alone(self._board):
            wish = replace(wish, ram=verdict.ram.bounds.most)
            verdict = Judge(model.graph).verdict(self._board, wish)
        # The same files take the same RAM.
        digest = verdict.project().digest(self._toolchain)
        path = cache_dir() / "costs" / f"static-{digest}.json"
        if path.is_file():
            static = int(path.read_text())
        else:
            built = build(model, self._board, toolchain=self._toolchain, wish=wish)
            static = built.ram.static
            keep(path, str(static).encode())
        buffer = input_buffer(model.graph, verdict.plan, self._board, verdict.allowed_ram)
        return static - own_bytes(verdict.plan, model.graph, buffer)


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
    row = graph.tensors[fed].layout.row_bytes
    stages = [step.stage for step in plan.steps if step.stage is not None]
    depth = max(fed_depth(stage.program, fed) for stage in stages)
    return filled + aligned(FEED + COUNTER * depth, WORD) + row
