"""Which tensors have one scale in common, and which range each group of them gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from quantize.post.affine import Bounds, quant_of
from quantize.post.observers import OBSERVERS, MinMax, Observer, squared_error
from quantize.post.rules import QuantRule, Scales
from quantize.post.statistics import Statistics, merged

FIXED = "fixed"
"""In the place of an observer's name: the kernel demands the scale."""

GIVEN = "given"
"""In the place of an observer's name: the range of the data was told."""


@dataclass(frozen=True)
class ChosenQuant:
    """The quantization of a tensor.

    Attributes:
        quant: The quantization.
        observer: The name of the observer that chose its range, ``FIXED`` or ``GIVEN``.
    """

    quant: Quant
    observer: str


class Groups:
    """Union-find over tensors that have one scale."""

    def __init__(self, fixed: Mapping[str, Quant]) -> None:
        """Starts with each tensor alone.

        Args:
            fixed: Tensors whose scale the kernel demands that computes them.
        """
        self._parent: dict[str, str] = {}
        self._fixed = dict(fixed)

    def find(self, name: str) -> str:
        """The tensor that stands for the group of ``name``."""
        while (parent := self._parent.get(name, name)) != name:
            name = parent
        return name

    def fixed(self, name: str) -> Quant | None:
        """The scale that the group of ``name`` must have, None where it is free."""
        return self._fixed.get(self.find(name))

    def join(self, names: Sequence[str]) -> None:
        """Makes one group of those of ``names``."""
        first, *others = (self.find(name) for name in names)
        for other in others:
            if other != first:
                self._parent[other] = first
                if other in self._fixed:
                    self._fixed[first] = self._fixed.pop(other)


def group(graph: Graph, rules: Mapping[str, QuantRule]) -> Groups:
    """Groups the tensors of a graph.

    A tensor whose scale is fixed joins what only moves it on. Beside others it keeps its scale, and
    the builder requantizes it where it is read.
    """
    outputs = {name: rules[node.name].output for node in graph.nodes for name in node.outputs}
    groups = Groups({name: quant for name, quant in outputs.items() if quant is not None})
    for node in graph.nodes:
        if rules[node.name].kind is not Scales.SHARED:
            continue
        reads = [tensor for tensor in graph.ins(node) if tensor is not None and _is_real(tensor)]
        outs = [tensor.name for tensor in graph.outs(node) if _is_real(tensor)]
        if {groups.fixed(tensor.name) for tensor in reads} == {None} or len(reads) == 1:
            groups.join([*outs, *(tensor.name for tensor in reads)])
        else:
            free = [tensor.name for tensor in reads if groups.fixed(tensor.name) is None]
            groups.join([*outs, *free])
    return groups


def _is_real(tensor: Tensor) -> bool:
    return tensor.dtype is DType.F32


def choose_scales(
    graph: Graph,
    groups: Groups,
    statistics: Mapping[str, Statistics],
    given: Mapping[str, Bounds],
    observers: Sequence[Observer] = OBSERVERS,
) -> dict[str, ChosenQuant]:
    """The quantization of each floating-point tensor, constants that are grouped included.

    Args:
        graph: The float graph.
        groups: Of its tensors.
        statistics: Of the tensors that are computed.
        given: Ranges of inputs that are known and need not be observed.
        observers: To choose from, by the squared error on the samples.
    """
    members: dict[str, list[str]] = {}
    for name, tensor in graph.tensors.items():
        if _is_real(tensor) and (name in statistics or tensor.data is not None):
            members.setdefault(groups.find(name), []).append(name)
    chosen = {}
    for names in members.values():
        seen = [statistics[name] for name in names if name in statistics]
        if seen:
            told = [given[name] for name in names if name in given]
            one = _choice(graph, groups.fixed(names[0]), seen, names, told, observers)
            chosen.update(dict.fromkeys(names, one))
    return chosen


def _choice(
    graph: Graph,
    fixed: Quant | None,
    seen: Sequence[Statistics],
    names: Sequence[str],
    told: Sequence[Bounds],
    observers: Sequence[Observer],
) -> ChosenQuant:
    if fixed is not None:
        return ChosenQuant(fixed, FIXED)
    constants = [_constant_bounds(graph.tensors[name]) for name in names]
    wider = [bounds for bounds in constants if bounds is not None]
    together = merged(seen) if len(seen) > 1 else seen[0]
    if told and _around([*told, together.bounds]) == told[0]:
        return ChosenQuant(quant_of(_around([*wider, *told])), GIVEN)
    allowed = [MinMax()] if set(names) & set(graph.inputs) else observers
    tried = [(observer.bounds(together), observer.NAME) for observer in allowed]
    bounds, name = min(tried, key=lambda item: squared_error(together, item[0]))
    return ChosenQuant(quant_of(_around([bounds, *wider])), name)


def _constant_bounds(tensor: Tensor) -> Bounds | None:
    if tensor.data is None or not tensor.size:
        return None
    return float(tensor.data.min()), float(tensor.data.max())


def _around(ranges: Sequence[Bounds]) -> Bounds:
    return min(low for low, _ in ranges), max(high for _, high in ranges)
