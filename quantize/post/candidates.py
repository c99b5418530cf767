"""Quantized networks, and how near they are to the float one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgebottle.ir.graph import Array, Graph
from quantize.post.builder import StoredLayer, build
from quantize.post.grouping import ChosenQuant
from quantize.post.rules import QuantRule, Scales
from quantize.post.runner import Runner
from quantize.post.score import scored_tensors, sqnr
from quantize.post.statistics import Inputs, Statistics


@dataclass(frozen=True)
class TriedStep:
    """A step that was tried.

    Attributes:
        name: What was done.
        sqnr: Signal to noise of the scored tensors with it, dB, on calibration samples.
        kept: Whether the network has it.
    """

    name: str
    sqnr: float
    kept: bool = False


@dataclass(frozen=True)
class Quantized:
    """A quantized network.

    Attributes:
        graph: The integer graph.
        float_graph: The float graph as it was folded.
        chosen: The quantization of each tensor of the float graph.
        statistics: Of each tensor of the float graph.
        layers: The layers with weights, by name.
        rules: How each layer of the float graph is quantized, by its name.
        steps: What was tried, in order.
    """

    graph: Graph
    float_graph: Graph
    chosen: dict[str, ChosenQuant]
    statistics: dict[str, Statistics]
    layers: dict[str, StoredLayer]
    rules: dict[str, QuantRule]
    steps: tuple[TriedStep, ...] = ()

    @property
    def kept_float(self) -> tuple[str, ...]:
        """The layers that have no int8 form."""
        return tuple(name for name, rule in self.rules.items() if rule.kind is Scales.FLOAT)

    def with_layers(self, layers: dict[str, StoredLayer], *, float_io: bool) -> Quantized:
        """The same with other stored weights and biases."""
        graph = build(self.float_graph, self.rules, self.chosen, layers, float_io=float_io)
        return replace(self, graph=graph, layers=layers)


@dataclass(frozen=True)
class Contender:
    """A network that may be the one.

    Attributes:
        network: The network.
        base: What was done to the float network first; empty for nothing.
        sqnr: As ``TriedStep`` has it.
        numbers: Of the steps that led to it.
    """

    network: Quantized
    base: str
    sqnr: float
    numbers: tuple[int, ...]


@dataclass
class Referee:
    """Compares candidates with the float network on samples by which no weight was rounded.

    Attributes:
        graph: The float network.
        rules: Of its layers.
        inputs: The samples.
        runner: Runs the networks.
        steps: What was tried, in order.
    """

    graph: Graph
    rules: Mapping[str, QuantRule]
    inputs: Inputs
    runner: Runner
    steps: list[TriedStep] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Runs the float network."""
        self._names = scored_tensors(self.graph, self.rules)
        self._wanted = self._columns(self.graph)

    def tried(self, what: str, network: Quantized, before: Contender | str) -> Contender:
        """A network whose signal to noise is known from now on.

        Args:
            what: What was done.
            network: What came of it.
            before: What it was done to, or the ``base`` of a new one.
        """
        base, numbers = (before, ()) if isinstance(before, str) else (before.base, before.numbers)
        pairs = zip(self._wanted, self._columns(network.graph), strict=True)
        found = float(np.mean([sqnr(wanted, near) for wanted, near in pairs]))
        self.steps.append(TriedStep(", ".join(filter(None, (base, what))), found))
        return Contender(network, base, found, (*numbers, len(self.steps) - 1))

    def steps_of(self, candidate: Contender) -> tuple[TriedStep, ...]:
        """All steps; those that led to ``candidate`` are kept."""
        return tuple(
            replace(step, kept=number in candidate.numbers)
            for number, step in enumerate(self.steps)
        )

    def _columns(self, graph: Graph) -> list[Array]:
        """The scored tensors of all samples."""
        self.runner.load(graph)
        found = [self.runner.run(sample, self._names) for sample in self.inputs]
        return [np.stack(column) for column in zip(*found, strict=True)]


def nearest(candidates: list[Contender]) -> Contender:
    """The one nearest to the float network."""
    return max(candidates, key=lambda candidate: candidate.sqnr)
