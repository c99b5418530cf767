"""What a network makes of rounding: every float that it computes is changed by about as much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebottle.compare import FLOAT_TOLERANCE
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter

NUDGE = 1e-6
"""Of a float: a dozen roundings."""

ULP = 2.0**-23
"""Of the largest float of a tensor: as exact are some transcendental functions of others."""

MOST = 1 / 3
"""Of ``FLOAT_TOLERANCE``, that a calm network makes of nudges."""


def nudged(value: Array, random: np.random.Generator) -> Array:
    """The same floats but for rounding; integers stay."""
    if value.dtype.kind != "f":
        return value
    finite = np.abs(value[np.isfinite(value)])
    by = NUDGE * np.abs(value) + ULP * float(finite.max(initial=0.0))
    return np.asarray(value + by * random.choice((-1, 1), value.shape), value.dtype)


def run_nudged(graph: Graph, inputs: Sequence[Array], seed: int) -> list[Array]:
    """The outputs of a network without state, all of whose layers are nudged."""
    random = np.random.default_rng([seed, 4])
    values = dict(Interpreter(graph).values)
    values |= dict(zip(graph.inputs, (nudged(one, random) for one in inputs), strict=True))
    for node in graph.nodes:
        arguments = [None if name is None else values[name] for name in node.inputs]
        results = node.reference(arguments, graph.ins(node), graph.outs(node))
        for name, value in zip(node.outputs, results, strict=True):
            values[name] = nudged(value, random)
    return [values[name] for name in graph.outputs]


def is_calm(graph: Graph, inputs: Sequence[Array], expected: Sequence[Array], seed: int) -> bool:
    """Whether a network keeps rounding well below ``FLOAT_TOLERANCE``."""
    if graph.has_state:
        return True
    shaken = run_nudged(graph, inputs, seed)
    return all(_is_near(*pair) for pair in zip(shaken, expected, strict=True))


def _is_near(found: Array, expected: Array) -> bool:
    if expected.dtype.kind != "f":
        return True  # integers are compared as they are
    largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    slack = MOST * FLOAT_TOLERANCE * largest
    return bool(np.isclose(found, expected, 0, slack, equal_nan=True).all())
