"""Einsum: sums of products over named axes, as transposes, products of matrices and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.products import product
from edgebottle.importers.onnx_operators.reduction import reduced
from edgebottle.importers.onnx_operators.table import Translation, data_of
from edgebottle.ir.graph import Tensor
from edgebottle.ops.base import MANY

DOTS = "..."

_DOT_NAMES = "0123456789"
"""What the axes of an ellipsis are called, counted from the last."""


@dataclass(frozen=True)
class _Term:
    """A tensor whose axes have names, one character each."""

    x: Tensor
    names: str


def _einsum(b: Builder, node: OnnxNode, values: Values) -> Value:
    tensors = [data_of(b, node, values, index) for index in range(len(values))]
    terms, wanted = _parsed(node, tensors)
    terms = [_without_repeats(b, node, term) for term in terms]
    while len(terms) > 1:
        rest = {name for term in terms[2:] for name in term.names} | set(wanted)
        terms = [_multiplied(b, node, terms[0], terms[1], rest), *terms[2:]]
    only = _summed(b, terms[0], set(wanted))
    if sorted(only.names) != sorted(wanted):
        raise node.contradicts(f"makes the axes '{wanted}' of '{only.names}'")
    return b.transpose(only.x, [only.names.index(name) for name in wanted])


def _parsed(node: OnnxNode, tensors: Sequence[Tensor]) -> tuple[list[_Term], str]:
    """The operands with their names, and the names of the result."""
    equation = node.text("equation", "").replace(" ", "")
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    if len(parts) != len(tensors):
        raise node.contradicts(f"has the equation '{equation}' for {len(tensors)} inputs")
    terms, most = [], 0
    for part, x in zip(parts, tensors, strict=True):
        extra = len(x.shape) - len(part.replace(DOTS, ""))
        if extra < 0 or extra > len(_DOT_NAMES) or (extra and DOTS not in part):
            raise node.contradicts(f"calls the {len(x.shape)} axes of an input '{part}'")
        most = max(most, extra)
        terms.append(_Term(x, part.replace(DOTS, _DOT_NAMES[:extra][::-1])))
    every = "".join(term.names for term in terms)
    if not all(name.isalpha() or name in _DOT_NAMES for name in every):
        raise node.contradicts(f"has the equation '{equation}'")
    if not arrow:
        once = sorted(name for name in set(every) if every.count(name) == 1 and name.isalpha())
        right = DOTS + "".join(once)
    wanted = right.replace(DOTS, _DOT_NAMES[:most][::-1])
    if len(set(wanted)) < len(wanted) or not set(wanted) <= set(every):
        raise node.contradicts(f"has the equation '{equation}'")
    return terms, wanted


def _without_repeats(b: Builder, node: OnnxNode, term: _Term) -> _Term:
    """A name that stands twice is the diagonal of its two axes."""
    x, names = term.x, term.names
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            i = names.index(name)
            j = names.index(name, i + 1)
            if x.shape[i] != x.shape[j]:
                raise node.contradicts(f"calls axes of {x.shape[i]} and {x.shape[j]} '{name}'")
            order = [i, j, *(at for at in range(len(names)) if at not in (i, j))]
            turned, size = b.transpose(x, order), x.shape[i]
            flat = b.reshape(turned, (size * size, *turned.shape[2:]))
            places = (np.arange(size) * (size + 1)).astype(np.int32)
            x = b.add("GATHER", flat, places, axis=0, batch_dims=0)
            names = name + "".join(names[at] for at in order[2:])
    return _Term(x, names)


def _summed(b: Builder, term: _Term, kept: set[str]) -> _Term:
    """Without the axes that nobody asks for."""
    axes = [at for at, name in enumerate(term.names) if name not in kept]
    if not axes:
        return term
    names = "".join(name for name in term.names if name in kept)
    return _Term(reduced(b, "SUM", term.x, axes, keep=False), names)


def _multiplied(b: Builder, node: OnnxNode, left: _Term, right: _Term, kept: set[str]) -> _Term:
    """The product of two, summed over what both have and nobody asks for: a product of matrices."""
    left = _summed(b, left, kept | set(right.names))
    right = _summed(b, right, kept | set(left.names))
    both = [name for name in left.names if name in right.names]
    sizes: dict[str, int] = {}
    for term in (left, right):
        for name, size in zip(term.names, term.x.shape, strict=True):
            if sizes.get(name, 1) not in (1, size) and size != 1:
                raise node.contradicts(f"has axes '{name}' of {sizes[name]} and {size}")
            sizes[name] = max(size, sizes.get(name, 1))
    shared = [name for name in both if name in kept]
    inner = [name for name in both if name not in kept]
    rows = [name for name in left.names if name not in both]
    columns = [name for name in right.names if name not in both]
    a = _matrix(b, left, sizes, (shared, rows, inner))
    c = _matrix(b, right, sizes, (shared, inner, columns))
    made = product(b, a, c)
    names = [*shared, *rows, *columns]
    return _Term(b.reshape(made, [sizes[name] for name in names]), "".join(names))


def _matrix(
    b: Builder, term: _Term, sizes: dict[str, int], parts: Sequence[Sequence[str]]
) -> Tensor:
    """A batch of matrices, whose three axes are those of ``parts``; axes of 1 are repeated."""
    order = [name for part in parts for name in part]
    x = b.transpose(term.x, [term.names.index(name) for name in order])
    shape = tuple(sizes[name] for name in order)
    if x.shape != shape:
        x = b.add("BROADCAST_TO", x, b.ints(*shape), shape=shape)
    dims = [prod(sizes[name] for name in part) for part in parts]
    return b.reshape(x, dims if parts[0] else dims[1:])


TRANSLATIONS: dict[str, Translation] = {"Einsum": Translation(_einsum, ("equation",), 1, MANY)}
