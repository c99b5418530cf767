"""Issue and latency costs of each core, with their sources; what no source says is "assumed"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgebottle.errors import BadBoard
from hil.virtual.timing.instructions import Kind


@dataclass(frozen=True)
class Core:
    """Costs of one core, in CPU cycles, with memories that never make it wait.

    Attributes:
        issue: Cycles until the next instruction can issue; kinds that are not named take one.
        taken: Cycles on top when control goes elsewhere than to the next address.
        latency: Cycles after its issue slots in which a result cannot be used yet.
        transfers: Words that one cycle moves in a load or store of several, after those of
            ``issue``.
        pipelined_loads: A load or store right after a load takes one cycle less, unless its
            address needs the loaded value, or the base that the load changed.
        indexed_store: Cycles on top of a store to the sum of two registers, but for one that is
            pipelined behind a load.
        load_after_store: Cycles on top of a load right after a store.
        narrow_load: Cycles on top of the latency of a load of a byte or halfword.
        address_early: How many cycles before its issue a load or store needs a register of its
            address that a data-processing instruction wrote.
        shift_early: How many cycles before its issue the operands of the shifter are needed.
        factor_early: How many cycles before its issue a multiplication needs a loaded factor.
        accumulator_late: How many cycles after its issue a multiplication needs what the product
            is added to.
        mispredicted: Cycles on top of a branch that was not predicted; 0: nothing is predicted.
        width: Instructions that can issue in one cycle.
    """

    issue: Mapping[Kind, int]
    taken: Mapping[Kind, int]
    latency: Mapping[Kind, int] = field(default_factory=dict)
    transfers: int = 1
    pipelined_loads: bool = False
    indexed_store: int = 0
    load_after_store: int = 0
    narrow_load: int = 0
    address_early: int = 0
    shift_early: int = 0
    factor_early: int = 0
    accumulator_late: int = 0
    mispredicted: int = 0
    width: int = 1


# Cortex-M0 r0p0 technical reference manual (DDI 0432C), table 3-1. All chips here have the
# multiplier of one cycle.
_M0 = Core(
    issue={
        Kind.LOAD: 2,
        Kind.STORE: 2,
        Kind.LOAD_MULTIPLE: 1,
        Kind.STORE_MULTIPLE: 1,
        Kind.SYSTEM: 4,
    },
    taken={Kind.BRANCH: 2, Kind.CALL: 3, Kind.INDIRECT: 2, Kind.LOADED: 3},
)

# Cortex-M0+ r0p1 technical reference manual (DDI 0484C), table 3-1.
_M0PLUS = Core(
    issue={**_M0.issue, Kind.SYSTEM: 3},
    taken={Kind.BRANCH: 1, Kind.CALL: 2, Kind.INDIRECT: 1, Kind.LOADED: 2},
)

# Cortex-M4 r0p1 technical reference manual (DDI 0439D), 3.3.1 (table 3-1), 3.3.2 (loads and
# stores), 7.2.3 (floating point). Its P, the refill of the pipeline, is 1 to 3 cycles; assumed are
# 2 where the instruction says the target and 3 where a register or the memory does. A division
# takes 2 to 12 cycles; 12 are assumed. That a load right after a store takes a cycle more, and one
# from the base that the load before it has changed is not pipelined, are measurements published in
# github.com/jnk0le/random, "pipeline cycle test" (STM32F407).
_M4 = Core(
    issue={
        Kind.LOAD: 2,
        Kind.LOAD_MULTIPLE: 1,
        Kind.STORE_MULTIPLE: 1,
        Kind.DIVIDE: 12,
        Kind.TABLE: 2,
        Kind.SYSTEM: 4,
        Kind.FP_MAC: 3,
        Kind.FP_DIVIDE: 14,
    },
    taken={Kind.BRANCH: 2, Kind.CALL: 2, Kind.INDIRECT: 3, Kind.LOADED: 3, Kind.TABLE: 3},
    latency={Kind.FP_ALU: 1},
    pipelined_loads=True,
    indexed_store=1,
    load_after_store=1,
    address_early=1,
)

# Arm publishes no cycle counts of the Cortex-M7. Measurements of others:
# github.com/jnk0le/random, "pipeline cycle test" (STM32H743), and quinapalus.com/cm7cycles.html
# (STM32H730): loads, multiplications, the shifter, several words, floating point, 8 cycles for a
# misprediction, and what issues in pairs (block.py). Assumed: 12 cycles of a division, 1 cycle for
# a predicted branch (none is measured at best), the BTAC knows no address from a register.
_M7 = Core(
    issue={
        Kind.LOAD_MULTIPLE: 0,
        Kind.STORE_MULTIPLE: 0,
        Kind.DIVIDE: 12,
        Kind.TABLE: 2,
        Kind.SYSTEM: 4,
        Kind.FP_DIVIDE: 16,
    },
    taken={Kind.BRANCH: 1, Kind.CALL: 1, Kind.INDIRECT: 8, Kind.LOADED: 8, Kind.TABLE: 8},
    latency={
        Kind.MULTIPLY: 1,
        Kind.MULTIPLY_LONG: 1,
        Kind.FP_ALU: 3,
        Kind.FP_MAC: 5,
        Kind.FP_DIVIDE: 1,
    },
    transfers=2,
    narrow_load=1,
    address_early=1,
    shift_early=1,
    factor_early=1,
    accumulator_late=1,
    mispredicted=8,
    width=2,
)

# Arm publishes no cycle counts of the Cortex-M33 (technical reference manual 100230). All assumed:
# the Cortex-M4's figures, but that loads and multiplications take one cycle and their result can be
# used after another one. That some pairs of 16-bit instructions issue together is left out.
_M33 = Core(
    issue={
        Kind.LOAD_MULTIPLE: 1,
        Kind.STORE_MULTIPLE: 1,
        Kind.DIVIDE: 12,
        Kind.TABLE: 2,
        Kind.SYSTEM: 4,
        Kind.FP_MAC: 3,
        Kind.FP_DIVIDE: 14,
    },
    taken=_M4.taken,
    latency={Kind.LOAD: 1, Kind.MULTIPLY: 1, Kind.MULTIPLY_LONG: 1, Kind.FP_ALU: 1},
    address_early=1,
    accumulator_late=1,
)

# The Bumblebee core of the GD32VF103 has two stages and no published cycle counts. All assumed: a
# load's result can be used after another cycle, multiplications take 2 and divisions 33 cycles,
# jumps refill the two stages.
_BUMBLEBEE = Core(
    issue={Kind.MULTIPLY: 2, Kind.DIVIDE: 33, Kind.SYSTEM: 4},
    taken={Kind.BRANCH: 2, Kind.CALL: 2, Kind.INDIRECT: 2},
    latency={Kind.LOAD: 1},
)

_CORES = {
    "cortex-m0": _M0,
    "cortex-m0plus": _M0PLUS,
    "cortex-m4": _M4,
    "cortex-m7": _M7,
    "cortex-m33": _M33,
    "rv32imac": _BUMBLEBEE,
}


def core_of(cpu: str) -> Core:
    """Returns the costs of a board's ``cpu``; raises ``BadBoard`` for one without a model."""
    if cpu not in _CORES:
        raise BadBoard(f"there is no cycle model of '{cpu}'")
    return _CORES[cpu]
