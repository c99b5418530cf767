"""Files and folders of other tools are refused in one line that says what to do."""

import io
import pickle
import zipfile

import pytest

from edgebottle.errors import BadInput, BadModel, UnsupportedOp
from edgebottle.importers import import_model
from edgebottle.model_files import find_model


def archive(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return data.getvalue()


HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(50)
NODE = b"\x0a\x2f\x0a\x05input\x12\x0bPlaceholder" + b"\x00\x01" * 20
TORCH_1_5 = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + b"\x80\x02M\xe9\x03."
SAFETENSORS = (60).to_bytes(8, "little") + b'{"w":{"dtype":"F32"}}' + bytes(60)
LEVELDB = b"\0\0\x02" + bytes(20) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"

FORMATS = [
    ("weights-h5", HDF5, ".h5", "Keras weights without the network, .*load them"),
    ("saved-model", b"\x08\x01\x12\xc2\x8d\x03\x0a", ".pb", "SavedModel alone.*give the folder"),
    ("saved-model-zip", archive("m/saved_model.pb"), ".zip", "SavedModel.*unpack it"),
    ("frozen-graph", NODE, ".pb", "frozen TensorFlow graph.*from_frozen_graph"),
    ("graph-text", b'node {\n  name: "x"\n', ".pbtxt", "graph as text"),
    ("checkpoint", LEVELDB, ".index", "checkpoint: weights without the network"),
    ("checkpoint-data", bytes(40), ".data-00000-of-00001", "checkpoint"),
    ("keras-json", b'{"class_name": "Sequential"}', ".json", "without its weights"),
    ("tfjs", b'{"format": "layers-model", "modelTopology": {}}', ".json", r"TensorFlow\.js"),
    ("torch", archive("net/data.pkl", "net/version"), ".pth", "PyTorch model.*litert-torch"),
    ("torch-renamed", archive("net/data.pkl"), ".bin", "PyTorch"),
    ("torch-cut", b"PK\x03\x04" + bytes(50), ".pt", "PyTorch"),
    ("torch-old", TORCH_1_5, ".pth", "PyTorch model"),
    ("torchscript", archive("net/data.pkl", "net/code/net.py"), ".pt", "TorchScript"),
    ("pt2", archive("net/archive_format", "net/models/model.json"), ".pt2", "PyTorch"),
    ("pickle", pickle.dumps({"weights": [1]}), ".pkl", "pickle"),
    ("executorch", b"\x10\0\0\0ET12" + bytes(30), ".pte", "ExecuTorch"),
    ("safetensors", SAFETENSORS, ".safetensors", "weights without the network"),
    ("onnx-runtime", b"\x10\0\0\0ORTM" + bytes(30), ".ort", "ONNX Runtime.*give the .onnx file"),
    ("core-ml", b"\x08\x04\x12\x10\x0a\x01", ".mlmodel", "Core ML"),
    ("openvino", b'<?xml version="1.0"?>\n<net name="x" version="11">', ".xml", "OpenVINO"),
    ("gguf", b"GGUF\x03\0\0\0" + bytes(20), ".gguf", "GGUF"),
]


@pytest.mark.parametrize(
    ("data", "suffix", "message"), [row[1:] for row in FORMATS], ids=[row[0] for row in FORMATS]
)
def test_formats_are_refused_with_what_to_do(data, suffix, message):
    with pytest.raises(UnsupportedOp, match=message) as caught:
        import_model(data, "model", suffix)
    assert "\n" not in str(caught.value)
    assert "docs/models.md" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive("readme.txt", "a/net.tflite"), r"ZIP archive; unpack it and give 'a/net\.tflite'"),
        (archive("a\nb.tflite"), r"'a\\nb\.tflite'"),
        (archive("readme.txt"), "give the .tflite file in it"),
        (archive("model.weights.h5"), "no Keras model, or not all of one; save it again"),
        (archive("x.npy", "y.npy"), "arrays, not a model; give it to --inputs"),
    ],
    ids=["tflite", "newline", "other", "keras", "npz"],
)
def test_archives_say_what_is_in_them(data, message):
    with pytest.raises(BadModel, match=message):
        import_model(data, "model", ".zip")


@pytest.mark.parametrize(
    ("folder", "file", "error", "message"),
    [
        ("net.mlpackage", "Manifest.json", UnsupportedOp, "Core ML"),
        ("net", "checkpoint", UnsupportedOp, "checkpoint"),
        ("net", "a.tflite", BadInput, r"give a model file, such as .*a\.tflite"),
        ("net", "a.txt", BadInput, "give a model file$"),
    ],
)
def test_folders_are_named(tmp_path, folder, file, error, message):
    path = tmp_path / folder
    path.mkdir()
    (path / file).write_bytes(b"\x08\x01")
    with pytest.raises(error, match=message) as caught:
        find_model(str(path))
    assert "\n" not in str(caught.value)
