"""Reads the files that Keras saved: of Keras 3, and of Keras 2 where that is installed.

Keras is imported only when a file is read. Code that a file may hold (Lambda layers) is never run.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edgebottle.errors import BadModel, ToolMissing, UnsupportedOp

_MAX_REASON = 200
"""Characters that are shown of what a library says."""

EXPORT = "save the network where this code is, with `model.export(FOLDER)`, and give the folder"

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


def load_keras(source: Path) -> tuple[Any, Any]:
    """Keras, and the network of a file; Keras 2 where that has to read it and is installed.

    Args:
        source: A ``.keras`` or ``.h5`` file, which may be changed.

    Raises:
        BadModel: it is broken, or holds no network whose inputs have a shape.
        UnsupportedOp: it holds code, or needs what is not there.
        ToolMissing: Keras does not start.
    """
    config, version = _hdf5_config(source) if source.suffix == ".h5" else _zip_config(source)
    for name in _layers_of_class(config, "Lambda"):
        raise UnsupportedOp(
            f"layer '{name}' is a Lambda: Python code in the file, which is never run; {EXPORT}"
        )
    keras, network = _load(source, config, version)
    inputs = getattr(network, "inputs", None) if getattr(network, "built", True) else None
    if not inputs:
        raise BadModel(
            "the network was saved without its input's shape; begin it with keras.Input(SHAPE) "
            "and save it again"
        )
    return keras, network


def _hdf5_config(source: Path) -> tuple[dict[str, Any], str]:
    """The description of the network in an HDF5 file, and the version of Keras that wrote it.

    What only Keras 2 knows, and does not matter, is taken out of the file.
    """
    h5py = import_package("h5py")
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
        raise BadModel(f"the HDF5 file is broken: {reason(error)}") from error


def _zip_config(source: Path) -> tuple[dict[str, Any], str]:
    """The same of a ``.keras`` file, a ZIP archive."""
    try:
        with zipfile.ZipFile(source) as archive:
            config = _parsed(archive.read("config.json"))
            about = json.loads(archive.read("metadata.json"))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, KeyError) as error:
        raise BadModel(f"the Keras file is broken: {reason(error)}") from error
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
    keras = import_package("keras")
    try:
        return keras, keras.models.load_model(source, compile=False)
    except Exception as error:
        _check_custom(config, str(error))
        words = reason(error)
        if not version.startswith("2."):
            raise BadModel(
                f"Keras {keras.__version__} cannot read the file"
                f"{version and f' of Keras {version}'}: {words}"
            ) from error
        if importlib.util.find_spec("tf_keras") is None:
            raise UnsupportedOp(
                f"Keras {keras.__version__} cannot read this file of Keras {version} ({words}); "
                "`pip install tf-keras` brings one that can, and edgebottle will use it"
            ) from error
    old_keras = import_package("tf_keras")
    try:
        return old_keras, old_keras.models.load_model(source, compile=False)
    except Exception as error:
        _check_custom(config, str(error))
        raise BadModel(
            f"neither Keras {keras.__version__} nor tf-keras {old_keras.__version__} can read "
            f"this file of Keras {version}: {reason(error)}"
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
        raise UnsupportedOp(f"{where} {name}, which is not Keras' own; {EXPORT}")


def reason(error: Exception | str) -> str:
    """One line of what a library said: the inmost of nested exceptions."""
    text = str(error).rpartition("Exception encountered: ")[2].strip()
    line = " ".join((text.splitlines() or [type(error).__name__])[0].split())
    return line[:_MAX_REASON].rstrip(". ")


def import_package(name: str) -> Any:
    """A package of the extra; raises ``ToolMissing`` where it is not there or does not work."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ToolMissing(
            f"{name} does not start ({reason(error)}): pip install 'edgebottle[train]' brings "
            "one that does"
        ) from error
