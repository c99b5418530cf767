"""Random networks of every operator, one for each seed."""

from __future__ import annotations

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape
from tests.fuzz.drawing import Drawing
from tests.fuzz.rules import narrow, operators

ATTEMPTS = 200
"""Draws of which some are refused, at most."""


def random_model(seed: int) -> Graph:
    """A network of two to a dozen layers: images, signals, vectors; branches, several inputs."""
    d = Drawing(f"fuzz_{seed}", seed)
    dtype = DType.F32 if d.chance(0.12) else DType.I16 if d.chance(0.12) else DType.I8
    alive = [d.input(_shape(d), dtype)]
    if d.chance(0.2):
        alive.append(d.input(_shape(d), DType.F32 if d.chance(0.1) else dtype))
    known, wanted = list(operators()), d.number(2, 12)
    for _ in range(ATTEMPTS):
        if len(d.nodes) >= wanted:
            break
        kind, rule = d.pick(*known)
        kept = set(d.tensors), len(d.inputs), len(d.nodes)
        try:
            outputs = rule(d, _reader(d, alive), kind)
            if d.tensors[outputs[0]].dtype is DType.I8 and d.chance(0.2 if d.low_bits else 0.06):
                outputs = (*outputs, *narrow(d, outputs[0]))
        except UnsupportedOp:
            _forget(d, *kept)
            continue
        made = [d.tensors[name] for name in outputs]
        usable = (DType.I8, DType.I16, DType.F32)
        alive += [one.name for one in made if one.dtype in usable and one.shape]
    return d.graph()


def _shape(d: Drawing) -> Shape:
    kind = d.random.random()
    if kind < 0.6:
        return (1, d.number(1, 14), d.number(1, 14), d.number(1, 18))
    if kind < 0.7:
        return (d.number(2, 4), d.number(1, 8), d.number(1, 8), d.number(1, 6))
    if kind < 0.8:
        return (1, 1, d.number(2, 40), d.number(1, 6))
    if kind < 0.92:
        return (d.number(1, 2), d.number(1, 40))
    return tuple(d.number(1, 5) for _ in range(d.pick(1, 3, 5)))


def _reader(d: Drawing, alive: list[str]) -> str:
    """The tensor that the next layer reads: mostly the newest, so that networks are deep."""
    return alive[-1] if d.chance(0.6) else str(d.pick(*alive))


def _forget(d: Drawing, tensors: set[str], inputs: int, nodes: int) -> None:
    """Takes back what a rule made before its layer was refused."""
    for name in set(d.tensors) - tensors:
        del d.tensors[name]
        d.exact.discard(name)
    del d.inputs[inputs:]
    del d.nodes[nodes:]
