"""What the arena map says: which bytes are in use at each step, what for, and where the peak is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from edgebottle.ir.layout import aligned
from edgebottle.plan.lifetimes import covered_bytes
from hil.records import MemoryBlock

SCRATCH_SUFFIX = " scratch"
RING_SUFFIX = " ring"
"""Ends of the names of blocks that are no whole tensors."""

PEAK_SHARE = 0.95
"""Steps that hold at least this share of the largest memory are said to set the peak."""


class Role(Enum):
    """What a block is for; the value is the word the reader sees."""

    INPUT = "input"
    ACTIVATION = "activation"
    OUTPUT = "output"
    STATE = "state"
    SCRATCH = "scratch"
    RING = "ring"


@dataclass(frozen=True)
class ArenaView:
    """The blocks of an arena beside the layers that use them.

    Attributes:
        blocks: Those with bytes, oldest first.
        layers: Names of the steps.
        arena: Bytes of the arena.
    """

    blocks: tuple[MemoryBlock, ...]
    layers: tuple[str, ...]
    arena: int

    @classmethod
    def of(cls, blocks: Sequence[MemoryBlock], layers: Sequence[str], arena: int) -> ArenaView:
        """Leaves out empty blocks and puts the rest in the order of their first step."""
        used = (block for block in blocks if block.nbytes > 0)
        return cls(
            tuple(sorted(used, key=lambda block: (block.first, block.offset))),
            tuple(layers),
            arena,
        )

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.layers)

    def role(self, block: MemoryBlock) -> Role:
        """What the block is for."""
        if block.name.endswith(SCRATCH_SUFFIX):
            return Role.SCRATCH
        if block.name.endswith(RING_SUFFIX):
            return Role.RING
        if block.first < 0:
            return Role.STATE if block.last >= self.steps else Role.INPUT
        return Role.OUTPUT if block.last >= self.steps else Role.ACTIVATION

    def label(self, block: MemoryBlock) -> str:
        """A short name: the layer that writes it, since converters give tensors endless ones."""
        role = self.role(block)
        if role in (Role.INPUT, Role.STATE, Role.SCRATCH, Role.RING) or block.first >= self.steps:
            return role.value
        return self.layers[block.first]

    def at(self, step: int) -> tuple[MemoryBlock, ...]:
        """The blocks in use during ``step``."""
        return tuple(block for block in self.blocks if block.first <= step <= block.last)

    def live_bytes(self, step: int) -> int:
        """Bytes in use during ``step``, each counted once."""
        return covered_bytes(np.array([span(block) for block in self.at(step)]).reshape(-1, 2))

    def live(self) -> tuple[int, ...]:
        """``live_bytes`` of every step."""
        return tuple(self.live_bytes(step) for step in range(self.steps))

    def peaks(self) -> tuple[int, ...]:
        """The steps that set the peak."""
        live = self.live()
        return tuple(i for i, size in enumerate(live) if size and size >= PEAK_SHARE * max(live))


def span(block: MemoryBlock) -> tuple[int, int]:
    """First byte of the block, and the first one behind it."""
    return block.offset, block.offset + aligned(block.nbytes)
