"""NaN and infinity where an operator chooses among floats: as LiteRT, in NumPy and in C."""

from pathlib import Path

import numpy as np

from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops import BY_NAME
from edgebottle.ops.base import Isa
from tests.ops.compiled import run_compiled

CHOOSING = ("REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D")


def _inputs(graph: Graph) -> list[tuple[Array, ...]]:
    """Nothing else, then some of each among others, a window of only such among them."""
    shape = graph.tensors[graph.inputs[0]].shape
    odd = np.array([np.nan, np.inf, -np.inf], np.float32)
    random = np.random.default_rng(5)
    some = random.normal(size=shape)
    some = np.where(random.random(shape) < 0.5, random.choice(odd, shape), some)
    return [(np.full(shape, one, np.float32),) for one in odd] + [(some.astype(np.float32),)]


def test_what_is_no_number_is_never_chosen(tmp_path: Path) -> None:
    graphs = [graph for op in CHOOSING for graph in BY_NAME[op].cases()]
    floats = [graph for graph in graphs if graph.tensors[graph.inputs[0]].dtype is DType.F32]
    runs = [(graph, _inputs(graph)) for graph in floats]
    compiled = run_compiled(runs, Isa.PORTABLE, tmp_path)
    for (graph, inputs), in_c in zip(runs, compiled, strict=True):
        litert, interpreter = LiteRTModel(write_tflite(graph)), Interpreter(graph)
        for sample, c in zip(inputs, in_c, strict=True):
            expected = litert.run(sample)
            np.testing.assert_array_equal(interpreter.run(sample), expected, graph.name)
            np.testing.assert_array_equal(c, expected, f"{graph.name} in C")
    assert len(runs) >= 20
