"""How near the outputs of a quantized network are to those of the float one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Array, Graph
from edgebottle.litert_process import LiteRTProcess
from quantize.post.affine import dequantized, quantized
from quantize.post.rules import QuantRule
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
    graph: Graph, inputs: Inputs, told: Callable[[int], None], *, reference: bool = False
) -> Outputs:
    """Runs a network in LiteRT.

    Args:
        graph: Float, or with int8 inputs and outputs.
        inputs: Real inputs, float32.
        told: Called with the number of each sample.
        reference: LiteRT's plain reference kernels, else its optimised ones.

    Returns:
        Real outputs, float32.
    """
    outs = [graph.tensors[name] for name in graph.outputs]
    results = []
    with LiteRTProcess(write_tflite(graph), reference) as model:
        for number, sample in enumerate(inputs):
            told(number)
            found = model.run(stored_inputs(graph, sample))
            pairs = zip(found, outs, strict=True)
            results.append(tuple(dequantized(value, tensor.quant) for value, tensor in pairs))
    return results


def stored_inputs(graph: Graph, sample: Sequence[Array]) -> list[Array]:
    """Real inputs as a network stores them."""
    tensors = [graph.tensors[name] for name in graph.inputs]
    return [
        value if tensor.quant is None else quantized(value, tensor.quant)
        for value, tensor in zip(sample, tensors, strict=True)
    ]


def traced(
    model: LiteRTProcess, graph: Graph, sample: Sequence[Array], names: Sequence[str]
) -> list[Array]:
    """Real values, float32, of tensors of a network.

    Args:
        model: LiteRT with the network.
        graph: The network.
        sample: Real inputs, float32.
        names: Tensors of the graph.
    """
    values = model.trace(stored_inputs(graph, sample), names)
    pairs = zip(values, names, strict=True)
    return [dequantized(value, graph.tensors[name].quant) for value, name in pairs]


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


def agreement(real: Outputs, other: Outputs) -> Agreement:
    """Compares the outputs of the same samples."""
    flat = [np.concatenate([value.ravel() for value in sample]) for sample in real]
    near = [np.concatenate([value.ravel() for value in sample]) for sample in other]
    same = None
    if len(real[0]) == 1 and real[0][0].size > 1:
        pairs = zip(flat, near, strict=True)
        same = float(np.mean([a.argmax() == b.argmax() for a, b in pairs]))
    return Agreement(sqnr(np.stack(flat), np.stack(near)), same)
