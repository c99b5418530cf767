"""Order and placement against a solver that proves what is smallest (OR-tools' CP-SAT)."""

import numpy as np
import pytest

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa, Operator
from edgebottle.plan.order import _bits, _Peaks, least_memory_order
from edgebottle.plan.planner import make_plan
from tests.graphs import Builder

SECONDS = 60.0
UNIT = 4
"""The plan aligns to 4 bytes; all tensors here are multiples of it."""


def branching_network(seed: int) -> Graph:
    """Convolutions and adds on 4x4 images, with branches of different widths that meet again."""
    b = Builder(f"branching_{seed}", seed)
    random = np.random.default_rng(seed)
    alive = [b.input(1, 4, 4, int(random.integers(1, 4)))]
    for _ in range(int(random.integers(5, 8))):
        x = alive[int(random.integers(max(0, len(alive) - 3), len(alive)))]
        twins = [name for name in alive if b.shape(name) == b.shape(x) and name != x]
        if twins and random.integers(2):
            alive.append(b.add(x, str(random.choice(twins))))
        else:
            alive.append(b.conv(x, int(random.integers(1, 5)), (1, 1)))
    unread = [name for name in alive[1:] if not any(name in node.inputs for node in b.nodes)]
    return b.graph(*unread)


def smallest_arena(graph: Graph) -> int:
    """Smallest arena over all orders, offsets and choices of working in place, proven."""
    from ortools.sat.python import cp_model  # takes seconds to import

    model = cp_model.CpModel()
    count = len(graph.nodes)
    names = [name for name, tensor in graph.tensors.items() if tensor.data is None]
    total = sum(graph.tensors[name].nbytes for name in names) // UNIT
    arena = model.new_int_var(0, total, "arena")
    at = {node.name: model.new_int_var(0, count - 1, node.name) for node in graph.nodes}
    model.add_all_different(list(at.values()))
    end = {name: model.new_int_var(0, count, f"{name} end") for name in names}
    offset = {name: model.new_int_var(0, total, f"{name} offset") for name in names}
    made = {out: node for node in graph.nodes for out in node.outputs}
    taken = {name: [] for name in names}
    for node in graph.nodes:
        choices = node.overwrites(graph.ins(node), graph.outs(node))
        assert isinstance(node, Operator)
        for source in {name for name in node.inputs if name in end}:
            if source in made:
                model.add(at[made[source].name] < at[node.name])
            in_place = model.new_bool_var(f"{node.name} over {source}")
            allowed = source in [node.inputs[i] for i in choices] and source not in graph.outputs
            if allowed:
                taken[source].append(in_place)
                model.add(offset[node.outputs[0]] == offset[source]).only_enforce_if(in_place)
                model.add(end[source] == at[node.name]).only_enforce_if(in_place)
            else:
                model.add(in_place == 0)
            model.add(end[source] >= at[node.name])
            model.add(end[source] > at[node.name]).only_enforce_if(in_place.negated())
    xs, ys = [], []
    for name in names:
        size = graph.tensors[name].nbytes // UNIT
        start = at[made[name].name] if name in made else 0
        model.add_at_most_one(taken[name])
        if name in graph.outputs:
            model.add(end[name] == count)
        if name in made:
            model.add(end[name] >= start + 1)
        model.add(offset[name] + size <= arena)
        length = model.new_int_var(0, count, f"{name} length")
        xs.append(model.new_interval_var(start, length, end[name], name))
        ys.append(model.new_fixed_size_interval_var(offset[name], size, name))
    model.add_no_overlap_2d(xs, ys)
    model.minimize(arena)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = SECONDS
    solver.parameters.num_workers = 2
    status = solver.solve(model)
    if status != cp_model.OPTIMAL:
        pytest.skip(f"the solver proved nothing in {SECONDS:g} s")
    return int(solver.objective_value) * UNIT


def smallest_peak(graph: Graph) -> int:
    """Of all orders, by looking at every set of finished nodes that any of them passes."""
    search, goal = _Peaks(graph), (1 << len(graph.nodes)) - 1
    best: dict[int, int] = {}
    left = [(0, search.ready_at_start, search.live_at_start, search.live_at_start)]
    while left:
        done, ready, live, peak = left.pop()
        if peak >= best.get(done, peak + 1):
            continue
        best[done] = peak
        for index in _bits(ready):
            after = done | 1 << index
            during, behind = search.run(index, after, live)
            ready_then = search.ready_after(ready, index, after)
            left.append((after, ready_then, behind, max(peak, during)))
    return best[goal]


@pytest.mark.parametrize("seed", range(100))
def test_order_has_the_smallest_peak_there_is(seed: int) -> None:
    graph = branching_network(seed)
    numbers = {node.name: number for number, node in enumerate(graph.nodes)}
    order, search = least_memory_order(graph), _Peaks(graph)
    assert order is not None and set(order) == set(graph.nodes)
    done, live, peak = 0, search.live_at_start, search.live_at_start
    for node in order:
        done |= 1 << numbers[node.name]
        during, live = search.run(numbers[node.name], done, live)
        peak = max(peak, during)
    assert peak == smallest_peak(graph)


@pytest.mark.parametrize("seed", range(10))
def test_plan_is_the_smallest_there_is(seed: int) -> None:
    graph = branching_network(seed)
    assert least_memory_order(graph) is not None
    assert make_plan(graph, Isa.PORTABLE).arena_bytes == smallest_arena(graph)


def test_search_gives_up_in_time() -> None:
    """Twenty branches have a million sets of finished nodes: the search says so and stops."""
    b = Builder("wide")
    x = b.input(1, 4, 4, 1)
    graph = b.graph(*(b.conv(b.conv(x, 2 + i % 3, (1, 1)), 1, (1, 1)) for i in range(20)))
    assert least_memory_order(graph, max_states=500) is None
    assert make_plan(graph, Isa.PORTABLE).arena_bytes > 0
