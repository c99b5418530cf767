"""Adam for arrays of which each update has gradients of a part only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgebottle.ir.graph import Array

Box = tuple[slice, ...]
"""A part of an array: a slice with start and stop of each axis."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""As in the paper, but for the last, which is as in Keras."""


@dataclass
class Moments:
    """What Adam remembers of an array; all of its shape.

    Attributes:
        mean: Of the gradients, falling off.
        square: The same of their squares.
        count: How often each element had a gradient.
    """

    mean: Array
    square: Array
    count: Array

    @classmethod
    def of(cls, array: Array) -> Moments:
        """Before the first update."""
        zeros = np.zeros(array.shape, np.float32)
        return cls(zeros, zeros.copy(), np.zeros(array.shape, np.int32))


@dataclass
class BoxedAdam:
    """Changes arrays in place.

    An element without a gradient stays as it is, and what is remembered of it too: it counts its
    own updates. So a rare element learns as fast, each time, as a frequent one.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015.

    Attributes:
        arrays: By their names, float32.
        rate: The learning rate of an update, which are counted from 0.
        updates: How many there were.
    """

    arrays: Mapping[str, Array]
    rate: Callable[[int], float]
    updates: int = 0
    _moments: dict[str, Moments] = field(init=False)

    def __post_init__(self) -> None:
        self._moments = {name: Moments.of(array) for name, array in self.arrays.items()}

    def update(self, gradients: Mapping[str, Sequence[tuple[Box, Array]]]) -> None:
        """One update.

        Args:
            gradients: By the names of arrays, of parts that may overlap: they add up.
        """
        rate = self.rate(self.updates)
        self.updates += 1
        for name, parts in gradients.items():
            box = _around([part for part, _ in parts])
            total = np.zeros(_shape(box), np.float32)
            for part, values in parts:
                total[_within(part, box)] += values
            self._change(self.arrays[name][box], self._moments[name], box, total, rate)

    def _change(
        self, values: Array, moments: Moments, box: Box, gradient: Array, rate: float
    ) -> None:
        mean, square, count = moments.mean[box], moments.square[box], moments.count[box]
        count += 1
        mean += (gradient - mean) * np.float32(1 - BETA_1)
        square += (gradient * gradient - square) * np.float32(1 - BETA_2)
        known = np.arange(count.max() + 1)  # element by element powers would be slow
        factor = (np.sqrt(1 - BETA_2**known) / np.maximum(1 - BETA_1**known, EPSILON)) * rate
        values -= factor.astype(np.float32)[count] * mean / (np.sqrt(square) + EPSILON)

    def state(self) -> list[Array]:
        """All that it remembers."""
        found = [np.array(self.updates)]
        for one in self._moments.values():
            found += [one.mean, one.square, one.count]
        return found

    def restore(self, state: Sequence[Array]) -> None:
        """Remembers what ``state`` gave."""
        updates, *arrays = state
        self.updates = int(updates)
        for number, one in enumerate(self._moments.values()):
            one.mean, one.square, one.count = (
                np.array(array) for array in arrays[3 * number : 3 * number + 3]
            )


def _around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all."""
    axes = zip(*boxes, strict=True)
    return tuple(slice(min(s.start for s in one), max(s.stop for s in one)) for one in axes)


def _within(part: Box, box: Box) -> Box:
    """A part of an array as a part of a box around it."""
    pairs = zip(part, box, strict=True)
    return tuple(slice(p.start - b.start, p.stop - b.start) for p, b in pairs)


def _shape(box: Box) -> tuple[int, ...]:
    return tuple(one.stop - one.start for one in box)
