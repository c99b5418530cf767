"""The plan: no two tensors that are alive at the same time share a byte, and the size is exact."""

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
import pytest

from edgebottle.ir.graph import Array, Graph, Node
from edgebottle.ops.base import Isa
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.plan.lifetimes import live_bytes, neighbours
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.place import AnyBlock, Protruding, Strategy, first_fit, pack
from edgebottle.plan.plan import Placement, Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.storage import Block
from tests.graphs import Builder, random_network

RANDOM = 60


def addresses(graph: Graph, place: Placement) -> Array:
    """Where each byte of a tensor lives, by row, pixel and byte."""
    tensor = graph.tensors[place.tensor]
    pixel = (tensor.shape[-1] if tensor.shape else 1) * tensor.dtype.bits // 8
    pixels = tensor.nbytes // tensor.rows // pixel
    rows = np.arange(tensor.rows)[:, None, None] * place.row_stride
    columns = np.arange(pixels)[None, :, None] * place.pixel_stride
    return (place.offset + rows + columns + np.arange(pixel)).ravel()


def check_plan(graph: Graph, plan: Plan) -> None:
    """Runs the plan with a number in every byte that says which byte of which tensor it is.

    A layer must find the bytes of its inputs where the plan says they are, and may overwrite them
    itself only where its kernel allows it. Layers that are elided do nothing.
    """
    nodes = {node.name: node for node in graph.nodes}
    assert sorted(step.node for step in plan.steps) == sorted(nodes)
    at = {place.tensor: addresses(graph, place) for place in plan.placements}
    memory = np.full(plan.arena_bytes, -1)
    values: dict[str, Array] = {}
    count = 0

    def write(name: str) -> None:
        nonlocal count
        size = len(at[name])
        values[name] = np.arange(count, count + size)
        memory[at[name]] = values[name]
        count += size

    for name in graph.inputs:
        write(name)
    top = max(int(bytes_.max()) for bytes_ in at.values()) + 1
    for step in plan.steps:
        node = nodes[step.node]
        sources = [name for name in node.inputs if name in at]
        for name in sources:
            assert name in values, f"{node.name} runs before '{name}' is computed"
            assert (memory[at[name]] == values[name]).all(), f"{node.name} finds no '{name}'"
        if step.elided:
            values[node.outputs[0]] = same_bytes(graph, node, values)
            continue
        span = np.arange(step.scratch_offset, step.scratch_offset + step.scratch_bytes)
        top = max(top, step.scratch_offset + step.scratch_bytes)
        for name in (*sources, *node.outputs):
            assert not np.isin(span, at[name]).any(), f"scratch of {node.name} overlaps {name}"
        memory[span] = -1
        allowed = [node.inputs[i] for i in node.overwrites(graph.ins(node), graph.outs(node))]
        for name in set(sources):
            overlap = np.isin(at[name], at[node.outputs[0]]).any()
            same = at[name][0] == at[node.outputs[0]][0]
            assert not overlap or (name in allowed and same), f"{node.name} overwrites {name}"
        for name in node.outputs:
            write(name)
    for name in graph.outputs:
        assert (memory[at[name]] == values[name]).all(), f"output '{name}' is gone"
    assert top <= plan.arena_bytes < top + 4
    assert plan.lower_bound <= plan.arena_bytes


def same_bytes(graph: Graph, node: Node, values: dict[str, Array]) -> Array:
    """The bytes of the output of a layer that is elided: those of its inputs."""
    ins = graph.ins(node)
    parts = [
        values[t.name].reshape(*t.shape, t.dtype.bits // 8)
        for t in ins
        if t is not None and t.name in values
    ]
    if node.OP in ("CONCATENATION", "STRIDED_SLICE"):
        # Both move elements whatever they are: here all bytes of one.
        planes = [
            node.reference([part[..., i] for part in parts], ins, graph.outs(node))[0]
            for i in range(parts[0].shape[-1])
        ]
        return np.stack(planes, axis=-1).ravel()
    assert getattr(node, "VIEW", False), node
    return parts[0].ravel()


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


@pytest.mark.parametrize("strategy", [AnyBlock(), Protruding()], ids=["any", "protruding"])
@pytest.mark.parametrize("seed", range(12))
def test_placement_is_as_small_as_exhaustive_search(seed: int, strategy: Strategy) -> None:
    random = np.random.default_rng(seed)
    blocks = []
    for _ in range(6):
        first = int(random.integers(0, 5))
        blocks.append(
            Block(4 * int(random.integers(1, 30)), first, first + int(random.integers(0, 4)))
        )
    bound = max(live_bytes(blocks, 10))
    packing = pack(blocks, bound, strategy)
    offsets = packing.offsets
    assert bound <= packing.nbytes == brute_force(blocks)
    for (i, a), (j, b) in combinations(enumerate(blocks), 2):
        if a.first <= b.last and b.first <= a.last:
            assert offsets[i] + a.nbytes <= offsets[j] or offsets[j] + b.nbytes <= offsets[i]


def test_after_a_change_of_the_order_only_what_may_move_is_placed_again() -> None:
    random = np.random.default_rng(1)
    starts = range(200)
    blocks = [
        Block(4 * int(random.integers(1, 50)), i, i + int(random.integers(6))) for i in starts
    ]
    conflicts, placed = neighbours(blocks), list[int]()

    def on_top(i: int, offsets: Sequence[int]) -> int:
        placed.append(i)
        below = [offsets[j] + blocks[j].nbytes for j in conflicts[i] if offsets[j] >= 0]
        return max(below, default=0)

    order = [int(i) for i in random.permutation(len(blocks))]
    before = first_fit(order, on_top, conflicts)
    for _ in range(50):
        block = order.pop(int(random.integers(len(order))))
        order.insert(int(random.integers(len(order))), block)
        placed.clear()
        touched = (block, *conflicts[block])
        again = first_fit(order, on_top, conflicts, before=before, touched=touched)
        assert len(placed) < len(blocks)
        assert again == first_fit(order, on_top, conflicts)
        before = again
