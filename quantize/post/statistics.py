"""What calibration keeps of a tensor: a histogram, its ends and its mean; samples pass by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph
from quantize.post.affine import Bounds
from quantize.post.runner import Runner

BINS = 8192
"""Of a histogram; even. Sixteen or more for each step of int8."""

Inputs = Sequence[tuple[Array, ...]]
"""Samples: for each one array for each input of the network."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much (0: unknown)."""


@dataclass
class Statistics:
    """What is known of one tensor; ``add`` takes further values.

    Attributes:
        counts: Values in each of ``BINS`` bins of equal width from ``-reach`` to ``reach``.
        reach: Grows by doubling, so that nothing is ever counted anew.
        low: The lowest value.
        high: The highest value.
        total: The sum of all samples, of the tensor's shape.
        channels: The furthest from zero of each channel, the last axis.
        samples: How many there were.
    """

    counts: Array = field(default_factory=lambda: np.zeros(BINS, np.int64))
    reach: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    total: Array | None = None
    channels: Array | None = None
    samples: int = 0

    def add(self, values: Array) -> None:
        """Takes one sample of the tensor."""
        low, high = float(values.min()), float(values.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.total = values.astype(np.float64) if self.total is None else self.total + values
        self.samples += 1
        last = values.shape[-1] if values.ndim else 1
        seen = np.abs(values.reshape(-1, last)).max(axis=0)
        self.channels = seen if self.channels is None else np.maximum(self.channels, seen)
        furthest = max(-low, high)
        if self.reach == 0.0:
            self.counts[BINS // 2] += 0 if furthest else values.size
            self.reach = furthest
        while furthest > self.reach:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.pad(pairs, BINS // 4)
            self.reach *= 2
        if furthest:
            scaled = values.ravel() * np.float32(BINS / 2 / self.reach) + np.float32(BINS / 2)
            places = np.clip(scaled.astype(np.int32), 0, BINS - 1)
            self.counts += np.bincount(places, minlength=BINS)

    @property
    def bounds(self) -> Bounds:
        """The lowest and the highest value."""
        return self.low, self.high

    @property
    def centres(self) -> Array:
        """The middle of each bin; the one of zeros is exactly zero."""
        width = 2 * self.reach / BINS
        centres = (np.arange(BINS) + 0.5) * width - self.reach
        centres[BINS // 2] = 0.0 if self.low == 0.0 else centres[BINS // 2]
        return centres

    @property
    def mean(self) -> Array:
        """The mean of all samples, float64, of the tensor's shape."""
        assert self.total is not None, "no sample was added"
        return np.asarray(self.total / self.samples)


def merged(parts: Sequence[Statistics]) -> Statistics:
    """The statistics of several tensors as of one; without a mean."""
    result = Statistics()
    result.reach = max(part.reach for part in parts)
    result.low, result.high = min(p.low for p in parts), max(p.high for p in parts)
    result.samples = max(part.samples for part in parts)
    for part in parts:
        scaled = part.centres * (BINS / 2 / result.reach if result.reach else 0.0) + BINS / 2
        places = np.clip(scaled.astype(np.int64), 0, BINS - 1)
        result.counts += np.bincount(places, weights=part.counts, minlength=BINS).astype(np.int64)
    return result


def float_tensors(graph: Graph) -> tuple[str, ...]:
    """The floating-point tensors that are computed at run time, inputs and states included.

    What is assigned to a variable is one of them already; a file has no other name for it.
    """
    unread = {
        name
        for node in graph.nodes
        for name in node.outputs
        if node.assigned is not None and not graph.consumers(name) and name not in graph.outputs
    }
    return tuple(
        name
        for name, tensor in graph.tensors.items()
        if tensor.dtype is DType.F32 and tensor.data is None and name not in unread
    )


def collect(
    graph: Graph, inputs: Inputs, runner: Runner, progress: Progress
) -> dict[str, Statistics]:
    """Runs a float graph in LiteRT and gathers statistics of every tensor.

    Args:
        graph: A float graph that can be written as ``.tflite``.
        inputs: The calibration samples.
        runner: Runs it.
        progress: Told how many are done.

    Raises:
        BadModel: LiteRT refuses the network, or ends on it.
    """
    names = float_tensors(graph)
    found = {name: Statistics() for name in names}
    runner.load(graph)
    for number, sample in enumerate(inputs):
        progress("run the calibration samples", number, len(inputs))
        for name, values in zip(names, runner.run(sample, names), strict=True):
            found[name].add(values)
    return found
