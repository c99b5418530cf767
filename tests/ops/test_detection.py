"""Detections where there are fewer than places, which LiteRT leaves as they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.interpreter import Interpreter
from edgebottle.litert import LiteRTModel
from edgebottle.ops.base import Isa
from edgebottle.ops.detection_postprocess import DetectionPostProcess
from tests.ops.compiled import run_compiled
from tests.samples import assert_same


def test_few_detections(tmp_path: Path) -> None:
    """A threshold leaves some boxes, in NumPy and C as in LiteRT; the rest is zero."""
    random = np.random.default_rng(1)
    runs, counts = [], set()
    for case in DetectionPostProcess.cases():
        node = replace(case.nodes[0], least_score=1.5, most_overlap=0.2)
        graph = replace(case, nodes=(node,))
        shapes = [graph.tensors[name].shape for name in graph.inputs]
        every = [
            [random.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(4)
        ]
        litert = LiteRTModel(write_tflite(graph))
        for inputs in every:
            found, expected = Interpreter(graph).run(inputs), litert.run(inputs)
            count = int(expected[3][0])
            counts.add(count)
            places = count * node.per_detection
            valid = [value[:, :places] for value in expected[:3]]
            assert_same([value[:, :places] for value in found[:3]], valid, graph.name)
            assert found[3][0] == count
            assert not any(value[:, places:].any() for value in found[:3])
        runs.append((graph, every))
    assert min(counts) < 4
    for (graph, every), results in zip(
        runs, run_compiled(runs, Isa.PORTABLE, tmp_path), strict=True
    ):
        for inputs, found in zip(every, results, strict=True):
            assert_same(found, Interpreter(graph).run(inputs), graph.name)


@pytest.mark.parametrize("options", [b"", b"\x00", b"\xff" * 40, b"\x01\x04\x01"])
def test_options_that_cannot_be_read_are_one_line(options: bytes) -> None:
    (node,) = next(iter(DetectionPostProcess.cases())).nodes
    with pytest.raises(BadModel, match="has options that cannot be read") as caught:
        DetectionPostProcess.from_tflite("x", node.inputs, node.outputs, (), (), options)
    assert "\n" not in str(caught.value)
