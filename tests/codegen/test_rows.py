"""The regular rows that layers read, and the constants that many code generations ask for."""

from __future__ import annotations

import pytest

from edgebottle.codegen.model import write_model
from edgebottle.codegen.rows import RowReads
from edgebottle.ir.access import All, AxisMap, Broadcast, Listed, Offset, Same, Window
from edgebottle.ops import conv_2d_kernels
from edgebottle.ops.base import Isa
from edgebottle.ops.convolution_kernels import Convolved
from edgebottle.ops.scaling import Scaling
from edgebottle.passes import optimise
from edgebottle.plan.planner import make_plan
from tests.plan import large_graphs

RELATIONS: dict[str, tuple[AxisMap, tuple[int, int, int]]] = {
    "same": (Same(), (1, 0, 1)),
    "window": (Window(2, 3, 2, 1), (2, -1, 2)),
    "offset": (Offset(-2), (1, 2, 1)),
    "broadcast": (Broadcast(), (0, 0, 1)),
    "all": (All(3), (0, 0, 1)),
    "list": (Listed(((3, 5), (2, 4), (1, 3))), (-1, 3, 2)),
}
"""With slope, start and step."""


@pytest.mark.parametrize(("along", "affine"), RELATIONS.values(), ids=RELATIONS)
def test_regular_rows_are_known(along: AxisMap, affine: tuple[int, int, int]) -> None:
    slope, start, step = affine
    reads = RowReads(along, 3)
    assert reads.affine == affine
    count = len(reads.first)
    rows = [[slope * y + start + k * step for k in range(count)] for y in range(3)]
    assert reads.table().tolist() == rows


def test_irregular_rows_are_told() -> None:
    reads = RowReads(Listed(((0,), (0,), (1,))), 3)
    assert reads.affine is None
    assert not reads.is_one_of(3)


@pytest.mark.parametrize(("before", "rows", "inside"), [(0, 4, True), (0, 3, False), (1, 4, False)])
def test_rows_in_the_padding_are_told(before: int, rows: int, inside: bool) -> None:
    assert RowReads(Offset(before), 4).is_one_of(rows) is inside


def test_constants_are_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a layer's code is generated; another layer has constants of its own."""
    packed: list[str] = []

    def noted(layer: Convolved) -> Scaling | None:
        packed.append(layer.node.name)
        return None

    monkeypatch.setattr(conv_2d_kernels, "scaling_of", noted)
    graph = optimise(large_graphs.chain(3))
    for _ in range(2):
        write_model(graph, make_plan(graph, Isa.SCALAR))
    assert sorted(packed) == sorted(node.name for node in graph.nodes)
