"""What is told of a network that was made to be split."""

from __future__ import annotations

from dataclasses import dataclass

from quantize.lowbit.report import EpochRecord


@dataclass(frozen=True)
class Rate:
    """What a number of groups of channels gives on the test samples, in LiteRT.

    Attributes:
        number: From 1.
        channels: That are sent.
        accuracy: Share of right classes, 0 .. 1.
        bytes: Of a frame, its header included, in the mean.
        most_bytes: Of the longest.
        packed_bytes: With a fixed number of bits for each value, and the header.
        entropy_bytes: Of a payload, in the mean, that no coder with these tables gets below.
    """

    number: int
    channels: int
    accuracy: float
    bytes: float
    most_bytes: int
    packed_bytes: int
    entropy_bytes: float


@dataclass(frozen=True)
class SplitReport:
    """What is told of a network that was made to be split.

    Attributes:
        model: Name of the network.
        method: How it was trained.
        at: The teacher's step that the decoder stands for.
        shape: Of the bottleneck: height, width, channels.
        bits: Of its elements.
        samples: That it learned from.
        validation: By which the best epoch was chosen.
        test: That no choice has seen.
        teacher: Share of right classes of the float network on them.
        rates: In order.
        epochs: In order.
        bytes: Size of the file.
    """

    model: str
    method: str
    at: str
    shape: tuple[int, int, int]
    bits: int
    samples: int
    validation: int
    test: int
    teacher: float
    rates: tuple[Rate, ...]
    epochs: tuple[EpochRecord, ...]
    bytes: int
