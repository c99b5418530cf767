"""A float detector that says what its boxes are keeps saying so when it is quantized."""

from pathlib import Path

import numpy as np

from edgebottle.detection.description import AnchorMap, described
from edgebottle.detection.metadata import boxes_of, with_boxes
from edgebottle.exporters.tflite import write_tflite
from edgebottle.pipeline import load
from tests.cli.command_line import edgebottle
from tests.quantize.float_networks import FloatBuilder


def test_quantize_keeps_the_description(tmp_path: Path) -> None:
    b = FloatBuilder()
    features = b.conv(b.input(1, 16, 16, 3), 8)
    outputs = [b.conv(features, channels, 1, "NONE") for channels in (8, 6)]
    graph = b.graph(*outputs)
    description = described("abc", (16, 16), [AnchorMap(1, ((4, 4), (8, 8)))])
    (tmp_path / "real.tflite").write_bytes(with_boxes(write_tflite(graph), description))
    x = np.random.default_rng(0).random((40, 16, 16, 3), np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    arguments = ("real.tflite", "--data", "x.npz", "--out", "int8.tflite")
    done = edgebottle("quantize", *arguments, cwd=tmp_path)
    assert done.code == 0, done.err
    assert boxes_of((tmp_path / "int8.tflite").read_bytes()) == description
    refused = edgebottle("build", "real.tflite", "--board", "host", cwd=tmp_path)
    assert refused.code == 1 and "quantize the network" in refused.err
    assert load(str(tmp_path / "int8.tflite")).boxes == description
