"""Small files with resource variables: all tensors are float vectors of 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.importers.models import buffer, operator, pack, tensor

Line = tuple[str, ...]
"""``READ variable result``, ``ASSIGN variable value``, ``RESHAPE value result`` (to 2 x 2),
``ADD a b result``, ``CALL graph``."""

_OPS = {"READ": "READ_VARIABLE", "ASSIGN": "ASSIGN_VARIABLE", "CALL": "CALL_ONCE"}


class Program:
    """A model whose input is ``x``, written line by line."""

    def __init__(self, initial: Mapping[str, Sequence[float]]) -> None:
        """Variables with their first values; the graph that assigns them is number 1."""
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.model.subgraphs = [self._graph(), self._graph()]
        for name, values in initial.items():
            self.model.buffers.append(buffer(np.array(values, np.float32)))
            number = self._tensor(1, f"{name}_0", buffer=len(self.model.buffers) - 1)
            self._add(1, "ASSIGN_VARIABLE", [self._handle(1, name), number], [])

    def main(self, lines: Sequence[Line], outputs: Sequence[str]) -> bytes:
        """The file, whose network runs ``lines``."""
        graph = self.model.subgraphs[0]
        graph.inputs = [self._tensor(0, "x")]
        for op, *names in lines:
            self._line(op, names)
        graph.outputs = [self._tensor(0, name) for name in outputs]
        return pack(self.model)

    def _line(self, op: str, names: Sequence[str]) -> None:
        kind = _OPS.get(op, op)
        if op == "CALL":
            self._add(0, kind, [], []).builtinOptions.initSubgraphIndex = int(names[0])
        elif op in ("READ", "ASSIGN"):
            handle, other = self._handle(0, names[0]), self._tensor(0, names[1])
            ends = ([handle], [other]) if op == "READ" else ([handle, other], [])
            self._add(0, kind, *ends)
        else:
            *inputs, result = names
            shape = (2, 2) if op == "RESHAPE" else (1, 4)
            ends = [self._tensor(0, name) for name in inputs], [self._tensor(0, result, shape)]
            record = self._add(0, kind, *ends)
            if op == "RESHAPE":
                record.builtinOptions.newShape = np.array(shape, np.int32)

    def _graph(self) -> Any:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        return graph

    def _tensor(
        self, graph: int, name: str, shape: tuple[int, ...] = (1, 4), buffer: int = 0
    ) -> int:
        tensors = self.model.subgraphs[graph].tensors
        names = [one.name.decode() for one in tensors]
        if name not in names:
            tensors.append(tensor(name, shape, "FLOAT32", buffer))
        return [*names, name].index(name)

    def _handle(self, graph: int, name: str) -> int:
        tensors = self.model.subgraphs[graph].tensors
        tensors.append(tensor(f"handle_{len(tensors)}", (), "RESOURCE", 0))
        made = self._add(graph, "VAR_HANDLE", [], [len(tensors) - 1])
        made.builtinOptions.sharedName = name.encode()
        return len(tensors) - 1

    def _add(self, graph: int, kind: str, inputs: list[int], outputs: list[int]) -> Any:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.model.operatorCodes.append(code)
        words = "".join(word.capitalize() for word in kind.split("_"))
        options = getattr(schema, f"{words}OptionsT")()
        made = operator(inputs, outputs, options, len(self.model.operatorCodes) - 1)
        self.model.subgraphs[graph].operators.append(made)
        return made
