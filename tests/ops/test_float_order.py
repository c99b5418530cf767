"""Float sums in LiteRT's order: what cancels is the same to the last bit."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from edgebottle.errors import UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from tests.samples import samples


def float_cases(op: str) -> Iterator[tuple[Graph, bytes]]:
    """Those that TFLite can express."""
    for graph in BY_NAME[op].cases():
        if graph.tensors[graph.inputs[0]].dtype is DType.F32:
            with suppress(UnsupportedOp):
                yield graph, write_tflite(graph)


@pytest.mark.parametrize("op", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_sums_have_the_bits_of_litert(op: str) -> None:
    """Logarithms of what is left of large terms would show any other order."""
    tried = 0
    for graph, data in float_cases(op):
        litert = LiteRTModel(data)
        for kind, inputs in samples(graph, 1):
            expected, found = litert.run(inputs), Interpreter(graph).run(inputs)
            np.testing.assert_array_equal(found[0], expected[0], f"{graph.name}, {kind}")
            tried += 1
    assert tried >= 4
