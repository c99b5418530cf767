"""What is written is what is read: imported, exported and imported again a model stays the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import EdgebottleError, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.text import dump
from tests.conftest import shared_models
from tests.graphs import Builder, random_network
from tests.quantize.random_signals import random_sequence_network, random_signal_network

PER_TEST = 10


def assert_same_graph(again: Graph, graph: Graph) -> None:
    assert dump(again) == dump(graph)
    for name, tensor in graph.tensors.items():
        data, other = tensor.data, again.tensors[name].data
        assert (data is None) == (other is None), name
        assert data is None or other is None or np.array_equal(data, other), name


@pytest.mark.parametrize("made", [random_network, random_signal_network, random_sequence_network])
def test_random_networks(made) -> None:
    for seed in range(PER_TEST):
        try:
            graph = load_tflite(write_tflite(made(seed)), "model")
        except UnsupportedOp as error:
            assert "padding that is neither" in str(error)
            continue
        data = write_tflite(graph)
        assert_same_graph(load_tflite(data, "model"), graph)
        assert write_tflite(graph) == data


@pytest.mark.shared
@pytest.mark.parametrize("path", shared_models(), ids=lambda path: path.stem)
def test_real_models(path: Path) -> None:
    try:
        graph = load_tflite(path.read_bytes(), "model")
    except EdgebottleError as error:
        pytest.skip(f"cannot be imported: {error}")
    assert_same_graph(load_tflite(write_tflite(graph), "model"), graph)


@pytest.mark.parametrize(
    ("change", "said"), [({"dtype": DType.I4}, "is i4"), ({"bounds": (0, 7)}, "has bounds")]
)
def test_what_no_file_can_say_is_refused(change: dict[str, Any], said: str) -> None:
    b = Builder("narrow")
    y = b.relu(b.input(1, 4))
    b.tensors[y] = replace(b.tensors[y], **change)
    with pytest.raises(UnsupportedOp, match=rf"tensor '{y}' {said}"):
        write_tflite(b.graph(y))
