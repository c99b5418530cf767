"""The child of ``tensorflow_process``: what Keras and TensorFlow saved, to a float ``.tflite``.

Run as ``python -m edgebottle.tensorflow_converter SOURCE TARGET``. The one module that loads
TensorFlow for that, so nothing else imports it.

Keras' networks go through a SavedModel, so that there is one way: a function with a fixed batch of
1 is traced, and TensorFlow's converter gets it without optimisations, for built-in operators alone.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.keras_files import import_package, load_keras, reason

_SETTINGS: Final[Mapping[str, str]] = {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",  # nothing is computed: a GPU would only be held
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

_MAX_LAYERS = 3
"""Layers that are named for an operator."""

_SERVING = "serving_default"


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
    keras, network = load_keras(source)
    tf = import_package("tensorflow")
    specs = [
        tf.TensorSpec(_fixed(tf.TensorShape(one.shape), one.name), one.dtype, _plain(one.name))
        for one in network.inputs
    ]

    def serve(*values: Any) -> Any:
        if len(values) == 1:
            return network(values[0], training=False)
        # A list, or a dictionary, whose order need not be that of the inputs.
        by_name = {one.name: value for one, value in zip(network.inputs, values, strict=True)}
        filled = tf.nest.map_structure(lambda one: by_name[one.name], network.input)
        return network(filled, training=False)

    archive = keras.export.ExportArchive()
    archive.track(network)
    try:
        archive.add_endpoint("serve", serve, input_signature=specs)
        archive.write_out(folder)
    except Exception as error:
        raise UnsupportedOp(f"Keras cannot export the network: {reason(error)}") from error


def _plain(name: str) -> str:
    """The name of an argument, which TensorFlow restricts."""
    return re.sub(r"\W", "_", name.partition(":")[0])


def _from_saved_model(folder: Path) -> bytes:
    tf = import_package("tensorflow")
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        custom = re.search(r"Op type not registered '(\w+)'", str(error))
        if custom:
            raise UnsupportedOp(
                f"it uses {custom[1]}, a custom operator that TensorFlow does not have"
            ) from error
        raise BadModel(f"the SavedModel is broken or incomplete: {reason(error)}") from error
    function = _signature(loaded)
    specs = {
        name: tf.TensorSpec(_fixed(spec.shape, name), spec.dtype, name)
        for name, spec in function.structured_input_signature[1].items()
    }
    try:
        traced = tf.function(lambda **values: function(**values)).get_concrete_function(**specs)
    except Exception as error:
        raise UnsupportedOp(f"the network takes no batch of 1: {reason(error)}") from error
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
        return UnsupportedOp(f"TensorFlow cannot convert the network: {reason(message)}")
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
