"""Cycles of a basic block in a straight line: an in-order core's issue, interlocks, dual issue."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.cycle_costs import CycleCosts, Kind
from hil.virtual.timing.instructions import (
    FLAGS,
    FLOATS,
    LOADS,
    MEMORY,
    MULTIPLIES,
    Instruction,
)


@dataclass(frozen=True)
class BlockCost:
    """Cycles of one execution of a block, memory's wait states apart.

    Attributes:
        issue: Cycles in which instructions issue or occupy the core.
        stalls: Cycles in which a result was waited for.
        taken: More, when it is not followed by the block at the next address.
        mispredicted: More, when its branch goes the rarer of two ways.
    """

    issue: int
    stalls: int
    taken: int
    mispredicted: int = 0


def block_cost(core: CycleCosts, instructions: Sequence[Instruction]) -> BlockCost:
    """Returns the cycles of a block.

    A block that branches to its own start is timed in its steady state, following itself. Any other
    block finds the results of those before it ready.
    """
    last = instructions[-1]
    ahead = sum(instruction.size for instruction in instructions[:-1])
    taken = core.taken.get(last.kind, 0)
    timeline = _Timeline(core)
    if last.target is not None and last.target + ahead == 0:
        for instruction in instructions:
            timeline.issue(instruction)
        timeline.leave(taken)
    start, stalls = timeline.now, timeline.stalls
    for instruction in instructions:
        timeline.issue(instruction)
    waited = timeline.stalls - stalls
    return BlockCost(
        timeline.now - start - waited,
        waited,
        taken,
        core.mispredicted if last.conditional else 0,
    )


class _Timeline:
    """When each instruction of a sequence issues."""

    def __init__(self, core: CycleCosts) -> None:
        self.now = 0
        """The cycle in which the next instruction issues at the earliest, unless it pairs."""
        self.stalls = 0
        self._core = core
        self._ready: dict[int, int] = {}
        self._writer: dict[int, Kind] = {}
        self._before: Instruction | None = None
        self._alone = False
        """The instruction before took one cycle and has none beside it."""

    def leave(self, cycles: int) -> None:
        """A branch is taken: nothing issues for so long."""
        self.now += cycles
        self._before = None
        self._alone = False

    def issue(self, instruction: Instruction) -> None:
        """Issues the next instruction."""
        earliest = max((self._needed(instruction, r) for r in instruction.reads), default=0)
        before, slots = self._before, self._slots(instruction)
        if (
            self._alone
            and before is not None
            and slots == 1
            and earliest <= self.now - 1
            and not set(before.writes) & set(instruction.writes)
            and _pairs(before, instruction)
        ):
            self._alone = False
        else:
            at = max(self.now, earliest)
            self.stalls += at - self.now
            self.now = at + slots
            self._alone = self._core.width == 2 and slots == 1
        latency = self._core.latency.get(instruction.kind, 0)
        if instruction.narrow:
            latency += self._core.narrow_load
        for register in instruction.writes:
            late = 0 if register in instruction.address else latency  # a base is written back
            self._ready[register] = self.now + late
            self._writer[register] = instruction.kind
        self._before = instruction

    def _needed(self, instruction: Instruction, register: int) -> int:
        """The first cycle in which ``instruction`` can issue for the sake of ``register``."""
        core, kind = self._core, instruction.kind
        ready = self._ready.get(register)
        if ready is None:
            return 0
        writer = self._writer[register]
        if register in instruction.address:
            return ready + (0 if writer in MEMORY else core.address_early)
        if register in instruction.accumulator:
            return ready - core.accumulator_late
        if kind in MULTIPLIES and writer in LOADS:
            return ready + core.factor_early
        if kind in (Kind.SHIFTED, Kind.EXTEND) and register != FLAGS:
            return ready + core.shift_early
        if kind is Kind.STORE and core.width == 2:
            return ready - 1  # any result can be stored in the cycle that makes it
        return ready

    def _slots(self, instruction: Instruction) -> int:
        core, kind, before = self._core, instruction.kind, self._before
        slots = core.issue.get(kind, 1)
        if kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.LOADED):
            slots += -(-instruction.transfers // core.transfers)
        if instruction.accumulator:
            slots += core.accumulate.get(kind, 0)
        follows_load = (
            core.pipelined_loads
            and before is not None
            and before.kind is Kind.LOAD
            and not set(before.writes) & set(instruction.address)
        )
        if kind is Kind.LOAD and follows_load:
            slots -= 1
        if kind is Kind.LOAD and before is not None and before.kind is Kind.STORE:
            slots += core.load_after_store
        if kind is Kind.STORE and instruction.indexed and not follows_load:
            slots += core.indexed_store
        return slots


_ALONE = (
    Kind.LOAD_MULTIPLE,
    Kind.STORE_MULTIPLE,
    Kind.DIVIDE,
    Kind.CALL,
    Kind.INDIRECT,
    Kind.LOADED,
    Kind.TABLE,
    Kind.IT,
    Kind.SYSTEM,
    Kind.FP_DIVIDE,
)


def _pairs(older: Instruction, younger: Instruction) -> bool:
    """Two instructions can issue in the same cycle, on the Cortex-M7; see cpus.toml.

    Two loads do where it is plain that they are in different banks: even and odd words.
    """
    first, second = older.kind, younger.kind
    both = {first, second}
    if first in _ALONE or second in _ALONE or second is Kind.EXTEND:
        return False
    if both & set(FLOATS):
        return both - set(FLOATS) == {Kind.ALU}
    if first is Kind.LOAD and second is not Kind.STORE and set(older.writes) & set(younger.reads):
        return False
    if first in MULTIPLIES and second in MULTIPLIES:
        return False
    if both & set(MULTIPLIES):
        return Kind.STORE not in both
    if both == {Kind.LOAD}:
        return _other_bank(older, younger)
    if both == {Kind.STORE}:
        return False
    if second is Kind.SHIFTED:
        return first not in (Kind.SHIFT, Kind.SHIFTED, Kind.EXTEND)
    return True


def _other_bank(older: Instruction, younger: Instruction) -> bool:
    if older.offset is None or younger.offset is None or older.address != younger.address:
        return False
    return not older.writeback and bool((older.offset ^ younger.offset) & 4)
