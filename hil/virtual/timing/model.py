"""From exact block counts to modelled cycles, step by step."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from edgebottle.boards import Board
from edgebottle.build.elf import Elf
from edgebottle.cpus import Cpu
from edgebottle.cycle_costs import CycleCosts
from edgebottle.errors import BadBoard
from hil.virtual.state import BlockCount
from hil.virtual.timing import riscv, thumb
from hil.virtual.timing.block import BlockCost, block_cost
from hil.virtual.timing.cycles import Cycles
from hil.virtual.timing.instructions import Instruction


@dataclass
class CycleModel:
    """The cycle model of one firmware on one board.

    Attributes:
        board: With the chip's CPU.
        elf: Whose blocks were counted.
    """

    board: Board
    elf: Elf
    _costs: dict[tuple[int, int], BlockCost] = field(default_factory=dict)

    def cycles(self, block: BlockCount) -> Cycles:
        """Returns the cycles of all executions of a block."""
        key = (block.address, block.size)
        if key not in self._costs:
            code = self.elf.read(block.address, block.size)
            instructions = decode_code(self.board.processor, code, block.size)
            self._costs[key] = block_cost(self._cycle_costs, instructions)
        cost, runs = self._costs[key], block.executions
        taken = runs - block.fell_through
        branches = cost.taken * taken + cost.mispredicted * min(taken, block.fell_through)
        return Cycles(
            cost.issue * runs,
            cost.stalls * runs,
            branches,
            block.fetch_stalls,
            block.data_stalls,
        )

    @property
    def _cycle_costs(self) -> CycleCosts:
        costs = self.board.processor.cycles
        if costs is None:
            raise BadBoard(f"there is no cycle model of '{self.board.cpu}'")
        return costs

    def steps(self, blocks: Iterable[BlockCount], frame: Collection[str]) -> dict[int, Cycles]:
        """Returns the cycles of each step, by its number.

        Args:
            blocks: As counted.
            frame: Functions that count also outside of all steps, as the step -1.
        """
        found: dict[int, Cycles] = {}
        for block in blocks:
            if block.step < 0:
                function = self.elf.function_at(block.address)
                if function is None or function.name not in frame:
                    continue
            found[block.step] = found.get(block.step, Cycles()) + self.cycles(block)
        return found


def decode_code(cpu: Cpu, code: bytes, size: int) -> list[Instruction]:
    """Decodes the instructions that start in the first ``size`` bytes of ``code``."""
    decode = riscv.decode if cpu.arch == "riscv" else thumb.decode
    instructions, offset = [], 0
    while offset < size:
        first = int.from_bytes(code[offset : offset + 2], "little")
        second = int.from_bytes(code[offset + 2 : offset + 4], "little")
        instructions.append(decode(first, second))
        offset += instructions[-1].size
    return instructions
