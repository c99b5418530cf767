"""Keras files and SavedModels become float networks that compute the same, or say why not."""

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from edgebottle import keras_files
from edgebottle import tensorflow_converter as converter
from edgebottle.errors import BadModel, EdgebottleError, ToolMissing
from edgebottle.ir.interpreter import Interpreter
from edgebottle.pipeline import load

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of ``tests.keras_files``, and what was refused."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow: pip install 'edgebottle[train]'")
    folder = tmp_path_factory.mktemp("keras")
    command = [sys.executable, "-m", "tests.keras_files", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["image.keras", "image.h5", "old.h5", "saved", "two.keras"])
def test_converted_networks_compute_the_same(
    converted: tuple[Path, dict[str, str]], name: str
) -> None:
    folder, refused = converted
    assert name not in refused
    graph = load(str(folder / f"{name}.tflite")).graph
    with np.load(folder / f"{name}.npz") as arrays:
        expected, names = arrays["output"], [one for one in arrays if one != "output"]
        if len(names) > 1:
            names = [one for tensor in graph.inputs for one in names if one in tensor]
        inputs = [arrays[one] for one in names]
    assert [graph.tensors[one].shape for one in graph.inputs] == [one.shape for one in inputs]
    np.testing.assert_allclose(Interpreter(graph).run(inputs)[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unsigned", "BadModel: the SavedModel has no signature"),
        ("free.keras", "UnsupportedOp: the shape of input 'input_layer.*' is 1x\\?x4, and only"),
        ("code.h5", "UnsupportedOp: layer 'lambda' is a Lambda: Python code"),
        ("custom.keras", "UnsupportedOp: layer 'strange' is of .*Odd, which is not Keras' own"),
        ("missing", r"UnsupportedOp: .* no built-in operator for Erfinv \(.*strange"),
    ],
)
def test_what_cannot_be_converted_is_named(
    converted: tuple[Path, dict[str, str]], name: str, message: str
) -> None:
    refused = converted[1]
    assert refused.keys() == {"unsigned", "free.keras", "code.h5", "custom.keras", "missing"}
    assert re.match(message, refused[name]) and "\n" not in refused[name], refused[name]


def test_what_keras_2_wrote_and_keras_3_refuses_is_dropped() -> None:
    def layer(kind: str, **config: object) -> dict[str, object]:
        return {"class_name": kind, "config": {"name": "a", **config}}

    separable = layer("SeparableConv2D", groups=1, kernel_regularizer=None, filters=2)
    kept = [layer("DepthwiseConv2D", groups=2), layer("GRU", time_major=True), layer("Conv2D")]
    old = [layer("DepthwiseConv2D", groups=1), layer("GRU", time_major=False), separable]
    network = layer("Functional", layers=[*old, *kept])
    assert keras_files._drop_old_arguments(network)
    assert [one["config"] for one in old] == [{"name": "a"}] * 2 + [{"name": "a", "filters": 2}]
    assert kept[0]["config"] == {"name": "a", "groups": 2}
    assert not keras_files._drop_old_arguments(network)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"config.json": "{"}, "the Keras file is broken"),
        ({"config.json": "[]", "metadata.json": "{}"}, "holds no Keras network"),
        ({"config.json": '{"class_name": "A", "config": {}}'}, "the Keras file is broken"),
    ],
)
def test_broken_archives(tmp_path: Path, members: dict[str, str], message: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(BadModel, match=message):
        converter.convert(tmp_path / "a.keras")


class FakeKeras(ModuleType):
    """A Keras that reads nothing, or, as ``tf_keras``, anything."""

    __version__ = "3.1"

    def __init__(self, message: str) -> None:
        self.models, self.message = self, message

    def load_model(self, source: Path, compile: bool) -> str:
        assert not compile
        if self.message:
            raise TypeError(self.message)
        return "network"


@pytest.mark.parametrize(
    ("version", "old_keras", "expected"),
    [
        (
            "2.4.0",
            None,
            r"UnsupportedOp: .*Keras 3\.1 .* of Keras 2\.4\.0 \(bad\); `pip install tf-k",
        ),
        ("2.4.0", "", "network"),
        ("2.4.0", "worse", "BadModel: neither Keras .* can read this file of Keras .*: worse"),
        ("3.9", None, r"BadModel: Keras 3\.1 cannot read the file of Keras 3\.9: bad"),
    ],
)
def test_keras_2_reads_what_keras_3_cannot(
    monkeypatch: pytest.MonkeyPatch, version: str, old_keras: str | None, expected: str
) -> None:
    old = None if old_keras is None else FakeKeras(old_keras)
    fakes = {"keras": FakeKeras("a\nException encountered: bad\nmore"), "tf_keras": old}
    monkeypatch.setattr(keras_files, "import_package", fakes.get)
    monkeypatch.setattr(keras_files.importlib.util, "find_spec", fakes.get)
    try:
        found = keras_files._load(Path("a.h5"), {}, version)[1]
    except EdgebottleError as error:
        found = f"{type(error).__name__}: {error}"
    assert re.match(expected, found), found


def test_a_package_that_does_not_start() -> None:
    with pytest.raises(ToolMissing, match=r"no_such_package does not start .*edgebottle\[train\]"):
        keras_files.import_package("no_such_package")


def test_operators_are_named_with_their_layers() -> None:
    nodes = [SimpleNamespace(name=f"net/{one}/Qr", op="Qr") for one in "abcde"]
    graph = SimpleNamespace(node=nodes[:1], library=SimpleNamespace(function=[]))
    graph.library.function.append(SimpleNamespace(node_def=nodes[1:]))
    traced = SimpleNamespace(graph=SimpleNamespace(as_graph_def=lambda: graph))
    error = converter._refusal("x\nTF Select ops: FlexQr, Svd\nDetails:\n", traced)
    assert "operator for Qr (net/a, net/b, net/c, 2 more); Svd: use other" in str(error)
    assert str(converter._refusal("odd\nmore", traced)).endswith("convert the network: odd")
    half = "TF Select ops: Qr\nDetails:\n\ttf.Qr(tensor<1x3xf16>, tensor<3xf32>)\n\nmore"
    assert "no f16 operator for Qr (net/a" in str(converter._refusal(half, traced))
