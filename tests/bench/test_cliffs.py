"""Constants of a layer, such as scales and zero points, do not make it much slower than others."""

import pytest

from edgebottle.boards import load_board
from edgebottle.ops.base import Isa
from edgebottle.ops.kernel import KernelOperator, Layer
from tests.bench.cliffs import KINDS, KNOWN_CLIFFS, MAX_RATIO, costs, drawn, extremes
from tests.conftest import long

NETWORKS, DRAWN = 3, 200

ROUNDED_EITHER_WAY = {"TripleRows", "TripleTwiceRows", "FoursLayer", "FoursExactLayer"}
"""Without the DSP extension: the same sums, by short multipliers or as LiteRT rounds them."""


@pytest.mark.parametrize(
    "name", ["nucleo_l4r5zi", long("stm32f746"), long("nucleo_g0b1re"), long("longan_nano")]
)
def test_no_constants_are_a_cliff(name: str) -> None:
    board = load_board(name)
    found = extremes([cost for seed in range(NETWORKS) for cost in costs(seed, board)])
    assert set(found) == set(KINDS)
    for kind, (least, most) in found.items():
        bound = KNOWN_CLIFFS.get(kind, MAX_RATIO)
        assert most.instructions <= bound * least.instructions, (kind, most)


@pytest.mark.parametrize("isa", [Isa.DSP, Isa.SCALAR])
def test_constants_choose_no_slow_kernel(isa: Isa) -> None:
    """So what holds for a few networks that are run holds for many."""
    kernels: dict[str, set[str]] = {}
    for seed in range(DRAWN):
        b, layers = drawn(seed)
        graph = b.graph(*layers)
        for node in graph.nodes:
            if isinstance(node, KernelOperator):
                layer = Layer(node, graph.ins(node), graph.outs(node))
                kernel, _ = node.chosen(layer, isa)
                kernels.setdefault(layers[node.outputs[0]].kind, set()).add(type(kernel).__name__)
    assert {"conv 3x3", "depthwise 3x3", "depthwise 3x3, stride 2", "dense"} <= set(kernels)
    more = {kind: names for kind, names in kernels.items() if len(names) > 1}
    assert more == {} if isa is Isa.DSP else set().union(*more.values()) == ROUNDED_EITHER_WAY
