"""What a server does with a frame: the rest of a split network, or the whole of it, in LiteRT."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgebottle.errors import BadInput, EdgebottleError
from edgebottle.files import read_file
from edgebottle.ir.graph import Array, Graph
from edgebottle.litert_process import LiteRTProcess
from edgebottle.split.description import SplitFile
from edgebottle.split.frames import HEADER_BYTES, PACKED, Frame, FrameKind
from edgebottle.split.payload import BadPayload
from edgebottle.split.pictures import check_picture_input, decoded

MAX_MODEL_BYTES = 64 << 20

PICTURE_ROOM = 16 << 10
"""Bytes that a picture's file may have beyond its pixels: headers, tables, a profile of colours."""


class FrameWorker(Protocol):
    """Answers frames, one after the other; used by one thread at a time."""

    def answer(self, frame: Frame) -> bytes:
        """The payload of the result.

        Raises:
            UnknownModel: it has no such network.
            BadPayload: what the frame holds is not what it says.
            EdgebottleError: the network cannot be run.
        """

    def close(self) -> None:
        """Ends what it has started."""


class UnknownModel(EdgebottleError):
    """A server does not have the network that a frame names."""


@dataclass(frozen=True)
class ServedModel:
    """A network that is served.

    Attributes:
        name: The file's, without its suffix.
        file: The network and its parts.
    """

    name: str
    file: SplitFile

    @classmethod
    def of_path(cls, path: Path) -> ServedModel:
        """Reads a file.

        Raises:
            BadInput: it cannot be read.
            BadModel: it is no split network.
        """
        data = read_file(path, MAX_MODEL_BYTES)
        try:
            file = SplitFile.of_bytes(data, path.stem)
            check_picture_input(file.graph)
        except EdgebottleError as error:
            raise type(error)(f"{path}: {error}") from error
        return cls(path.stem, file)

    @property
    def longest(self) -> int:
        """Bytes of the longest payload that can mean anything to it."""
        code = self.file.split.code
        given = self.file.graph.tensors[self.file.graph.inputs[0]]
        return max(code.packed_bytes(code.rates), given.nbytes + PICTURE_ROOM)


def by_id(models: Sequence[ServedModel]) -> dict[bytes, ServedModel]:
    """Networks by the number that frames carry; raises ``BadInput`` for two of one number."""
    found: dict[bytes, ServedModel] = {}
    for model in models:
        other = found.setdefault(model.file.model, model)
        if other is not model:
            raise BadInput(
                f"'{other.name}' and '{model.name}' are one network, or look like one to a device "
                f"(number {model.file.model.hex()}): leave one of them out"
            )
    return found


def real_outputs(graph: Graph, names: Sequence[str], outputs: Sequence[Array]) -> Array:
    """Outputs as float32 values, one behind the other.

    Args:
        graph: The network.
        names: Of its outputs.
        outputs: Their stored values.
    """
    found = []
    for name, stored in zip(names, outputs, strict=True):
        quant = graph.tensors[name].quant
        values = stored.astype(np.float32)
        if quant is not None:
            values = (values - np.float32(quant.zero_point[0])) * np.float32(quant.scale[0])
        found.append(values.reshape(-1))
    return np.concatenate(found)


class _Part:
    """A network in a process of its own, which is started again where LiteRT takes it down."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._process = LiteRTProcess(data, reference=False)

    def run(self, given: Array) -> tuple[Array, ...]:
        if self._process.has_ended:
            self.close()
            self._process = LiteRTProcess(self._data, reference=False)
        return self._process.run([given])

    def close(self) -> None:
        self._process.__exit__(None, None, None)


class LiteRTWorker:
    """All networks of a server, in LiteRT with its optimised kernels.

    Each network's tail, and the whole of it, in processes of their own: payloads come from
    strangers, and where an assertion of LiteRT fails it ends its process.
    """

    def __init__(self, models: Mapping[bytes, ServedModel]) -> None:
        """Starts LiteRT; raises ``BadModel`` where it refuses a network."""
        self._models = models
        self._parts: dict[tuple[bytes, FrameKind], _Part] = {}
        try:
            for number, model in models.items():
                self._parts[number, FrameKind.FEATURES] = _Part(model.file.tail)
                self._parts[number, FrameKind.IMAGE] = _Part(model.file.data)
        except BaseException:
            self.close()
            raise

    def answer(self, frame: Frame) -> bytes:
        """See ``FrameWorker``."""
        model = self._models.get(frame.model)
        if model is None:
            raise UnknownModel(f"no network of number {frame.model.hex()} is served here")
        file = model.file
        if frame.kind is FrameKind.FEATURES:
            given = features(file, frame)
        elif frame.kind is FrameKind.IMAGE:
            given = decoded(frame.payload, frame.flags, file.graph)
        else:
            raise BadPayload(f"a frame of kind {frame.kind.name.lower()} asks for nothing")
        outputs = self._parts[frame.model, frame.kind].run(given)
        names = file.graph.outputs
        if frame.kind is FrameKind.IMAGE:
            outputs = tuple(
                one for name, one in zip(names, outputs, strict=True) if name != file.split.exit
            )
        names = tuple(name for name in names if name != file.split.exit)
        return real_outputs(file.graph, names, outputs).astype("<f4").tobytes()

    def close(self) -> None:
        """See ``FrameWorker``."""
        for part in self._parts.values():
            with contextlib.suppress(OSError):
                part.close()
        self._parts.clear()


def features(file: SplitFile, frame: Frame) -> Array:
    """The bottleneck, with its batch, that a frame holds; raises ``BadPayload``."""
    code = file.split.code
    if not 1 <= frame.rate <= code.rates:
        raise BadPayload(f"a payload of rate {frame.rate}, of 1 to {code.rates}")
    if frame.flags & ~PACKED:
        raise BadPayload(f"a payload with flags {frame.flags:#04x}, of which not all are known")
    read = code.unpack if frame.flags & PACKED else code.decode
    return file.split.stored(read(frame.payload, frame.rate))


def longest_payload(models: Sequence[ServedModel]) -> int:
    """Bytes of payload that a server of these networks accepts."""
    return max(model.longest for model in models)


def reply_bytes(graph: Graph, exit_name: str) -> int:
    """Bytes of a frame with the result of a network, its exit left out."""
    outputs = [graph.tensors[name] for name in graph.outputs if name != exit_name]
    return HEADER_BYTES + 4 * sum(one.layout.size for one in outputs)
