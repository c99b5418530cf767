"""Patch grids: a stage computed rectangle by rectangle of its output, the halo recomputed.

The stage is rewritten into one copy of its layers per patch, each on just the rectangle of each
tensor that the patch needs, so that only one patch's tensors are in memory at a time. The patches
are joined by concatenations, which the plan elides, as it does the crops of the stage's inputs.
The copies share their weights, and the result is the same to the last bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Node, Tensor
from edgebottle.ops.base import RowOperator, where
from edgebottle.passes.rewrite import crop, join
from quantize.patch.grid_nodes import (
    Rect,
    Windows,
    for_rect,
    input_rect,
    part_of_constant,
    reading,
)


def patch_grid(graph: Graph, nodes: tuple[str, ...], m: int, n: int) -> Graph:
    """Computes a stage patch by patch.

    Args:
        graph: A graph after the passes.
        nodes: Names of the stage's layers: row-local ones, of which one tensor leaves the stage.
        m: Rows of patches.
        n: Patches in a row.

    Returns:
        A graph that computes the same; ``graph`` itself for a grid of one patch.

    Raises:
        BadInput: the layers are no such stage, or its output is smaller than the grid.
    """
    stage = PatchStage.of(graph, nodes)
    grid = patches(stage, m, n)
    if m == n == 1:
        return graph
    writer = Writer(graph, stage)
    bands = []
    for row, band in enumerate(grid):
        parts = [writer.patch(rect, f"{row}_{column}") for column, rect in enumerate(band)]
        name = f"{stage.output}_band_{row}" if m > 1 else stage.output
        bands.append(writer.join(parts, 2, name) if n > 1 else parts[0])
    if m > 1:
        writer.join(bands, 1, stage.output)
    inside = set(nodes)
    last = graph.nodes.index(stage.nodes[-1])
    before = [node for node in graph.nodes[:last] if node.name not in inside]
    return graph.with_nodes([*before, *writer.nodes, *graph.nodes[last + 1 :]], writer.tensors)


def extra_macs(graph: Graph, nodes: tuple[str, ...], m: int, n: int) -> int:
    """Multiply-accumulates that ``patch_grid`` adds, exactly: those of the halos.

    It may be negative: patches leave out what nothing reads.

    Raises:
        BadInput: see ``patch_grid``.
    """
    stage = PatchStage.of(graph, nodes)
    grid = patches(stage, m, n)
    if m == n == 1:
        return 0
    return stage.extra_macs(computed_pixels(stage.rects(rect) for band in grid for rect in band))


def computed_pixels(parts: Iterable[Mapping[str, Rect]]) -> Counter[str]:
    """Pixels of each tensor that all parts of a stage compute together."""
    pixels = Counter[str]()
    for rects in parts:
        for name, rect in rects.items():
            pixels[name] += rect.pixels
    return pixels


@dataclass(frozen=True)
class PatchStage:
    """Layers that are computed patch by patch.

    Attributes:
        graph: Their graph.
        nodes: The layers in order; the last one computes the output.
        output: The one tensor that leaves the stage.
        windows: How they read their inputs.
    """

    graph: Graph
    nodes: tuple[Node, ...]
    output: str
    windows: Windows = field(compare=False, repr=False)

    @classmethod
    def of(cls, graph: Graph, names: Sequence[str]) -> PatchStage:
        """The stage of these layers; raises ``BadInput`` where they are none."""
        known = graph.numbers
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise BadInput(f"{graph.name} has no layer '{unknown[0]}'" if unknown else "no layers")
        nodes = tuple(graph.nodes[number] for number in sorted({known[name] for name in names}))
        windows = Windows(graph)
        for node in nodes:
            check_node(windows, node)
        leaving = list(_leaving(graph, nodes))
        if len(leaving) != 1:
            raise BadInput(
                f"one tensor must leave a stage of patches, but {len(leaving)} do: "
                + ", ".join(leaving)
            )
        return cls(graph, nodes, leaving[0], windows)

    @classmethod
    def beginnings(cls, graph: Graph) -> Iterator[PatchStage]:
        """The stages that a network begins with, from the shortest on."""
        windows, inside = Windows(graph), set[str]()
        leaving: dict[str, None] = {}
        for number, node in enumerate(graph.nodes):
            try:
                check_node(windows, node)
            except BadInput:
                return
            inside.add(node.name)
            leaving |= dict.fromkeys(node.outputs)
            for name in node.inputs:
                is_done = name in leaving and name not in graph.outputs
                if is_done and all(r.name in inside for r in graph.consumers(str(name))):
                    del leaving[str(name)]
            if len(leaving) == 1:
                yield cls(graph, graph.nodes[: number + 1], next(iter(leaving)), windows)

    def rects(self, rect: Rect) -> dict[str, Rect]:
        """What a patch computes of each tensor of the stage, and needs of those from outside.

        Tensors that the patch does not need are missing.
        """
        rects = {self.output: rect}
        for node in reversed(self.nodes):
            name = node.outputs[0]
            if name not in rects:
                continue
            rects[name], needs = reading(self.windows, node, rects[name])
            for source, need in needs:
                rects[source] = need.union(rects.get(source))
        return rects

    def extra_macs(self, pixels: Mapping[str, int]) -> int:
        """Multiply-accumulates beyond those of the stage as a whole.

        Args:
            pixels: How many pixels of each tensor are computed, as often as that happens; tensors
                that are not computed may be missing.
        """
        return sum(each * (pixels.get(name, 0) - whole) for name, each, whole in self._macs)

    @cached_property
    def _macs(self) -> tuple[tuple[str, int, int], ...]:
        """Tensors with the multiply-accumulates of a pixel, and their pixels."""
        found = []
        for node in self.nodes:
            output = self.graph.outs(node)[0]
            pixels = Rect.whole(output.shape).pixels
            each, rest = divmod(node.macs(self.graph.ins(node), [output]), pixels)
            assert rest == 0, where(node)
            found.append((output.name, each, pixels))
        return tuple(found)


def patches(stage: PatchStage, m: int, n: int) -> list[list[Rect]]:
    """The rectangles of the output, as equal as possible, row by row.

    Raises:
        BadInput: the output has fewer rows or columns than the grid.
    """
    _, height, width, _ = stage.graph.tensors[stage.output].shape
    if not (1 <= m <= height and 1 <= n <= width):
        raise BadInput(
            f"'{stage.output}' has {height} x {width} pixels: no grid of {m} x {n} patches"
        )
    rows, columns = (
        [(i * size // count, (i + 1) * size // count) for i in range(count)]
        for size, count in ((height, m), (width, n))
    )
    return [[Rect(row, column) for column in columns] for row in rows]


def check_node(windows: Windows, node: Node) -> None:
    """Raises ``BadInput`` where a layer cannot be part of a patch grid."""
    graph = windows.graph
    images = [graph.outs(node)[0]]
    for index in windows.inputs(node):
        tensor = graph.ins(node)[index]
        assert tensor is not None
        if tensor.data is None and math.prod(tensor.shape[:-1]) > 1:
            images.append(tensor)
    for tensor in images:
        if len(tensor.shape) != 4 or tensor.shape[0] != 1 or tensor.state:
            raise BadInput(
                f"{where(node)} works on '{tensor.name}' of the shape {list(tensor.shape)}; "
                "patches need images of 4 axes and a batch of 1"
            )


def _leaving(graph: Graph, nodes: Sequence[Node]) -> Iterator[str]:
    inside = {node.name for node in nodes}
    for node in nodes:
        for name in node.outputs:
            readers = {reader.name for reader in graph.consumers(name)}
            if name in graph.outputs or not readers or readers - inside:
                yield name


@dataclass
class Writer:
    """Writes the copies of a stage's layers.

    Attributes:
        graph: The graph before.
        stage: The stage.
        tensors: All tensors, old and new.
        nodes: The new nodes.
        taken: All names.
        crops: The crops so far, by tensor and rectangle of the tensor before.
    """

    graph: Graph
    stage: PatchStage
    tensors: dict[str, Tensor] = field(init=False)
    nodes: list[Node] = field(default_factory=list)
    taken: set[str] = field(init=False)
    crops: dict[tuple[str, Rect], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Starts with the tensors of the graph."""
        self.tensors = dict(self.graph.tensors)
        self.taken = {*self.tensors, *(node.name for node in self.graph.nodes)}

    def made(self) -> Graph:
        """The new nodes with all tensors."""
        return replace(self.graph, nodes=tuple(self.nodes), tensors=self.tensors)

    def patch(self, rect: Rect, label: str) -> str:
        """Adds the layers of one patch; returns the tensor that they compute."""
        rects = self.stage.rects(rect)
        made: dict[str, tuple[str, Rect]] = {}
        for node in self.stage.nodes:
            name = node.outputs[0]
            if name in rects:
                made[name] = (self._copy(node, rects[name], made, label), rects[name])
        return self._part(self.stage.output, rect, made, label)

    def join(self, parts: Sequence[str], axis: int, name: str) -> str:
        """Joins tensors along an axis into the tensor ``name``; returns its name."""
        if name != self.stage.output:
            name = self._name(name)
        tensor = self.tensors[parts[0]]
        shape = list(tensor.shape)
        shape[axis] = sum(self.tensors[part].shape[axis] for part in parts)
        self.tensors[name] = replace(tensor, name=name, shape=tuple(shape))
        self.nodes.append(join(self._name(f"{name}_join"), parts, name, axis))
        return name

    def _copy(self, node: Node, rect: Rect, made: dict[str, tuple[str, Rect]], label: str) -> str:
        """A copy of ``node`` for ``rect`` of its output."""
        assert isinstance(node, RowOperator)
        images = self.stage.windows.inputs(node)
        inputs: list[str | None] = []
        for index, source in enumerate(node.inputs):
            if source is None or index not in images:
                inputs.append(source)
                continue
            need = input_rect(self.stage.windows, node, index, rect)
            if need is not None:
                inputs.append(self._part(source, need, made, label))
        part = for_rect(self.stage.windows, node, rect)
        for index, values in part.attribute_operands().items():
            inputs[index] = self._indices(f"{node.name}_{label}_operand_{index}", values)
        old = self.graph.outs(node)[0]
        return self.copy(part, inputs, replace(old, shape=rect.shape(old.shape)), label)

    def copy(self, node: Node, inputs: Sequence[str | None], output: Tensor, label: str) -> str:
        """Adds a copy of ``node`` that computes ``output``, a part of what ``node`` does.

        Returns:
            The name that the tensor has been given.
        """
        name = made = self.add(output, label)
        if node.name != output.name:
            name = self._name(f"{node.name}_{label}")
        self.nodes.append(replace(node, name=name, inputs=tuple(inputs), outputs=(made,)))
        return made

    def add(self, tensor: Tensor, label: str) -> str:
        """Adds a part of a tensor; returns the name that it has been given."""
        name = self._name(f"{tensor.name}_{label}")
        self.tensors[name] = replace(tensor, name=name)
        return name

    def _part(self, source: str, need: Rect, made: dict[str, tuple[str, Rect]], label: str) -> str:
        """The tensor that holds ``need`` of ``source``: a crop where that is not all there is."""
        tensor = self.graph.tensors[source]
        if tensor.data is not None:
            part = part_of_constant(tensor, need)
            return source if part.shape == tensor.shape else self.add(part, label)
        if len(tensor.shape) != 4:
            return source
        name, rect = made.get(source, (source, Rect.whole(tensor.shape)))
        if need == rect:
            return name
        if (name, need) not in self.crops:
            self.crops[name, need] = self._crop(name, rect, need, label)
        return self.crops[name, need]

    def _crop(self, source: str, rect: Rect, need: Rect, label: str) -> str:
        """``need`` of a tensor that holds ``rect``."""
        rows, columns = (
            (need[axis][0] - rect[axis][0], need[axis][1] - rect[axis][0]) for axis in (0, 1)
        )
        tensor = self.tensors[source]
        name = self._name(f"{source}_crop_{label}")
        node = crop(
            name,
            source,
            name,
            begin=(0, rows[0], columns[0], 0),
            end=(1, rows[1], columns[1], tensor.shape[3]),
        )
        operands = [
            self._indices(f"{name}_operand_{index}", values)
            for index, values in node.attribute_operands().items()
        ]
        self.tensors[name] = replace(tensor, name=name, shape=need.shape(tensor.shape))
        self.nodes.append(replace(node, inputs=(source, *operands)))
        return name

    def _indices(self, name: str, values: Sequence[int]) -> str:
        """A constant vector."""
        name = self._name(name)
        data = np.array(values, dtype=np.int32)
        self.tensors[name] = Tensor(name, data.shape, DType.I32, None, data)
        return name

    def _name(self, wanted: str) -> str:
        """A name that nothing has."""
        name, count = wanted, 2
        while name in self.taken:
            name, count = f"{wanted}_{count}", count + 1
        self.taken.add(name)
        return name
