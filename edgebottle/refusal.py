"""What is said where a model does not fit: what is lacking, by how much, and what would help.

What helps is tried with ``fit.Judge`` before it is named: "fits" is a promise that a build keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgebottle.boards import Board, all_boards
from edgebottle.codegen.code_size import LEAST_CODE
from edgebottle.errors import BadInput, DoesNotFit, UnsupportedOp
from edgebottle.fit import (
    LEAST_STATIC,
    REGIONS,
    Answer,
    Verdict,
    Wish,
    is_alone,
    is_hopeless,
)
from edgebottle.operating_system import executables_have_threads
from edgebottle.plan.plan import Plan, Step
from edgebottle.plan.schedules import Schedule
from edgebottle.units import kilobytes, room
from hil.records import Flash, Ram


def check_budget(board: Board, wish: Wish) -> None:
    """Refuses, before anything is planned, a budget that no network fits.

    Raises:
        DoesNotFit: the stack and the bench application alone take more.
        BadInput: several threads are asked for, of a board that has none.
    """
    if wish.threads > 1 and (board.is_core or not board.is_computer):
        raise BadInput(f"--threads {wish.threads}: {board.id} runs one thread, as it has no Linux")
    if wish.threads > 1 and board.is_host and not executables_have_threads():
        raise BadInput(f"--threads {wish.threads}: Windows has no POSIX threads: take WSL")
    if is_alone(board):
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


@dataclass(frozen=True)
class Refusal:
    """Words a refusal.

    Attributes:
        verdict: What was to be built, for which board and within which budget.
        names_board: A board with room is named even where an option is enough.
    """

    verdict: Verdict
    names_board: bool = False

    @property
    def board(self) -> Board:
        """The board."""
        return self.verdict.board

    @property
    def wish(self) -> Wish:
        """The budget and the schedule."""
        return self.verdict.wish

    def check(self) -> None:
        """Refuses, before anything is compiled, what certainly does not fit.

        Raises:
            DoesNotFit: with what is lacking, by how much, the step that sets it, and what helps.
        """
        for region in REGIONS:
            need = self.verdict.need(region)
            if need.answer is Answer.NO:
                assert need.allowed is not None
                least = need.bounds.least
                raise DoesNotFit(
                    f"{self._needs(region, kilobytes(least), self._least_parts(region))}, "
                    f"{self._who(region)} allows {room(need.allowed)}: "
                    f"{kilobytes(least - need.allowed)} too much{self._what_helps(region)}"
                )

    def check_built(self, ram: Ram, flash: Flash) -> None:
        """Checks a budget against the real figures (the linker has checked the board itself).

        That of a model alone was checked before anything was compiled.

        Raises:
            DoesNotFit: the budget is exceeded.
        """
        if is_alone(self.board):
            return
        parts = {
            "ram": (ram.bytes, f"arena {ram.arena:,}, stack {ram.stack:,}, other {ram.static:,}"),
            "flash": (flash.bytes, f"weights {flash.weights:,}, code {flash.code:,}"),
        }
        for region, budget in (("ram", self.wish.ram), ("flash", self.wish.flash)):
            used, of = parts[region]
            if budget is not None and used > budget:
                raise DoesNotFit(
                    f"{self._needs(region, f'{used:,} bytes', of)}, the budget allows "
                    f"{budget:,}: {used - budget:,} too much{self._what_helps(region)}"
                )

    def overflow(self, region: str, excess: int) -> DoesNotFit:
        """What to say where only the linker found out.

        Args:
            region: Memory region of the board: ``ram`` or ``flash``.
            excess: Bytes that it lacks.
        """
        parts = {
            "ram": f"arena {kilobytes(self.verdict.plan.arena_bytes)}, stack "
            f"{kilobytes(self.board.stack_size)}, and the bench application",
            "flash": f"weights {kilobytes(self.verdict.source.weight_bytes)}, and code",
        }
        return DoesNotFit(
            f"{self._needs(region, f'{excess:,} bytes more', parts[region])} than "
            f"{self.board.id} has{self._what_helps(region)}"
        )

    def _needs(self, region: str, amount: str, parts: str) -> str:
        model = self.verdict.plan.model
        if region == "ram":
            return f"{model} needs {amount} of RAM ({parts})"
        return f"{model} needs {amount} of flash ({parts})"

    def _who(self, region: str) -> str:
        budget = self.wish.ram if region == "ram" else self.wish.flash
        return "the budget" if budget == self.verdict.need(region).allowed else self.board.id

    def _least_parts(self, region: str) -> str:
        """What the least need is made of."""
        least = self.verdict.need(region).bounds.least
        if region == "ram":
            arena, stack = self.verdict.plan.arena_bytes, self.board.stack_size
            if is_alone(self.board):
                return "its arena"
            other = kilobytes(least - arena - stack)
            return f"arena {kilobytes(arena)}, stack {kilobytes(stack)}, other at least {other}"
        code = least - self.verdict.source.weight_bytes
        beside = f", code at least {kilobytes(code)}" if code else ", without its code"
        return f"weights {kilobytes(self.verdict.source.weight_bytes)}{beside}"

    def _what_helps(self, region: str) -> str:
        """The end of a message: which step sets the peak, and the remedies."""
        if region != "ram":
            return f"; {self.remedy(region)}"
        peak = max(self.verdict.plan.steps, key=lambda step: step.live_bytes)
        return f". {_peak(peak)}; {self.remedy(region)}"

    def remedy(self, region: str) -> str:
        """What helps: options that bring less, and whether that fits, or else a board."""
        found, best = [], self.verdict
        for wish, verdict in self._options(region):
            if not _is_less(verdict, best, region):
                continue
            best = verdict
            found.append(f"`{_arguments(self.wish, wish)}` {_brings(verdict, region)}")
            if verdict.answer is Answer.YES and not self.names_board:
                return "; ".join(found)
            if verdict.answer is Answer.YES:
                break
        if not found:
            found.append(_nothing_smaller(self.verdict.plan, region))
        return "; ".join([*found, self._larger_board(best, region)])

    def _options(self, region: str) -> Iterator[tuple[Wish, Verdict]]:
        """Wishes that might need less of ``region``, each with what comes of it."""
        if region == "ram":
            wishes = [
                replace(self.wish, schedule=Schedule.MIN_RAM),
                replace(self.wish, schedule=Schedule.MIN_RAM, row_fed=True),
            ]
        else:
            size = replace(self.wish, optimize="size")
            wishes = [
                size,
                replace(self.wish, schedule=Schedule.LAYERS),
                replace(size, schedule=Schedule.LAYERS),
            ]
        for wish in wishes:
            if wish != self.wish and (verdict := self._verdict(self.board, wish)) is not None:
                yield wish, verdict

    def _verdict(self, board: Board, wish: Wish) -> Verdict | None:
        """None for a network that cannot be fed row by row."""
        try:
            return self.verdict.judge.verdict(board, wish)
        except UnsupportedOp:
            return None

    def _larger_board(self, best: Verdict, region: str) -> str:
        """The board with the least of what is lacking that takes the model, by which options.

        ``best`` is the least that the options have led to: what is hopeless is not planned.
        """
        plain = replace(self.wish, ram=None, flash=None)
        auto = replace(plain, schedule=Schedule.AUTO)
        wishes = list(dict.fromkeys((plain, auto, replace(auto, row_fed=True))))
        maybe = ""
        for board in _boards(region):
            arena = best.plan.arena_bytes if region == "ram" else 0
            hopeless = is_hopeless(self.verdict.judge.graph, board, arena, best.source.weight_bytes)
            for wish in () if hopeless else wishes:
                if (board, wish) == (self.board, self.wish):
                    continue
                verdict = self._verdict(board, wish)
                options = _arguments(plain, wish)
                by = f" with `{options}`" if options else ""
                name = f"{'without the budget ' if board == self.board else ''}{board.id}"
                if verdict is not None and verdict.answer is Answer.YES:
                    return f"{name} has room for it{by}"
                if verdict is not None and verdict.answer is Answer.MAYBE:
                    maybe = maybe or f"{name} may have room for it{by}"
        return maybe or "no board here has room for it"


def _peak(step: Step) -> str:
    """Which step sets the peak."""
    if step.stage is None:
        return f"The largest step is {step.node} with {kilobytes(step.live_bytes)}"
    first, last = step.stage.nodes[0], step.stage.nodes[-1]
    return f"The largest stage is {first} to {last} with {kilobytes(step.live_bytes)}"


def _arguments(wish: Wish, other: Wish) -> str:
    """The options of the command line that lead from one wish to another."""
    parts = [
        f"--schedule {other.schedule}" if other.schedule != wish.schedule else "",
        "--input rows" if other.row_fed and not wish.row_fed else "",
        f"--optimize {other.optimize}" if other.optimize != wish.optimize else "",
    ]
    return " ".join(part for part in parts if part)


def _is_less(verdict: Verdict, than: Verdict, region: str) -> bool:
    """Whether less is needed of a region: at most, and at least where even that is too much."""
    need, other = verdict.need(region), than.need(region)
    is_enough = need.answer is not Answer.NO or need.bounds.least < other.bounds.least
    return need.bounds.most < other.bounds.most and is_enough


def _brings(verdict: Verdict, region: str) -> str:
    """How much an option leads to, and whether that fits."""
    need = verdict.need(region)
    least, most = kilobytes(need.bounds.least), kilobytes(need.bounds.most)
    if region == "ram":
        amount = f"the arena to {kilobytes(verdict.plan.arena_bytes)}"
    else:
        by_answer = {Answer.YES: f"at most {most}", Answer.NO: f"at least {least}"}
        amount = f"flash to {by_answer.get(need.answer, f'{least} to {most}')}"
    return f"brings {amount}, which {_fits(verdict, region)}"


def _fits(verdict: Verdict, region: str) -> str:
    """Whether it fits; of the other region only what matters."""
    mine, other = verdict.need(region).answer, "flash" if region == "ram" else "ram"
    if mine is Answer.NO:
        return "is still too much"
    text = "fits" if mine is Answer.YES else "may fit"
    beside = {
        Answer.YES: "",
        Answer.MAYBE: f", but its {REGIONS[other]} may not",
        Answer.NO: f", but its {REGIONS[other]} does not",
    }
    return text + beside[verdict.need(other).answer]


def _nothing_smaller(plan: Plan, region: str) -> str:
    """What is said where no option brings less."""
    if region != "ram":
        return "no option is enough"
    kind = "a row-fed input" if plan.row_fed else "the whole input in RAM"
    return f"no arena with {kind} can be smaller"


def _boards(region: str) -> list[Board]:
    """All boards but this computer, those with the least of a region first."""
    other = "flash" if region == "ram" else "ram"
    boards = [board for board in all_boards() if not board.is_computer]
    return sorted(boards, key=lambda b: (b.region(region).size, b.region(other).size, b.id))
