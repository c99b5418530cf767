"""What a virtual board tells about itself: instruction counts and its fault."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Executed instructions, exact.

    Attributes:
        instructions: All of them, waiting for the serial port included.
        functions: By ELF symbol.
        steps: By number of the step function, with everything it calls.
        stack_lowest: Lowest stack pointer seen since the start, None before the first push.
    """

    instructions: int
    functions: dict[str, int]
    steps: tuple[int, ...]
    stack_lowest: int | None = None

    def since(self, earlier: "Counts") -> "Counts":
        """Returns what was executed after ``earlier`` was taken."""
        functions = Counter(self.functions)
        functions.subtract(earlier.functions)
        return Counts(
            instructions=self.instructions - earlier.instructions,
            functions={name: count for name, count in functions.items() if count > 0},
            steps=tuple(now - then for now, then in zip(self.steps, earlier.steps, strict=True)),
            stack_lowest=self.stack_lowest,
        )


@dataclass(frozen=True)
class Fault:
    """Why the board stopped.

    Attributes:
        kind: ``unmapped-read``, ``unmapped-write``, ``write-to-flash``, ``bad-fetch``,
            ``undefined-instruction``, ``breakpoint``, ``exception``, ``stack-overflow``,
            ``fpu-disabled``, ``reset`` or ``runaway``.
        address: What was accessed or executed.
        pc: Address of the instruction.
        symbol: Function the instruction is in, with the offset: ``main+0x12``.
        message: One line for the user.
    """

    kind: str
    address: int
    pc: int
    symbol: str
    message: str
