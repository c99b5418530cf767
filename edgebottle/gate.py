"""Whether a model fits: what ``edgebottle fit`` says, a gate for whoever changes a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgebottle.boards import Board, all_cores
from edgebottle.codegen.code_size import Bounds
from edgebottle.errors import DoesNotFit
from edgebottle.fit import REGIONS, Answer, Judge, MemoryNeed, Verdict, Wish
from edgebottle.pipeline import Model, build
from edgebottle.refusal import Refusal, check_budget
from edgebottle.units import kilobytes


@dataclass(frozen=True)
class Fitted:
    """A model that fits.

    Attributes:
        model: The model.
        verdict: How it would be built.
        ram: What it takes of RAM, and what there is.
        flash: What it takes of flash, and what there is.
        compiled: It was built, so that both are what the linker says.
    """

    model: Model
    verdict: Verdict
    ram: MemoryNeed
    flash: MemoryNeed
    compiled: bool


def usual_core() -> Board:
    """The core that is asked about where only a budget was given: one with DSP instructions."""
    return next(core for core in all_cores() if core.processor.dsp)


def require_fit(
    model: Model,
    board: Board,
    wish: Wish,
    *,
    toolchain: str = "zig",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Fitted:
    """Answers for sure: where a bound of the code's size leaves it open, the model is built.

    Args:
        model: From ``pipeline.load``.
        board: A board, or a core for the library alone.
        wish: Schedule and budget.
        toolchain: What builds it, ``zig`` or ``gcc``.
        progress: Told what is being done.

    Raises:
        DoesNotFit: it does not, by how much, what would help, and the smallest board that has
            room; or it may not, and only a board could tell: nothing links a library alone.
        BuildFailed: the compiler failed.
        ToolMissing: the compiler is not installed.
    """
    check_budget(board, wish)
    progress(f"plan {model.name} for {board.id}", 0, 0)
    verdict = Judge(model.graph, model.beside).verdict(board, wish)
    refusal = Refusal(verdict, names_board=True)
    refusal.check()
    if verdict.answer is Answer.YES:
        return Fitted(model, verdict, verdict.ram, verdict.flash, compiled=False)
    if board.is_core:
        raise DoesNotFit(_open_question(verdict, refusal))
    built = build(model, board, toolchain=toolchain, wish=wish, progress=progress)
    ram, flash = (
        MemoryNeed(Bounds(size.bytes, size.bytes), verdict.need(region).allowed)
        for region, size in (("ram", built.ram), ("flash", built.flash))
    )
    return Fitted(model, verdict, ram, flash, compiled=True)


def _open_question(verdict: Verdict, refusal: Refusal) -> str:
    """What is said where a library may be too large."""
    region = next(name for name in REGIONS if verdict.need(name).answer is Answer.MAYBE)
    bounds = verdict.need(region).bounds
    return (
        f"{verdict.plan.model} may not fit: it needs {kilobytes(bounds.least)} to "
        f"{kilobytes(bounds.most)} of {REGIONS[region]}; give a board with --board, for which it "
        f"can be built; {refusal.remedy(region)}"
    )
