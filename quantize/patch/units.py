"""What a network is computed in: layers, and stages of layers, whole or in parts."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS, CHANNELS = 2, 3
"""Axes of an image."""


@dataclass(frozen=True)
class Partition:
    """How a stage is computed in parts, one after the other, each row by row.

    Attributes:
        axis: That of its output which is cut: ``COLUMNS`` or ``CHANNELS``.
        parts: How many.
        extra_macs: What is computed twice: the halos of columns; nothing for channels.
        whole_bytes: What is held whole meanwhile.
    """

    axis: int
    parts: int
    extra_macs: int
    whole_bytes: int


@dataclass(frozen=True)
class Unit:
    """Consecutive nodes that run as one unit.

    Attributes:
        first: Number of the first node.
        end: Number after the last node.
        streamed: Row by row as a stage; otherwise one node, layer by layer.
        nbytes: Bytes of arena the unit needs, at the least; with a split, at the most.
        split: For a stage that is computed in parts.
    """

    first: int
    end: int
    streamed: bool
    nbytes: int
    split: Partition | None = None

    @property
    def extra_macs(self) -> int:
        """Multiply-accumulates that are done twice."""
        return 0 if self.split is None else self.split.extra_macs

    @property
    def nodes(self) -> range:
        """Numbers of its nodes."""
        return range(self.first, self.end)
