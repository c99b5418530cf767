"""The drawing of a network: every edge is a line, whatever the network; stages are marked."""

import random
import re
from dataclasses import replace

import pytest

from edgebottle.report.drawing import EDGE, LANES, network_drawing
from edgebottle.report.lanes import Row, Vertex, rows, width
from hil.network import Network, NodeRecord, TensorRecord
from tests.report.make_record import LAYERS, NETWORK


def chain(count: int) -> list[Vertex]:
    return [Vertex((f"t{i - 1}",) if i else (), (f"t{i}",)) for i in range(count)]


def fan(count: int) -> list[Vertex]:
    """So many branches from one vertex into one."""
    branches = [Vertex(("in",), (f"b{i}",)) for i in range(count)]
    return [Vertex((), ("in",)), *branches, Vertex(tuple(f"b{i}" for i in range(count)), ())]


def dag(seed: int) -> list[Vertex]:
    """Each vertex reads up to three earlier ones and writes up to two tensors."""
    dice = random.Random(seed)
    vertices: list[Vertex] = []
    for index in range(dice.randrange(2, 40)):
        known = [tensor for vertex in vertices for tensor in vertex.writes]
        reads = dice.sample(known, min(dice.randrange(4), len(known)))
        writes = tuple(f"t{index}_{i}" for i in range(dice.randrange(1, 3)))
        vertices.append(Vertex(tuple(reads), writes))
    return vertices


def edges(drawn: tuple[Row, ...]) -> set[tuple[int, int]]:
    """Producer and reader of each line, followed from row to row."""
    found = set()
    lanes: dict[int, int] = {}
    for index, row in enumerate(drawn):
        assert set(row.above) | set(row.passing) == set(lanes), "a line begins or ends in the air"
        assert row.lane not in row.passing, "a line runs through another layer"
        found |= {(lanes[lane], index) for lane in row.above}
        lanes = {lane: lanes[lane] for lane in row.passing}
        assert not set(row.below) & set(lanes) and len(set(row.below)) == len(row.below)
        lanes |= dict.fromkeys(row.below, index)
    assert lanes == {}
    return found


CASES = [chain(5), fan(2), fan(24), *(dag(seed) for seed in range(30))]


@pytest.mark.parametrize("vertices", CASES, ids=lambda case: str(len(case)))
def test_every_edge_is_a_line_and_every_line_an_edge(vertices: list[Vertex]) -> None:
    makers = {tensor: i for i, vertex in enumerate(vertices) for tensor in vertex.writes}
    wanted = {(makers[t], i) for i, vertex in enumerate(vertices) for t in vertex.reads}
    assert edges(rows(vertices)) == wanted


def test_a_residual_branch_runs_beside_a_straight_path() -> None:
    names = [((), "a"), (("a",), "b"), (("b",), "c"), (("a", "c"), "d"), (("d",), "e")]
    drawn = rows([Vertex(reads, (write,)) for reads, write in names])
    assert [row.lane for row in drawn] == [0] * 5
    assert [row.passing for row in drawn] == [(), (1,), (1,), (), ()]
    assert drawn[3].above == (0, 1) and width(drawn) == 2


def test_what_the_drawing_says() -> None:
    text = network_drawing(NETWORK, LAYERS)
    names = re.findall(r"<b>(?:<i>\d</i>)?([^<]*)</b>", text)
    assert names == ["image", "conv", "depthwise", "flatten", "softmax", "probabilities"]
    assert "CONV_2D → 1x4x4x4 · 96 B" in text and "1x4x4x1 int8" in text
    assert re.findall(r'<li class="(\w+)"', text) == ["end", "macs", "macs", "view", "other", "end"]


def test_a_stage_is_marked_once() -> None:
    conv, depthwise, *others = NETWORK.nodes
    nodes = (conv, replace(depthwise, step=0), *others)
    text = network_drawing(replace(NETWORK, nodes=nodes), LAYERS)
    assert re.findall(r'<li class="(\w+ stage[^"]*)"', text) == [
        "macs stage first",
        "macs stage last",
    ]
    assert re.findall(r"<em>(.*?)</em>", text) == ["stage 1"] and "row by row" in text


def test_many_branches_leave_room_for_the_words() -> None:
    tensors = tuple(TensorRecord(f"t{i}", (1, 4), "i8", 4) for i in range(90))
    names = tuple(tensor.name for tensor in tensors)
    node = NodeRecord("join", "CONCATENATION", names, (), (), "eb_copy", 0, 0)
    text = network_drawing(Network(names, (), tensors, (node,)), [])
    gutter = re.search(r"--gutter:(\d+)px", text)
    assert gutter is not None and int(gutter[1]) <= LANES + 2 * EDGE
