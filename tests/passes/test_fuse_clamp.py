"""Clamps in the layer before them: every kernel keeps within the bounds of its output."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.kernel import KernelOperator, Layer
from tests.conftest import long
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples


def cases(isa: Isa) -> Iterator[Graph]:
    """For each kernel of a quantized output that can be clamped the first case that chooses it."""
    for operator in OPERATORS:
        seen = set()
        for graph in operator.cases():
            (node,), output = graph.nodes, graph.tensors[graph.outputs[0]]
            assert isinstance(node, Operator)
            if output.dtype not in (DType.I8, DType.I16) or node.clamp(output) is None:
                continue
            assert isinstance(node, KernelOperator)
            kernel, _ = node.chosen(Layer(node, graph.ins(node), graph.outs(node)), isa)
            if kernel not in seen and not graph.has_state:
                seen.add(kernel)
                yield graph


def bounds_of(values: Array) -> tuple[int, int]:
    """Bounds that clamp a third of the values from below, and some from above."""
    low = int(np.quantile(values, 0.35, method="nearest"))
    return low, min(low + 3, int(np.iinfo(values.dtype).max))


@pytest.mark.parametrize("isa", [long(Isa.PORTABLE), long(Isa.SCALAR), Isa.DSP, long(Isa.MVE)])
def test_every_kernel_clamps_to_bounds(isa: Isa, tmp_path: Path) -> None:
    runs, expected, operators = [], [], set()
    for graph in cases(isa):
        inputs = [values for _, values in samples(graph)][:3]
        free = [Interpreter(graph).run(values)[0] for values in inputs]
        (name,) = graph.outputs
        low, high = bounds_of(np.concatenate([one.reshape(-1) for one in free]))
        bounded = {**graph.tensors, name: replace(graph.tensors[name], bounds=(low, high))}
        clamped = replace(graph, tensors=bounded)
        runs.append((clamped, inputs))
        expected.append([[one.clip(low, high)] for one in free])
        for values, wanted in zip(inputs, expected[-1], strict=True):
            assert_same(Interpreter(clamped).run(values), wanted, graph.name)
        operators.add(graph.nodes[0].OP)
    assert len(operators) > 12
    for (graph, _), outputs, wanted in zip(
        runs, run_compiled(runs, isa, tmp_path), expected, strict=True
    ):
        for one, other in zip(outputs, wanted, strict=True):
            assert_same(one, other, graph.name)
