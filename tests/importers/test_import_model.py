"""Foreign files are recognised by what they hold."""

import pytest

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers import import_model
from tests.importers.models import conv_model, pack

FOREIGN = [
    ("empty", b"", ".tflite", BadModel, "empty"),
    ("hdf5", b"\x89HDF\r\n\x1a\n", ".h5", UnsupportedOp, "Keras weights without the network"),
    ("not-hdf5", bytes(range(256)), ".h5", BadModel, "no Keras model, or not all of one; save"),
    ("keras", b"PK\x03\x04" + bytes(50), ".keras", BadModel, "no Keras model, or not all"),
    ("zip", b"PK\x03\x04" + bytes(50), ".tflite", BadModel, "ZIP archive"),
    ("gzip", b"\x1f\x8b" + bytes(50), ".gz", BadModel, "gzip"),
    ("html", b"\n<!DOCTYPE html><html>", ".tflite", BadModel, "web page"),
    ("lfs", b"version https://git-lfs.github.com/spec/v1\noid", ".tflite", BadModel, "git lfs"),
    ("onnx", b"\x08\x07\x12\x07pytorch", ".onnx", BadModel, "ONNX model; convert"),
    ("onnx-renamed", b"\x08\x07\x12\x07pytorch", ".tflite", BadModel, "ONNX"),
    ("text", b"hello world, this is text", ".tflite", BadModel, "text"),
    ("noise", bytes(range(256)), ".tflite", BadModel, "lacks the mark"),
    ("noise-other", bytes(range(256)), ".bin", BadModel, "not a model that edgebottle knows"),
    ("one-byte", b"\x08", ".tflite", BadModel, "lacks the mark"),
]


@pytest.mark.parametrize(
    ("data", "suffix", "error", "message"),
    [row[1:] for row in FOREIGN],
    ids=[r[0] for r in FOREIGN],
)
def test_foreign_files(data, suffix, error, message):
    with pytest.raises(error, match=message) as caught:
        import_model(data, "model", suffix)
    assert "\n" not in str(caught.value)


def test_the_content_counts_and_not_the_suffix():
    assert import_model(pack(conv_model()), "model", ".bin").nodes[0].OP == "CONV_2D"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("magic-wand/model.onnx", "ONNX"),
        ("tflite-micro/person.bmp", "lacks the mark|not a model"),
    ],
)
def test_real_foreign_files(name, message, shared):
    path = shared / "models" / name
    with pytest.raises((BadModel, UnsupportedOp), match=message):
        import_model(path.read_bytes(), path.stem, path.suffix)
