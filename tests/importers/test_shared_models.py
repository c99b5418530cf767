"""The real models: each imports, and every tensor of every run equals LiteRT's."""

import numpy as np
import pytest

from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.litert import LiteRTModel
from tests.conftest import shared_models
from tests.samples import samples

pytestmark = pytest.mark.shared

LARGE = ("mcunet-320kb-1mb_imagenet", "tinyengine_detection", "tinyengine_mcunetv2_large", "nmp")
MODELS = [
    pytest.param(path, id=path.name, marks=[pytest.mark.long] if path.stem == "nmp" else [])
    for path in shared_models()
]


def only_integers(graph: Graph) -> bool:
    return all(
        graph.tensors[name].dtype is not DType.F32
        for node in graph.nodes
        for name in node.outputs
        if node.OP != "DEQUANTIZE"
    )


@pytest.mark.parametrize("path", MODELS)
def test_every_tensor_equals_litert(path):
    data = path.read_bytes()
    graph = load_tflite(data, path.stem)
    litert, reference = LiteRTModel(data), Interpreter(graph)
    exact = only_integers(graph)
    for kind, inputs in samples(graph, 1 if path.stem in LARGE else 3):
        litert.run(inputs)
        reference.run(inputs)
        for node in (node for node in graph.nodes if node.assigned is None):
            for name in node.outputs:
                expected = litert.tensor(name)
                assert expected is not None, name
                where = f"{kind}: {node.name} ({node.OP})"
                if exact:
                    np.testing.assert_array_equal(reference.values[name], expected, where)
                else:
                    assert_close(reference.values[name], expected, where)


def assert_close(actual, expected, where):
    scale = max(float(np.abs(expected).max()), 1e-6)
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * scale, err_msg=where)


@pytest.mark.parametrize("path", MODELS)
def test_import_is_deterministic_and_named(path):
    data = path.read_bytes()
    graph = load_tflite(data, path.stem)
    assert dump(graph) == dump(load_tflite(data, path.stem))
    assert graph.name.isidentifier()
    assert all(node.name.isidentifier() and len(node.name) < 60 for node in graph.nodes)
    assert len({node.name for node in graph.nodes}) == len(graph.nodes)
