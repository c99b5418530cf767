"""TensorFlow in a process of its own: neither its start-up nor its log reaches this one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import tempfile
from pathlib import Path

from edgebottle.errors import BadModel, BuildFailed, ToolMissing, error_named
from edgebottle.litert_process import last_words
from edgebottle.operating_system import Child, Patience, ending

DEADLINE_S = 600.0
"""A large network takes half a minute; a slow computer may take ten times as long."""

_POLL_S = 0.2


def tensorflow_is_installed() -> bool:
    """Whether there is a TensorFlow to start; it is not imported for that."""
    return importlib.util.find_spec("tensorflow") is not None


def convert_with_tensorflow(source: Path) -> bytes:
    """The float ``.tflite`` that TensorFlow's own converter makes of a network.

    Args:
        source: A ``.keras`` or ``.h5`` file, a copy that may be changed, or a SavedModel's folder.

    Raises:
        BadModel: the network is broken, or TensorFlow ended on it.
        UnsupportedOp: TensorFlow cannot convert it.
        ToolMissing: TensorFlow is not installed, or does not start.
        BuildFailed: it took too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "converted.tflite"
        answer, diagnostics, returncode = _run(source, target)
        if returncode == 0 and answer:
            told = json.loads(answer)
            raise error_named(told["error"], told["message"], otherwise=BadModel)
        if returncode == 0 and target.is_file():
            return target.read_bytes()
    words = last_words(diagnostics)
    raise BadModel(
        f"TensorFlow itself gave up on this network: {ending(returncode)}{words and f': {words}'}"
    )


def _run(source: Path, target: Path) -> tuple[str, str, int]:
    """What the child answered, what it wrote beside that, and how it ended."""
    try:
        process: Child[str] = Child.python(
            "edgebottle.tensorflow_converter",
            *(str(source), str(target)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise ToolMissing(f"cannot start a process for TensorFlow: {error}") from error
    with process:
        patience = Patience(process, DEADLINE_S)
        while True:
            try:
                answer, diagnostics = process.communicate(timeout=_POLL_S)
            except subprocess.TimeoutExpired as error:
                if patience.is_over():
                    raise BuildFailed(
                        f"TensorFlow took longer than {DEADLINE_S:.0f} s to convert the network "
                        "and was stopped; convert it to .tflite yourself (docs/models.md)"
                    ) from error
            else:
                return answer, diagnostics, process.returncode
