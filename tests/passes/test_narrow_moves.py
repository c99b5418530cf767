"""Layers that move bytes go on doing so where these hold several values: views, borders, joins."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgebottle.ir.graph import Shape
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.expand_dims import ExpandDims
from edgebottle.ops.slice import Slice
from edgebottle.ops.split import Split
from edgebottle.ops.squeeze import Squeeze
from edgebottle.passes.narrow import narrow
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from tests.graphs import Builder
from tests.ops.compiled import run_compiled
from tests.passes.test_narrow import clamped
from tests.samples import assert_same, samples


class MoveBuilder(Builder):
    """Adds layers that move bytes."""

    def move(self, kind: type[Operator], x: str, shape: Shape, **attributes: object) -> str:
        out = self._tensor(kind.OP.lower(), shape, self.tensors[x].quant)
        return self._add(kind(name=out, inputs=(x,), outputs=(out,), **attributes))

    def slice(self, x: str, begin: Shape, size: Shape) -> str:
        return self.move(Slice, x, size, begin=begin, size=size)

    def halves(self, x: str, axis: int) -> str:
        """Cut in two, and joined the other way round."""
        shape = tuple(n // 2 if i == axis else n for i, n in enumerate(self.shape(x)))
        first, second = (self._tensor("part", shape, self.tensors[x].quant) for _ in range(2))
        operand = self._constant("axis", np.array(axis, np.int32))
        self._add(Split(name=first, inputs=(operand, x), outputs=(first, second), axis=axis))
        return self.concat(second, first, axis=axis)

    def joined(self, x: str, channels: int) -> str:
        """Behind other channels that are computed."""
        other = self.conv(x, channels, (1, 1))
        self.tensors[other] = replace(self.tensors[other], quant=self.tensors[x].quant)
        return self.concat(other, x)


MOVES: list[tuple[str, int, int, bool, Callable[[MoveBuilder, str], str]]] = [
    ("reshape", 4, 6, True, lambda b, x: b.reshape(x, 1, 8, 3, 6)),
    ("reshape of channels", 4, 6, True, lambda b, x: b.reshape(x, 1, 4, 3, 12)),
    ("reshape inside a byte", 4, 3, False, lambda b, x: b.reshape(x, 1, 4, 2, 9)),
    ("expand", 2, 3, True, lambda b, x: b.move(ExpandDims, x, (1, 1, 4, 6, 3), axis=1)),
    ("squeeze", 1, 3, True, lambda b, x: b.move(Squeeze, x, (4, 6, 3), axes=(0,))),
    ("transpose", 2, 5, True, lambda b, x: b.transpose(x, 0, 2, 1, 3)),
    ("transpose of channels", 4, 6, False, lambda b, x: b.transpose(x, 0, 1, 3, 2)),
    ("join", 4, 3, True, lambda b, x: b.joined(x, 2)),
    ("join of one bit", 1, 5, True, lambda b, x: b.joined(x, 8)),
    ("join inside a byte", 2, 4, False, lambda b, x: b.joined(x, 3)),
    ("join of pixels", 4, 3, True, lambda b, x: b.concat(x, x, axis=2)),
    ("halves", 4, 8, True, lambda b, x: b.halves(x, 3)),
    ("halves of rows", 2, 3, True, lambda b, x: b.halves(x, 1)),
    ("halves inside a byte", 2, 6, False, lambda b, x: b.halves(x, 3)),
    ("slice", 4, 5, True, lambda b, x: b.slice(x, (0, 1, 2, 2), (1, 3, 3, 3))),
    ("slice inside a byte", 4, 5, False, lambda b, x: b.slice(x, (0, 1, 2, 1), (1, 3, 3, 4))),
    ("border", 2, 3, True, lambda b, x: b.pad(x, (0, 0), (1, 2), (2, 1), (0, 0))),
    ("border of channels", 4, 4, True, lambda b, x: b.pad(x, (0, 0), (0, 1), (1, 0), (2, 3))),
    ("border inside a byte", 4, 4, False, lambda b, x: b.pad(x, (0, 0), (0, 0), (1, 0), (1, 0))),
]
"""What it is, bits, channels of what is moved, whether the layer takes them packed, the layer."""


def test_bytes_of_few_bits_are_moved(tmp_path: Path) -> None:
    runs, plans, expected = [], [], []
    for name, bits, channels, is_packed, move in MOVES:
        b = MoveBuilder(name.replace(" ", "_"))
        x = b.conv(b.input(1, 4, 6, 2), channels, (1, 1))
        y = move(b, x)
        graph = clamped(b.graph(b.relu(b.add(y, y)), b.conv(x, 2, (1, 1))), bits)
        small = narrow(graph)
        verify(small, "narrow")
        (maker,) = [node for node in small.nodes if y in node.outputs]
        kept = [node for node in graph.nodes if y in node.outputs]
        assert (small.tensors[y].dtype.bits < 8 and [maker] == kept) is is_packed, name
        inputs = [values for _, values in samples(graph)][:3]
        outputs = [Interpreter(graph).run(values) for values in inputs]
        for values, wanted in zip(inputs, outputs, strict=True):
            assert_same(Interpreter(small).run(values), wanted, name)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM):
            chosen = choose_schedule(small, Isa.DSP, schedule, narrow=False)
            verify(chosen.graph, schedule)
            runs.append((chosen.graph, inputs))
            plans.append(chosen.plan)
            expected.append(outputs)
    found = run_compiled(runs, Isa.DSP, tmp_path, plans)
    for (graph, _), outputs, wanted in zip(runs, found, expected, strict=True):
        for one, other in zip(outputs, wanted, strict=True):
            assert_same(one, other, graph.name)
