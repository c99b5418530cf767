"""Where a network is split, and what of it is sent: an entry in the metadata of its ``.tflite``.

The file is the whole network, an ordinary int8 one. Cut at its bottleneck it makes two more: the
head, whose entry says besides which network it is of, as it makes the frames, and the tail, which
knows nothing of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.exporters.metadata import entry_of, with_entry
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.split.frames import MODEL_BYTES
from edgebottle.split.payload import PayloadCode

NAME = "edgebottle.split"
"""Of the entry."""

FORMAT = 1


@dataclass(frozen=True)
class SplitPoint:
    """Where a network is split.

    Attributes:
        tensor: Name of the bottleneck: int8, (1, height, width, channels).
        lowest: What it stores for level 0.
        step: Between the stored values of two levels.
        absent: The level that stands for channels that are not sent, which is the real 0.
        code: How its levels are sent.
        exit: Name of the output of an early exit in the head; "" where there is none.
        threshold: The least probability with which the exit's answer is taken.
        exit_share: Of the samples that it was tested with, 0 to 1, which the exit answered.
        exit_accuracy: Share of right ones among those answers.
        model: Of a head, what its frames carry: the ``SplitFile.model`` of the whole network. Empty
            in the file of the whole, which cannot know its own hash.
    """

    tensor: str
    lowest: int
    step: int
    absent: int
    code: PayloadCode
    exit: str = ""
    threshold: float = 1.0
    exit_share: float = 0.0
    exit_accuracy: float = 0.0
    model: bytes = b""

    def levels(self, stored: Array) -> Array:
        """Levels, (height, width, channels), of a stored bottleneck; raises ``BadModel``."""
        found, rest = np.divmod(stored.astype(np.int32) - self.lowest, self.step)
        if rest.any() or found.min() < 0 or found.max() >= self.code.levels:
            raise BadModel(f"tensor '{self.tensor}' has values that are no level of its code")
        return found.astype(np.uint8).reshape(self.code.height, self.code.width, -1)

    def stored(self, levels: Array) -> Array:
        """The bottleneck, (1, height, width, channels), of levels of its first channels."""
        height, width, channels = levels.shape
        whole = np.full((1, height, width, self.code.channels), self.absent, np.int32)
        whole[0, :, :, :channels] = levels
        return (self.lowest + self.step * whole).astype(np.int8)

    def check(self, graph: Graph) -> None:
        """Raises ``BadModel`` where the network has no such bottleneck."""
        tensor = graph.tensors.get(self.tensor)
        if tensor is None or graph.producer(self.tensor) is None:
            raise BadModel(
                f"the network computes no tensor '{self.tensor}', where it is to be split"
            )
        code = self.code
        shape = (1, code.height, code.width, code.channels)
        if tensor.shape != shape or tensor.dtype is not DType.I8:
            raise BadModel(
                f"tensor '{self.tensor}', where it is to be split, is {tensor.dtype.value} "
                f"{list(tensor.shape)}, not int8 {list(shape)}"
            )
        highest = self.lowest + self.step * (code.levels - 1)
        is_int8 = self.step >= 1 and self.lowest >= -128 and highest <= 127
        if not is_int8 or not 0 <= self.absent < code.levels:
            raise BadModel(
                f"tensor '{self.tensor}' has {code.levels} levels in steps of {self.step} from "
                f"{self.lowest} on, absent {self.absent}: that is no int8"
            )
        if self.exit and self.exit not in graph.outputs:
            raise BadModel(f"the network has no output '{self.exit}', its early exit")

    def to_json(self) -> str:
        """What ``of_json`` reads."""
        about = {
            "format": FORMAT,
            "tensor": self.tensor,
            "lowest": self.lowest,
            "step": self.step,
            "absent": self.absent,
            "exit": self.exit,
            "threshold": self.threshold,
            "exit_share": self.exit_share,
            "exit_accuracy": self.exit_accuracy,
            "model": self.model.hex(),
            "code": self.code.to_json(),
        }
        return json.dumps(about, separators=(",", ":"))

    @classmethod
    def of_json(cls, text: bytes) -> SplitPoint:
        """Raises ``BadModel``."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise BadModel(
                    f"the network's split is of format {found['format']}, known is {FORMAT}: "
                    "use a later edgebottle"
                )
            model = bytes.fromhex(found["model"])
            if len(model) not in (0, MODEL_BYTES):
                raise BadModel(f"the network's split names a model of {len(model)} bytes")
            return cls(
                tensor=str(found["tensor"]),
                lowest=int(found["lowest"]),
                step=int(found["step"]),
                absent=int(found["absent"]),
                code=PayloadCode.of_json(found["code"]),
                exit=str(found["exit"]),
                threshold=float(found["threshold"]),
                exit_share=float(found.get("exit_share", 0)),  # files of before have none
                exit_accuracy=float(found.get("exit_accuracy", 0)),
                model=model,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadModel(f"the description of the network's split is broken: {error}") from error


@dataclass(frozen=True)
class SplitFile:
    """A split network and its two parts.

    Attributes:
        data: The whole network.
        head: What a device runs: from the input to the bottleneck, and to the exit if there is one.
        tail: What a server runs: from the bottleneck to the output.
        split: Where it is split.
        graph: The whole network.
    """

    data: bytes
    head: bytes
    tail: bytes
    split: SplitPoint
    graph: Graph

    @property
    def model(self) -> bytes:
        """The first bytes of its SHA-256, which frames carry."""
        return model_id(self.data)

    @classmethod
    def of_bytes(cls, data: bytes, name: str) -> SplitFile:
        """Of the bytes of the whole network's file.

        Args:
            data: The file.
            name: C identifier of the network.

        Raises:
            BadModel: it is broken, not split, or a head.
            UnsupportedOp: something in it is not known.
        """
        found = entry_of(data, NAME)
        if found is None:
            raise BadModel("the network is not split: `edgebottle split train` makes one that is")
        split = SplitPoint.of_json(found)
        if split.model:
            raise BadModel("this is the head of a split network already: give the whole network")
        graph = load_tflite(data, name)
        split.check(graph)
        outputs = tuple(name for name in graph.outputs if name != split.exit)
        exits = (split.exit,) if split.exit else ()
        head = part(graph, graph.inputs, (split.tensor, *exits))
        tail = part(graph, (split.tensor,), outputs)
        known = replace(split, model=model_id(data))
        return cls(data, split_data(head, known), write_tflite(tail), split, graph)


def model_id(data: bytes) -> bytes:
    """What frames call the network of a file, the whole one: the first bytes of its SHA-256."""
    return hashlib.sha256(data).digest()[:MODEL_BYTES]


def split_data(graph: Graph, split: SplitPoint) -> bytes:
    """The ``.tflite`` file of a network, with the entry."""
    return with_entry(write_tflite(graph), NAME, split.to_json().encode())


def split_of(data: bytes) -> SplitPoint | None:
    """Where the network of a file is split, if it is; raises ``BadModel``."""
    found = entry_of(data, NAME)
    return None if found is None else SplitPoint.of_json(found)


def part(graph: Graph, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
    """The layers between some tensors of a network.

    Args:
        graph: The network.
        inputs: Tensors that are given.
        outputs: Tensors that are computed.

    Raises:
        BadModel: an output depends on more than the inputs.
    """
    needed, nodes = set(outputs), []
    for node in reversed(graph.nodes):
        if not needed.intersection(node.outputs) or set(node.outputs) <= set(inputs):
            continue
        nodes.append(node)
        needed.update(name for name in node.inputs if name is not None and name not in inputs)
    for name in needed.intersection(graph.inputs):
        raise BadModel(
            f"the network reads its input '{name}' behind '{inputs[0]}' too: it cannot be split "
            "there"
        )
    used = {name for node in nodes for name in (*node.inputs, *node.outputs) if name is not None}
    tensors = {name: one for name, one in graph.tensors.items() if name in used or name in inputs}
    for name in inputs:
        tensors[name] = _given(tensors[name])
    return replace(
        graph, tensors=tensors, nodes=tuple(reversed(nodes)), inputs=inputs, outputs=outputs
    )


def _given(tensor: Tensor) -> Tensor:
    """The same as an input, whose bounds nothing of the part proves."""
    return replace(tensor, bounds=None)
