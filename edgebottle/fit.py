"""Makes a model fit a board: the schedule, the budget, and whether what comes of them fits.

``Judge`` is the one that says whether a model fits: to ``build``, to ``inspect``, and to the
messages of ``refusal``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

from edgebottle.boards import Board
from edgebottle.codegen.code_size import Bounds, code_bounds
from edgebottle.codegen.context import TAKING_CONTEXTS
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.model import ModelSource, write_model
from edgebottle.codegen.project import Project, static_bytes, write_project
from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.copies import with_copies
from edgebottle.plan.plan import Plan
from edgebottle.plan.schedules import Schedule
from quantize.patch import Chosen, choose_schedule
from quantize.patch.grid_choice import MAX_PATCHES, least_macs, least_ram
from quantize.patch.known import known

REGIONS = {"ram": "RAM", "flash": "flash"}
"""The memories a model has to fit, and what they are called in a text."""

HOPELESS = 2
"""Kernels of other boards need so many times as much memory for the same network, at most."""

LEAST_STATIC = 320
"""Bytes of RAM that the bench application's variables take on any board, at least."""


NOTHING = Bounds(0, 0)

PlanKey = tuple[Isa, Schedule, int | None, bool, bool]
"""What a plan depends on: kernels, schedule, bytes of the arena, whether rows are fed, whether
tensors may be narrow."""


@dataclass(frozen=True)
class Wish:
    """What the user asks of memory and time.

    Attributes:
        schedule: How the network is run.
        row_fed: The input is handed over row by row.
        ram: The most bytes of RAM the firmware may take; None for all the board has.
        flash: The most bytes of flash; None for all the board has.
        optimize: ``size``, ``balanced`` or ``speed``.
        narrow: Tensors of few values may be stored with fewer than 8 bits.
        threads: That share the rows of a layer, on a computer.
        copies: Constants may be copied to RAM that is left, where flash makes the core wait.
    """

    schedule: Schedule = Schedule.AUTO
    row_fed: bool = False
    ram: int | None = None
    flash: int | None = None
    optimize: str = "balanced"
    narrow: bool = True
    threads: int = 1
    copies: bool = True


class Answer(IntEnum):
    """Whether something fits: certainly not, what only a build can tell, or certainly."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True)
class MemoryNeed:
    """What is needed of a memory, and what there is.

    Attributes:
        bounds: Bytes that are needed.
        allowed: Bytes of the board or of the budget; None for any number.
    """

    bounds: Bounds
    allowed: int | None

    @property
    def answer(self) -> Answer:
        """Whether it fits."""
        if self.allowed is None or self.bounds.most <= self.allowed:
            return Answer.YES
        return Answer.MAYBE if self.bounds.least <= self.allowed else Answer.NO


@dataclass(frozen=True)
class Verdict:
    """What a build would make of a model for a board, and whether it fits.

    Attributes:
        judge: Of the model.
        chosen: The plan and its graph.
        board: The board.
        wish: Schedule and budget.
    """

    judge: Judge
    chosen: Chosen
    board: Board
    wish: Wish

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.chosen.plan

    def need(self, region: str) -> MemoryNeed:
        """What is needed of ``ram`` or of ``flash``."""
        return self.ram if region == "ram" else self.flash

    @property
    def answer(self) -> Answer:
        """Whether it fits: ``YES`` is a promise that its build keeps."""
        return min(self.ram.answer, self.flash.answer) if self.ram.answer else Answer.NO

    @property
    def source(self) -> ModelSource:
        """The generated library."""
        optimize = Optimize(self.wish.optimize)
        return self.judge.source(self.chosen, optimize, self._is_reentrant, self.wish.threads)

    @property
    def _is_reentrant(self) -> bool:
        """Computers may run many instances; C twins of a microcontroller's kernels need not."""
        is_computer = self.board.is_computer and not self.board.is_core
        return is_computer and Isa(self.plan.isa) in TAKING_CONTEXTS

    @property
    def allowed_ram(self) -> int | None:
        """Bytes of RAM the firmware may take; None for no limit.

        A budget for a core is the arena's; the application of its virtual run has room enough.
        """
        return None if self.board.is_core else ram_allowed(self.board, self.wish)

    def project(self) -> Project:
        """What a build compiles."""
        return write_project(
            self.chosen.graph,
            self.plan,
            self.board,
            self.allowed_ram,
            Optimize(self.wish.optimize),
            self.source,
        )

    @cached_property
    def ram(self) -> MemoryNeed:
        """RAM that is needed."""
        graph, arena = self.judge.graph, self.plan.arena_bytes
        if is_alone(self.board):
            return MemoryNeed(Bounds(arena, arena), arena_limit(graph, self.board, self.wish))
        held = arena + self.board.stack_size
        least = held + static_bytes(graph, self.plan.row_fed, LEAST_STATIC)
        most = held + static_bytes(graph, self.plan.row_fed)
        return MemoryNeed(Bounds(least, most), ram_allowed(self.board, self.wish))

    @cached_property
    def flash(self) -> MemoryNeed:
        """Flash that is needed."""
        weights = self.source.weight_bytes
        if self.board.is_computer:
            allowed = self.wish.flash if self.board.is_core else None
            return MemoryNeed(Bounds(weights, weights), allowed)
        floats = any(tensor.dtype is DType.F32 for tensor in self.judge.graph.tensors.values())
        code = code_bounds(self.source, self.board, Optimize(self.wish.optimize), floats)
        beside = self.judge.beside
        least, most = code.least + beside.least, code.most + beside.most
        bounds = Bounds(weights + least, weights + most)
        return MemoryNeed(bounds, flash_allowed(self.board, self.wish))


def kernel_variants(board: Board) -> tuple[Isa, ...]:
    """The kernel variants for ``board``: the fastest, then what takes less flash and RAM."""
    if board.is_linux:
        if board.processor.kinds:
            return (Isa.NEON_ANY,)
        if board.processor.dot:
            return (Isa.NEON_DOT,)
        return (Isa.NEON_COUNTS if board.processor.counts else Isa.NEON,)
    if board.is_host and not board.is_core:
        return (Isa.PORTABLE,)
    if board.processor.mve:
        return (Isa.MVE,)
    return (Isa.DSP,) if board.processor.dsp else (Isa.SCALAR, Isa.PORTABLE)


def kernel_variant(board: Board) -> Isa:
    """The fastest kernel variant for ``board``."""
    return kernel_variants(board)[0]


def ram_allowed(board: Board, wish: Wish) -> int | None:
    """Bytes of RAM the firmware may take; None for no limit (``host`` without a budget)."""
    if board.is_computer:
        return wish.ram
    size = board.region("ram").size
    return size if wish.ram is None else min(size, wish.ram)


def flash_allowed(board: Board, wish: Wish) -> int:
    """Bytes of flash the firmware may take, on any board but ``host``."""
    size = board.region("flash").size
    return size if wish.flash is None else min(size, wish.flash)


def is_alone(board: Board) -> bool:
    """Whether budgets are for the model's library alone, without stack and bench application."""
    return board.is_computer or board.is_core


def arena_limit(graph: Graph, board: Board, wish: Wish) -> int | None:
    """Bytes the arena may take beside the stack and the bench application's variables."""
    allowed = ram_allowed(board, wish)
    if allowed is None or board.is_computer or (board.is_core and wish.ram is not None):
        return allowed
    return max(0, allowed - board.stack_size - static_bytes(graph, wish.row_fed))


def is_hopeless(graph: Graph, board: Board, arena: int, weights: int) -> bool:
    """Whether a board is so small that nothing need be planned for its own kernels.

    Args:
        graph: A graph after the passes.
        board: The board.
        arena: Bytes of the smallest arena that is known, with the kernels of any board.
        weights: Bytes of its constants.
    """
    limit = arena_limit(graph, board, Wish())
    flash = board.region("flash").size
    return (limit is not None and arena > HOPELESS * limit) or weights > HOPELESS * flash


def fit(graph: Graph, board: Board, wish: Wish | None = None, isa: Isa | None = None) -> Chosen:
    """Plans ``graph`` for ``board``.

    Args:
        graph: A graph after the passes.
        board: The board.
        wish: Schedule and budget.
        isa: The kernel variant; by default the fastest for the board.

    Raises:
        UnsupportedOp: the network cannot be fed row by row.
        BadInput: patches and row-fed input were asked for together.
    """
    wish = wish or Wish()
    isa, limit = isa or kernel_variant(board), arena_limit(graph, board, wish)
    planned = _planned(graph, isa, wish.schedule, limit, wish.row_fed, wish.narrow)
    return _copying(planned, board, wish, limit)


def _copying(chosen: Chosen, board: Board, wish: Wish, limit: int | None) -> Chosen:
    """``chosen`` with copies of constants, where time is what counts."""
    is_fast = wish.schedule in (Schedule.AUTO, Schedule.MIN_TIME)
    if not is_fast or not wish.copies or Optimize(wish.optimize) is Optimize.SIZE:
        return chosen
    return replace(chosen, plan=with_copies(chosen.graph, chosen.plan, board.timing, limit))


def _planned(
    graph: Graph, isa: Isa, schedule: Schedule, limit: int | None, row_fed: bool, narrow: bool
) -> Chosen:
    if schedule != Schedule.PATCHES:
        return choose_schedule(
            graph, isa, schedule, ram_limit=limit, row_fed=row_fed, narrow=narrow
        )
    if row_fed:
        raise BadInput("patches need the whole input: leave out --input rows")
    return patched(graph if narrow else known(graph).wide, isa, limit)


def patched(graph: Graph, isa: Isa, limit: int | None = None, most: int = MAX_PATCHES) -> Chosen:
    """The first layers patch by patch, as MCUNetV2 does, with the halo computed again.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        limit: Bytes the arena may have: the fewest extra MACs that fit; None for the smallest
            arena.
        most: Patches along an axis, at most.
    """
    choice = None if limit is None else least_macs(graph, isa, limit, most)
    choice = choice or least_ram(graph, isa, most=most)
    plan = replace(choice.plan, schedule=Schedule.PATCHES)
    return Chosen(choice.graph, plan, choice.extra_macs)


class Judge:
    """Says of one model what a build would make of it; what was planned once is remembered."""

    def __init__(self, graph: Graph, beside: Bounds = NOTHING) -> None:
        """Plans nothing yet.

        Args:
            graph: One after the passes.
            beside: Bytes of flash that come with it: what makes boxes of its outputs.
        """
        self.graph, self.beside = graph, beside
        self._plans: dict[PlanKey, Chosen] = {}
        self._sources: dict[tuple[Plan, Optimize, bool, int], ModelSource] = {}

    def verdict(self, board: Board, wish: Wish, planned: Chosen | None = None) -> Verdict:
        """What ``build`` makes of the model: of the board's kernel variants the first that fits.

        Of two that may fit it is the later one, which takes less.

        Args:
            board: The board.
            wish: Schedule and budget.
            planned: The plan to take, whatever the wish.

        Raises:
            UnsupportedOp: the network cannot be fed row by row.
            BadInput: patches and row-fed input were asked for together.
        """
        best: Verdict | None = None
        *faster, smallest = kernel_variants(board)
        if faster and planned is None and self._is_short(board, wish):
            best = Verdict(self, self.plan(board, wish, smallest), board, wish)
            if best.ram.answer is Answer.NO:
                return best
        for isa in (*faster, smallest):
            found = Verdict(self, planned or self.plan(board, wish, isa), board, wish)
            best = found if best is None or found.answer >= best.answer else best
            if best.answer is Answer.YES:
                break
        assert best is not None
        return best

    def plan(self, board: Board, wish: Wish, isa: Isa) -> Chosen:
        """``fit``, remembered for boards with the same limit, or with less where nothing fits."""
        limit = arena_limit(self.graph, board, wish)
        key = (isa, wish.schedule, limit, wish.row_fed, wish.narrow)
        if key not in self._plans:
            self._plans[key] = self._too_large(key) or _planned(self.graph, *key)
        return _copying(self._plans[key], board, wish, limit)

    def _too_large(self, key: PlanKey) -> Chosen | None:
        """A plan that fits no larger limit, so that the smallest arena is known; None without."""
        isa, schedule, limit, *rest = key
        for (other, wanted, tried, *more), chosen in self._plans.items():
            is_same = (other, wanted, more) == (isa, schedule, rest)
            if is_same and limit is not None and limit <= (tried or 0) < chosen.plan.arena_bytes:
                return chosen
        return None

    def _is_short(self, board: Board, wish: Wish) -> bool:
        """Whether the fastest kernels do not fit layer by layer, so that a plan is searched for."""
        limit, isa = arena_limit(self.graph, board, wish), kernel_variant(board)
        graph = self.graph if wish.narrow else known(self.graph).wide
        return limit is not None and known(graph).layers(isa).arena_bytes > limit

    def source(
        self,
        chosen: Chosen,
        optimize: Optimize = Optimize.BALANCED,
        reentrant: bool = False,
        threads: int = 1,
    ) -> ModelSource:
        """``write_model``, remembered."""
        threads = threads if reentrant else 1
        key = (chosen.plan, optimize, reentrant, threads)
        if key not in self._sources:
            self._sources[key] = write_model(
                chosen.graph, chosen.plan, optimize, reentrant=reentrant, threads=threads
            )
        return self._sources[key]
