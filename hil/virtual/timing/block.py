"""Cycles of a basic block in a straight line: an in-order core's issue, interlocks, dual issue."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.cycle_costs import FLAGS_AHEAD, CycleCosts, Kind
from hil.virtual.timing.instructions import (
    FLAGS,
    FLOATS,
    LOADS,
    MEMORY,
    MULTIPLIES,
    PACKED,
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
    if last.conditional and len(instructions) > 1 and FLAGS in instructions[-2].writes:
        taken += core.taken_after_flags
    timeline = _Timeline(core)
    if last.target is not None and last.target + ahead == 0:
        for instruction in instructions:
            timeline.issue(instruction)
        timeline.leave(taken)
    start, stalls = timeline.now, timeline.stalls
    for instruction in instructions:
        timeline.issue(instruction)
    waited = timeline.stalls - stalls
    mispredicted = core.mispredicted if last.conditional else 0
    if mispredicted and timeline.knows_flags():
        mispredicted -= core.resolved_early
    return BlockCost(timeline.now - start - waited, waited, taken, mispredicted)


class _Timeline:
    """When each instruction of a sequence issues."""

    def __init__(self, core: CycleCosts) -> None:
        self.now = 0
        """The cycle in which the next instruction issues at the earliest, unless it pairs."""
        self.stalls = 0
        self._core = core
        self._ready: dict[int, int] = {}
        """By register, the first cycle in which an instruction that needs it no earlier than others
        can issue."""
        self._writer: dict[int, Instruction] = {}
        self._before: Instruction | None = None
        self._alone = False
        """The instruction before took one cycle and has none beside it."""
        self._early = False
        """It ran in the first of two ALUs."""

    def leave(self, cycles: int) -> None:
        """A branch is taken: nothing issues for so long."""
        self.now += cycles
        self._before = None
        self._alone = False

    def knows_flags(self) -> bool:
        """Whether the flags were set long before the last instruction."""
        return FLAGS in self._ready and self.now - self._ready[FLAGS] >= FLAGS_AHEAD

    def issue(self, instruction: Instruction) -> None:
        """Issues the next instruction."""
        earliest = max((self._needed(instruction, r) for r in instruction.reads), default=0)
        slots = self._slots(instruction)
        is_pair = self._is_pair(instruction, slots, earliest)
        if is_pair:
            at = self.now - 1
            self._alone = False
        else:
            at = max(self.now, earliest)
            self.stalls += at - self.now
            self.now = at + slots
            self._alone = (self._core.width == 2 and slots == 1) or (
                self._core.narrow_pairs and instruction.size == 2
            )
        self._early = self._is_early(instruction, at, is_pair=is_pair)
        latency = self._core.latency.get(instruction.kind, 0)
        if instruction.narrow:
            latency += self._core.narrow_load
        for register in instruction.writes:
            late = latency - self._early * (register != FLAGS)
            if register in instruction.address:  # a base is written back
                late = -self._core.early_alu
            self._ready[register] = self.now + late
            self._writer[register] = instruction
        self._before = instruction

    def _is_pair(self, instruction: Instruction, slots: int, earliest: int) -> bool:
        """Whether it issues in the cycle of the one before."""
        core, before = self._core, self._before
        if not self._alone or before is None:
            return False
        if core.narrow_pairs and instruction.size == 2 and instruction.kind in _BESIDE:
            return True
        return (
            core.width == 2
            and slots == 1
            and earliest <= self.now - 1
            and (self._early or not set(before.writes) & set(instruction.writes))
            and _pairs(before, instruction)
        )

    def _is_early(self, instruction: Instruction, at: int, *, is_pair: bool) -> bool:
        """Whether it runs in the first of two ALUs, which a younger addition does not reach."""
        before = self._before
        if instruction.kind is Kind.SHIFT:
            is_free = not is_pair or (before is not None and not before.shifted)
        else:
            is_free = instruction.simple and not is_pair
        return (
            self._core.early_alu
            and is_free
            and all(self._ready.get(register, 0) < at or at == 0 for register in instruction.reads)
        )

    def _needed(self, instruction: Instruction, register: int) -> int:
        """The first cycle in which ``instruction`` can issue for the sake of ``register``."""
        core, kind = self._core, instruction.kind
        ready, writer = self._ready.get(register), self._writer.get(register)
        if ready is None or writer is None:
            return 0
        loaded = writer.kind in LOADS and register not in writer.address
        if register in instruction.address:
            is_late = core.early_alu or writer.kind not in MEMORY
            is_chained = kind is Kind.STORE and writer.kind is Kind.STORE
            return ready + core.address_early * (is_late or is_chained)
        if register in instruction.accumulator:
            return ready - core.accumulator_late
        if kind in MULTIPLIES and loaded and not writer.narrow:
            return ready + core.factor_early
        if register in instruction.shifted or (
            instruction.shifted and loaded and not writer.narrow
        ):
            return ready + core.shift_early
        if kind is Kind.STORE:
            return ready - core.store_late - (core.narrow_load if writer.narrow else 0)
        if kind is Kind.BRANCH and core.mispredicted:
            return 0
        return ready

    def _slots(self, instruction: Instruction) -> int:
        core, kind, before = self._core, instruction.kind, self._before
        slots = core.issue.get(kind, 1)
        if kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.LOADED):
            slots += -(-instruction.transfers // core.transfers)
        if instruction.accumulator:
            slots += core.accumulate.get(kind, 0)
        if core.pipelined_loads and before is not None and instruction.can_follow(before):
            slots -= 1
        if kind in MULTIPLIES and FLAGS in instruction.writes:
            slots += core.flags_of_product
        if kind in LOADS and before is not None and before.kind is Kind.STORE:
            slots += core.load_after_store
        if kind is Kind.STORE and instruction.indexed:
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
    Kind.SYSTEM,
    Kind.FP_DIVIDE,
)

_BESIDE = (Kind.BRANCH, Kind.INDIRECT, Kind.IT, Kind.NOP)
"""What costs no cycle behind an instruction of 16 bits, on the Cortex-M33."""


def _pairs(older: Instruction, younger: Instruction) -> bool:
    """Two instructions can issue in the same cycle, on the Cortex-M7; see cpus.toml.

    Two loads do where it is plain that they are in different banks: even and odd words.
    """
    first, second = older.kind, younger.kind
    both = {first, second}
    if first in _ALONE or second in _ALONE or second in PACKED:
        return False
    if both & set(FLOATS):
        return not both <= set(FLOATS) and not both & {*MEMORY, Kind.FP_MOVE_TWO}
    if first in MULTIPLIES and second in MULTIPLIES:
        return False
    if both & set(MULTIPLIES):
        return Kind.STORE not in both
    if both == {Kind.LOAD}:
        return _other_bank(older, younger)
    if both == {Kind.STORE}:
        return False
    if second is Kind.SHIFTED:
        return first not in (Kind.SHIFT, Kind.SHIFTED) and not older.shifted
    return True


def _other_bank(older: Instruction, younger: Instruction) -> bool:
    if older.offset is None or younger.offset is None or older.address != younger.address:
        return False
    return not older.writeback and bool((older.offset ^ younger.offset) & 4)
