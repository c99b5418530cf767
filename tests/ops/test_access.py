"""What operators say of how they read, against what changes when an input changes."""

import itertools
from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np
import pytest

from edgebottle.ir.access import (
    Access,
    All,
    Broadcast,
    Listed,
    Offset,
    Same,
    Window,
    joined_axis,
    origin,
    window,
)
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.ops import BY_NAME, OPERATORS
from edgebottle.ops.base import Operator, RowOperator
from edgebottle.ops.weighted_sums import seen_taps
from edgebottle.plan.storage import cropped_from, joined_axis_of
from tests.samples import samples

TRIES = 4
"""Elements of each input that are changed, one at a time."""


def reads(access: Access, place: tuple[int, ...], source: tuple[int, ...]) -> bool:
    """Whether the output element at ``place`` reads the input element at ``source``."""
    padded = (0,) * (len(place) - len(source)) + source
    pairs = zip(access, place, padded, strict=True)
    return all(index in axis.reads(out) for axis, out, index in pairs)


def declared(graph: Graph) -> Iterator[tuple[int, Tensor, Access]]:
    """The inputs whose reading the operator declares."""
    (node,) = graph.nodes
    assert isinstance(node, Operator)
    ins, outs = graph.ins(node), graph.outs(node)
    for index, tensor in enumerate(ins):
        access = node.access(index, ins, outs)
        if access is not None and tensor is not None:
            yield index, tensor, access


def operands(graph: Graph, given: Sequence[Array]) -> list[Array | None]:
    """The values of all inputs of the node: of what is computed those ``given``, state is zero."""
    known = dict(zip(graph.inputs, given, strict=True))
    values: list[Array | None] = []
    for tensor in graph.ins(graph.nodes[0]):
        if tensor is None or tensor.data is not None:
            values.append(None if tensor is None else tensor.data)
        else:
            zeros = np.zeros(tensor.shape, tensor.dtype.numpy)
            values.append(known.get(tensor.name, zeros))
    return values


def changed(value: Array, place: tuple[int, ...]) -> Array:
    """The value with another element at ``place``."""
    other = value.copy()
    other[place] = ~other[place] if value.dtype.kind in "iub" else other[place] + 40
    return other


def alike(a: Array, b: Array) -> Array:
    """Where elements are the same; what is no number is like what is none."""
    return np.asarray((a == b) | ((a != a) & (b != b)))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.OP)
def test_nothing_else_changes(operator: type[Operator]) -> None:
    """An element that changes reaches only outputs that are said to read it."""
    for graph in operator.cases():
        (node,) = graph.nodes
        ins, outs = graph.ins(node), graph.outs(node)
        generator = np.random.default_rng(crc32(graph.name.encode()))
        values = operands(graph, samples(graph, 1)[-1][1])
        before = node.reference(values, ins, outs)[0]
        for index, tensor, access in declared(graph):
            value = values[index]
            assert value is not None and len(access) == len(outs[0].shape)
            for _ in range(TRIES):
                source = tuple(int(generator.integers(dim)) for dim in tensor.shape)
                others = [*values[:index], changed(value, source), *values[index + 1 :]]
                after = node.reference(others, ins, outs)[0]
                for place in np.argwhere(~alike(np.asarray(before), np.asarray(after))):
                    assert reads(access, tuple(place.tolist()), source), (graph.name, source, place)


def test_what_computes_neither_joins_nor_crops() -> None:
    for operator in OPERATORS:
        if not operator.MOVES:
            for graph in operator.cases():
                assert joined_axis_of(graph, graph.nodes[0]) is None
                assert cropped_from(graph, graph.nodes[0]) is None


@pytest.mark.parametrize("op", ["CONCATENATION", "STRIDED_SLICE"])
def test_what_moves_is_found_where_it_is_said_to_be(op: str) -> None:
    operator = BY_NAME[op]
    found = 0
    for graph in operator.cases():
        (node,) = graph.nodes
        ins, outs = graph.ins(node), graph.outs(node)
        shapes = [graph.tensors[name].shape for name in graph.inputs]
        given = [np.arange(np.prod(shape)).reshape(shape) for shape in shapes]
        numbers = operands(graph, given)
        whole = np.asarray(node.reference(numbers, ins, outs)[0])
        axis, first = joined_axis_of(graph, node), cropped_from(graph, node)
        if axis is not None:
            parts = [part for part in numbers if part is not None]
            assert np.array_equal(whole, np.concatenate(parts, axis))
            found += 1
        elif first is not None:
            source = numbers[0]
            assert source is not None
            box = tuple(slice(a, a + n) for a, n in zip(first, whole.shape, strict=True))
            assert np.array_equal(whole, source[box])
            found += 1
    assert found


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.OP)
def test_as_many_rows_for_every_output_row(operator: type[Operator]) -> None:
    if not issubclass(operator, RowOperator):
        pytest.skip("does not work on rows")
    for graph in operator.cases():
        (node,) = graph.nodes
        assert isinstance(node, RowOperator)
        ins, outs = graph.ins(node), graph.outs(node)
        height = outs[0].shape[1] if len(outs[0].shape) == 4 else 1
        for index, tensor in enumerate(ins):
            if tensor is not None:
                rows = [node.input_rows(index, y, ins, outs) for y in range(height)]
                assert len({len(row) for row in rows}) == 1, (graph.name, index)


def test_what_the_relations_read() -> None:
    assert Same().reads(3) == (3,)
    assert Window(2, 3, dilation=2, before=1).reads(4) == (7, 9, 11)
    assert Offset(2).reads(5) == (3,)
    assert Broadcast().reads(7) == (0,)
    assert All(3).reads(9) == (0, 1, 2)
    assert Listed(((0,), (0, 1))).reads(1) == (0, 1)
    assert window(1, 1) == Same() != window(2, 1)
    assert window(1, 1, padding=(0, 1)) == Window(1, 1)  # the output is longer


def test_boxes_and_joins() -> None:
    assert origin((Same(), Offset(-2), Offset(0))) == (0, 2, 0)
    assert origin((Same(), Window(2, 1))) is None
    first, second = (Same(), Offset(0)), (Same(), Offset(4))
    assert joined_axis([first, second]) == 1
    assert joined_axis([first, (Offset(1), Same())]) is None
    assert joined_axis([first, None]) is None
    assert joined_axis([(Same(), Same())]) is None


def test_taps_that_see_data_are_those_that_some_and_all_outputs_read() -> None:
    """``seen_taps`` against the reads of every output."""
    tried = itertools.product((1, 2, 3), (1, 2, 4), (1, 2), (-1, 0, 1, 4), (1, 2, 5), (1, 2, 7))
    for stride, taps, dilation, before, outputs, extent in tried:
        axis = window(stride, taps, dilation, (before, 0))
        reads = np.array([axis.reads(output) for output in range(outputs)])
        sees = (reads >= 0) & (reads < extent)
        always, ever = seen_taps(axis, outputs, extent)
        assert (always == sees.all(axis=0)).all() and (ever == sees.any(axis=0)).all(), axis
