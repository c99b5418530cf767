"""A .tflite file as plain records: checked against the file's bounds, not yet understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.flatbuffer_check import BUDGET, INDEX_VECTORS, TABLES, check
from edgebottle.importers.sparsity import Level, Sparsity
from edgebottle.ir.graph import Array

_ABSENT = np.zeros(0, np.int32)

CUSTOM_OPERATORS = ("TFLite_Detection_PostProcess",)
"""Those that the importer knows; they go by their own names."""
_MAX_RANK = 6


@dataclass(frozen=True)
class FileTensor:
    """A tensor of the file.

    Attributes:
        name: Unique, of printable ASCII characters.
        shape: As in the file.
        type: Name in the schema, such as ``INT8``.
        scale: Scales, empty when there is no quantization.
        zero_point: Zero points, possibly empty.
        axis: The file's quantized_dimension.
        data: Bytes of a constant, None otherwise.
        variable: A variable tensor.
        sparsity: How a constant is stored without its zeros, None where it has all elements.
        custom_quantization: Quantized by a scheme other than the affine one.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    scale: Array
    zero_point: Array
    axis: int
    data: Array | None
    variable: bool
    sparsity: Sparsity | None
    custom_quantization: bool


@dataclass(frozen=True)
class FileOperator:
    """An operator of the file.

    Attributes:
        op: Name in the schema, ``CUSTOM name`` for a custom one.
        inputs: Numbers of tensors, -1 for absent ones.
        outputs: Numbers of tensors.
        options_type: Name of the options table in the schema, ``NONE`` when absent.
        options: The schema's options object when the importer knows its type, else None.
        of_uint8: It computes with uint8 in the file, and with int8 here.
        intermediates: Numbers of tensors that say how it computes.
    """

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: str
    options: Any
    of_uint8: bool = False
    intermediates: tuple[int, ...] = ()


@dataclass(frozen=True)
class TFLiteFile:
    """What a .tflite file holds."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@cache
def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@cache
def _names(enum: str) -> dict[int, str]:
    """The schema's names of an enum, by code."""
    members = vars(getattr(_schema(), enum)).items()
    return {code: name for name, code in members if isinstance(code, int)}


def read_tflite(data: bytes, number: int = 0) -> TFLiteFile:
    """Reads a graph of a file; constants stay views of ``data``.

    Args:
        data: The file.
        number: Of the graph; the first one is what runs.

    Raises:
        BadModel: truncated, corrupt, or not a TensorFlow Lite model.
        UnsupportedOp: a form of the format that edgebottle does not read.
    """
    data = bytes(data)
    model = checked_model(data)
    if model.SignatureDefsLength() > 1:
        raise UnsupportedOp(f"the model has {model.SignatureDefsLength()} signatures, none chosen")
    if not 0 <= number < model.SubgraphsLength():
        raise BadModel(f"the model names graph {number} of {model.SubgraphsLength()}")
    graph = model.Subgraphs(number)
    names = _unique_names([graph.Tensors(i).Name() for i in range(graph.TensorsLength())])
    buffers = _buffers(data, model)
    codes = [_op_name(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    return TFLiteFile(
        tuple(_tensor(graph.Tensors(i), name, buffers) for i, name in enumerate(names)),
        _operators(graph, codes),
        _ints(graph.InputsAsNumpy()),
        _ints(graph.OutputsAsNumpy()),
    )


def checked_model(data: bytes) -> Any:
    """The schema's view of a file whose offsets all lead where they may.

    Raises:
        BadModel: truncated, corrupt, or not a TensorFlow Lite model.
        UnsupportedOp: a schema of another version.
    """
    check(data, _names("BuiltinOptions"))
    model = _schema().Model.GetRootAs(data, 0)
    if model.Version() != 3:
        raise UnsupportedOp(f"the model has schema version {model.Version()}; supported: 3")
    if model.SubgraphsLength() == 0:
        raise BadModel("the model has no graph")
    return model


def tensor_names(data: bytes) -> tuple[str, ...]:
    """The importer's name of every tensor of the file, by the tensor's number in it."""
    return tuple(tensor.name for tensor in read_tflite(data).tensors)


def _ints(values: Any) -> tuple[int, ...]:
    """A vector of the file; the schema's accessors give the number 0 for an absent one."""
    values = _ABSENT if isinstance(values, int) else values
    if len(values) > BUDGET:
        raise BadModel(f"the file is corrupt: a list of {len(values)} indices or dimensions")
    return tuple(values.tolist())


def _unique_names(raw: list[bytes | None]) -> list[str]:
    """Names for use in messages, dumps and comments; ``t12`` for a tensor without a name."""
    result: list[str] = []
    taken: set[str] = set()
    for i, name in enumerate(raw):
        try:
            text = re.sub(r"[^\w./;:-]", "_", (name or b"").decode(), flags=re.ASCII)[:400]
        except UnicodeDecodeError:
            text = ""
        unique = text or f"t{i}"
        while unique in taken:
            unique += f"_t{i}"
        taken.add(unique)
        result.append(unique)
    return result


def _op_name(opcode: Any) -> str:
    code = max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode())
    name = _names("BuiltinOperator").get(code, f"operator {code}")
    if name == "CUSTOM":
        custom = (opcode.CustomCode() or b"").decode("ascii", "replace")
        if custom in CUSTOM_OPERATORS:
            return custom
        return f"CUSTOM {re.sub(r'[^ -~]', '_', custom)[:60]}"
    return name


def _buffers(data: bytes, model: Any) -> list[Array]:
    """The bytes of each buffer, inside of the flatbuffer or after it."""
    result = []
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        offset, size = buffer.Offset(), buffer.Size()
        if offset > 1:
            if offset + size > len(data):
                raise BadModel(f"the file is truncated: buffer {i} reaches beyond its end")
            result.append(np.frombuffer(data, np.uint8, size, offset))
        else:
            inside = buffer.DataAsNumpy()
            result.append(np.zeros(0, np.uint8) if isinstance(inside, int) else inside)
    return result


def _tensor(tensor: Any, name: str, buffers: list[Array]) -> FileTensor:
    if tensor.Buffer() >= len(buffers):
        raise BadModel(f"the file is corrupt: tensor '{name}' names buffer {tensor.Buffer()}")
    if tensor.ExternalBuffer():
        raise UnsupportedOp(f"tensor '{name}' keeps its data in another file")
    if tensor.ShapeLength() > _MAX_RANK:
        raise UnsupportedOp(f"tensor '{name}' has {tensor.ShapeLength()} dimensions")
    data = buffers[tensor.Buffer()] if tensor.Buffer() else buffers[0][:0]
    quant = tensor.Quantization()
    scale, zero_point, axis = _ABSENT, _ABSENT, 0
    custom = False
    if quant is not None:
        scale = _ABSENT if quant.ScaleIsNone() else quant.ScaleAsNumpy()
        zero_point = _ABSENT if quant.ZeroPointIsNone() else quant.ZeroPointAsNumpy()
        axis = quant.QuantizedDimension()
        custom = quant.DetailsType() != 0
    return FileTensor(
        name,
        _ints(tensor.ShapeAsNumpy()),
        _names("TensorType").get(tensor.Type(), f"type {tensor.Type()}"),
        scale,
        zero_point,
        axis,
        data if data.size else None,
        bool(tensor.IsVariable()),
        _sparsity(name, tensor.Sparsity()),
        custom,
    )


def _sparsity(name: str, record: Any) -> Sparsity | None:
    if record is None:
        return None
    if record.DimMetadataLength() > 2 * _MAX_RANK:
        raise BadModel(f"tensor '{name}' is sparse in {record.DimMetadataLength()} dimensions")
    levels = []
    for i in range(record.DimMetadataLength()):
        level = record.DimMetadata(i)
        segments = _index_vector(level.ArraySegmentsType(), level.ArraySegments())
        indices = _index_vector(level.ArrayIndicesType(), level.ArrayIndices())
        levels.append(Level(bool(level.Format()), level.DenseSize(), segments, indices))
    traversal = _ints(record.TraversalOrderAsNumpy())
    return Sparsity(traversal, _ints(record.BlockMapAsNumpy()), tuple(levels))


def _index_vector(code: int, table: Any) -> Array:
    """The numbers of a sparse dimension; none where the file has none, or of an unknown type."""
    if table is None or code not in INDEX_VECTORS:
        return _ABSENT
    view = getattr(_schema(), INDEX_VECTORS[code])()
    view.Init(table.Bytes, table.Pos)
    values = view.ValuesAsNumpy()
    return _ABSENT if isinstance(values, int) else values.astype(np.int64)


def _operators(graph: Any, codes: list[str]) -> tuple[FileOperator, ...]:
    result = []
    work = 0
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        if operator.OpcodeIndex() >= len(codes):
            raise BadModel(f"the file is corrupt: operator {i} names an unknown operator code")
        inputs, outputs = _ints(operator.InputsAsNumpy()), _ints(operator.OutputsAsNumpy())
        work += len(inputs) + len(outputs)
        if work > BUDGET:
            raise BadModel("the file is corrupt: its operators have too many inputs")
        options_type = _names("BuiltinOptions").get(operator.BuiltinOptionsType(), "unknown")
        if operator.BuiltinOptions2Type():
            options_type = f"BuiltinOptions2 {operator.BuiltinOptions2Type()}"
        code = codes[operator.OpcodeIndex()]
        if code in CUSTOM_OPERATORS:
            options = _custom_options(operator)
        else:
            options = _options(operator, f"operator {i} ({code})", options_type)
        intermediates = _ints(operator.IntermediatesAsNumpy())
        result.append(
            FileOperator(code, inputs, outputs, options_type, options, intermediates=intermediates)
        )
    return tuple(result)


def _custom_options(operator: Any) -> bytes:
    """The options of a custom operator, in whatever format it has."""
    values = operator.CustomOptionsAsNumpy()
    return b"" if isinstance(values, int) else bytes(values.tobytes())


def _options(operator: Any, label: str, kind: str) -> Any:
    """The options object, None when absent or of a type the importer does not know."""
    table = operator.BuiltinOptions()
    if table is None or kind not in TABLES:
        return None
    distance = int.from_bytes(table.Bytes[table.Pos : table.Pos + 4], "little", signed=True)
    vtable = table.Pos - distance
    fields = int.from_bytes(table.Bytes[vtable : vtable + 2], "little") // 2 - 2
    for field in range(len(TABLES[kind]), fields):
        if table.Offset(4 + 2 * field):
            raise UnsupportedOp(
                f"{label} has an option that edgebottle does not know (field {field} of {kind})"
            )
    view = getattr(_schema(), kind)()
    view.Init(table.Bytes, table.Pos)
    if kind == "FullyConnectedOptions" and table.Offset(4 + 2 * 5):
        raise UnsupportedOp("a FULLY_CONNECTED has its own quantization table (quant_spec)")
    return getattr(_schema(), f"{kind}T").InitFromObj(view)


def default_options(kind: str) -> Any:
    """The schema's options object of this type with its default values."""
    return getattr(_schema(), f"{kind}T")()
