"""ONNX models to Graphs.

A translation of each operator builds nodes that compute what ONNX defines, in ONNX's order of axes:
operators that have their channels last stand between transposes. ``passes.channels_last`` takes
these away again. So a translation is right or wrong by itself, and the layout of the network is
decided in one place, where all of it can be seen.

What depends on constants and shapes alone is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.importers.names import identifier
from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_constants import compute, is_computable
from edgebottle.importers.onnx_file import OnnxFile, OnnxGraph, OnnxInput, read_graph, read_onnx
from edgebottle.importers.onnx_functions import expanded
from edgebottle.importers.onnx_node import OnnxNode, Value
from edgebottle.importers.onnx_operators import TRANSLATIONS
from edgebottle.importers.onnx_operators.movement import shape_of
from edgebottle.importers.onnx_operators.table import Translation
from edgebottle.importers.onnx_patterns import with_patterns
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Shape, Tensor
from edgebottle.ir.verify import verify
from edgebottle.passes.fuse_quantization import plain_constants

MAX_INPUT = 1 << 26
"""Elements of an input: far more than a microcontroller's."""

MAX_DEPTH = 8
"""Of branches within branches, and of operators that are defined by others."""


def load_onnx(data: bytes, name: str, shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Reads an ONNX model.

    A free batch is 1. 64-bit integers that are computed at run time have 32 bits here, and double
    and half precision are float32.

    Args:
        data: The file.
        name: Name of the model; made a C identifier.
        shapes: Of inputs, by name, where the file leaves dimensions free.

    Returns:
        A verified graph, with the order of axes of the file. Constants that the file has quantized
        are real numbers with a quantization: see ``passes.fuse_quantization``.

    Raises:
        BadModel: the file is truncated, corrupt or contradicts itself.
        UnsupportedOp: an operator, type or shape that edgebottle cannot compile.
    """
    file = read_onnx(data)
    importer = _OnnxImporter(file)
    graph = importer.graph(identifier(name, "model"), shapes or {})
    verify(plain_constants(graph))
    return graph


@dataclass
class _Scope:
    """What the names of a graph, or of a branch of it, stand for."""

    values: dict[str, Value]
    outer: _Scope | None = None

    def get(self, name: str) -> Value | None:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return None


class _OnnxImporter:
    """Goes through the nodes in their order."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.b = Builder()
        self.renamed: dict[str, str] = {}
        """Tensors that got the name of an output."""

    def graph(self, name: str, shapes: Mapping[str, Shape]) -> Graph:
        """The graph, not verified."""
        source = with_patterns(self.file.graph)
        _check_known(source)
        inputs = self._inputs(source.inputs, shapes)
        scope = _Scope({one.name: one for one in inputs})
        self._walk(source, scope, 0)
        outputs = self._outputs(source.outputs, scope)
        names = tuple(one.name for one in inputs)
        if not names:
            raise BadModel("the model has no inputs")
        self.b.settle()
        return Graph(name, self.b.tensors, (), names, outputs).with_nodes(self.b.nodes)

    def _inputs(self, records: Sequence[OnnxInput], shapes: Mapping[str, Shape]) -> list[Tensor]:
        from onnx import TensorProto

        known = {one.name for one in records}
        for name in shapes:
            if name not in known:
                raise UnsupportedOp(
                    f"--shape names '{name}', which is no input of the model: "
                    f"{', '.join(sorted(known)) or 'none'}"
                )
        sizes = _named_sizes(records, shapes)
        tensors = []
        for record in records:
            shape = _shape_of(record, shapes.get(record.name), sizes)
            tensor = Tensor(record.name, shape, _type_of(record))
            self.b.tensors[tensor.name] = tensor
            tensors.append(tensor)
            if record.type == TensorProto.UINT8:
                self.b.shifted.add(tensor.name)
        return tensors

    def _walk(self, graph: OnnxGraph, scope: _Scope, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise UnsupportedOp(f"the model nests more than {MAX_DEPTH} branches")
        scope.values.update(graph.constants)
        for node in graph.nodes:
            for name, value in zip(node.outputs, self._node(node, scope, depth), strict=False):
                if name and scope.values.get(name) is not None:
                    raise node.contradicts(f"computes '{name}', which is there already")
                if name:
                    scope.values[name] = value

    def _node(self, node: OnnxNode, scope: _Scope, depth: int) -> Sequence[Value]:
        values = [self._value(node, name, scope) for name in node.inputs]
        while values and values[-1] is None:
            values.pop()
        if node.op == "Constant":
            return [_constant(node)]
        if node.op == "If":
            return self._branch(node, values, scope, depth)
        if node.op in ("Shape", "Size") and values and values[0] is not None:
            shape = shape_of(node, values[0])
            return [shape if node.op == "Shape" else np.array(values[0].size, np.int64)]
        if (
            node.op != "DequantizeLinear"
            and is_computable(node)
            and not any(isinstance(value, Tensor) for value in values)
        ):
            return compute(node, [None if isinstance(v, Tensor) else v for v in values])
        self.b.begin(node)
        translation = TRANSLATIONS.get(node.op)
        if translation is not None:
            return self._translated(node, translation, values)
        body = expanded(node, [None if v is None else (v.shape, v) for v in values])
        if body is None:
            raise node.refuse(
                "is an operator that edgebottle does not support yet"
                + (": unroll the loop in the exporter" if node.op in ("Loop", "Scan") else "")
            )
        inner = _Scope(dict(zip(body.names, values, strict=False)))  # type: ignore[arg-type]
        self._walk(body.graph, inner, depth + 1)
        given = iter(body.graph.outputs)
        return [
            self._value_of(node, next(given), inner) if name else np.zeros(0, np.float32)
            for name in node.outputs
        ]

    def _translated(
        self, node: OnnxNode, translation: Translation, values: list[Value | None]
    ) -> Sequence[Value]:
        unknown = sorted(set(node.attributes) - set(translation.attributes))
        if unknown:
            raise node.refuse(f"has the attribute '{unknown[0]}', which edgebottle does not know")
        if not translation.least <= len(values) <= translation.most:
            raise node.contradicts(f"has {len(values)} inputs")
        if any(node.outputs[translation.wanted :]):
            raise node.refuse(
                f"hands out '{node.outputs[translation.wanted]}' as well, which edgebottle does "
                "not compute"
            )
        try:
            made = translation.translate(self.b, node, values)
        except EdgebottleError as error:
            if node.name in str(error):
                raise
            raise type(error)(f"{node.label}: {error}") from error
        found = [made] if isinstance(made, np.ndarray | Tensor) else list(made)
        if isinstance(found[0], Tensor) and any(node.outputs[:1]):
            found[0] = self.b.rename(found[0], node.outputs[0])
        return found

    def _value(self, node: OnnxNode, name: str, scope: _Scope) -> Value | None:
        return self._value_of(node, name, scope) if name else None

    def _value_of(self, node: OnnxNode, name: str, scope: _Scope) -> Value:
        value = scope.get(name)
        if value is None:
            raise node.contradicts(f"reads '{name}', which no node before it computes")
        return value

    def _branch(
        self, node: OnnxNode, values: Sequence[Value | None], scope: _Scope, depth: int
    ) -> Sequence[Value]:
        """The branch of an If that its condition, a constant, chooses."""
        condition = values[0] if values else None
        if condition is None or isinstance(condition, Tensor) or condition.size != 1:
            raise node.refuse(
                "chooses its branch at run time, which edgebottle does not support: its condition "
                "must be a constant"
            )
        name = "then_branch" if bool(condition.ravel()[0]) else "else_branch"
        if not node.has(name):
            raise node.contradicts(f"lacks its {name}")
        graph = read_graph(node.attributes[name], node.version)
        _check_known(graph)
        inner = _Scope({}, scope)
        self._walk(graph, inner, depth + 1)
        return [self._value_of(node, output, inner) for output in graph.outputs]

    def _outputs(self, names: Sequence[str], scope: _Scope) -> tuple[str, ...]:
        """The outputs of the network, each a tensor of its own under its own name."""
        if not names:
            raise BadModel("the model has no outputs")
        taken: set[str] = set()
        for name in names:
            value = scope.get(name)
            if value is None:
                raise BadModel(f"output '{name}' is never computed")
            if name in taken:
                raise UnsupportedOp(f"'{name}' is named twice as an output of the model")
            taken.add(name)
            if isinstance(value, Tensor):
                value = self.b.tensors[self.renamed.get(value.name, value.name)]
            if not isinstance(value, Tensor) or value.data is not None:
                raise UnsupportedOp(
                    f"output '{name}' is a constant, which edgebottle does not hand out"
                )
            self._name_output(value, name)
        return tuple(names)

    def _name_output(self, tensor: Tensor, name: str) -> None:
        """Gives a tensor the name of an output; one that has such a name already is copied."""
        b = self.b
        if tensor.name == name:
            if any(name in node.outputs for node in b.nodes):
                return
            raise UnsupportedOp(f"output '{name}' is an input as well: the model computes nothing")
        if name in b.tensors:
            raise UnsupportedOp(f"output '{name}' has the name of another tensor")
        outputs = set(self.file.graph.outputs)
        made = next((i for i, node in enumerate(b.nodes) if tensor.name in node.outputs), None)
        if made is None or tensor.name in outputs:
            copy = b.copy(tensor)
            made, tensor = len(b.nodes) - 1, copy
        _rename(b, tensor, name)
        self.renamed[tensor.name] = name


def _rename(b: Builder, tensor: Tensor, name: str) -> None:
    """Renames a tensor wherever it is read and computed."""
    for index, node in enumerate(b.nodes):
        if tensor.name in node.outputs or tensor.name in node.inputs:
            b.nodes[index] = replace(
                node,
                inputs=tuple(name if one == tensor.name else one for one in node.inputs),
                outputs=tuple(name if one == tensor.name else one for one in node.outputs),
            )
    del b.tensors[tensor.name]
    b.tensors[name] = replace(tensor, name=name)


def _check_known(graph: OnnxGraph) -> None:
    """Refuses loops and operators that nobody knows, all of them at once."""
    import onnx

    unknown: dict[str, list[str]] = {}
    for node in graph.nodes:
        known = node.op in TRANSLATIONS or onnx.defs.has(node.op, node.version, "")
        if not known:
            unknown.setdefault(node.op, []).append(node.name)
    if unknown:
        raise UnsupportedOp(
            "the model uses operators that ONNX does not have: "
            + "; ".join(f"{op} ({', '.join(names[:4])})" for op, names in unknown.items())
        )


def _constant(node: OnnxNode) -> Value:
    """The value of a Constant node."""
    for name, value in node.attributes.items():
        if name == "value" and isinstance(value, np.ndarray):
            return value
        if name in ("value_float", "value_floats"):
            return np.array(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.array(value, np.int64)
    raise node.refuse("is a constant of a type that edgebottle does not support")


def _type_of(record: OnnxInput) -> DType:
    from onnx import TensorProto

    kinds = {
        TensorProto.FLOAT: DType.F32,
        TensorProto.DOUBLE: DType.F32,
        TensorProto.FLOAT16: DType.F32,
        TensorProto.INT32: DType.I32,
        TensorProto.INT64: DType.I32,
        TensorProto.BOOL: DType.BOOL,
        TensorProto.INT8: DType.I8,
        TensorProto.UINT8: DType.I8,
    }
    if record.type not in kinds:
        names = {value: name for name, value in TensorProto.DataType.items()}
        raise UnsupportedOp(
            f"the input '{record.name}' has the type {names.get(record.type, record.type)}, which "
            "edgebottle does not support"
        )
    return kinds[record.type]


def _named_sizes(records: Sequence[OnnxInput], shapes: Mapping[str, Shape]) -> dict[str, int]:
    """What free dimensions with names are: as ``shapes`` say, and 1 for a batch."""
    sizes: dict[str, int] = {}
    for record in records:
        for dim, size in zip(record.shape or (), shapes.get(record.name, ()), strict=False):
            if isinstance(dim, str) and dim:
                sizes[dim] = size
    for record in records:
        first: Any = (record.shape or (0,))[0]
        if isinstance(first, str) and first:
            sizes.setdefault(first, 1)
    return sizes


def _shape_of(record: OnnxInput, given: Shape | None, sizes: Mapping[str, int]) -> Shape:
    """The shape of an input; raises ``UnsupportedOp`` where a dimension stays free."""
    name = record.name
    if record.shape is None:
        if given is None:
            raise UnsupportedOp(
                f"the shape of the input '{name}' is free: give --shape {name}=1x..."
            )
        shape = given
    elif given is not None:
        fits = len(given) == len(record.shape) and all(
            isinstance(dim, str) or dim == size
            for dim, size in zip(record.shape, given, strict=True)
        )
        if not fits:
            raise UnsupportedOp(
                f"--shape {name}={'x'.join(map(str, given))} contradicts the model, whose input "
                f"has the shape {_written(record.shape)}"
            )
        shape = given
    else:
        dims = [
            sizes.get(dim, 1 if axis == 0 and not dim else 0) if isinstance(dim, str) else dim
            for axis, dim in enumerate(record.shape)
        ]
        if 0 in dims:
            axis = dims.index(0)
            free = record.shape[axis]
            which = f"dimension '{free}' (axis {axis})" if free else f"axis {axis}"
            raise UnsupportedOp(
                f"{which} of the input '{name}' is free: fix it with "
                f"--shape {name}={'x'.join(str(dim or '?') for dim in dims)}"
            )
        shape = tuple(dims)
    if prod(shape) > MAX_INPUT or min(shape, default=1) < 1:
        raise UnsupportedOp(f"the input '{name}' has the shape {list(shape)}, which cannot be")
    return shape


def _written(shape: Sequence[int | str]) -> str:
    return "x".join(str(dim or "?") for dim in shape)
