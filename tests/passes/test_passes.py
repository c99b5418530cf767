"""Every pass: a golden dump of what it does, and the same results before and after."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.ops.dequantize import Dequantize
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.minimum import Minimum
from edgebottle.ops.pad_v2 import PadV2
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.squared_difference import SquaredDifference
from edgebottle.ops.squeeze import Squeeze
from edgebottle.passes import PIPELINE, Pass, optimise
from edgebottle.passes.dead_channels import dead_channels
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.drop_reshapes import drop_reshapes
from edgebottle.passes.fold_constants import fold_constants
from edgebottle.passes.fold_heads import fold_heads
from edgebottle.passes.fuse_activation import fuse_activation
from edgebottle.passes.fuse_clamp import fuse_clamp
from edgebottle.passes.fuse_dilation import fuse_dilation
from edgebottle.passes.fuse_pad import fuse_pad
from edgebottle.passes.pool_maxima import pool_maxima
from edgebottle.passes.strip_float_io import strip_float_io
from tests.graphs import Builder, random_network
from tests.passes.batched_networks import (
    batches_that_stay,
    dilated_image,
    dilated_line,
    random_batched,
)
from tests.passes.clamped_networks import (
    clamp_before_a_reshape,
    clamp_beyond_the_activation,
    clamps_of_many,
    clamps_that_stay,
)
from tests.passes.dying_networks import DyingBuilder
from tests.samples import assert_same, samples
from tests.transformers import TransformerBuilder

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
"""UPDATE_GOLDEN=1 writes the golden files anew; read the difference before it is committed."""


def pad_before_conv() -> Graph:
    b = Builder("pad_before_conv")
    padded = b.pad(b.input(1, 6, 7, 2), (0, 0), (1, 2), (0, 1), (0, 0))
    return b.graph(b.conv(padded, 3, valid=1), b.depthwise(padded, valid=1, stride=2))


def pad_read_by_pool_too() -> Graph:
    b = Builder("pad_read_by_pool_too")
    padded = b.pad(b.input(1, 6, 6, 2), (0, 0), (1, 1), (1, 1), (0, 0))
    return b.graph(b.conv(padded, 3, valid=1), b.pool(padded, MaxPool2D, 2, 2))


def two_pads_before_conv() -> Graph:
    b = Builder("two_pads_before_conv")
    padded = b.pad(b.input(1, 6, 7, 2), (0, 0), (1, 2), (0, 1), (0, 0))
    return b.graph(b.conv(b.pad(padded, (0, 0), (1, 0), (1, 0), (0, 0)), 3, valid=1))


def pad_of_channels() -> Graph:
    b = Builder("pad_of_channels")
    padded = b.pad(b.input(1, 4, 4, 2), (0, 0), (0, 0), (0, 0), (1, 1))
    return b.graph(b.conv(padded, 3, valid=1))


def pad_of_another_value() -> Graph:
    b = Builder("pad_of_another_value")
    graph = b.graph(b.conv(b.pad(b.input(1, 4, 4, 2), (0, 0), (1, 1), (2, 0), (0, 0)), 3, valid=1))
    pad, conv = graph.nodes
    fields = {"paddings": ((0, 0), (1, 1), (2, 0), (0, 0)), "border": 99}
    value = replace(
        graph.tensors[pad.outputs[0]], name="value", shape=(), data=np.array(99, np.int8)
    )
    other = PadV2(name=pad.name, inputs=(*pad.inputs, "value"), outputs=pad.outputs, **fields)
    return graph.with_nodes((other, conv), {**graph.tensors, "value": value})


def relu_after_conv() -> Graph:
    b = Builder("relu_after_conv")
    return b.graph(b.relu(b.conv(b.input(1, 5, 5, 2), 4)))


def relu_that_rescales() -> Graph:
    b = Builder("relu_that_rescales")
    return b.graph(b.relu(b.conv(b.input(1, 5, 5, 2), 4), same_quant=False))


def relu_after_minimum() -> Graph:
    b = Builder("relu_after_minimum")
    x = b.input(1, 5, 5, 2)
    out = b.relu(x)
    graph = b.graph(b.relu(out))
    first, last = graph.nodes
    smaller = Minimum(name=first.name, inputs=(x, x), outputs=(out,))
    return graph.with_nodes((smaller, last))


def relu_after_squared_difference() -> Graph:
    b = Builder("relu_after_squared_difference")
    x = b.input(1, 3, 3, 2)
    out = b.relu(x, same_quant=False)
    graph = b.graph(b.relu(out))
    first, last = graph.nodes
    square = SquaredDifference(name=first.name, inputs=(x, x), outputs=(out,))
    return graph.with_nodes((square, last))


def relu_of_a_branch() -> Graph:
    b = Builder("relu_of_a_branch")
    x = b.conv(b.input(1, 5, 5, 2), 2)
    return b.graph(b.add(b.relu(x), x))


def reshape_chain() -> Graph:
    b = Builder("reshape_chain")
    x = b.conv(b.input(1, 4, 4, 2), 2)
    y = b.reshape(b.reshape(x, 1, 32), 1, 8, 2, 2)
    return b.graph(b.relu(b.reshape(y, 1, 8, 2, 2)))


def squeeze_after_reshape() -> Graph:
    b = Builder("squeeze_after_reshape")
    x = b.reshape(b.conv(b.input(1, 4, 3, 2), 2), 24, 1, 1)
    graph = b.graph(b.reshape(x, 24, 1))
    *others, last = graph.nodes
    squeeze = Squeeze(name=last.name, inputs=(x,), outputs=last.outputs, axes=(2,))
    return graph.with_nodes((*others, squeeze))


def maxima_of_images() -> Graph:
    b = Builder("maxima_of_images")
    x = b.conv(b.input(2, 5, 4, 2), 3)
    kept, dropped = b.largest(x, 1, 2, keep_dims=True), b.largest(x, 1, 2, keep_dims=False)
    return b.graph(kept, dropped, b.largest(x, 2, keep_dims=False))


def transpose_of_ones() -> Graph:
    b = Builder("transpose_of_ones")
    x = b.conv(b.input(1, 1, 5, 2), 3)
    return b.graph(b.relu(b.transpose(x, 0, 2, 1, 3)))


def transpose_that_moves() -> Graph:
    b = Builder("transpose_that_moves")
    return b.graph(b.transpose(b.conv(b.input(1, 3, 5, 2), 3), 0, 2, 1, 3))


def reshape_to_output() -> Graph:
    b = Builder("reshape_to_output")
    x = b.conv(b.input(1, 4, 4, 2), 2)
    return b.graph(b.reshape(b.reshape(x, 1, 32), 1, 32))


def two_reshapes_to_outputs() -> Graph:
    b = Builder("two_reshapes_to_outputs")
    x = b.conv(b.input(1, 4, 4, 2), 2)
    return b.graph(b.reshape(x, 1, 4, 4, 2), b.reshape(x, 1, 4, 4, 2))


def constant_branch() -> Graph:
    b = Builder("constant_branch")
    x = b.conv(b.input(1, 4, 4, 2), 2)
    seed = b.conv(x, 2)
    graph = b.graph(b.add(x, b.relu(seed)))
    data = b.random.integers(-128, 128, b.shape(seed)).astype(np.int8)
    tensors = {**graph.tensors, seed: replace(graph.tensors[seed], data=data)}
    nodes = [node for node in graph.nodes if seed not in node.outputs]
    return graph.with_nodes(nodes, tensors)


def dead_branch() -> Graph:
    b = Builder("dead_branch")
    x = b.conv(b.input(1, 4, 4, 2), 2)
    b.relu(b.conv(x, 7))
    return b.graph(b.relu(x))


def float_io() -> Graph:
    b = Builder("float_io")
    inner = b.input(1, 4, 4, 2)
    result = b.conv(inner, 2)
    outer = {name: Tensor(name, b.shape(inner), DType.F32) for name in ("camera", "scores")}
    b.tensors |= outer
    nodes = (
        Quantize(name="quantize", inputs=("camera",), outputs=(inner,), dtype=DType.I8),
        *b.nodes,
        Dequantize(name="dequantize", inputs=(result,), outputs=("scores",)),
    )
    return Graph("float_io", b.tensors, nodes, ("camera",), ("scores",))


def constant_channels_of_a_block() -> Graph:
    b = DyingBuilder("constant_channels_of_a_block")
    x = b.conv(b.input(1, 6, 6, 2), 3, (1, 1))
    wide = b.kill(b.relu_to_zero(b.conv(x, 8, (1, 1))), 1, 2, 6, bias=-50)
    wide = b.relu_to_zero(b.depthwise(wide))
    return b.graph(b.add(x, b.conv(wide, 3, (1, 1))))


def constant_channels_at_a_border() -> Graph:
    b = DyingBuilder("constant_channels_at_a_border")
    x = b.relu_to_zero(b.conv(b.input(1, 6, 6, 2), 5, (1, 1)))
    b.kill(b.kill(x, 0, bias=-50), 3, bias=900)  # the zero point, and something else
    return b.graph(b.conv(x, 2))


def constant_channels_flattened() -> Graph:
    b = DyingBuilder("constant_channels_flattened")
    x = b.kill(b.conv(b.input(1, 2, 3, 2), 4), 2, bias=900)
    return b.graph(b.dense(b.reshape(x, 1, 24), 2))


def heads_of_attention() -> Graph:
    b = TransformerBuilder("heads_of_attention")
    return b.graph(b.attention(b.input(1, 5, 6), 2, masked=True))


CASES: list[tuple[Callable[[], Graph], Pass]] = [
    (pad_before_conv, fuse_pad),
    (pad_read_by_pool_too, fuse_pad),
    (two_pads_before_conv, fuse_pad),
    (pad_of_channels, fuse_pad),
    (pad_of_another_value, fuse_pad),
    (dilated_image, fuse_dilation),
    (dilated_line, fuse_dilation),
    (batches_that_stay, fuse_dilation),
    (relu_after_conv, fuse_activation),
    (relu_that_rescales, fuse_activation),
    (relu_of_a_branch, fuse_activation),
    (relu_after_minimum, fuse_activation),
    (relu_after_squared_difference, fuse_activation),
    (clamps_of_many, fuse_clamp),
    (clamps_that_stay, fuse_clamp),
    (clamp_beyond_the_activation, fuse_clamp),
    (reshape_chain, drop_reshapes),
    (squeeze_after_reshape, drop_reshapes),
    (maxima_of_images, pool_maxima),
    (clamp_before_a_reshape, drop_reshapes),
    (transpose_of_ones, drop_reshapes),
    (transpose_that_moves, drop_reshapes),
    (reshape_to_output, drop_reshapes),
    (two_reshapes_to_outputs, drop_reshapes),
    (constant_branch, fold_constants),
    (dead_branch, drop_dead),
    (constant_channels_of_a_block, dead_channels),
    (constant_channels_at_a_border, dead_channels),
    (constant_channels_flattened, dead_channels),
    (heads_of_attention, fold_heads),
]


def assert_equal_results(before: Graph, after: Graph) -> None:
    for kind, inputs in samples(before):
        assert_same(Interpreter(after).run(inputs), Interpreter(before).run(inputs), kind)


@pytest.mark.parametrize(("make", "one"), CASES, ids=lambda value: value.__name__)
def test_golden(make: Callable[[], Graph], one: Pass) -> None:
    before = make()
    verify(before)
    after = one(before)
    verify(after, one.__name__)
    text = f"# before {one.__name__}\n{dump(before)}# after\n{dump(after)}"
    path = GOLDEN / f"{make.__name__}.txt"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert_equal_results(before, after)


@pytest.mark.parametrize(("make", "one"), CASES, ids=lambda value: value.__name__)
def test_passes_settle(make: Callable[[], Graph], one: Pass) -> None:
    once = one(make())
    assert dump(one(once)) == dump(once)


@pytest.mark.parametrize("seed", range(40))
def test_pipeline_keeps_results(seed: int) -> None:
    before = random_network(seed)
    after = optimise(before)
    assert len(after.nodes) <= len(before.nodes)
    assert_equal_results(before, after)


def test_batches_become_dilation_with_the_same_results() -> None:
    fused = 0
    for seed in range(60):
        before = random_batched(seed)
        after = fuse_dilation(before)
        verify(after, "fuse_dilation")
        fused += "BATCH_TO_SPACE_ND" not in {node.OP for node in after.nodes}
        assert_equal_results(before, after)
    assert 20 < fused < 60, "both ways must be tried"


def test_pipeline_runs_every_pass() -> None:
    modules = {path.stem for path in Path(optimise.__code__.co_filename).parent.glob("*.py")}
    elsewhere = {"strip_float_io", "fold_affine", "upright", "rewrite", "__init__"}
    elsewhere |= {"float_weights", "narrow", "scale_negatives", "compose_sums"}
    layout = {"channels_last", "permuted", "permuted_nodes", "sink_reshapes"}
    of_onnx = layout | {"fuse_quantization"}
    assert modules == {one.__name__ for one in PIPELINE} | elsewhere | of_onnx


def test_strip_float_io() -> None:
    before = float_io()
    after = strip_float_io(before)
    verify(after)
    assert [node.OP for node in after.nodes] == ["CONV_2D"]
    assert after.inputs == ("input_0",)
    (inner,) = (after.tensors[name] for name in after.inputs)
    (result,) = (after.tensors[name] for name in after.outputs)
    value = np.arange(inner.size, dtype=np.int8).reshape(inner.shape)
    real = (value.astype(np.float32) - inner.zero_point) * np.float32(inner.scale)
    (scores,) = Interpreter(before).run([real.astype(np.float32)])
    (stored,) = Interpreter(after).run([value])
    expected = (stored.astype(np.float32) - result.zero_point) * np.float32(result.scale)
    np.testing.assert_array_equal(scores, expected.astype(np.float32))


def test_strip_float_io_leaves_shared_inputs() -> None:
    graph = float_io()
    extra = replace(graph.nodes[0], name="again", outputs=("again",))
    tensors = {**graph.tensors, "again": replace(graph.tensors["input_0"], name="again")}
    graph = Graph(
        "shared_input", tensors, (*graph.nodes, extra), graph.inputs, (*graph.outputs, "again")
    )
    assert strip_float_io(graph).inputs == ("camera",)
