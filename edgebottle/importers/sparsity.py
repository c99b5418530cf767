"""Constants stored without their zeros, as TFLite's SparsityParameters describe it.

The dimensions of a tensor, some of them cut into blocks, are walked in an order of the file's own.
A dense dimension has all its indices; a sparse one lists, for each path through the dimensions
before it, those that are there (compressed sparse rows). The elements follow in that order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.ir.graph import Array, Int, Shape


@dataclass(frozen=True, eq=False)
class Level:
    """One dimension of the walk.

    Attributes:
        is_sparse: Whether it lists its indices.
        size: Of a dense one: its indices are 0 to ``size`` - 1.
        segments: Of a sparse one: where the indices of each path begin, and where the last end.
        indices: Of a sparse one.
    """

    is_sparse: bool
    size: int
    segments: Array
    indices: Array


@dataclass(frozen=True, eq=False)
class Sparsity:
    """How a tensor's elements are stored.

    Attributes:
        traversal: The dimension of each level: first those of the tensor, then the blocks, which
            are numbered behind them.
        block_map: The dimension of the tensor that each block cuts.
        levels: In the order of the walk.
    """

    traversal: tuple[int, ...]
    block_map: tuple[int, ...]
    levels: tuple[Level, ...]


def stored_elements(name: str, sparsity: Sparsity) -> int:
    """How many elements the file must hold; checks that the levels go on from each other.

    Raises:
        BadModel: they do not; names the tensor.
    """
    paths = 1
    for number, level in enumerate(sparsity.levels):
        if not level.is_sparse:
            paths *= max(0, level.size)
            continue
        segments, indices = level.segments, level.indices
        if (
            len(segments) != paths + 1
            or segments[0] != 0
            or segments[-1] != len(indices)
            or (np.diff(segments) < 0).any()
        ):
            raise _broken(name, f"the segments of its dimension {number} do not fit the indices")
        paths = len(indices)
    return paths


def densified(name: str, stored: Array, shape: Shape, sparsity: Sparsity) -> Array:
    """The whole tensor.

    Args:
        name: Of the tensor, for messages.
        stored: As many elements as ``stored_elements`` says.
        shape: Of the whole.
        sparsity: How they are stored.

    Raises:
        BadModel: the record contradicts itself or the shape; names the tensor.
    """
    rank, blocks = len(shape), len(sparsity.block_map)
    traversal = sparsity.traversal
    if (
        len(sparsity.levels) != rank + blocks
        or sorted(traversal[:rank]) != list(range(rank))
        or sorted(traversal[rank:]) != list(range(rank, rank + blocks))
        or list(sparsity.block_map) != sorted({*sparsity.block_map} & {*range(rank)})
    ):
        raise _broken(name, f"its order {list(traversal)} is none of {list(shape)}")
    sizes, strides = _dimensions(name, shape, sparsity)
    places: Int = np.zeros(1, np.int64)
    for level, dimension in zip(sparsity.levels, traversal, strict=True):
        size = sizes[dimension]
        if level.is_sparse:
            indices = level.indices
            if len(indices) and not 0 <= indices.min() <= indices.max() < size:
                raise _broken(name, f"an index lies outside of a dimension of {size}")
            places = np.repeat(places, np.diff(level.segments)) + indices * strides[dimension]
        elif level.size != size:
            raise _broken(name, f"a dimension of {size} has the size {level.size}")
        else:
            places = np.add.outer(places, np.arange(size) * strides[dimension]).ravel()
    result = np.zeros(int(np.prod(shape)), stored.dtype)
    result[places] = stored
    return result.reshape(shape)


def _dimensions(name: str, shape: Shape, sparsity: Sparsity) -> tuple[list[int], list[int]]:
    """Sizes, and elements from one index to the next, of the tensor's dimensions and the blocks."""
    rank = len(shape)
    sizes = list(shape)
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(rank)]
    for number, axis in enumerate(sparsity.block_map):
        block = sparsity.levels[sparsity.traversal.index(rank + number)]
        if block.is_sparse or block.size < 1 or shape[axis] % block.size:
            raise _broken(name, f"blocks of {block.size} do not divide {shape[axis]}")
        sizes[axis] //= block.size
        sizes.append(block.size)
        strides.append(strides[axis])
        strides[axis] *= block.size
    return sizes, strides


def _broken(name: str, reason: str) -> BadModel:
    return BadModel(f"the sparse constant '{name}' is broken: {reason}")
