"""How near the outputs of a quantized network are to those of the float one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.ir.graph import Array, Graph
from quantize.post.rules import QuantRule
from quantize.post.runner import Runner
from quantize.post.statistics import Inputs

Outputs = Sequence[tuple[Array, ...]]
"""For each sample one array for each output."""


@dataclass(frozen=True)
class Agreement:
    """How far outputs are those of the float network.

    Attributes:
        sqnr: Signal to quantization noise of all outputs, in dB.
        same: Samples with the largest output at the same place, 0 .. 1; None where the outputs
            name no class.
    """

    sqnr: float
    same: float | None


def real_outputs(
    graph: Graph,
    inputs: Inputs,
    runner: Runner,
    told: Callable[[int], None],
    *,
    reference: bool = False,
) -> Outputs:
    """The real outputs, float32, of a network.

    Args:
        graph: Float, or with int8 inputs and outputs.
        inputs: Real inputs, float32.
        runner: Runs it.
        told: Called with the number of each sample.
        reference: LiteRT's plain reference kernels, else its optimised ones.
    """
    runner.load(graph, reference=reference)
    results = []
    for number, sample in enumerate(inputs):
        told(number)
        results.append(tuple(runner.run(sample)))
    return results


def scored_tensors(graph: Graph, rules: Mapping[str, QuantRule]) -> tuple[str, ...]:
    """The tensors by which a quantized network is judged: its outputs.

    What goes into an output of a fixed scale stands for it: probabilities in steps of 1/256 would
    hide what happens before the SOFTMAX.
    """
    names = []
    for name in graph.outputs:
        maker = graph.producer(name)
        while maker is not None and rules[maker.name].output is not None:
            (name,) = (each for each in maker.inputs if each is not None)
            maker = graph.producer(name)
        names.append(name)
    return tuple(names)


def decibels(signal: float, noise: float) -> float:
    """A ratio of energies in dB, within what float32 can tell."""
    if noise <= signal * 1e-15:
        return 150.0
    return float(10 * np.log10(max(signal, 1e-30) / noise))


def sqnr(real: Array, other: Array) -> float:
    """Signal to noise of ``other``, in dB."""
    wide = real.astype(np.float64)
    return decibels(float(np.sum(np.square(wide))), float(np.sum(np.square(wide - other))))


def agreement(real: Outputs, other: Outputs, *, names_class: bool = True) -> Agreement:
    """Compares the outputs of the same samples.

    Args:
        real: Of the float network.
        other: Of the quantized one.
        names_class: The largest element of the one output is the network's answer.
    """
    flat = [np.concatenate([value.ravel() for value in sample]) for sample in real]
    near = [np.concatenate([value.ravel() for value in sample]) for sample in other]
    same = None
    if names_class:
        pairs = zip(flat, near, strict=True)
        same = float(np.mean([a.argmax() == b.argmax() for a, b in pairs]))
    return Agreement(sqnr(np.stack(flat), np.stack(near)), same)
