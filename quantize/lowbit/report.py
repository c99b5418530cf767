"""What is told of training: each epoch, and the whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One pass over the training samples.

    Attributes:
        number: From 1.
        loss: Mean over the pass.
        accuracy: Of the simulation on the training samples, while it learned.
        validation: Of the simulation behind it, on samples that nothing is learned from.
        is_best: It is the best so far by that.
    """

    number: int
    loss: float
    accuracy: float
    validation: float
    is_best: bool


@dataclass(frozen=True)
class LowBitReport:
    """All that is told of a network that was trained to few bits.

    Attributes:
        model: Name of the network.
        bits: Of its layers, in short.
        samples: That it learned from.
        validation: By which the best epoch was chosen.
        test: That no choice has seen.
        before: Share of right classes of the float network on them.
        after: That of the file, in LiteRT's reference kernels.
        epochs: In order.
        bytes: Size of the file.
    """

    model: str
    bits: str
    samples: int
    validation: int
    test: int
    before: float
    after: float
    epochs: tuple[EpochRecord, ...]
    bytes: int
