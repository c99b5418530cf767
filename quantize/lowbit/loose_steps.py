"""What Keras has as layers of their own, until ``fusing`` puts them beside what they follow."""

from __future__ import annotations

from dataclasses import dataclass

from quantize.lowbit.network import LayerStep, Normalization


@dataclass(frozen=True, kw_only=True)
class LooseNormalization(LayerStep):
    """BatchNormalization.

    Attributes:
        norm: Its numbers.
    """

    norm: Normalization


@dataclass(frozen=True, kw_only=True)
class LooseClamp(LayerStep):
    """ReLU.

    Attributes:
        ceiling: Its upper end, None where there is none.
    """

    ceiling: float | None


@dataclass(frozen=True, kw_only=True)
class LooseSoftmax(LayerStep):
    """Softmax over the channels."""
