"""What instructions cost on a CPU: the terms of the cycle model of the virtual boards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Cost class of an instruction."""

    ALU = "alu"
    SHIFT = "shift"
    SHIFTED = "shifted"  # an operand of another operation, or its constant, is shifted
    EXTEND = "extend"  # extends, packs, reverses, bit fields, bytes in parallel
    SATURATE = "saturate"  # also parts in parallel
    MULTIPLY = "multiply"
    MULTIPLY_LONG = "multiply-long"
    DIVIDE = "divide"
    LOAD = "load"
    STORE = "store"
    LOAD_MULTIPLE = "load-multiple"  # also two words, and POP
    STORE_MULTIPLE = "store-multiple"
    BRANCH = "branch"  # to an address that the instruction says
    CALL = "call"
    INDIRECT = "indirect"  # to an address in a register
    LOADED = "loaded"  # to an address in memory
    TABLE = "table"  # TBB, TBH
    IT = "it"
    NOP = "nop"
    SYSTEM = "system"
    FP_ALU = "fp-alu"  # additions, multiplications, conversions
    FP_MOVE = "fp-move"  # between two registers of the FPU, and to one of them from the core
    FP_READ = "fp-read"  # from the FPU to the core
    FP_MOVE_TWO = "fp-move-two"  # two registers at once, either way
    FP_MAC = "fp-mac"
    FP_DIVIDE = "fp-divide"  # also the square root


FLAGS_AHEAD = 3
"""Cycles that flags must be set before a branch to be known when it is decoded."""


@dataclass(frozen=True)
class CycleCosts:
    """Costs of one core, in CPU cycles, with memories that never make it wait.

    Attributes:
        issue: Cycles until the next instruction can issue; kinds that are not named take one.
        taken: Cycles on top when control goes elsewhere than to the next address.
        latency: Cycles after its issue slots in which a result cannot be used yet.
        transfers: Words that one cycle moves in a load or store of several, after those of
            ``issue``.
        pipelined_loads: A load or store right after a load takes one cycle less, unless its
            address needs the loaded value, or the base that the load changed. Where the two are
            in different memories it does not (``hil/virtual/native/cache.c``).
        indexed_store: Cycles on top of a store to the sum of two registers.
        load_after_store: Cycles on top of a load right after a store.
        narrow_load: Cycles on top of the latency of a load of a byte or halfword.
        address_early: How many cycles before its issue a load or store needs a register of its
            address that no load has written.
        early_alu: Additions, moves and shifts whose operands are there a cycle before their issue
            run a stage earlier than all else: an instruction of the same cycle can use the result.
            So it can the base that a load or store changes. Addresses come from that stage, too,
            and need what was loaded ``address_early``.
        shift_early: How many cycles before its issue what goes through the shifter of that stage
            is needed, and anything that an instruction with such an operand takes of a load.
        factor_early: How many cycles before its issue a multiplication needs a loaded factor.
        accumulate: Cycles on top of a multiplication whose product is added to something.
        accumulator_late: How many cycles after its issue a multiplication needs what the product
            is added to.
        store_late: The same of a store and what it stores.
        flags_of_product: Cycles on top of a multiplication that sets flags.
        mispredicted: Cycles on top of a branch that was not predicted; 0: nothing is predicted,
            else no branch waits for its condition.
        resolved_early: Cycles less of that where the flags were set ``FLAGS_AHEAD`` before.
        taken_after_flags: Cycles on top of a taken branch right behind what sets its flags.
        narrow_pairs: Of two 16-bit instructions in a row a branch, IT or NOP costs no cycle.
        width: Instructions that can issue in one cycle.
    """

    issue: Mapping[Kind, int]
    taken: Mapping[Kind, int]
    latency: Mapping[Kind, int] = field(default_factory=dict)
    accumulate: Mapping[Kind, int] = field(default_factory=dict)
    transfers: int = 1
    pipelined_loads: bool = False
    indexed_store: int = 0
    load_after_store: int = 0
    narrow_load: int = 0
    address_early: int = 0
    early_alu: bool = False
    shift_early: int = 0
    factor_early: int = 0
    accumulator_late: int = 0
    store_late: int = 0
    flags_of_product: int = 0
    mispredicted: int = 0
    resolved_early: int = 0
    taken_after_flags: int = 0
    narrow_pairs: bool = False
    width: int = 1
