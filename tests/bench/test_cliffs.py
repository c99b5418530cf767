"""Constants of a layer, such as scales and zero points, do not make it much slower than others."""

from edgebottle.boards import load_board
from edgebottle.ops.base import Isa
from edgebottle.ops.kernel import KernelOperator, Layer
from tests.bench.cliffs import KINDS, KNOWN_CLIFFS, MAX_RATIO, costs, drawn, extremes

NETWORKS, DRAWN = 3, 200


def test_no_constants_are_a_cliff() -> None:
    board = load_board("nucleo_l4r5zi")
    found = extremes([cost for seed in range(NETWORKS) for cost in costs(seed, board)])
    assert set(found) == set(KINDS)
    for kind, (least, most) in found.items():
        bound = KNOWN_CLIFFS.get(kind, MAX_RATIO)
        assert most.instructions <= bound * least.instructions, (kind, most)


def test_constants_do_not_choose_another_kernel() -> None:
    """So what holds for a few networks that are run holds for many."""
    kernels: dict[str, set[str]] = {}
    for seed in range(DRAWN):
        b, layers = drawn(seed)
        graph = b.graph(*layers)
        for node in graph.nodes:
            if isinstance(node, KernelOperator):
                layer = Layer(node, graph.ins(node), graph.outs(node))
                kernel, _ = node.chosen(layer, Isa.DSP)
                kernels.setdefault(layers[node.outputs[0]].kind, set()).add(type(kernel).__name__)
    assert {"conv 3x3", "depthwise 3x3", "depthwise 3x3, stride 2", "dense"} <= set(kernels)
    assert {kind: names for kind, names in kernels.items() if len(names) > 1} == {}
