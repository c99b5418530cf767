"""What is told of training: each epoch, and the whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One pass over the training samples.

    Attributes:
        number: From 1, over all stages.
        bits: Of the stage that it belongs to, in short.
        loss: Mean over the pass.
        accuracy: Of the simulation on the training samples, while it learned.
        validation: Of the simulation behind it, on samples that nothing is learned from.
        is_best: It is the best so far by that, of those with the bits that are asked for.
        frozen: Share of weights that learn no more, 0 .. 1; None where all do.
    """

    number: int
    bits: str
    loss: float
    accuracy: float
    validation: float
    is_best: bool
    frozen: float | None = None


@dataclass(frozen=True)
class LayerWidths:
    """One layer of the file.

    Attributes:
        name: Of the layer.
        op: Its operator.
        weights: How many weights it has.
        weight_values: Different ones among them; 0 where it has none.
        output_bits: That its output needs: 8, or as many as the compiler proves.
    """

    name: str
    op: str
    weights: int
    weight_values: int
    output_bits: int


@dataclass(frozen=True)
class LowBitReport:
    """All that is told of a network that was trained to few bits.

    Attributes:
        model: Name of the network.
        bits: Of its layers, in short.
        methods: That it was trained with, by name.
        samples: That it learned from.
        validation: By which the best epoch was chosen.
        test: That no choice has seen.
        before: Share of right classes of the float network on them.
        after: That of the file, in LiteRT's reference kernels.
        epochs: In order.
        layers: Of the file, in order.
        bytes: Size of the file.
    """

    model: str
    bits: str
    methods: tuple[str, ...]
    samples: int
    validation: int
    test: int
    before: float
    after: float
    epochs: tuple[EpochRecord, ...]
    layers: tuple[LayerWidths, ...]
    bytes: int

    @property
    def lost_points(self) -> float:
        """Percentage points of accuracy that few bits cost."""
        return 100 * (self.before - self.after)
