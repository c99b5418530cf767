"""What a candidate costs on a board, without training it: RAM, flash and time.

RAM and the constants in flash are those of the build, to the byte. Time and code are modelled, by
tables that ``measuring.tables`` makes of networks that were built and run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property

from edgebottle.boards import Board
from edgebottle.codegen.boxes import box_flash
from edgebottle.codegen.kernels import Optimize
from edgebottle.detection.description import BoxDescription
from edgebottle.fit import Judge, Verdict, Wish
from edgebottle.ir.graph import Graph
from edgebottle.passes import optimise
from edgebottle.pipeline import Model, model_of
from edgebottle.plan.schedules import Schedule
from edgebottle.search.application import Application
from edgebottle.search.code_sizes import CodeSizes, code_sizes
from edgebottle.search.kernel_times import KernelTimes, kernel_times
from quantize.search.architecture import DetectionHead
from quantize.search.space import Candidate
from quantize.search.untrained import untrained_graph


@dataclass(frozen=True)
class CandidateCost:
    """What a candidate takes.

    Attributes:
        arena: Bytes of RAM of the network itself; exact.
        ram: Bytes of RAM of the firmware, as ``build`` reports them; exact.
        constants: Bytes of flash of weights, scales and tables; exact.
        flash: Bytes of flash of the firmware; its code is modelled.
        instructions: Of a run; modelled.
        cycles: Of a run; modelled.
        ms: Of a run at the board's clock; modelled; 0 where the board has no clock.
        flash_margin: Bytes of flash beyond it that a build may take: of networks that the model of
            code has not seen, 19 of 20 took no more. 0 in studies of earlier versions.
        ms_margin: Milliseconds beyond them that a run may take, likewise.
    """

    arena: int
    ram: int
    constants: int
    flash: int
    instructions: int
    cycles: int
    ms: float
    flash_margin: int = 0
    ms_margin: float = 0.0

    @property
    def held(self) -> dict[str, float]:
        """What is held against budgets, by name: flash and time with their margins."""
        flash, ms = self.flash + self.flash_margin, self.ms + self.ms_margin
        return {"ram": self.ram, "flash": flash, "ms": ms}


class Costs:
    """The costs of candidates on one board."""

    def __init__(self, board: Board, wish: Wish | None = None, toolchain: str = "zig") -> None:
        """Costs nothing yet.

        Args:
            board: Where they run.
            wish: What memory they may take, which the schedule ``auto`` looks at, and how they are
                compiled; the schedule and whether rows are fed are the candidate's.
            toolchain: What builds them.
        """
        self.board, self.wish, self.toolchain = board, wish or Wish(), toolchain
        self._application = Application(board, toolchain, Optimize(self.wish.optimize))
        self._found: dict[str, CandidateCost] = {}

    def wish_of(self, candidate: Candidate) -> Wish:
        """What ``build`` is asked for a candidate: to take no RAM but what it must have."""
        schedule = Schedule(candidate.schedule)
        return replace(self.wish, schedule=schedule, row_fed=candidate.row_fed, copies=False)

    def verdict(self, candidate: Candidate) -> Verdict:
        """What a build makes of a candidate.

        Raises:
            UnsupportedOp: the network cannot be fed row by row.
        """
        graph = optimise(imported(candidate))
        return Judge(graph, box_flash(boxes_of(candidate))).verdict(
            self.board, self.wish_of(candidate)
        )

    def of(self, candidate: Candidate) -> CandidateCost:
        """What a candidate takes, remembered.

        Raises:
            UnsupportedOp: the network cannot be fed row by row.
            BuildFailed: the compiler failed on the bench application.
            ToolMissing: it is not installed.
        """
        key = json.dumps(candidate.to_json())
        if key not in self._found:
            self._found[key] = self._cost(self.verdict(candidate))
        return self._found[key]

    def _cost(self, verdict: Verdict) -> CandidateCost:
        arena, constants = verdict.plan.arena_bytes, verdict.source.weight_bytes
        stack = 0 if self.board.is_computer else self.board.stack_size
        instructions, cycles = self._times.of(verdict)
        hertz = self.board.clock_hz
        ms = cycles / hertz * 1e3 if hertz else 0.0
        code, margin = self._code_bytes(verdict)
        return CandidateCost(
            arena=arena,
            ram=arena + stack + self._application.static_bytes(verdict),
            constants=constants,
            flash=constants + code,
            instructions=instructions,
            cycles=cycles,
            ms=ms,
            flash_margin=margin,
            ms_margin=ms * self._times.margin,
        )

    @property
    def times_of(self) -> str:
        """The board whose layers were measured: times are rough where it has another core."""
        return self._times.board

    def _code_bytes(self, verdict: Verdict) -> tuple[int, int]:
        """Code and its margin: from the table of the board, or from the bounds of a build.

        What makes boxes of a detector's outputs lies between bounds on any board.
        """
        if self._sizes is not None:
            code, boxes = self._sizes.of(verdict), verdict.judge.beside
            middle = (boxes.least + boxes.most) // 2
            return code + middle, math.ceil(code * self._sizes.margin) + boxes.most - middle
        flash = verdict.flash.bounds
        middle = (flash.least + flash.most) // 2
        return middle - verdict.source.weight_bytes, flash.most - middle

    @cached_property
    def _times(self) -> KernelTimes:
        return kernel_times(self.board, self.toolchain, self.wish.optimize)

    @cached_property
    def _sizes(self) -> CodeSizes | None:
        return code_sizes(self.board, self.toolchain, self.wish.optimize)


def boxes_of(candidate: Candidate) -> BoxDescription | None:
    """What the outputs of a candidate mean; None where they are classes."""
    is_detector = isinstance(candidate.architecture.head, DetectionHead)
    return candidate.architecture.boxes() if is_detector else None


def model_of_candidate(candidate: Candidate) -> Model:
    """What is built of a candidate, with random weights."""
    return model_of(imported(candidate), boxes_of(candidate))


def imported(candidate: Candidate) -> Graph:
    """The graph of a candidate before the passes, with random weights."""
    return untrained_graph(candidate.architecture.network(), candidate.bits)
