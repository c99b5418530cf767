"""Bits that were chosen for a board, and what they take there: as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from quantize.lowbit.bits import Bits


@dataclass(frozen=True)
class BuiltCost:
    """What a build takes, to the byte.

    Attributes:
        ram: Bytes, stack and bench application included.
        arena: Of them.
        flash: Bytes.
        weights: Of them.
        cycles: Of one run, modelled; None where nothing models them.
        layers: Of them, by the layer's name in the graph.
    """

    ram: int
    arena: int
    flash: int
    weights: int
    cycles: int | None
    layers: Mapping[str, int]


@dataclass(frozen=True)
class LayerAllocation:
    """What one layer was given.

    Attributes:
        name: In Keras.
        weights: Bits, None where it has none.
        output: Bits of what it computes.
        loss: What that costs, in nats of divergence from the float network, before training.
        flash: Bytes of its constants.
        cycles: Of a run, None where nothing models them.
    """

    name: str
    weights: int | None
    output: int
    loss: float
    flash: int
    cycles: int | None


@dataclass(frozen=True)
class Allocation:
    """Bits for each layer, and what the network takes with them before it is trained.

    Attributes:
        bits: The plan.
        layers: In order.
        board: Name of the board.
        cost: Of the build, exact.
        ram_limit: Bytes; None for any number.
        flash_limit: Bytes; None for any number.
        ms: Of a run, None where nothing models them.
        ms_limit: None for any number.
    """

    bits: Bits
    layers: tuple[LayerAllocation, ...]
    board: str
    cost: BuiltCost
    ram_limit: int | None
    flash_limit: int | None
    ms: float | None
    ms_limit: float | None

    def to_json(self) -> dict[str, Any]:
        """Everything, with the plan as ``Bits.of_table`` reads it."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        layers = [asdict(layer) for layer in self.layers]
        return {**found, "bits": self.bits.to_json(), "layers": layers, "cost": asdict(self.cost)}
