"""The plan: no two tensors that are alive at the same time share a byte, and the size is exact."""

from itertools import combinations, permutations

import numpy as np
import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.place import live_bytes, place
from edgebottle.plan.plan import Placement, Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.storage import Block
from tests.graphs import Builder, random_network

RANDOM = 60


def bytes_of(graph: Graph, place: Placement) -> set[int]:
    """The very bytes a tensor takes, gaps between its pixels left out."""
    tensor = graph.tensors[place.tensor]
    pixel = tensor.shape[-1] * tensor.dtype.bytes
    pixels = tensor.row_elements // tensor.shape[-1]
    return {
        place.offset + row * place.row_stride + column * place.pixel_stride + byte
        for row in range(tensor.rows)
        for column in range(pixels)
        for byte in range(pixel)
    }


def check_plan(graph: Graph, plan: Plan) -> None:
    """Every claim a plan makes, from the graph alone."""
    order = [step.node for step in plan.steps]
    nodes = {node.name: node for node in graph.nodes}
    assert sorted(order) == sorted(nodes)
    places = {place.tensor: place for place in plan.placements}
    taken = {name: bytes_of(graph, place) for name, place in places.items()}
    end = len(order)
    made = {out: i for i, name in enumerate(order) for out in nodes[name].outputs}
    read = {name: -1 for name in places}
    for i, name in enumerate(order):
        for source in nodes[name].inputs:
            if source in places:
                assert made.get(source, -1) < i, f"{name} runs before its input is computed"
                read[source] = i
    life = {
        name: (
            made.get(name, -1),
            end if name in graph.outputs else max(read[name], made.get(name, -1)),
        )
        for name in places
    }
    for left, right in combinations(places, 2):
        (a, b), (c, d) = life[left], life[right]
        if max(a, c) < min(b, d):  # alive together beyond the step where one replaces the other
            assert not taken[left] & taken[right] or shares(graph, left, right), (left, right)
        elif max(a, c) == min(b, d) and taken[left] & taken[right]:
            assert may_overwrite(graph, nodes, order, left, right, max(a, c)), (left, right)
    top = max(max(bytes_) for bytes_ in taken.values()) + 1
    scratch = max(
        (s.scratch_offset + s.scratch_bytes for s in plan.steps if s.scratch_bytes), default=0
    )
    assert max(top, scratch) <= plan.arena_bytes < max(top, scratch) + 4
    assert plan.lower_bound <= plan.arena_bytes
    for i, step in enumerate(plan.steps):
        span = set(range(step.scratch_offset, step.scratch_offset + step.scratch_bytes))
        for name, (first, last) in life.items():
            if first <= i <= last:
                assert not span & taken[name], f"scratch of {step.node} overlaps {name}"


def shares(graph: Graph, left: str, right: str) -> bool:
    """The same bytes under another shape, or a part of a concatenation."""
    for node in graph.nodes:
        if {left, right} <= {*node.inputs, *node.outputs}:
            return node.OP == "CONCATENATION" or getattr(node, "VIEW", False)
    return False


def may_overwrite(graph, nodes, order, left, right, step) -> bool:
    """At ``step`` one of the two dies and the other is born: in place, a view or a slice."""
    if step < 0 or step >= len(order):
        return False
    node = nodes[order[step]]
    old, new = (left, right) if right in node.outputs else (right, left)
    if new not in node.outputs:
        return False
    allowed = [node.inputs[i] for i in node.overwrites(graph.ins(node), graph.outs(node))]
    return old in allowed or shares(graph, old, new)


@pytest.mark.parametrize("seed", range(RANDOM))
def test_random_networks(seed: int) -> None:
    graph = random_network(seed)
    for isa in Isa:
        check_plan(graph, make_plan(graph, isa))


@pytest.mark.parametrize("seed", range(0, RANDOM, 10))
def test_plan_round_trip(seed: int) -> None:
    plan = make_plan(random_network(seed), Isa.PORTABLE)
    assert Plan.from_json(plan.to_json()) == plan


def test_inputs_can_be_preserved() -> None:
    b = Builder("preserved")
    x = b.input(1, 8, 8, 4)
    graph = b.graph(b.relu(b.conv(b.relu(x), 4)))
    plain, kept = (make_plan(graph, Isa.PORTABLE, preserve_inputs=keep) for keep in (False, True))
    assert plain.placement("relu_0").shares == x
    assert kept.placement("relu_0").shares is None
    assert kept.placement(x).last == len(kept.steps)


def test_concatenation_is_written_in_place() -> None:
    b = Builder("concat")
    x = b.input(1, 6, 6, 3)
    parts = [b.conv(x, channels) for channels in (5, 2)]
    quant = b.tensors[parts[0]].quant
    b.tensors[parts[1]] = type(b.tensors[x])(parts[1], b.shape(parts[1]), b.tensors[x].dtype, quant)
    joined = b.concat(*parts)
    plan = make_plan(b.graph(b.pool(joined, MaxPool2D, 2, 2)), Isa.PORTABLE)
    assert next(step for step in plan.steps if step.node == joined).elided
    out = plan.placement(joined)
    assert [plan.placement(part).offset - out.offset for part in parts] == [0, 5]
    assert [plan.placement(part).pixel_stride for part in parts] == [7, 7]


def test_residual_add_is_in_place() -> None:
    b = Builder("residual")
    x = b.conv(b.input(1, 8, 8, 4), 4)
    out = b.add(b.conv(b.depthwise(x), 4, (1, 1)), x)
    plan = make_plan(b.graph(b.conv(out, 1)), Isa.PORTABLE)
    assert plan.placement(out).shares is not None


def test_order_of_branches_is_searched() -> None:
    """Two fat branches, each reduced at once: finishing one before the other starts saves RAM."""
    b = Builder("branches")
    x = b.input(1, 8, 8, 2)
    wide = [b.conv(x, 16), b.conv(x, 16)]
    thin = [b.conv(w, 1, (1, 1)) for w in wide]
    graph = b.graph(b.add(*thin))
    assert len(candidate_orders(graph)) > 1
    plan = make_plan(graph, Isa.PORTABLE)
    sizes = {name: t.nbytes for name, t in graph.tensors.items()}
    both = 2 * sizes[wide[0]]
    assert plan.lower_bound < both
    check_plan(graph, plan)


def brute_force(blocks: list[Block]) -> int:
    """Smallest arena of a first fit over every order of the blocks."""
    best = 1 << 30
    for order in permutations(range(len(blocks))):
        offsets: dict[int, int] = {}
        for i in order:
            busy = sorted(
                (offsets[j], offsets[j] + blocks[j].nbytes)
                for j in offsets
                if blocks[i].first <= blocks[j].last and blocks[j].first <= blocks[i].last
            )
            start = 0
            for low, high in busy:
                if start + blocks[i].nbytes <= low:
                    break
                start = max(start, high)
            offsets[i] = start
        best = min(best, max(offsets[i] + blocks[i].nbytes for i in offsets))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_placement_is_as_small_as_exhaustive_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    blocks = []
    for _ in range(6):
        first = int(random.integers(0, 5))
        blocks.append(
            Block(4 * int(random.integers(1, 30)), first, first + int(random.integers(0, 4)))
        )
    bound = max(live_bytes(blocks, step) for step in range(10))
    size, offsets, _ = place(blocks, bound)
    assert bound <= size == brute_force(blocks)
    for (i, a), (j, b) in combinations(enumerate(blocks), 2):
        if a.first <= b.last and b.first <= a.last:
            assert offsets[i] + a.nbytes <= offsets[j] or offsets[j] + b.nbytes <= offsets[i]
