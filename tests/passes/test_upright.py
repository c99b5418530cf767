"""Networks of images of one row: stood up they compute the same bytes, in far less memory."""

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.passes.upright import upright
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from tests.graphs import Builder
from tests.samples import assert_same, samples


def random_signal_network(seed: int) -> Graph:
    """Layers along a signal of one row; some of them, such as a concatenation, cannot stand."""
    rng = np.random.default_rng(seed)
    b = Builder("signal", seed)
    x = b.input(1, 1, int(rng.integers(9, 40)), int(rng.integers(1, 4)))
    outputs = []
    for _ in range(int(rng.integers(2, 7))):
        kind = int(rng.integers(9))
        kernel = (1, int(rng.integers(1, 4)))
        if kind <= 2:
            x = b.conv(x, int(rng.integers(1, 5)), kernel, int(rng.integers(1, 3)))
        elif kind == 3:
            x = b.depthwise(x, kernel, dilation=int(rng.integers(1, 3)))
        elif kind == 4:
            x = b.pool(x, (AveragePool2D, MaxPool2D)[int(rng.integers(2))], 2, 2)
        elif kind == 5:
            x = b.pad(x, (0, 0), (0, 0), (1, 2), (0, 0))
        elif kind == 6:
            x = b.add(x, b.relu(x))
        elif kind == 7 and rng.random() < 0.3:
            x = b.concat(x, x)
        elif rng.random() < 0.3:
            outputs.append(x)
    if rng.random() < 0.5:
        _, height, width, channels = b.shape(x)
        x = b.reshape(x, height, width * channels)
    return b.graph(*dict.fromkeys([*outputs, x]))


def test_the_same_bytes_come_out() -> None:
    stood = 0
    for seed in range(60):
        graph = random_signal_network(seed)
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
    assert 30 < stood < 60


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
