"""TensorFlow Lite models to Graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.importers.names import identifier, layer_names
from edgebottle.importers.tflite_checks import (
    WEIGHTED,
    WEIGHTS_IN,
    check_constants,
    check_hybrid,
    check_indices,
    check_inputs,
    check_states,
    is_hybrid,
    listed,
)
from edgebottle.importers.tflite_constants import CONSTANT_OPERATORS, SHAPES, compute_constant
from edgebottle.importers.tflite_file import FileOperator, FileTensor, TFLiteFile, read_tflite
from edgebottle.importers.tflite_loops import Lists, Loops, copy_of_graph
from edgebottle.importers.tflite_operators import SIGNATURES, check_counts, options_of
from edgebottle.importers.tflite_tensors import (
    computed_tensor,
    import_tensor,
    unsupported_type,
)
from edgebottle.importers.tflite_uint8 import OF_UINT8, computes_alike, shift_uint8
from edgebottle.importers.tflite_variables import VARIABLES, Key, Variables, check_variable
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Node, Tensor, unused_name
from edgebottle.ir.verify import verify
from edgebottle.ops import BY_NAME, HYBRID
from edgebottle.ops.base import Signature, where
from edgebottle.ops.dense import DenseAtRunTime
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.reshape import Reshape
from edgebottle.passes.drop_dead import drop_dead
from edgebottle.passes.fold_constants import folded

_INDICES = (DType.I32, DType.I64)
"""Types of operands such as shapes and axes, which may be empty."""

_BIASED = (*WEIGHTED, "TRANSPOSE_CONV")
"""Operators whose biases, which are constants, may be INT64."""

_ONLY_IN = {
    "INT64": ("ARG_MAX", "ARG_MIN", "CAST", "DYNAMIC_UPDATE_SLICE", "GATHER", "GATHER_ND"),
    "UINT8": ("QUANTIZE", "DEQUANTIZE"),
}
"""Types that only these operators may read or write at run time."""


_READ_SPARSE = ("DENSIFY", "FULLY_CONNECTED")

_DENSIFY = Signature("DensifyOptions", 1, 1)


def load_tflite(data: bytes, name: str) -> Graph:
    """Reads a TensorFlow Lite model.

    Shapes are computed here, from those of the inputs: a free batch is 1, and the sizes in the
    file, which may stand for another batch, are not looked at. What depends on constants and
    shapes alone is computed here as well.

    Args:
        data: The file.
        name: Name of the model; made a C identifier.

    Returns:
        A verified graph. Constants are read-only views of ``data`` where possible.

    Raises:
        BadModel: the file is truncated, corrupt or contradicts itself.
        UnsupportedOp: an operator, type, shape or quantization that edgebottle cannot compile;
            the message names all unsupported operators at once.
    """
    file = read_tflite(data)
    check_indices(file)
    if not file.operators:
        raise BadModel("the model has no operators")
    check_inputs(file)
    check_constants(file, len(data))
    file = shift_uint8(file)
    importer = _Importer(file, data)
    graph = importer.graph(identifier(name, "model"))
    check_states(graph, importer.variables.states)
    verify(graph)
    return graph


def _first_output(file: TFLiteFile, record: FileOperator) -> str:
    name = file.tensors[record.outputs[0]].name if record.outputs else ""
    return "" if name == f"t{record.outputs[0] if record.outputs else 0}" else name


_KNOWN = (BY_NAME, SHAPES, CONSTANT_OPERATORS, VARIABLES, ("DENSIFY", "WHILE"))


class _Importer:
    """Goes through the operators in their order, with all shapes and constants known so far."""

    def __init__(self, file: TFLiteFile, data: bytes, calls: tuple[int, ...] = (0,)) -> None:
        """Prepares the walk through a graph.

        Args:
            file: The graph.
            data: The file.
            calls: Its number, after those of the graphs that call it.
        """
        self.file = file
        self.data = data
        self.variables = Variables(file, self._initialised)
        self.loops = Loops(self)
        self._calls = calls
        self._once: set[int] = set()
        self._layers: set[str] = set()
        self._graphs: dict[int, TFLiteFile] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.unsupported: dict[int, str] = {}
        """Layers, by the operator's number, whose operator cannot be compiled."""
        self.produced = {index for record in file.operators for index in record.outputs}

    def graph(self, name: str) -> Graph:
        """The graph, not verified."""
        self.walk()
        if self.unsupported:
            raise self.unsupported_error()
        inputs = tuple(self.file.tensors[index].name for index in self.file.inputs)
        outputs: list[str] = []
        for number in range(len(self.file.outputs)):
            outputs.append(self._output(number, {*inputs, *outputs}))
        self.nodes += self.variables.assignments(self.tensors, {node.name for node in self.nodes})
        graph = Graph(name, self.tensors, (), inputs, tuple(outputs)).with_nodes(self.nodes)
        has_loops = any(record.op == "WHILE" for record in self.file.operators)
        return drop_dead(graph) if has_loops else graph

    def walk(self, ending: str = "") -> None:
        """Goes through the operators; with an ``ending`` of all layers the inputs are there."""
        file = self.file
        layers = layer_names([(op.op, _first_output(file, op)) for op in file.operators])
        layers = [unused_name(f"{layer}{ending}", self._layers) for layer in layers]
        self._layers.update(layers)
        for number, (layer, record) in enumerate(zip(layers, file.operators, strict=True)):
            if not any(record.op in known for known in _KNOWN):
                self.unsupported[number] = layer
        if not self.unsupported:
            check_hybrid(file, layers)
        try:
            for index in () if ending else file.inputs:
                tensor = import_tensor(_with_batch(file.tensors[index]))
                self.tensors[tensor.name] = tensor
            for number, (layer, record) in enumerate(zip(layers, file.operators, strict=True)):
                self._operator(number, layer, record)
        except EdgebottleError:
            if not self.unsupported:  # these are the better reason, and may be its cause
                raise

    def unsupported_error(self) -> UnsupportedOp:
        layers: dict[str, list[str]] = {}
        for number, layer in sorted(self.unsupported.items()):
            layers.setdefault(self.file.operators[number].op, []).append(layer)
        return UnsupportedOp(
            "the model uses operators that edgebottle does not support yet: "
            + "; ".join(f"{op} ({listed(names)})" for op, names in layers.items())
        )

    def _operator(self, number: int, layer: str, record: FileOperator) -> None:
        """Adds the operator's node, or the constants that it computes."""
        if number in self.unsupported:
            self._as_the_file_says(record)
        elif record.op in VARIABLES:
            self._variable(layer, record)
        elif record.op in SHAPES:
            signature, compute = SHAPES[record.op]
            ins, _ = self.operands(layer, record, signature)
            assert ins[0] is not None
            self._constant(record, compute(ins[0].shape))
        elif record.op == "DENSIFY":
            self._densified(layer, record)
        elif self.loops.operator(layer, record):
            return
        elif record.op not in CONSTANT_OPERATORS or not self._constant_operator(layer, record):
            if record.op in BY_NAME:
                self._node(layer, record)
            else:
                self.unsupported[number] = layer
                self._as_the_file_says(record)

    def operands(
        self, layer: str, record: FileOperator, signature: Signature
    ) -> tuple[list[Tensor | None], Any]:
        """The input tensors of an operator, None for absent ones, and its options."""
        check_counts(layer, record, signature)
        options = options_of(layer, record, signature)
        ins = [
            None if index == -1 else self.tensor(layer, record, index) for index in record.inputs
        ]
        ins += [None for index in signature.optional if index >= len(ins)]
        return ins, options

    def tensor(self, layer: str, record: FileOperator, index: int) -> Tensor:
        """An input tensor: computed before, or a constant or variable of the file."""
        source = self.file.tensors[index]
        if source.sparsity is not None and record.op not in _READ_SPARSE:
            raise BadModel(f"{layer} ({record.op}) reads '{source.name}', which is sparse")
        if source.name not in self.tensors:
            if 0 in source.shape and index not in self.produced:
                source = replace(source, data=np.zeros(0, np.uint8))  # an empty constant
            if source.data is None and not source.variable:
                raise BadModel(f"{layer} ({record.op}) reads '{source.name}' before it is computed")
            self.tensors[source.name] = import_tensor(source)
        return self.tensors[source.name]

    def _as_the_file_says(self, record: FileOperator) -> None:
        """Lets the walk go on behind an operator that is not known, to name all of those."""
        for index in record.outputs:
            tensor = import_tensor(self.file.tensors[index])
            self.tensors[tensor.name] = tensor

    def _constant(self, record: FileOperator, value: Array) -> None:
        """Makes ``value`` the operator's output."""
        tensor = computed_tensor(self.file.tensors[record.outputs[0]], value.shape)
        if tensor.quant is not None:
            raise UnsupportedOp(f"'{tensor.name}' is a quantized constant computed by {record.op}")
        if tensor.name in self.tensors:
            raise BadModel(f"{record.op} computes '{tensor.name}', which is there already")
        value = np.asarray(value.astype(tensor.dtype.numpy))
        self.tensors[tensor.name] = replace(tensor, data=value)

    def _densified(self, layer: str, record: FileOperator) -> None:
        """Sparse constants have all their elements here, so that DENSIFY only gives a new name."""
        ins, _ = self.operands(layer, record, _DENSIFY)
        assert ins[0] is not None
        output = computed_tensor(self.file.tensors[record.outputs[0]], ins[0].shape)
        if output.dtype is not ins[0].dtype or output.name in self.tensors:
            raise BadModel(f"{layer} (DENSIFY) computes '{output.name}', which is something else")
        self.tensors[output.name] = replace(output, data=ins[0].constant())

    def _variable(self, layer: str, record: FileOperator) -> None:
        """Follows an operator of variables."""
        check_variable(layer, record)
        value = self.tensor(layer, record, record.inputs[1]) if len(record.inputs) > 1 else None
        read = self.variables.operator(layer, record, value)
        if read is not None:
            name, tensor = read
            if name in self.tensors:
                raise BadModel(f"{layer} ({record.op}) computes '{name}', which is there already")
            self.tensors[name] = tensor

    def _initialised(self, label: str, number: int) -> dict[Key, Tensor]:
        """The constants that a graph of the file assigns, the first time it is called."""
        if number in self._once:
            return {}
        self._once.add(number)
        file = self._graph(number)
        if any(record.op == "CALL_ONCE" for record in file.operators):
            raise UnsupportedOp(f"{label} calls a graph that calls another one")
        importer = _Importer(file, self.data, (*self._calls, number))
        importer.walk()
        if importer.unsupported:
            raise importer.unsupported_error()
        if importer.nodes:
            raise UnsupportedOp(f"{label} computes what is no constant: {where(importer.nodes[0])}")
        return importer.variables.constants(label)

    def _graph(self, number: int) -> TFLiteFile:
        """Another graph of the file."""
        if number in self._calls:
            raise BadModel(f"the graph {number} of the model calls itself")
        if number not in self._graphs:
            file = read_tflite(self.data, number)
            check_indices(file)
            check_constants(file, len(self.data))
            self._graphs[number] = shift_uint8(file)
        return self._graphs[number]

    def called(self, number: int, ins: Sequence[Tensor], ending: str, lists: Lists) -> list[Tensor]:
        """What a graph of the file makes of tensors; its nodes and tensors join those here.

        Args:
            number: Of the graph.
            ins: Its inputs.
            ending: Of the names of its layers and tensors.
            lists: Of the loop that calls it.
        """
        file = copy_of_graph(self._graph(number), number, ending, self.tensors)
        if len(file.inputs) != len(ins):
            raise BadModel(f"graph {number} of the model takes {len(file.inputs)} values")
        importer = _Importer(file, self.data, (*self._calls, number))
        importer.tensors, importer.nodes = self.tensors, self.nodes
        importer.loops.lists = lists
        importer._graphs, importer._layers = self._graphs, self._layers
        for index, tensor in zip(file.inputs, ins, strict=True):
            self.tensors[file.tensors[index].name] = tensor
        importer.walk(ending)
        if importer.unsupported:
            raise importer.unsupported_error()
        end = FileOperator(f"graph {number}", file.outputs, (), "", None)
        return [importer.tensor("the end", end, index) for index in file.outputs]

    def _constant_operator(self, layer: str, record: FileOperator) -> bool:
        """Computes an operator of the table; False where an input is not a plain constant."""
        operator = CONSTANT_OPERATORS[record.op]
        ins, options = self.operands(layer, record, operator.signature)
        values = [one.data for one in ins if one is not None and one.quant is None]
        known = [value for value in values if value is not None]
        if len(known) < len(ins):
            return False
        dtype = computed_tensor(self.file.tensors[record.outputs[0]], ()).dtype.numpy
        label = f"{layer} ({record.op})"
        self._constant(record, compute_constant(label, operator, known, options, dtype))
        return True

    def _node(self, layer: str, record: FileOperator) -> None:
        """Adds the node of an operator that can be compiled, or its value where that is known."""
        ins, options = self.operands(layer, record, SIGNATURES[record.op])
        if any(tensor is not None and tensor.data is None for tensor in ins):
            self._check_types(layer, record)
        for tensor in ins:
            if tensor is not None and tensor.size == 0 and tensor.dtype not in _INDICES:
                raise BadModel(f"{layer} ({record.op}) reads '{tensor.name}', which is empty")
        records = [self.file.tensors[index] for index in record.outputs]
        kind = BY_NAME[record.op]
        if record.of_uint8:
            kind = OF_UINT8.get(record.op, kind)
        if kind is FullyConnected and ins[1] is not None and ins[1].data is None:
            kind = DenseAtRunTime
        if is_hybrid(self.file, record):
            kind = HYBRID[record.op]
        node = kind.from_tflite(
            layer,
            tuple(None if tensor is None else tensor.name for tensor in ins),
            tuple(one.name for one in records),
            tuple(ins),
            [computed_tensor(one, ()) for one in records],
            options,
        )
        if record.intermediates:
            among = [self.file.tensors[index] for index in record.intermediates]
            node = node.with_intermediates([computed_tensor(one, ()).quant for one in among])
        outs = self.computed(node, ins, records)
        constants = folded(node, ins, outs)
        self.tensors.update({tensor.name: tensor for tensor in constants or outs})
        if constants is None:
            self.nodes.append(node)

    def computed(
        self, node: Node, ins: Sequence[Tensor | None], records: Sequence[FileTensor]
    ) -> list[Tensor]:
        """The outputs of a node, with the shapes that it infers."""
        outs = []
        for record, (shape, dtype) in zip(records, node.infer(ins), strict=True):
            tensor = computed_tensor(record, shape)
            if tensor.name in self.tensors:
                raise BadModel(f"{where(node)} computes '{tensor.name}', which is there already")
            if tensor.dtype is not dtype:
                raise BadModel(
                    f"{where(node)} must give {dtype.label}, but the model says that "
                    f"'{tensor.name}' is {tensor.dtype.label}"
                )
            outs.append(tensor)
        return outs

    def _check_types(self, layer: str, record: FileOperator) -> None:
        """Refuses types that are only allowed in constants, and 16-bit networks by their name."""
        used = [
            self.file.tensors[index] for index in (*record.inputs, *record.outputs) if index != -1
        ]
        if record.of_uint8 and not computes_alike(record):
            raise UnsupportedOp(
                f"{layer} ({record.op}) computes with uint8, which edgebottle does not support "
                "for it; convert the model with int8 quantization"
            )
        for tensor in used:
            readers = () if tensor.data is None else WEIGHTS_IN.get(tensor.type, ())
            if tensor.type in WEIGHTS_IN and record.op not in readers:
                raise unsupported_type(tensor)
            is_bias = tensor.data is not None and record.op in _BIASED and tensor.type == "INT64"
            if record.op not in _ONLY_IN.get(tensor.type, (record.op,)) and not is_bias:
                raise unsupported_type(tensor)

    def _output(self, number: int, seen: set[str]) -> str:
        """The name of an output of the model, which becomes one of its own.

        An input, a constant, a variable, or what is an output already, is copied: so that every
        output lives in RAM, and nothing is handed out twice.
        """
        source = self.file.tensors[self.file.outputs[number]]
        if source.name not in self.tensors:
            if source.data is None:
                raise BadModel(f"the output '{source.name}' of the model is never computed")
            self.tensors[source.name] = import_tensor(source)
        tensor = self.tensors[source.name]
        if tensor.name not in seen and tensor.data is None and not tensor.state:
            return tensor.name
        copy = unused_name(f"{source.name}_output", self.tensors)
        self.tensors[copy] = replace(tensor, name=copy, data=None, state=False, initial=None)
        layer = unused_name(f"output_{number}", {node.name for node in self.nodes})
        self.nodes.append(
            Reshape(name=layer, inputs=(tensor.name,), outputs=(copy,), shape=tensor.shape)
        )
        return copy


def _with_batch(record: FileTensor) -> FileTensor:
    """An input of the model, whose batch is 1 where it is free."""
    if record.shape and record.shape[0] == -1:
        return replace(record, shape=(1, *record.shape[1:]))
    return record
