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
class ExitReport:
    """What an early exit gives, in LiteRT.

    Attributes:
        wanted: The share of its answers that shall be right, 0 .. 1.
        temperature: By which its logits were divided, fitted to validation samples.
        threshold: The least confidence with which its answer is taken; None where even the surest
            answers were not right so often, so that the network has no exit.
        chosen_share: Of validation samples, 0 .. 1, which it answers.
        chosen_accuracy: Of those answers.
        share: Of test samples which it answers.
        accuracy: Of those answers.
        accuracy_with: Of all test samples, the others at the highest rate.
        bytes_with: Of a frame at the highest rate, in the mean over all of them; 0 for an answer of
            the exit.
        calibration_error: Expected calibration error on test samples, 0 .. 1.
    """

    wanted: float
    temperature: float
    threshold: float | None = None
    chosen_share: float = 0.0
    chosen_accuracy: float = 0.0
    share: float = 0.0
    accuracy: float = 0.0
    accuracy_with: float = 0.0
    bytes_with: float = 0.0
    calibration_error: float = 0.0


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
        exit: Of the early exit; None where none was asked for.
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
    exit: ExitReport | None = None
