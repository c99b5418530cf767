"""The child of ``tensorflow_process``: what Keras and TensorFlow saved, to a float ``.tflite``.

Run as ``python -m edgebottle.tensorflow_converter SOURCE TARGET``. The one module that loads
TensorFlow for that, so nothing else imports it.

Keras' networks go through a SavedModel, so that there is one way: a function with a fixed batch of
1 is traced, and TensorFlow's converter gets it without optimisations, for built-in operators alone.
Code that a file may hold (Lambda layers) is never run.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edgebottle.errors import BadModel, EdgebottleError, ToolMissing, UnsupportedOp

_SETTINGS: Final[Mapping[str, str]] = {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",  # nothing is computed: a GPU would only be held
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

_MAX_REASON = 200
"""Characters that are shown of what a library says."""

_MAX_LAYERS = 3
"""Layers that are named for an operator."""

_SERVING = "serving_default"

_EXPORT = "save the network where this code is, with `model.export(FOLDER)`, and give the folder"

_DROPPED: Final[Mapping[str, Mapping[str, object]]] = {
    **{
        name: {"groups": 1}
        for name in (
            *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
            *("Conv1DTranspose", "Conv2DTranspose"),
        )
    },
    **{name: {"time_major": False} for name in ("RNN", "SimpleRNN", "LSTM", "GRU")},
}
"""By class of layer, what Keras 2 wrote into a file and Keras 3 refuses, though it says nothing."""

_OF_BOTH_PARTS = re.compile(r"kernel_(initializer|regularizer|constraint)")
"""Of a SeparableConv in Keras 2, whose two kernels each have their own beside it."""


def convert(source: Path) -> bytes:
    """The ``.tflite`` file of a network.

    Args:
        source: A ``.keras`` or ``.h5`` file, which may be changed, or the folder of a SavedModel.

    Raises:
        BadModel: it is broken, or holds no network.
        UnsupportedOp: something in it cannot be converted.
        ToolMissing: TensorFlow does not start.
    """
    if (source / "saved_model.pb").is_file() or (source / "saved_model.pbtxt").is_file():
        return _from_saved_model(source)
    with tempfile.TemporaryDirectory() as folder:
        _export(source, folder)
        return _from_saved_model(Path(folder))


def _export(source: Path, folder: str) -> None:
    """Writes a Keras network as a SavedModel of batch 1."""
    config, version = _hdf5_config(source) if source.suffix == ".h5" else _zip_config(source)
    for name in _layers_of_class(config, "Lambda"):
        raise UnsupportedOp(
            f"layer '{name}' is a Lambda: Python code in the file, which is never run; {_EXPORT}"
        )
    keras, network = _load(source, config, version)
    tf = _import("tensorflow")
    inputs = getattr(network, "inputs", None) if getattr(network, "built", True) else None
    if not inputs:
        raise BadModel(
            "the network was saved without its input's shape; begin it with keras.Input(SHAPE) "
            "and save it again"
        )
    specs = [
        tf.TensorSpec(_fixed(tf.TensorShape(one.shape), one.name), one.dtype, _plain(one.name))
        for one in inputs
    ]

    def serve(*values: Any) -> Any:
        if len(values) == 1:
            return network(values[0], training=False)
        # A list, or a dictionary, whose order need not be that of the inputs.
        by_name = {one.name: value for one, value in zip(inputs, values, strict=True)}
        filled = tf.nest.map_structure(lambda one: by_name[one.name], network.input)
        return network(filled, training=False)

    archive = keras.export.ExportArchive()
    archive.track(network)
    try:
        archive.add_endpoint("serve", serve, input_signature=specs)
        archive.write_out(folder)
    except Exception as error:
        raise UnsupportedOp(f"Keras cannot export the network: {_reason(error)}") from error


def _plain(name: str) -> str:
    """The name of an argument, which TensorFlow restricts."""
    return re.sub(r"\W", "_", name.partition(":")[0])


def _hdf5_config(source: Path) -> tuple[dict[str, Any], str]:
    """The description of the network in an HDF5 file, and the version of Keras that wrote it.

    What only Keras 2 knows, and does not matter, is taken out of the file.
    """
    h5py = _import("h5py")
    try:
        with h5py.File(source, "r+") as file:
            if "model_config" not in file.attrs:
                raise BadModel("the HDF5 file holds no Keras network (weights alone, or data)")
            config = _parsed(file.attrs["model_config"])
            if _drop_old_arguments(config):
                file.attrs["model_config"] = json.dumps(config)
            version = file.attrs.get("keras_version", "")
            return config, version if isinstance(version, str) else bytes(version).decode()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BadModel(f"the HDF5 file is broken: {_reason(error)}") from error


def _zip_config(source: Path) -> tuple[dict[str, Any], str]:
    """The same of a ``.keras`` file, a ZIP archive."""
    try:
        with zipfile.ZipFile(source) as archive:
            config = _parsed(archive.read("config.json"))
            about = json.loads(archive.read("metadata.json"))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, KeyError) as error:
        raise BadModel(f"the Keras file is broken: {_reason(error)}") from error
    return config, str(about.get("keras_version", "")) if isinstance(about, dict) else ""


def _parsed(text: str | bytes) -> dict[str, Any]:
    config = json.loads(text)
    if not isinstance(config, dict) or "class_name" not in config:
        raise BadModel("the file holds no Keras network: its description names no class")
    return config


def _layers(config: object) -> Iterator[dict[str, Any]]:
    """The descriptions of all objects in one of a network, itself included."""
    stack = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += reversed(item.values())
            if isinstance(item.get("config"), dict) and isinstance(item.get("class_name"), str):
                yield item
        elif isinstance(item, list):
            stack += reversed(item)


def _layers_of_class(config: object, name: str) -> Iterator[str]:
    for layer in _layers(config):
        if layer["class_name"] == name:
            yield str(layer["config"].get("name", layer.get("name", "?")))


def _drop_old_arguments(config: dict[str, Any]) -> bool:
    """Takes out what Keras 3 refuses and what says nothing; whether there was any."""
    dropped = 0
    for layer in _layers(config):
        arguments, kind = layer["config"], layer["class_name"]
        old = [key for key, value in _DROPPED.get(kind, {}).items() if arguments.get(key) == value]
        if kind.startswith("SeparableConv"):
            old += filter(_OF_BOTH_PARTS.fullmatch, arguments)
        for key in old:
            if key in arguments:
                del arguments[key]
                dropped += 1
    return dropped > 0


def _load(source: Path, config: dict[str, Any], version: str) -> tuple[Any, Any]:
    """Keras and the network; Keras 2 where that has to read it and is installed."""
    keras = _import("keras")
    try:
        return keras, keras.models.load_model(source, compile=False)
    except Exception as error:
        _check_custom(config, str(error))
        reason = _reason(error)
        if not version.startswith("2."):
            raise BadModel(
                f"Keras {keras.__version__} cannot read the file"
                f"{version and f' of Keras {version}'}: {reason}"
            ) from error
        if importlib.util.find_spec("tf_keras") is None:
            raise UnsupportedOp(
                f"Keras {keras.__version__} cannot read this file of Keras {version} ({reason}); "
                "`pip install tf-keras` brings one that can, and edgebottle will use it"
            ) from error
    old_keras = _import("tf_keras")
    try:
        return old_keras, old_keras.models.load_model(source, compile=False)
    except Exception as error:
        _check_custom(config, str(error))
        raise BadModel(
            f"neither Keras {keras.__version__} nor tf-keras {old_keras.__version__} can read "
            f"this file of Keras {version}: {_reason(error)}"
        ) from error


def _check_custom(config: dict[str, Any], message: str) -> None:
    """Raises ``UnsupportedOp`` if Keras failed on a class or function that is not its own."""
    found = re.search(
        r"(?:Unknown \w+|Could not locate (?:class|function)):? '?([\w.>]+)", message, re.I
    )
    if found:
        name = found[1]
        layer = next(_layers_of_class(config, name), None)
        where = f"layer '{layer}' is of" if layer else "it uses"
        raise UnsupportedOp(f"{where} {name}, which is not Keras' own; {_EXPORT}")


def _from_saved_model(folder: Path) -> bytes:
    tf = _import("tensorflow")
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        custom = re.search(r"Op type not registered '(\w+)'", str(error))
        if custom:
            raise UnsupportedOp(
                f"it uses {custom[1]}, a custom operator that TensorFlow does not have"
            ) from error
        raise BadModel(f"the SavedModel is broken or incomplete: {_reason(error)}") from error
    function = _signature(loaded)
    specs = {
        name: tf.TensorSpec(_fixed(spec.shape, name), spec.dtype, name)
        for name, spec in function.structured_input_signature[1].items()
    }
    try:
        traced = tf.function(lambda **values: function(**values)).get_concrete_function(**specs)
    except Exception as error:
        raise UnsupportedOp(f"the network takes no batch of 1: {_reason(error)}") from error
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], loaded)
    try:
        return bytes(converter.convert())
    except Exception as error:
        raise _refusal(str(error), traced) from error


def _signature(loaded: Any) -> Any:
    """The function of a SavedModel that is the network."""
    signatures = getattr(loaded, "signatures", {})
    if not signatures:
        raise BadModel(
            "the SavedModel has no signature that says which of its functions is the network; "
            "write it with `model.export(FOLDER)`, or `tf.saved_model.save` with `signatures`"
        )
    if _SERVING not in signatures and len(signatures) > 1:
        raise UnsupportedOp(
            f"the SavedModel has the signatures {', '.join(sorted(signatures))} and none is named "
            f"{_SERVING}; save it with one of that name"
        )
    return signatures[_SERVING if _SERVING in signatures else next(iter(signatures))]


def _fixed(shape: Any, name: str) -> list[int]:
    """The shape of an input with a free batch as 1."""
    dims: list[Any] = [None] if shape.rank is None else shape.as_list()
    if shape.rank and dims[0] is None:
        dims[0] = 1
    if None in dims:
        shown = "free" if shape.rank is None else "x".join(str(dim or "?") for dim in dims)
        raise UnsupportedOp(
            f"the shape of input '{name}' is {shown}, and only the batch may be free; save the "
            "network with a fixed one, as of keras.Input((96, 96, 3))"
        )
    return dims


def _refusal(message: str, traced: Any) -> UnsupportedOp:
    """What TensorFlow's converter could not do, by operator and layer."""
    listed = re.findall(r"^(?:Custom|TF Select) ops: (.+)$", message, re.MULTILINE)
    names = [name.strip() for line in listed for name in line.split(",")]
    names = names or re.findall(r"'tf\.(\w+)' op", message)
    if not names:
        return UnsupportedOp(f"TensorFlow cannot convert the network: {_reason(message)}")
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    shown = []
    for name in dict.fromkeys(name.removeprefix("Flex") for name in names):
        layers = dict.fromkeys(
            node.name.rpartition("/")[0] or node.name for node in nodes if node.op == name
        )
        more = [f"{len(layers) - _MAX_LAYERS} more"] if len(layers) > _MAX_LAYERS else []
        where = ", ".join([*list(layers)[:_MAX_LAYERS], *more])
        shown.append(f"{name}{where and f' ({where})'}")
    half = re.search(r"[x<](b?f16)>", message.partition("Details:")[2].partition("\n\n")[0])
    if half:
        return UnsupportedOp(
            f"TensorFlow Lite has no {half[1]} operator for {'; '.join(shown)}: save the network "
            "with the dtype policy float32"
        )
    return UnsupportedOp(
        f"TensorFlow Lite has no built-in operator for {'; '.join(shown)}: use other layers there"
    )


def _reason(error: Exception | str) -> str:
    """One line of what a library said: the inmost of nested exceptions."""
    text = str(error).rpartition("Exception encountered: ")[2].strip()
    line = " ".join((text.splitlines() or [type(error).__name__])[0].split())
    return line[:_MAX_REASON].rstrip(". ")


def _import(name: str) -> Any:
    """A package of the extra; raises ``ToolMissing`` where it is not there or does not work."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ToolMissing(
            f"{name} does not start ({_reason(error)}): pip install 'edgebottle[train]' brings "
            "one that does"
        ) from error


def main(arguments: list[str]) -> None:
    """Writes TARGET, or one line of JSON on standard output that says why not.

    What the libraries print goes to standard error.
    """
    os.environ.update(_SETTINGS)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        source, target = map(Path, arguments)
        try:
            target.write_bytes(convert(source))
        except EdgebottleError as error:
            json.dump({"error": type(error).__name__, "message": str(error)}, answer)


if __name__ == "__main__":
    main(sys.argv[1:])
