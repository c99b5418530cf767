"""Runs networks in LiteRT, one after the other in the same process, and returns real values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from edgebottle.errors import BadInput, BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Array, Graph
from edgebottle.litert import LiteRTModel
from edgebottle.litert_process import LiteRTProcess
from quantize.post.affine import dequantized, quantized


class Runner:
    """LiteRT with the network that was loaded last. A context manager that ends its process."""

    def __init__(self, *, isolated: bool = True) -> None:
        """Starts nothing yet.

        Args:
            isolated: In a process of its own, which LiteRT may end.
        """
        self._isolated = isolated
        self._stack = ExitStack()
        self._model: LiteRTModel | LiteRTProcess | None = None
        self._graph: Graph | None = None

    def __enter__(self) -> Runner:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the process."""
        self._stack.close()

    def load(self, graph: Graph, *, reference: bool = False) -> None:
        """Prepares a network.

        Args:
            graph: Float, or with tensors in int8.
            reference: LiteRT's plain reference kernels, else its optimised ones.

        Raises:
            BadModel: LiteRT refuses it, or ends on it.
        """
        data = write_tflite(graph)
        if not self._isolated:
            self._model = LiteRTModel(data, reference)
        elif isinstance(self._model, LiteRTProcess):
            self._model.load(data, reference)
        else:
            self._model = self._stack.enter_context(LiteRTProcess(data, reference))
        self._graph = graph

    def takes(self, graph: Graph, sample: Sequence[Array]) -> bool:
        """Whether LiteRT runs a network; where it ends over it, the next one gets a new process."""
        try:
            self.load(graph)
            self.run(sample)
        except (BadModel, BadInput):
            self._stack.close()
            self._model = None
            return False
        return True

    def run(self, sample: Sequence[Array], names: Sequence[str] | None = None) -> list[Array]:
        """Runs once.

        Args:
            sample: Real inputs, float32.
            names: The tensors that are asked for; None for the outputs.

        Returns:
            Their real values, float32; of tensors of other types the values themselves.
        """
        assert self._model is not None and self._graph is not None, "no network was loaded"
        tensors = self._graph.tensors
        wanted = self._graph.outputs if names is None else names
        values = self._model.trace(stored_inputs(self._graph, sample), wanted)
        pairs = zip(values, wanted, strict=True)
        return [dequantized(value, tensors[name].quant) for value, name in pairs]


def stored_inputs(graph: Graph, sample: Sequence[Array]) -> list[Array]:
    """Real inputs as a network stores them."""
    tensors = [graph.tensors[name] for name in graph.inputs]
    return [
        value if tensor.quant is None else quantized(value, tensor.quant)
        for value, tensor in zip(sample, tensors, strict=True)
    ]
