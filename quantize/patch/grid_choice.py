"""Chooses a patch grid: how far the stage goes, and into how many rows and columns it is cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgebottle.ir.graph import Graph
from edgebottle.ir.layout import Layout, aligned
from edgebottle.ops.base import Isa
from edgebottle.plan.order import candidate_orders
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import LayerByLayer, make_plan
from edgebottle.plan.storage import joined_axis_of
from edgebottle.plan.work import Work
from quantize.patch.grid import PatchStage, extra_macs, patch_grid, patches
from quantize.patch.grid_nodes import Rect
from quantize.patch.known import known

MAX_PATCHES = 6
"""Patches along an axis, at most."""

PATCH_WORK = 4_000_000
"""What is spent on finding grids: the largest real networks take half."""

RECTS_COST = 40
"""Units of work for each layer to find what a band of patches needs."""

GRID_COST = 40
"""The same for each grid."""

TRIAL_WORK = 2_500_000
"""What is spent on trying them: the largest real networks take half."""

TRIAL_COST = 200
PLAN_COST = 1000
"""Units of work for each layer of a network that is written with its patches, and planned."""

MAX_PATCHED_NODES = 3000
"""Layers of a network with its patches, at most."""

FINALISTS = 3
"""Grids whose placement is searched, of those with the least live bytes."""


@dataclass(frozen=True)
class GridChoice:
    """A stage at the beginning of a network and the grid over its output.

    Attributes:
        nodes: The layers of the stage; none for a network that is left as it is.
        grid: Rows of patches, and patches in a row.
        extra_macs: What the halos cost.
        graph: The graph with its patches.
        plan: Its plan, layer by layer.
    """

    nodes: tuple[str, ...]
    grid: tuple[int, int]
    extra_macs: int
    graph: Graph
    plan: Plan


@dataclass(frozen=True)
class _Candidate:
    extra_macs: int
    lower_bound: int
    nodes: tuple[str, ...]
    grid: tuple[int, int]


def least_macs(
    graph: Graph, isa: Isa, ram_limit: int, most: int = MAX_PATCHES
) -> GridChoice | None:
    """The grid with the fewest extra MACs whose plan fits.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        ram_limit: Bytes that the arena may have.
        most: Patches along an axis, at most.

    Returns:
        The choice, without patches where they are not needed; None where no grid fits.
    """
    plan = known(graph).layers(isa)
    if plan.arena_bytes <= ram_limit:
        return GridChoice((), (1, 1), 0, graph, plan)
    found = [c for c in _candidates(graph, isa, most, ram_limit) if c.lower_bound <= ram_limit]
    work = Work(TRIAL_WORK)
    for candidate in sorted(found, key=lambda c: (c.extra_macs, c.lower_bound)):
        if work.is_spent:
            break
        patched = patch_grid(graph, candidate.nodes, *candidate.grid)
        work.spend(TRIAL_COST * len(patched.nodes))
        if max(live_bytes(patched, isa)) <= ram_limit:
            work.spend(PLAN_COST * len(patched.nodes))
            plan = make_plan(patched, isa, orders=candidate_orders(patched, is_cut=True))
            if plan.arena_bytes <= ram_limit:
                return _choice(candidate, patched, plan)
    return None


def least_ram(
    graph: Graph, isa: Isa, most_extra_macs: int | None = None, most: int = MAX_PATCHES
) -> GridChoice:
    """The grid with the smallest arena.

    Args:
        graph: A graph after the passes.
        isa: The kernel variant.
        most_extra_macs: What the halos may cost; None for any number.
        most: Patches along an axis, at most.
    """
    plan = known(graph).layers(isa)
    best = GridChoice((), (1, 1), 0, graph, plan)
    scored: list[tuple[int, _Candidate]] = []
    work = Work(TRIAL_WORK)
    found = _candidates(graph, isa, most, plan.arena_bytes)
    for candidate in sorted(found, key=lambda c: (c.lower_bound, c.extra_macs)):
        if most_extra_macs is not None and candidate.extra_macs > most_extra_macs:
            continue
        if len(scored) >= FINALISTS and candidate.lower_bound >= scored[FINALISTS - 1][0]:
            break
        if work.is_spent:
            break
        patched = patch_grid(graph, candidate.nodes, *candidate.grid)
        work.spend(TRIAL_COST * len(patched.nodes))
        scored.append((max(live_bytes(patched, isa)), candidate))
        scored.sort(key=lambda item: (item[0], item[1].extra_macs))
    for nbytes, candidate in scored[:FINALISTS]:
        if nbytes >= best.plan.arena_bytes:
            break
        patched = patch_grid(graph, candidate.nodes, *candidate.grid)
        plan = make_plan(patched, isa, orders=candidate_orders(patched, is_cut=True))
        if plan.arena_bytes < best.plan.arena_bytes:
            best = _choice(candidate, patched, plan)
    return best


def live_bytes(graph: Graph, isa: Isa) -> tuple[int, ...]:
    """Bytes alive at each layer, in the order of the graph, scratch included."""
    return LayerByLayer.of(graph, graph.nodes, isa).live[1:-1]


def _candidates(graph: Graph, isa: Isa, most: int, ram_limit: int) -> Iterator[_Candidate]:
    """All grids that might stay within ``ram_limit``."""
    live, work = live_bytes(graph, isa), Work(PATCH_WORK)
    for stage in PatchStage.beginnings(graph):
        if work.is_spent:
            return
        names = tuple(node.name for node in stage.nodes)
        inside = {node.outputs[0] for node in stage.nodes}
        read = {
            name
            for node in stage.nodes
            for name in node.inputs
            if name is not None and name not in inside and graph.tensors[name].data is None
        }
        output = graph.tensors[stage.output]
        borders = sum(aligned(graph.tensors[name].nbytes) for name in (*read, output.name))
        lower_bound = max([borders, *live[len(names) :]])
        if lower_bound > ram_limit:
            continue
        axes = _Axes(stage, most)
        work.spend(len(names) * (2 * most * RECTS_COST + len(axes.grids) * GRID_COST))
        for grid in axes.grids:
            if grid[0] * grid[1] * len(names) + len(graph.nodes) > MAX_PATCHED_NODES:
                continue
            nbytes = max(lower_bound, borders + patch_bytes(stage, axes.middle(*grid)))
            if nbytes <= ram_limit:
                yield _Candidate(axes.extra_macs(*grid), nbytes, names, grid)


class _Axes:
    """What bands of rows and of columns need, from which the needs of all patches follow.

    What a patch needs of rows does not depend on its columns, but where images are joined along
    one of them.
    """

    def __init__(self, stage: PatchStage, most: int) -> None:
        self.stage = stage
        self.names = tuple(node.name for node in stage.nodes)
        _, height, width, _ = stage.graph.tensors[stage.output].shape
        heights, widths = range(1, min(most, height) + 1), range(1, min(most, width) + 1)
        self.grids = [(m, n) for m in heights for n in widths if m * n > 1]
        self._joined = any(joined_axis_of(stage.graph, n) in (1, 2) for n in stage.nodes)
        self._rows = {m: [stage.rects(band[0]) for band in patches(stage, m, 1)] for m in heights}
        self._columns = {n: [stage.rects(r) for r in patches(stage, 1, n)[0]] for n in widths}

    def middle(self, m: int, n: int) -> dict[str, Rect]:
        """``PatchStage.rects`` of a patch in the middle."""
        if self._joined:
            return self.stage.rects(patches(self.stage, m, n)[m // 2][n // 2])
        rows, columns = self._rows[m][m // 2], self._columns[n][n // 2]
        return {name: Rect(rows[name].rows, columns[name].columns) for name in rows}

    def extra_macs(self, m: int, n: int) -> int:
        """``extra_macs`` of a grid."""
        if self._joined:
            return extra_macs(self.stage.graph, self.names, m, n)
        rows, columns = (
            _extents(bands, axis) for axis, bands in enumerate((self._rows[m], self._columns[n]))
        )
        return self.stage.extra_macs({name: rows[name] * columns[name] for name in rows})


def _extents(bands: Sequence[Mapping[str, Rect]], axis: int) -> Counter[str]:
    """Rows (axis 0) or columns (axis 1) of each tensor that all bands compute together."""
    found = Counter[str]()
    for rects in bands:
        for name, rect in rects.items():
            begin, end = rect[axis]
            found[name] += end - begin
    return found


def patch_bytes(stage: PatchStage, rects: dict[str, Rect]) -> int:
    """The fewest bytes that a patch's own tensors take, the stage's inputs and output left out."""
    graph, nodes = stage.graph, [node for node in stage.nodes if node.outputs[0] in rects]
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs if name is not None}
    alive: dict[str, int] = {}
    peak = held = 0
    for i, node in enumerate(nodes):
        name = node.outputs[0]
        tensor = graph.tensors[name]
        shape = rects[name].shape(tensor.shape)
        size = Layout.contiguous(shape, tensor.dtype.bits).nbytes if name != stage.output else 0
        dying = [str(source) for source in node.inputs if last.get(str(source)) == i]
        replaced = stage.windows.replaced(node)
        sizes = [0, *(alive.get(source, 0) for source in dying if source in replaced)]
        most = sum(sizes) if stage.windows.is_join(node) else max(sizes)
        alive[name] = size
        held += size
        peak = max(peak, held - min(most, size))
        for gone in (*dying, *([] if name in last else [name])):
            held -= alive.pop(gone, 0)
    return peak


def _choice(candidate: _Candidate, patched: Graph, plan: Plan) -> GridChoice:
    return GridChoice(candidate.nodes, candidate.grid, candidate.extra_macs, patched, plan)
