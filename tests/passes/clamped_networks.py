"""Networks that clamp stored values by operators of their own."""

from dataclasses import replace

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Activation
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.maximum import Maximum
from edgebottle.ops.minimum import Minimum
from edgebottle.passes.fuse_clamp import fuse_clamp
from tests.graphs import Builder


class ClampBuilder(Builder):
    """Adds MAXIMUM and MINIMUM with constants."""

    def at_least(self, x: str, *values: int) -> str:
        return self._extreme(Maximum, x, values)

    def at_most(self, x: str, *values: int) -> str:
        return self._extreme(Minimum, x, values)

    def _extreme(self, kind: type[Maximum] | type[Minimum], x: str, values: tuple[int, ...]) -> str:
        quant = self.tensors[x].quant
        limit = self._constant("limit", np.array(values, np.int8), quant)
        out = self._tensor("clamped", self.shape(x), quant)
        return self._add(kind(name=out, inputs=(limit, x), outputs=(out,)))


def clamps_of_many() -> Graph:
    """Of a convolution, of a sum and RELU behind it, of a pool, and of a layer behind a view."""
    b = ClampBuilder("clamps_of_many")
    x = b.at_most(b.at_least(b.conv(b.input(1, 6, 6, 2), 3), -8), 7)
    y = b.relu(b.at_least(b.add(x, x), -100))
    z = b.dense(b.at_most(b.pool(y, MaxPool2D, 2, 1), 20), 4, keep_num_dims=True)
    return b.graph(b.at_most(b.reshape(z, 1, 48, 3), 3, 3, 3))


def clamps_that_stay() -> Graph:
    """Of the input, of what is read twice, of another scale, of channels by different values."""
    b = ClampBuilder("clamps_that_stay")
    x = b.at_least(b.input(1, 4, 4, 2), 3)
    twice = b.conv(x, 2)
    channels = b.at_most(b.conv(b.add(twice, b.at_most(twice, 5)), 2), 3, 4)
    return b.graph(b.relu(b.conv(channels, 2), same_quant=False))


def clamp_beyond_the_activation() -> Graph:
    """What RELU gives is one value then."""
    b = ClampBuilder("clamp_beyond_the_activation")
    graph = b.graph(b.at_most(b.conv(b.input(1, 4, 4, 2), 2), -128))
    conv, clamp = graph.nodes
    return graph.with_nodes((replace(conv, activation=Activation.RELU), clamp))  # type: ignore[call-arg]


def clamp_before_a_reshape() -> Graph:
    """The layer that clamps writes the output itself when the reshape goes."""
    b = ClampBuilder("clamp_before_a_reshape")
    x = b.at_most(b.conv(b.input(1, 4, 4, 2), 2), -30)
    return fuse_clamp(b.graph(b.reshape(x, 1, 4, 4, 2)))
