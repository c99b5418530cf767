"""What a virtual board tells about itself: instruction counts and its fault."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace


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
class BlockCount:
    """A basic block as executed within one step, exact.

    Attributes:
        step: Number of the step function that was open, -1 if none was.
        address: Of its first instruction.
        size: Bytes.
        instructions: In the block.
        executions: How often it was entered.
        fell_through: How many executions were followed by the block at the next address; after
            all others a branch was taken.
        fetch_stalls: Modelled cycles of waiting for its instructions, while memory was modelled.
        data_stalls: Modelled cycles of waiting for its loads, likewise.
    """

    step: int
    address: int
    size: int
    instructions: int
    executions: int
    fell_through: int
    fetch_stalls: int = 0
    data_stalls: int = 0


def blocks_since(
    now: Sequence[BlockCount], earlier: Sequence[BlockCount]
) -> tuple[BlockCount, ...]:
    """Returns what was executed after ``earlier`` was taken.

    Args:
        now: All blocks; new ones are appended to ``earlier``, in the order of their first run.
        earlier: All blocks of an earlier time.
    """
    found = []
    for index, block in enumerate(now):
        if index < len(earlier):
            then = earlier[index]
            executions = block.executions - then.executions
            # A board that waits for its serial port runs on while its counts are read.
            fell_through = min(max(0, block.fell_through - then.fell_through), executions)
            block = replace(
                block,
                executions=executions,
                fell_through=fell_through,
                fetch_stalls=block.fetch_stalls - then.fetch_stalls,
                data_stalls=block.data_stalls - then.data_stalls,
            )
        if block.executions > 0:
            found.append(block)
    return tuple(found)


@dataclass(frozen=True)
class PinLevel:
    """From when on the pin of energy mode has a level.

    Attributes:
        instructions: Executed since the start: the board's clock.
        is_high: The level.
    """

    instructions: int
    is_high: bool


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
