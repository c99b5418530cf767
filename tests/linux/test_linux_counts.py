"""Instructions of Linux boards, counted exactly."""

from pathlib import Path

import pytest

from edgebottle.exporters.tflite import write_tflite
from edgebottle.pipeline import load
from tests.bench import linux_models
from tests.bench.linux_counts import layer_counts
from tests.bench.low_bits import network
from tests.conftest import long


def test_few_bits_take_less_than_half_of_int8(tmp_path: Path) -> None:
    file = tmp_path / "few.tflite"
    file.write_bytes(write_tflite(network("windows", 2, 2)))
    model = load(str(file), io="int8")
    wide = layer_counts(model, "raspberry_pi_3", narrow=False)
    few = layer_counts(model, "raspberry_pi_3")
    assert [few[name] < 0.5 * wide[name] for name in few] == [False, True, True, True]
    assert layer_counts(model, "raspberry_pi_3") == few


FEWER = [
    ("dense", 4, "raspberry_pi_3"),
    long("dense", 4, "raspberry_pi_4"),
    long("separable", 4, "raspberry_pi_3"),
    long("separable", 4, "raspberry_pi_4"),
]
"""Networks, bits and boards where few bits once took more than int8."""


@pytest.mark.parametrize(("name", "bits", "board"), FEWER)
def test_few_bits_take_no_more_than_int8(tmp_path: Path, name: str, bits: int, board: str) -> None:
    file = tmp_path / "few.tflite"
    file.write_bytes(write_tflite(network(name, bits, bits)))
    model = load(str(file), io="int8")
    wide, few = (layer_counts(model, board, narrow=narrow) for narrow in (False, True))
    assert all(few[layer] < 1.01 * wide[layer] for layer in few)
    assert sum(few.values()) < 0.97 * sum(wide.values())


@pytest.mark.parametrize("board", ["raspberry_pi_3", long("raspberry_pi_4")])
def test_dense_layers_share_what_they_load(tmp_path: Path, board: str) -> None:
    """Eight outputs of 16 inputs take 9 loads and 24 instructions for products."""
    file = tmp_path / "dense.tflite"
    file.write_bytes(write_tflite(network("dense", 8, 8)))
    model = load(str(file), io="int8")
    graph, counts = model.graph, layer_counts(model, board)
    macs = {node.name: node.macs(graph.ins(node), graph.outs(node)) for node in graph.nodes}
    assert all(counts[name] < 0.4 * macs[name] for name in counts)


def test_a_file_that_is_no_model_is_counted_as_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "no.tflite").write_bytes(b"TFL3 it is not")
    assert linux_models.main([str(tmp_path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("no.tflite") and "BadModel: " in told[0]
    assert told[1] == "0 of 1 runs are right"
