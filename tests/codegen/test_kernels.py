"""Which layers get a kernel of their own, and that it computes the same."""

import pytest

from edgebottle.codegen.kernels import Optimize, inlined_layers, inlinings
from edgebottle.codegen.model import write_model
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.base import Isa
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.plan.planner import make_plan
from tests.graphs import Builder
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples


def network() -> Graph:
    """A large window, which gains much, among pixelwise convolutions, which gain little."""
    b = Builder("large_window", 7)
    x = b.conv(b.input(1, 12, 12, 16), 64, (1, 1))
    x = b.depthwise(x, (7, 7))
    return b.graph(b.conv(x, 16, (1, 1)))


def test_a_kernel_of_its_own_goes_where_it_saves_most() -> None:
    graph = network()
    large, *others = sorted(graph.nodes, key=lambda node: not isinstance(node, DepthwiseConv2D))
    assert inlined_layers(graph, inlinings(graph, Isa.DSP), Optimize.SIZE) == frozenset()
    assert inlined_layers(graph, inlinings(graph, Isa.DSP), Optimize.BALANCED) == {large.name}
    everything = {large.name, *(node.name for node in others)}
    assert inlined_layers(graph, inlinings(graph, Isa.DSP), Optimize.SPEED) == everything
    assert inlined_layers(graph, inlinings(graph, Isa.PORTABLE), Optimize.SPEED) == frozenset()


@pytest.mark.parametrize("optimize", Optimize)
def test_the_choice_is_told(optimize: Optimize) -> None:
    graph = network()
    source = write_model(graph, make_plan(graph, Isa.DSP), optimize)
    text = source.files[f"eb_{graph.name}_model.c"]
    chosen = inlined_layers(graph, inlinings(graph, Isa.DSP), optimize)
    assert [choice.layer for choice in source.kernels] == [node.name for node in graph.nodes]
    for choice in source.kernels:
        assert f"    {choice.kernel}(" in text
        assert choice.inlined == (choice.layer in chosen) == choice.kernel.endswith("_inlined")
        assert choice.saved > 0 and choice.nbytes > 0


@pytest.mark.parametrize("operator", [Conv2D, DepthwiseConv2D])
def test_kernels_of_their_own_compute_the_same(operator, tmp_path) -> None:
    graphs = [
        g for g in operator.cases() if inlined_layers(g, inlinings(g, Isa.DSP), Optimize.SPEED)
    ]
    assert len(graphs) > 20
    graphs = graphs[::2]
    runs = [(graph, [inputs for _, inputs in samples(graph)]) for graph in graphs]
    found = run_compiled(runs, Isa.DSP, tmp_path, optimize=[Optimize.SPEED] * len(runs))
    for (graph, inputs), outputs in zip(runs, found, strict=True):
        reference = Interpreter(graph)
        for sample, actual in zip(inputs, outputs, strict=True):
            assert_same(actual, reference.run(sample), graph.name)
