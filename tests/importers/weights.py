"""Models whose weights are stored smaller than they are: float16, int4, int2, without zeros."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.importers import models
from tests.importers.models import BIAS, INPUT, OUTPUT, WEIGHTS, pack

SHAPE = (3, 3, 3, 2)
VALUES = np.random.default_rng(3).integers(-8, 8, SHAPE).astype(np.int8)
VALUES[np.random.default_rng(4).random(SHAPE) < 0.6] = 0

Edit = Callable[[Any, Any], None]


def packed(values: np.ndarray, bits: int) -> np.ndarray:
    """Several to a byte, the first one lowest."""
    each = 8 // bits
    flat = values.ravel().astype(np.uint8) & ((1 << bits) - 1)
    flat = np.pad(flat, (0, -len(flat) % each)).reshape(-1, each)
    return np.bitwise_or.reduce(flat << np.arange(0, 8, bits, dtype=np.uint8), axis=1)


def stored_as(kind: str, values: np.ndarray) -> Edit:
    def edit(model: Any, graph: Any) -> None:
        graph.tensors[WEIGHTS].type = getattr(schema.TensorType, kind)
        model.buffers[1] = models.buffer(values)
        if kind == "FLOAT16":
            graph.tensors[WEIGHTS].quantization = None

    return edit


def after(code: str, kind: str, *edits: Edit) -> Edit:
    """Weights that pass through an operator, which makes them of the type ``kind``."""

    def edit(model: Any, graph: Any) -> None:
        for one in edits:
            one(model, graph)
        opcode = schema.OperatorCodeT()
        opcode.builtinCode = opcode.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, code)
        model.operatorCodes.append(opcode)
        reader = graph.operators[-1]
        source = reader.inputs[1]
        quant = ((0.1, 0.2, 0.3), (0, 0, 0)) if kind == "INT8" else ()
        graph.tensors.append(models.tensor("made", SHAPE, kind, 0, *quant))
        made = len(graph.tensors) - 1
        reader.inputs = [reader.inputs[0], made, reader.inputs[2]]
        number = len(model.operatorCodes) - 1
        graph.operators.insert(-1, models.operator([source], [made], None, number))

    return edit


def in_float(model: Any, graph: Any) -> None:
    """The convolution computes in floating point."""
    for index in (INPUT, BIAS, OUTPUT):
        graph.tensors[index].type = schema.TensorType.FLOAT32
        graph.tensors[index].quantization = None


def fully_connected(model: Any, graph: Any) -> None:
    """The layer multiplies the weights as a matrix of 3 outputs and 18 inputs."""
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    graph.tensors[INPUT].shape = np.int32([4, 18])
    graph.tensors[WEIGHTS].shape = np.int32([3, 18])
    graph.tensors[OUTPUT].shape = np.int32([4, 3])
    options = schema.FullyConnectedOptionsT()
    graph.operators[-1] = models.operator([INPUT, WEIGHTS, BIAS], [OUTPUT], options)


def depthwise(model: Any, graph: Any) -> None:
    """The layer filters 6 channels each for itself."""
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEPTHWISE_CONV_2D
    graph.tensors[WEIGHTS].shape = np.int32([1, 3, 3, 6])
    graph.tensors[WEIGHTS].quantization.scale = np.float32([0.1])
    graph.tensors[WEIGHTS].quantization.zeroPoint = np.int64([0])
    graph.tensors[INPUT].shape = np.int32([1, 4, 4, 6])
    graph.tensors[OUTPUT].shape = np.int32([1, 4, 4, 6])
    graph.tensors[BIAS].shape, graph.tensors[BIAS].quantization = np.int32([6]), None
    model.buffers[2] = models.buffer(np.arange(6, dtype=np.int32))
    options = schema.DepthwiseConv2DOptionsT()
    options.strideW = options.strideH = options.depthMultiplier = 1
    graph.operators[-1] = models.operator([INPUT, WEIGHTS, BIAS], [OUTPUT], options)


def sparse(
    traversal: tuple[int, ...],
    is_sparse: tuple[bool, ...],
    blocks: tuple[tuple[int, int], ...] = (),
    index_type: int = 1,
    values: np.ndarray = VALUES,
) -> Edit:
    """Stores the weights so; ``blocks`` are axis and size."""

    def edit(model: Any, graph: Any) -> None:
        stored, record = _sparse(values, traversal, is_sparse, blocks, index_type)
        graph.tensors[WEIGHTS].sparsity = record
        model.buffers[1] = models.buffer(stored)

    return edit


def _sparse(
    values: np.ndarray,
    traversal: tuple[int, ...],
    is_sparse: tuple[bool, ...],
    blocks: tuple[tuple[int, int], ...],
    index_type: int,
) -> tuple[np.ndarray, Any]:
    """The elements that are stored, and the record that says which they are."""
    place, split = {}, []
    for axis, size in enumerate(values.shape):
        number, block = next(
            ((n, block) for n, (at, block) in enumerate(blocks) if at == axis), (0, 1)
        )
        place[axis] = len(split)
        split.append(size // block)
        if block > 1:
            place[values.ndim + number] = len(split)
            split.append(block)
    paths = values.reshape(split).transpose([place[dimension] for dimension in traversal])[None]
    record = schema.SparsityParametersT()
    record.traversalOrder = np.int32(traversal)
    record.blockMap = np.int32([axis for axis, _ in blocks])
    record.dimMetadata = []
    for compressed in is_sparse:
        level = schema.DimensionMetadataT()
        level.format, level.denseSize = int(compressed), 0 if compressed else paths.shape[1]
        kept = np.reshape(paths != 0, (*paths.shape[:2], -1)).any(axis=2) | (not compressed)
        if compressed:
            segments = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
            level.arraySegmentsType = level.arrayIndicesType = index_type
            level.arraySegments = _vector(index_type, segments)
            level.arrayIndices = _vector(index_type, np.nonzero(kept)[1])
        record.dimMetadata.append(level)
        paths = paths[kept]
    return np.ascontiguousarray(paths), record


def _vector(index_type: int, numbers: np.ndarray) -> Any:
    kind = (schema.Int32VectorT, schema.Uint16VectorT, schema.Uint8VectorT)[index_type - 1]
    vector = kind()
    vector.values = numbers.astype((np.int32, np.uint16, np.uint8)[index_type - 1])
    return vector


def both(*edits: Edit) -> Edit:
    def edit(model: Any, graph: Any) -> None:
        for one in edits:
            one(model, graph)

    return edit


HALVES = (VALUES / np.float32(7)).astype(np.float16)
INT4 = stored_as("INT4", packed(VALUES, 4))
RUNS: dict[str, Edit] = {
    "float16": both(in_float, after("DEQUANTIZE", "FLOAT32", stored_as("FLOAT16", HALVES))),
    "int4": INT4,
    "int4 depthwise": both(INT4, depthwise),
    "int4 dense": both(INT4, fully_connected),
    "int2 dense": both(stored_as("INT2", packed(VALUES, 2)), fully_connected),
    "int4 to float": both(in_float, after("DEQUANTIZE", "FLOAT32", INT4)),
    "sparse rows": after("DENSIFY", "INT8", sparse((0, 1, 2, 3), (False, True, False, True))),
    "sparse, any order": after("DENSIFY", "INT8", sparse((3, 0, 2, 1), (True, True, True, True))),
    "blocks": after(
        "DENSIFY",
        "INT8",
        sparse((0, 1, 2, 3, 4, 5), (False, True, False, True, False, False), ((0, 3), (3, 2)), 3),
    ),
    "uint16 indices": after(
        "DENSIFY", "INT8", sparse((0, 1, 2, 3, 4), (True, False, True, True, False), ((1, 3),), 2)
    ),
    "sparse dense layer": both(
        in_float,
        fully_connected,
        stored_as("FLOAT32", VALUES.astype(np.float32)),
        lambda m, g: sparse((0, 1), (False, True), values=VALUES.astype(np.float32).reshape(3, 18))(
            m, g
        ),
    ),
    "sparse float16": both(
        in_float,
        after("DENSIFY", "FLOAT16", stored_as("FLOAT16", HALVES)),
        lambda m, g: after("DEQUANTIZE", "FLOAT32")(m, g),
        sparse((0, 1, 2, 3), (False, True, False, True), values=HALVES),
    ),
}


def model_of(edit: Edit) -> bytes:
    model = models.conv_model()
    edit(model, model.subgraphs[0])
    return pack(model)


def level(number: int, **fields: Any) -> Edit:
    """Changes a level of the sparsity record; numbers become vectors of them."""

    def edit(_: Any, graph: Any) -> None:
        record = graph.tensors[WEIGHTS].sparsity.dimMetadata[number]
        for name, value in fields.items():
            setattr(record, name, _vector(1, np.array(value)) if "array" in name else value)

    return edit


def order(*traversal: int) -> Edit:
    def edit(_: Any, graph: Any) -> None:
        graph.tensors[WEIGHTS].sparsity.traversalOrder = np.int32(traversal)

    return edit
