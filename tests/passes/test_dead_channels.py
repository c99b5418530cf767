"""Dead channels: never a bit of difference, and gone wherever that is possible."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.mul import Mul
from edgebottle.ops.sub import Sub
from edgebottle.passes.channels.ranges import channel_ranges
from edgebottle.passes.dead_channels import dead_channel_report, dead_channels
from tests.conftest import long
from tests.graphs import Builder, random_network
from tests.ops.compiled import run_compiled
from tests.passes.dying_networks import DyingBuilder, dying_network
from tests.samples import assert_same, samples

PER_TEST = 25
COMPILED = 6


def assert_equal_results(before: Graph, after: Graph) -> None:
    for kind, inputs in samples(before):
        what = f"{before.name}, {kind}"
        assert_same(Interpreter(after).run(inputs), Interpreter(before).run(inputs), what)


@pytest.mark.parametrize("first", [0, 25, long(50), long(75)])
def test_random_networks_give_the_same_bits(first: int) -> None:
    for seed in range(first, first + PER_TEST):
        before = dying_network(seed)
        verify(before)
        after = dead_channels(before)
        verify(after)
        assert_equal_results(before, after)
        assert dump(dead_channels(after)) == dump(after), before.name


def test_most_random_networks_lose_channels() -> None:
    losing = 0
    for seed in range(50):
        before = dying_network(seed)
        losing += dead_channel_report(before, dead_channels(before)).channels > 0
    assert losing > 25


def assert_ranges_hold(graph: Graph) -> None:
    ranges, interpreter = channel_ranges(graph), Interpreter(graph)
    for _, inputs in samples(graph):
        interpreter.run(inputs)
        for name, known in ranges.items():
            value = interpreter.values[name].reshape(-1, known.low.size)
            assert (value >= known.low).all() and (value <= known.high).all(), (graph.name, name)


@pytest.mark.parametrize("seed", range(40))
def test_ranges_hold_every_value(seed: int) -> None:
    assert_ranges_hold(dying_network(10_000 + seed))


def test_ranges_hold_where_weights_have_a_negative_scale() -> None:
    b = Builder("negative")
    out = b.relu(b.conv(b.input(1, 4, 4, 2), 3), same_quant=False)
    weights = b.nodes[0].inputs[1]
    quant = b.tensors[weights].quant
    assert quant is not None
    scale = (quant.scale[0], -quant.scale[1], -8 * quant.scale[2])
    b.tensors[weights] = replace(b.tensors[weights], quant=replace(quant, scale=scale))
    assert_ranges_hold(b.graph(out))


@pytest.mark.parametrize("isa", list(Isa), ids=lambda isa: isa.value)
def test_compiled_networks(isa: Isa, tmp_path: Path) -> None:
    plain = [dying_network(seed) for seed in range(500, 500 + COMPILED)]
    inputs = [[values for _, values in samples(graph)] for graph in plain]
    runs = [(dead_channels(graph), values) for graph, values in zip(plain, inputs, strict=True)]
    found = run_compiled(runs, isa, tmp_path)
    for graph, values, outputs in zip(plain, inputs, found, strict=True):
        for number, (sample, output) in enumerate(zip(values, outputs, strict=True)):
            assert_same(output, Interpreter(graph).run(sample), f"{graph.name}, sample {number}")


def test_networks_without_dead_channels_stay_as_they_are() -> None:
    graph = random_network(7)
    assert dead_channels(graph) is graph


def unpadded_chain(seed: int) -> tuple[Graph, dict[str, int]]:
    """A chain without padding in which every planted channel can go; how many each layer loses."""
    b = DyingBuilder(f"chain_{seed}", seed)
    random = b.random
    x, planted, dead = b.conv(b.input(1, 12, 12, 2), 8, (1, 1)), {}, np.array([], int)
    for _ in range(int(random.integers(2, 6))):
        channels = b.shape(x)[3]
        match int(random.integers(5)):
            case 0:
                x = b.depthwise(x, (2, 2), valid=1)
                planted[x] = dead.size
                continue
            case 1:
                x = b.pool(x, (AveragePool2D, MaxPool2D)[int(random.integers(2))], 2, 1)
                continue
            case 2:
                twin = b.conv(x, channels, (1, 1))
                b.kill(twin, *dead, bias=int(random.integers(-900, 900)))
                planted[twin] = dead.size
                x = b.add(x, twin)
                continue
        x = b.conv(x, int(random.integers(4, 12)), (2, 2), valid=1)
        channels = b.shape(x)[3]
        dead = random.permutation(channels)[: int(random.integers(1, channels - 1))]
        b.kill(x, *dead, bias=int(random.integers(-900, 900)))
        planted[x] = dead.size
    return b.graph(b.dense(b.mean(x), 3)), planted


@pytest.mark.parametrize("seed", range(30))
def test_every_planted_channel_goes(seed: int) -> None:
    before, planted = unpadded_chain(seed)
    after = dead_channels(before)
    removed = {name: count for name, count, _ in dead_channel_report(before, after).layers}
    for name, count in planted.items():
        assert removed.get(name, 0) >= count, name
    assert_equal_results(before, after)


Case = tuple[Graph, dict[str, int]]


def pointwise_reader() -> Case:
    b = DyingBuilder("pointwise_reader")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=700)
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 2}


def border_away_from_zero() -> Case:
    b = DyingBuilder("border_away_from_zero")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=700)
    return b.graph(b.conv(x, 3)), {}


def border_at_zero() -> Case:
    b = DyingBuilder("border_at_zero")
    x = b.relu_to_zero(b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=-700))
    return b.graph(b.conv(x, 3)), {"conv_0": 2}


def taps_that_never_see_the_image() -> Case:
    b = DyingBuilder("taps_that_never_see_the_image")
    x = b.kill(b.conv(b.input(1, 1, 1, 2), 6, (1, 1)), 1, 3, bias=3000)
    return b.graph(b.conv(x, 3)), {"conv_0": 2}


def depthwise_border_away_from_zero() -> Case:
    b = DyingBuilder("depthwise_border_away_from_zero")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=700)
    y = b.requantize(b.depthwise(b.requantize(x, 0)), 0)
    b.weights(y)[:] = 20  # too little to saturate
    b.bias(y)[:] = 0
    return b.graph(b.conv(y, 3, (1, 1))), {}


def depthwise_border_at_zero() -> Case:
    b = DyingBuilder("depthwise_border_at_zero")
    x = b.relu_to_zero(b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=-700))
    last = b.conv(b.depthwise(x), 3, (1, 1))
    return b.graph(last), {"conv_0": 2, "depthwise_0": 2}


def zero_depthwise_weights() -> Case:
    b = DyingBuilder("zero_depthwise_weights")
    x = b.kill(b.depthwise(b.conv(b.input(1, 5, 5, 2), 6)), 1, 3, bias=700)
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 2, "depthwise_0": 2}


def scales_of_zero() -> Case:
    b = DyingBuilder("scales_of_zero")
    x = b.conv(b.input(1, 5, 5, 2), 6)
    weights = b.tensors["weights_0"]
    assert weights.quant is not None
    scales = tuple(0.0 if i in (1, 3) else s for i, s in enumerate(weights.quant.scale))
    b.tensors["weights_0"] = replace(weights, quant=replace(weights.quant, scale=scales))
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 2}


def one_channel_multiplied() -> Case:
    b = DyingBuilder("one_channel_multiplied")
    x = b.kill(b.multiplied(b.input(1, 5, 5, 1), 6), 1, 3, bias=700)
    return b.graph(b.conv(x, 3, (1, 1))), {"depthwise_0": 2}


def whole_group_multiplied() -> Case:
    b = DyingBuilder("whole_group_multiplied")
    x = b.kill(b.multiplied(b.conv(b.input(1, 5, 5, 2), 3), 2), 1, 2, 3, bias=700)
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 1, "depthwise_0": 2}


def clamped_by_relu() -> Case:
    b = DyingBuilder("clamped_by_relu")
    x = b.relu_to_zero(b.conv(b.input(1, 5, 5, 2), 6))
    b.bias(x)[[0, 4]] = -(1 << 24)
    return b.graph(b.conv(x, 3)), {"conv_0": 2}


def saturated() -> Case:
    b = DyingBuilder("saturated")
    x = b.conv(b.input(1, 5, 5, 2), 6)
    b.bias(x)[[0, 4]] = 1 << 24
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 2}


def kept_constant_frees_what_it_read() -> Case:
    b = DyingBuilder("kept_constant_frees_what_it_read")
    x = b.conv(b.input(1, 5, 5, 2), 6)
    y = b.conv(x, 4)
    b.weights(y)[1:, :, :, 2] = 0  # only the first reads it, and the first is clamped
    b.bias(y)[0] = 1 << 24
    return b.graph(y), {"conv_0": 1}


def read_by_nobody() -> Case:
    b = DyingBuilder("read_by_nobody")
    x = b.conv(b.conv(b.input(1, 5, 5, 2), 6, (1, 1)), 5, (1, 1))
    y = b.conv(x, 3)
    b.weights(y)[:, :, :, [0, 2]] = 0
    b.weights(x)[[1, 3, 4], :, :, 1] = 0  # read by dead channels alone
    return b.graph(y), {"conv_0": 1, "conv_1": 2}


def read_by_one_of_two() -> Case:
    b = DyingBuilder("read_by_one_of_two")
    x = b.conv(b.input(1, 5, 5, 2), 6)
    y, z = b.conv(x, 3), b.conv(x, 3)
    b.weights(y)[:, :, :, [0, 2]] = 0
    b.weights(z)[:, :, :, [2, 5]] = 0
    return b.graph(y, z), {"conv_0": 1}


def outputs_stay() -> Case:
    b = DyingBuilder("outputs_stay")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3)
    return b.graph(x, b.conv(x, 3, (1, 1))), {}


def residual_of_two_constants() -> Case:
    b = DyingBuilder("residual_of_two_constants")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=700)
    y = b.kill(b.conv(x, 6, (1, 1)), 1, 2, bias=-300)
    z = b.conv(b.relu(b.add(x, y), same_quant=False), 3, (1, 1))
    return b.graph(z), {"conv_0": 1, "conv_1": 1}


def product_of_zero() -> Case:
    b = DyingBuilder("product_of_zero")
    image = b.input(1, 5, 5, 2)
    x = b.conv(image, 6)
    y = b.requantize(b.kill(b.conv(image, 6), 2), 5)
    return b.graph(b.conv(b.binary(Mul, x, y), 3, (1, 1))), {"conv_0": 1, "conv_1": 1}


def difference_from_a_constant() -> Case:
    b = DyingBuilder("difference_from_a_constant")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, bias=700)
    y = b.binary(Sub, b.operand(1, 1, 1, 6), x)
    return b.graph(b.conv(y, 3, (1, 1))), {"conv_0": 1}


def flattened() -> Case:
    b = DyingBuilder("flattened")
    x = b.kill(b.conv(b.input(1, 3, 4, 2), 6), 1, 3, bias=700)
    return b.graph(b.dense(b.reshape(b.pool(x, AveragePool2D, 2, 1), 1, 72), 3)), {"conv_0": 2}


def pixel_of_a_flattened_channel() -> Case:
    b = DyingBuilder("pixel_of_a_flattened_channel")
    y = b.dense(b.conv(b.input(1, 2, 2, 2), 5), 3)
    b.weights(y)[:, [1, 6, 11, 16, 2, 7, 12]] = 0  # all pixels of channel 1, three of channel 2
    return b.graph(y), {"conv_0": 1}


def joined() -> Case:
    b = DyingBuilder("joined")
    x = b.input(1, 5, 5, 2)
    parts = [b.kill(b.conv(x, 4), 1), b.kill(b.conv(x, 3), 0, 2)]
    b.tensors[parts[1]] = replace(b.tensors[parts[1]], quant=b.tensors[parts[0]].quant)
    return b.graph(b.conv(b.concat(*parts), 3, (1, 1))), {"conv_0": 1, "conv_1": 2}


def padded() -> Case:
    b = DyingBuilder("padded")
    x = b.relu_to_zero(b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, bias=-700))
    b.bias(x)[2] = 1 << 24
    y = b.pad(x, (0, 0), (1, 1), (2, 0), (1, 2))
    return b.graph(b.conv(y, 3, (1, 1))), {"conv_0": 1}


def without_a_bias() -> Case:
    b = DyingBuilder("without_a_bias")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, 3, bias=700)
    y = b.conv(x, 3, (1, 1))
    return b.graph(b.edit(y, inputs=(*b.nodes[-1].inputs[:2], None))), {"conv_0": 2}


def shared_weights() -> Case:
    b = DyingBuilder("shared_weights")
    x = b.input(1, 5, 5, 2)
    dying, living = b.kill(b.conv(x, 6), 1, 3, bias=700), b.conv(x, 6)
    y, z = b.conv(dying, 3, (1, 1)), b.conv(living, 3, (1, 1))
    (shared,) = (node.inputs[1:] for node in b.nodes if y in node.outputs)
    return b.graph(y, b.edit(z, inputs=(living, *shared))), {"conv_0": 2}


def weights_with_a_zero_point() -> Case:
    b = DyingBuilder("weights_with_a_zero_point")
    y = b.dense(b.dense(b.input(1, 9), 5, zero_point=30), 3, zero_point=-7)
    b.weights("dense_0")[[1, 4]] = 30
    b.weights(y)[:, 2] = -7
    return b.graph(y), {"dense_0": 3}


def too_large_for_a_bias() -> Case:
    b = DyingBuilder("too_large_for_a_bias")
    x = b.requantize(b.kill(b.conv(b.input(1, 5, 5, 2), 6), 1, bias=1 << 24), -128)
    y = b.conv(x, 3, (1, 1))
    b.weights(y)[:, :, :, 1] = 127
    b.bias(y)[:] = 2**31 - 30_000
    return b.graph(b.conv(y, 2)), {}


def everything() -> Case:
    b = DyingBuilder("everything")
    x = b.kill(b.conv(b.input(1, 5, 5, 2), 4), 0, 1, 2, 3, bias=700)
    return b.graph(b.conv(x, 3, (1, 1))), {"conv_0": 3}


CASES: list[Callable[[], Case]] = [
    pointwise_reader,
    border_away_from_zero,
    border_at_zero,
    taps_that_never_see_the_image,
    depthwise_border_away_from_zero,
    depthwise_border_at_zero,
    zero_depthwise_weights,
    scales_of_zero,
    one_channel_multiplied,
    whole_group_multiplied,
    clamped_by_relu,
    saturated,
    kept_constant_frees_what_it_read,
    read_by_nobody,
    read_by_one_of_two,
    outputs_stay,
    residual_of_two_constants,
    product_of_zero,
    difference_from_a_constant,
    flattened,
    pixel_of_a_flattened_channel,
    joined,
    padded,
    without_a_bias,
    shared_weights,
    weights_with_a_zero_point,
    too_large_for_a_bias,
    everything,
]


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_what_goes(make: Callable[[], Case]) -> None:
    before, expected = make()
    verify(before)
    after = dead_channels(before)
    verify(after)
    report = dead_channel_report(before, after)
    assert {name: count for name, count, _ in report.layers} == expected
    assert (report.macs_after < report.macs_before) == bool(expected)
    assert (report.weights_after < report.weights_before) == bool(expected)
    assert_equal_results(before, after)
