"""What a record says about its network: layers, tensors between them, kernels and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TensorRecord:
    """A tensor, without its values.

    Attributes:
        name: Unique among the tensors between layers.
        shape: All dimensions.
        dtype: Element type, such as ``i8``.
        nbytes: Bytes when stored contiguously.
        scales: The scale; the smallest and the largest one where each channel has its own; empty
            for a tensor that is not quantized.
        channels: Number of scales.
        zero_point: Of the first channel; None for a tensor that is not quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    scales: tuple[float, ...] = ()
    channels: int = 0
    zero_point: int | None = None


@dataclass(frozen=True)
class NodeRecord:
    """A layer as part of the network.

    Attributes:
        name: Unique; that of its ``LayerRecord`` if it has one.
        op: Operator.
        inputs: Tensors it reads that are computed at run time.
        outputs: Tensors it writes.
        constants: The weights, biases and tables of the model that it reads.
        kernel: The C function that computes it; empty for a view, which costs nothing.
        flash_bytes: Bytes of its constants as they are packed in flash; what it shares with an
            earlier layer is counted there.
        step: Number of the step it runs in (``Record.step_names``); None for a view.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[TensorRecord, ...]
    kernel: str
    flash_bytes: int
    step: int | None


@dataclass(frozen=True)
class Network:
    """The network that was measured, after all passes.

    Attributes:
        inputs: Tensors.
        outputs: Tensors.
        tensors: All that run between layers.
        nodes: The layers, views included, in the order in which they run.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: tuple[TensorRecord, ...]
    nodes: tuple[NodeRecord, ...]


def network_from_json(data: dict[str, Any] | None) -> Network | None:
    """Inverse of ``asdict``.

    None stays None. Raises KeyError, TypeError, ValueError or AttributeError for what is no network
    at all; types of the fields are left to the reader of the record.
    """
    if data is None:
        return None
    return Network(
        tuple(data["inputs"]),
        tuple(data["outputs"]),
        tuple(_tensor(item) for item in data["tensors"]),
        tuple(_node(item) for item in data["nodes"]),
    )


def _tensor(data: dict[str, Any]) -> TensorRecord:
    tuples = {key: tuple(data[key]) for key in ("shape", "scales")}
    return TensorRecord(**{**data, **tuples})


def _node(data: dict[str, Any]) -> NodeRecord:
    tuples = {key: tuple(data[key]) for key in ("inputs", "outputs")}
    constants = tuple(_tensor(item) for item in data["constants"])
    return NodeRecord(**{**data, **tuples, "constants": constants})
