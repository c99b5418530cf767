"""The files that a job of another computer needs, as they are sent: each is one file there."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgebottle.bench.jobs_file import Job
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.files import read_file
from edgebottle.importers.onnx_external import has_external_data, with_external_data
from edgebottle.model_files import find_model

MAX_MODEL_BYTES = 1 << 30
"""Of an ONNX file with all of its weights."""


@dataclass(frozen=True)
class SentFile:
    """A file, or a folder packed into one.

    Attributes:
        name: What it is called there.
        path: Where the bytes are that are sent.
        is_packed: They are a tar archive of a folder of this name.
        digest: Their SHA-256.
    """

    name: str
    path: Path
    is_packed: bool
    digest: str

    @classmethod
    def of(cls, name: str, path: Path, *, is_packed: bool = False) -> SentFile:
        """Reads a file for its SHA-256."""
        found = hashlib.sha256()
        with path.open("rb") as file:
            while data := file.read(1 << 20):
                found.update(data)
        return cls(name, path, is_packed, found.hexdigest())

    def to_json(self) -> dict[str, Any]:
        """What is told of it."""
        size = self.path.stat().st_size
        return {
            "name": self.name,
            "sha256": self.digest,
            "size": size,
            "packed": self.is_packed,
        }


@contextmanager
def files_of(job: Job) -> Iterator[dict[str, SentFile]]:
    """What a job needs, by the field that names it, while the context lasts.

    An ONNX file is sent with the weights inside that lie beside it; folders are packed.

    Raises:
        BadInput: one of them cannot be read.
        BadModel: an ONNX file does not say where its weights are.
        ToolMissing: it has weights beside it, and the package onnx is not installed.
    """
    with ExitStack() as stack:
        made = Path(stack.enter_context(TemporaryDirectory(prefix="edgebottle-sent-")))
        paths = {"inputs": job.inputs, "data": job.data}
        found = {kind: _sent(Path(path), made) for kind, path in paths.items() if path is not None}
        yield {"path": _model(find_model(job.path), made), **found}


def _model(path: Path, made: Path) -> SentFile:
    if path.suffix.lower() != ".onnx":
        return _sent(path, made)
    data = read_file(path, MAX_MODEL_BYTES)
    if not has_external_data(data):
        return SentFile.of(path.name, path)
    try:
        whole = with_external_data(data, path.parent, MAX_MODEL_BYTES)
    except ImportError as error:
        raise ToolMissing(
            f"{path}: the package onnx takes the weights that lie beside it, and is not installed: "
            "pip install 'edgebottle[onnx]'"
        ) from error
    own = made / "whole.onnx"
    own.write_bytes(whole)
    return SentFile.of(path.name, own)


def _sent(path: Path, made: Path) -> SentFile:
    """A file as it is; a folder packed, so that the same content gives the same bytes."""
    if not path.is_dir():
        return SentFile.of(path.name, path)
    name = path.resolve().name
    packed = made / f"{len(list(made.iterdir()))}.tar"
    try:
        with tarfile.open(packed, "w") as archive:
            for one in sorted(path.rglob("*")):
                if one.is_file():
                    entry = tarfile.TarInfo(one.relative_to(path).as_posix())
                    entry.size = one.stat().st_size
                    with one.open("rb") as file:
                        archive.addfile(entry, file)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    return SentFile.of(name, packed, is_packed=True)
