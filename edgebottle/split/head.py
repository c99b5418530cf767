"""What a device makes of the outputs of a head: frames, and the answer of an early exit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.split.description import SplitPoint, split_of
from edgebottle.split.frames import HEADER_BYTES, PACKED, Frame, FrameKind


@dataclass(frozen=True)
class EarlyExit:
    """The output of an early exit: probabilities of classes, int8.

    Attributes:
        output: Its number.
        classes: How many there are.
        least: The lowest stored value that is sure enough; 128 where none is.
    """

    output: int
    classes: int
    least: int

    @classmethod
    def of(cls, graph: Graph, split: SplitPoint) -> EarlyExit | None:
        """Of a head; None where it has none. Raises ``BadModel`` for an output of another kind."""
        if not split.exit:
            return None
        number, tensor = graph.outputs.index(split.exit), graph.tensors[split.exit]
        quant = tensor.quant
        is_plain = quant is not None and len(quant.scale) == 1
        if tensor.dtype is not DType.I8 or len(tensor.shape) != 2 or not is_plain:
            raise BadModel(
                f"output '{split.exit}', its early exit, is {tensor.dtype.label} "
                f"{list(tensor.shape)}, not int8 probabilities of the shape [1, classes]"
            )
        return cls(number, tensor.shape[1], _least(tensor, split.threshold))

    def answer(self, stored: Array) -> int | None:
        """The likeliest class, the first of equal ones, if it is sure enough."""
        flat = stored.reshape(-1)
        best = int(flat.argmax())
        return best if flat[best] >= self.least else None


def _least(tensor: Tensor, threshold: float) -> int:
    """The lowest stored value whose real value is at least the threshold, -128 .. 128."""
    scale = Fraction(float(np.float32(tensor.scale)))
    found = math.ceil(Fraction(threshold) / scale) + tensor.zero_point
    return max(-128, min(128, found))


@dataclass(frozen=True)
class SplitHead:
    """What the outputs of a head are.

    Attributes:
        split: Of the whole network, with its id.
        output: Number of the output that is the bottleneck.
        exit: The early exit, if it has one.
    """

    split: SplitPoint
    output: int
    exit: EarlyExit | None

    @classmethod
    def of(cls, split: SplitPoint | None, graph: Graph) -> SplitHead | None:
        """Of the entry in a file, and its network.

        Args:
            split: None for a network that is not split.
            graph: The network.

        Returns:
            None where it is no head, but a whole network.

        Raises:
            BadModel: it has no such outputs.
        """
        if split is None or not split.model:
            return None
        if split.tensor not in graph.outputs:
            raise BadModel(f"the head has no output '{split.tensor}', its bottleneck")
        return cls(split, graph.outputs.index(split.tensor), EarlyExit.of(graph, split))

    def frame(self, outputs: Sequence[Array], rate: int, request: int = 0) -> bytes:
        """The frame of a run.

        Args:
            outputs: Of the head, as stored.
            rate: 1 to that of the code.
            request: 0 to 2^32 - 1.

        Raises:
            BadModel: the bottleneck has values that are no levels.
        """
        levels = self.split.levels(outputs[self.output])
        payload, is_packed = self.split.code.encode(levels, rate)
        flags = PACKED if is_packed else 0
        frame = Frame(FrameKind.FEATURES, self.split.model, request, payload, rate, flags)
        return frame.to_bytes()

    def frame_bytes(self, rate: int) -> int:
        """Bytes of a frame of this rate, at most."""
        return HEADER_BYTES + self.split.code.packed_bytes(rate)

    def exit_class(self, outputs: Sequence[Array]) -> int | None:
        """What the early exit of a run answers; None where it is not sure enough."""
        return self.exit.answer(outputs[self.exit.output]) if self.exit else None


def checked_split(data: bytes, graph: Graph) -> SplitPoint | None:
    """Where the network of a file is split, if it is; raises ``BadModel`` for no such place.

    Args:
        data: The file, of a whole network or a head.
        graph: The network that was read from it.
    """
    split = split_of(data)
    if split is not None:
        split.check(graph)
        SplitHead.of(split, graph)  # raises for outputs that a head cannot have
    return split
