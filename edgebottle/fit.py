"""Makes a model fit a board: the schedule, the budget, and what to say where it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.project import STATIC_RESERVE
from edgebottle.errors import BadInput, DoesNotFit, UnsupportedOp
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Plan, Step
from quantize.patch import Chosen, choose_schedule
from quantize.patch.grid_choice import MOST, least_macs, least_ram

PATCHES = "patches"
"""The schedule that recomputes halos."""

CODE_ESTIMATE = 24 * 1024
"""Flash that is set aside for code when judging, without compiling, whether a model fits."""

LEAST_CODE = 6 * 1024
"""Bytes of flash that the bench application alone takes on any board, at least."""

LEAST_STATIC = 320
"""Bytes of RAM that its variables take on any board, at least."""


@dataclass(frozen=True)
class Wish:
    """What the user asks of memory and time.

    Attributes:
        schedule: ``auto``, ``layers``, ``min-ram``, ``min-time`` or ``patches``.
        row_fed: The input is handed over row by row.
        ram: The most bytes of RAM the firmware may take; None for all the board has.
        flash: The most bytes of flash; None for all the board has.
        optimize: ``size``, ``balanced`` or ``speed``.
    """

    schedule: str = "auto"
    row_fed: bool = False
    ram: int | None = None
    flash: int | None = None
    optimize: str = "balanced"


def kernel_variants(board: Board) -> tuple[Isa, ...]:
    """The kernel variants for ``board``: the fastest, then what takes less flash and RAM."""
    if board.is_host and not board.is_core:
        return (Isa.PORTABLE,)
    if board.mve:
        return (Isa.MVE,)
    return (Isa.DSP,) if board.dsp else (Isa.SCALAR, Isa.PORTABLE)


def kernel_variant(board: Board) -> Isa:
    """The fastest kernel variant for ``board``."""
    return kernel_variants(board)[0]


def ram_allowed(board: Board, wish: Wish) -> int | None:
    """Bytes of RAM the firmware may take; None for no limit (``host`` without a budget)."""
    if board.is_host:
        return wish.ram
    size = board.region("ram").size
    return size if wish.ram is None else min(size, wish.ram)


def flash_allowed(board: Board, wish: Wish) -> int:
    """Bytes of flash the firmware may take, on any board but ``host``."""
    size = board.region("flash").size
    return size if wish.flash is None else min(size, wish.flash)


def arena_limit(board: Board, wish: Wish) -> int | None:
    """Bytes the arena may take beside the stack and the bench application's variables."""
    allowed = ram_allowed(board, wish)
    if allowed is None or board.is_host or (board.is_core and wish.ram is not None):
        return allowed
    return max(0, allowed - board.stack_size - STATIC_RESERVE)


def has_room(graph: Graph, arena: int, board: Board, wish: Wish, row_fed: bool) -> bool:
    """Whether an arena fits beside the stack, the bench application and its copy of a row.

    Args:
        graph: A graph after the passes.
        arena: Bytes of the arena.
        board: The board.
        wish: The budget; its schedule does not count.
        row_fed: The arena is that of a row-fed input.
    """
    limit = arena_limit(board, wish)
    return limit is None or arena + (_row_bytes(graph) if row_fed else 0) <= limit


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
    isa, limit = isa or kernel_variant(board), arena_limit(board, wish)
    if wish.schedule == PATCHES:
        if wish.row_fed:
            raise BadInput("patches need the whole input: leave out --input rows")
        return patched(graph, isa, limit)
    return choose_schedule(graph, isa, wish.schedule, ram_limit=limit, row_fed=wish.row_fed)


def patched(graph: Graph, isa: Isa, limit: int | None = None, most: int = MOST) -> Chosen:
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
    plan = replace(choice.plan, schedule=PATCHES)
    return Chosen(choice.graph, plan, choice.extra_macs)


def is_roomy(plan: Plan, weights: int, board: Board, wish: Wish) -> bool:
    """Whether a plan fits with room for code, so that a variant that takes less is not needed."""
    limit = arena_limit(board, wish)
    if limit is not None and plan.arena_bytes > limit:
        return False
    return board.is_host or weights + CODE_ESTIMATE <= flash_allowed(board, wish)


def check_budget(board: Board, wish: Wish) -> None:
    """Refuses, before anything is planned, a budget that no network fits.

    Raises:
        DoesNotFit: the stack and the bench application alone take more.
    """
    if board.is_host or board.is_core:
        return
    least = board.stack_size + LEAST_STATIC
    if wish.ram is not None and wish.ram <= least:
        raise DoesNotFit(
            f"a budget of {room(wish.ram)} of RAM leaves nothing for a network: on {board.id} "
            f"the stack takes {kilobytes(board.stack_size)} and the bench application at least "
            f"{kilobytes(LEAST_STATIC)}"
        )
    if wish.flash is not None and wish.flash <= LEAST_CODE:
        raise DoesNotFit(
            f"a budget of {room(wish.flash)} of flash leaves nothing for a network: the bench "
            f"application alone takes at least {kilobytes(LEAST_CODE)}"
        )


def check_fit(graph: Graph, plan: Plan, weights: int, board: Board, wish: Wish) -> None:
    """Checks RAM and flash before anything is compiled.

    Args:
        graph: The graph after the passes.
        plan: Its plan, or that of the graph with stages cut into parts.
        weights: Bytes of constants.
        board: The board.
        wish: The budget.

    Raises:
        DoesNotFit: with what does not fit, by how much, the step that sets it, and what helps.
    """
    allowed = ram_allowed(board, wish)
    alone = board.is_host or board.is_core  # the library, without the bench application
    stack, static = (0, 0) if alone else (board.stack_size, LEAST_STATIC)
    need = plan.arena_bytes + stack + static
    if allowed is not None and need > allowed:
        who = "the budget" if allowed == wish.ram else board.id
        peak = max(plan.steps, key=lambda step: step.live_bytes)
        raise DoesNotFit(
            f"{plan.model} needs {kilobytes(need)} of RAM (arena {kilobytes(plan.arena_bytes)}, "
            f"stack {kilobytes(stack)}, other at least {kilobytes(static)}), {who} allows "
            f"{room(allowed)}: {kilobytes(need - allowed)} too much. {_peak(peak)}; "
            f"{remedy(graph, plan, board, wish)}"
        )
    if board.is_host:
        return
    flash = flash_allowed(board, wish)
    code = 0 if alone else LEAST_CODE
    if weights + code > flash:
        who = "the budget" if flash == wish.flash else board.id
        beside = f", code at least {kilobytes(code)}" if code else ", without its code"
        raise DoesNotFit(
            f"{plan.model} needs {kilobytes(weights + code)} of flash (weights "
            f"{kilobytes(weights)}{beside}), {who} allows {room(flash)}: "
            f"{kilobytes(weights + code - flash)} too much"
        )


def overflow(
    graph: Graph, plan: Plan, board: Board, wish: Wish, region: str, excess: int
) -> DoesNotFit:
    """What to say where only the linker found out, of the bench application's own bytes.

    Args:
        graph: The graph after the passes.
        plan: Its plan.
        board: The board.
        wish: The budget.
        region: Memory region of the board.
        excess: Bytes that it lacks.
    """
    if region == "ram":
        what = f"RAM (arena {kilobytes(plan.arena_bytes)}, stack {kilobytes(board.stack_size)}"
        return DoesNotFit(
            f"{plan.model} needs {excess:,} bytes more {what}, and the bench application) than "
            f"{board.id} has; {remedy(graph, plan, board, wish)}"
        )
    return DoesNotFit(
        f"{plan.model} needs {excess:,} bytes more of {region} (weights and code) than {board.id} "
        "has; `--optimize size` makes the code smaller"
    )


def _peak(step: Step) -> str:
    """Which step sets the peak."""
    if step.stage is None:
        return f"The largest step is {step.node} with {kilobytes(step.live_bytes)}"
    first, last = step.stage.nodes[0], step.stage.nodes[-1]
    return f"The largest stage is {first} to {last} with {kilobytes(step.live_bytes)}"


def remedy(graph: Graph, plan: Plan, board: Board, wish: Wish) -> str:
    """What helps: the smallest arenas that can be reached and whether each fits, or a board."""
    isa = Isa(plan.isa)
    arenas = {False: plan.arena_bytes}
    if not plan.row_fed and plan.schedule != "min-ram":
        arenas[False] = choose_schedule(graph, isa, "min-ram").plan.arena_bytes
    with suppress(UnsupportedOp):
        arenas[True] = choose_schedule(graph, isa, "min-ram", row_fed=True).plan.arena_bytes
    found = []
    for row_fed, arena in arenas.items():
        if arena < plan.arena_bytes and (row_fed or not plan.row_fed):
            option = "--schedule min-ram" + (" --input rows" if row_fed else "")
            fits = has_room(graph, arena, board, wish, row_fed)
            verdict = "fits" if fits else "is still too much"
            found.append(f"`{option}` brings the arena to {kilobytes(arena)}, which {verdict}")
            if fits:
                return "; ".join(found)
    found = found or [f"no arena with {_input_kind(plan)} can be smaller"]
    if board.is_core:
        return "; ".join(found)
    is_budget = wish.ram is not None or wish.flash is not None
    return "; ".join([*found, _smallest_board(graph, arenas, None if is_budget else board)])


def _row_bytes(graph: Graph) -> int:
    """Bytes of the bench application's copy of a row, for an input that is fed row by row."""
    tensor = graph.tensors[graph.inputs[0]]
    return tensor.row_elements * tensor.dtype.bytes


def _smallest_board(graph: Graph, arenas: Mapping[bool, int], small: Board | None) -> str:
    """The board with the least RAM that has room for one of the arenas, and for the constants.

    The arenas are of the kernels of another board, whose scratch may differ: a quarter is kept for
    it. ``small`` is known to have no room.
    """
    weights = sum(tensor.nbytes for tensor in graph.tensors.values() if tensor.data is not None)
    boards = [board for board in all_boards() if not board.is_host and board != small]
    for board in sorted(boards, key=lambda board: (board.region("ram").size, board.id)):
        if 2 * weights + CODE_ESTIMATE > board.region("flash").size:
            continue
        for row_fed, arena in arenas.items():
            if has_room(graph, arena * 5 // 4, board, Wish(), row_fed):
                return f"{board.id} has room for it{' with `--input rows`' if row_fed else ''}"
    return "no board here has room for it"


def _input_kind(plan: Plan) -> str:
    return "a row-fed input" if plan.row_fed else "the whole input in RAM"


def kilobytes(count: int) -> str:
    """What is needed, rounded up: as ``--ram`` or ``--flash`` it is enough; 1 kB is 1024 bytes."""
    return _tenths(-(-count * 10 // 1024))


def room(count: int) -> str:
    """What there is, rounded down: never more than there is; 1 kB is 1024 bytes."""
    return _tenths(count * 10 // 1024)


def _tenths(count: int) -> str:
    return f"{count // 10}.{count % 10} kB"
