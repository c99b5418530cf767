"""What the cycle model knows of an instruction: its cost class and the registers it touches."""

from dataclasses import dataclass

from edgebottle.cycle_costs import Kind

FLAGS = 16
"""Number under which the condition flags are a register."""
FP = 32
"""Number of S0; a double register is its two halves."""


@dataclass(frozen=True)
class Instruction:
    """A decoded instruction.

    Attributes:
        kind: Cost class.
        size: 2 or 4 bytes.
        reads: Registers it reads: 0 to 15 (RISC-V: 0 to 31), ``FLAGS``, ``FP`` and up.
        writes: Registers it writes.
        address: Those of ``reads`` that an address is computed from.
        accumulator: Those of ``reads`` that a product is added to.
        transfers: Words that are loaded or stored.
        writeback: A load or store that changes its base register.
        indexed: The address is a sum of two registers.
        literal: The address is relative to the program counter.
        offset: From the base register, where it is a constant.
        narrow: Loads less than a word.
        simple: An addition, subtraction or move without a shift.
        shifted: Those of ``reads`` that are shifted, extended or cut out before they are used.
        target: Of a branch, relative to its own address; None if unknown.
    """

    kind: Kind
    size: int
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    address: tuple[int, ...] = ()
    accumulator: tuple[int, ...] = ()
    transfers: int = 0
    writeback: bool = False
    indexed: bool = False
    literal: bool = False
    offset: int | None = None
    narrow: bool = False
    simple: bool = False
    shifted: tuple[int, ...] = ()
    target: int | None = None

    @property
    def conditional(self) -> bool:
        """A branch that may fall through."""
        return self.kind is Kind.BRANCH and bool(self.reads)

    def can_follow(self, before: "Instruction") -> bool:
        """Whether an access overlaps with the load right before it, on cores that pipeline loads.

        Not if its address needs the loaded value, or the base that the load changed.
        """
        is_access = self.kind in (Kind.LOAD, Kind.STORE)
        free = not set(before.writes) & set(self.address)
        return is_access and before.kind is Kind.LOAD and free


LOADS = (Kind.LOAD, Kind.LOAD_MULTIPLE)
MEMORY = (*LOADS, Kind.STORE, Kind.STORE_MULTIPLE)
MULTIPLIES = (Kind.MULTIPLY, Kind.MULTIPLY_LONG)
PACKED = (Kind.EXTEND, Kind.SATURATE)
FLOATS = (
    *(Kind.FP_ALU, Kind.FP_MAC, Kind.FP_DIVIDE),
    *(Kind.FP_MOVE, Kind.FP_READ, Kind.FP_MOVE_TWO),
)
