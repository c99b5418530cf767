"""Resource variables: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE, resolved at import.

A variable that is read before it is assigned and assigned later on is a state tensor, and its last
assignment one node at the end of the graph. All else needs no memory of its own: what is read
after an assignment is the assigned tensor, and what is never assigned is a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.tflite_file import FileOperator, FileTensor, TFLiteFile
from edgebottle.importers.tflite_operators import check_counts, options_of
from edgebottle.importers.tflite_tensors import computed_tensor
from edgebottle.ir.graph import Node, Tensor, unused_name
from edgebottle.ir.interpreter import initial_state
from edgebottle.ops.assign_variable import AssignVariable
from edgebottle.ops.base import Signature
from edgebottle.ops.reshape import Reshape

VARIABLES = {
    "CALL_ONCE": Signature("CallOnceOptions", 0, 0, outputs=0, version=1),
    "VAR_HANDLE": Signature("VarHandleOptions", 0, 0, version=1),
    "READ_VARIABLE": Signature("ReadVariableOptions", 1, 1, version=1),
    "ASSIGN_VARIABLE": Signature("AssignVariableOptions", 2, 2, outputs=0, version=1),
}
"""What a file has of these operators; no outputs at all where they are 0."""

Key = tuple[bytes, bytes]
"""Container and name of a variable."""

Initialise = Callable[[str, int], dict[Key, Tensor]]
"""From a layer and the number of a graph of the file to the constants that this assigns."""


@dataclass
class _Variable:
    """A variable in the course of a run.

    Attributes:
        initial: The constant that CALL_ONCE assigns.
        state: What a run finds in it, once that is read.
        value: What was assigned last.
        layer: Name of the layer that assigned it.
        is_assigned: Some layer of the graph assigns it.
    """

    initial: Tensor | None = None
    state: Tensor | None = None
    value: Tensor | None = None
    layer: str = ""
    is_assigned: bool = False


class Variables:
    """The variables of one graph of the file, as its operators are walked through in order."""

    def __init__(self, file: TFLiteFile, initialise: Initialise) -> None:
        """Finds out which variables are assigned to.

        Args:
            file: The graph.
            initialise: Walks through the graph of a CALL_ONCE.
        """
        self._file = file
        self._initialise = initialise
        self._handles: dict[int, Key] = {}
        self._order: list[_Variable] = []
        assigned = {
            record.inputs[0]
            for record in file.operators
            if record.op == "ASSIGN_VARIABLE" and record.inputs
        }
        self._variables: dict[Key, _Variable] = {}
        for record in file.operators:
            if record.op == "VAR_HANDLE" and not assigned.isdisjoint(record.outputs):
                self._variables[_key(record)] = _Variable(is_assigned=True)

    def operator(
        self, layer: str, record: FileOperator, value: Tensor | None
    ) -> tuple[str, Tensor] | None:
        """Follows an operator.

        Args:
            layer: The layer.
            record: The operator.
            value: What is assigned, of an ASSIGN_VARIABLE.

        Returns:
            Of a READ_VARIABLE the name of its output in the file, and the tensor that it is.
        """
        options = options_of(layer, record, VARIABLES[record.op])
        label = f"{layer} ({record.op})"
        match record.op:
            case "CALL_ONCE":
                self._call_once(label, int(options.initSubgraphIndex))
            case "VAR_HANDLE":
                self._handles[record.outputs[0]] = _key(record)
            case "READ_VARIABLE":
                output = self._file.tensors[record.outputs[0]]
                return output.name, self._read(label, self._variable(label, record), output)
            case _:
                variable = self._variable(label, record)
                variable.value, variable.layer = value, layer
                self._order = [other for other in self._order if other is not variable]
                self._order.append(variable)
        return None

    def constants(self, label: str) -> dict[Key, Tensor]:
        """What the graph assigns, which must be constants."""
        found = {key: one.value for key, one in self._variables.items() if one.value is not None}
        for constant in found.values():
            if constant.data is None:
                raise UnsupportedOp(f"{label} assigns '{constant.name}', which is no constant")
        return found

    @property
    def states(self) -> frozenset[str]:
        """Names of the state tensors."""
        every = (variable.state for variable in self._variables.values())
        return frozenset(state.name for state in every if state is not None)

    def assignments(self, tensors: dict[str, Tensor], names: set[str]) -> list[Node]:
        """The nodes that give the variables their new values; they come after all others.

        Args:
            tensors: By name; gains those of these nodes.
            names: Of the layers there are.
        """
        copies: list[Node] = []
        assigns: list[Node] = []
        for variable in self._order:
            state, value = variable.state, variable.value
            if state is None or value is None or value is state:
                continue
            if value.state:  # the other variable may be assigned first
                copy = _stateless(value, "old", tensors)
                layer = unused_name(f"{variable.layer}_old", names)
                names.add(layer)
                inputs, outputs = (value.name,), (copy.name,)
                copies.append(Reshape(name=layer, inputs=inputs, outputs=outputs, shape=copy.shape))
                value = copy
            after = _stateless(state, "next", tensors)
            ends = (state.name, value.name), (after.name,)
            assigns.append(AssignVariable(name=variable.layer, inputs=ends[0], outputs=ends[1]))
        return copies + assigns

    def _call_once(self, label: str, graph: int) -> None:
        found = self._initialise(label, graph)
        for key, constant in found.items():
            variable = self._variables.setdefault(key, _Variable())
            if variable.state is not None or variable.value is not None:
                raise UnsupportedOp(f"{label} initialises a variable that was used before")
            variable.initial = constant

    def _variable(self, label: str, record: FileOperator) -> _Variable:
        key = self._handles.get(record.inputs[0])
        if key is None:
            name = self._file.tensors[record.inputs[0]].name
            raise BadModel(f"{label} takes '{name}' for a variable, which no VAR_HANDLE makes")
        return self._variables.setdefault(key, _Variable())

    def _read(self, label: str, variable: _Variable, record: FileTensor) -> Tensor:
        """What READ_VARIABLE gives."""
        found = variable.value or variable.state or variable.initial
        if found is None:
            raise BadModel(f"{label} reads a variable that nothing has initialised")
        output = computed_tensor(record, found.shape)
        if (output.dtype, output.quant) != (found.dtype, found.quant):
            raise UnsupportedOp(
                f"{label} reads '{output.name}' in another type or quantization than is assigned"
            )
        if found is not variable.initial:
            return found
        if not variable.is_assigned:
            return replace(output, data=found.data)
        is_plain = np.array_equal(found.constant(), initial_state(output))
        variable.state = replace(output, state=True, initial=None if is_plain else found.data)
        return variable.state


def check_variable(layer: str, record: FileOperator) -> None:
    """Raises ``BadModel`` for a number of inputs or outputs that such an operator cannot have."""
    signature = VARIABLES[record.op]
    if signature.outputs == 0 and not record.outputs:
        record = replace(record, outputs=(0,))
    elif signature.outputs == 0:
        raise BadModel(f"{layer} ({record.op}) has {len(record.outputs)} outputs")
    check_counts(layer, record, signature)


def _stateless(state: Tensor, ending: str, tensors: dict[str, Tensor]) -> Tensor:
    """A tensor like a state, added to ``tensors``."""
    name = unused_name(f"{state.name}_{ending}", tensors)
    tensors[name] = replace(state, name=name, state=False, initial=None)
    return tensors[name]


def _key(record: FileOperator) -> Key:
    options = record.options
    return (getattr(options, "container", b"") or b"", getattr(options, "sharedName", b"") or b"")
