"""Networks of images of one row: stood up they compute the same bytes, in far less memory."""

from collections.abc import Callable

import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa
from edgebottle.passes.upright import upright
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from tests.graphs import Builder
from tests.quantize.random_signals import random_sequence_network, random_signal_network
from tests.samples import assert_same, samples


@pytest.mark.parametrize("network", [random_signal_network, random_sequence_network])
def test_the_same_bytes_come_out(network: Callable[[int], Graph]) -> None:
    stood = 0
    for seed in range(60):
        graph = network(seed)
        turned = upright(graph)
        verify(turned, "upright")
        assert [turned.tensors[name].shape for name in turned.outputs] == [
            graph.tensors[name].shape for name in graph.outputs
        ]
        for kind, inputs in samples(graph):
            expected = Interpreter(graph).run(inputs)
            assert_same(Interpreter(turned).run(inputs), expected, f"{seed}: {kind}")
        assert dump(upright(turned)) == dump(turned)
        stood += turned is not graph
    assert stood > 30


def test_an_image_is_not_taken_for_a_signal() -> None:
    """A row that is added to each row of an image, as high as it is wide, stays a row."""
    b = Builder("square")
    image, row = b.input(1, 5, 5, 2), b.input(1, 1, 5, 2)
    graph = b.graph(b.add(image, b.relu(row)))
    for kind, inputs in samples(graph):
        assert_same(Interpreter(upright(graph)).run(inputs), Interpreter(graph).run(inputs), kind)


def test_a_batch_of_pixels_is_not_taken_for_a_signal() -> None:
    """Rows of an output that stands would be computed from the first image alone."""
    b = Builder("batch")
    graph = b.graph(b.dense(b.input(3, 1, 1, 2), 4, keep_num_dims=False))
    assert upright(graph) is graph


def long_signal(*, standing: bool) -> Graph:
    b = Builder("long_signal")
    shape, kernel = ((1, 4000, 1, 2), (5, 1)) if standing else ((1, 1, 4000, 2), (1, 5))
    x = b.conv(b.input(*shape), 8, kernel, 2)
    x = b.depthwise(x, kernel, 2)
    return b.graph(b.conv(x, 4, (1, 1)))


def test_memory_is_that_of_the_network_that_stands() -> None:
    lying, standing = (
        choose_schedule(long_signal(standing=one), Isa.DSP, Schedule.MIN_RAM).plan.arena_bytes
        for one in (False, True)
    )
    assert lying == standing
    layers = choose_schedule(long_signal(standing=False), Isa.DSP, Schedule.LAYERS).plan
    assert lying < layers.arena_bytes / 2
    ample = choose_schedule(long_signal(standing=False), Isa.DSP, ram_limit=layers.arena_bytes)
    assert ample.graph.tensors.keys() == long_signal(standing=False).tensors.keys()
