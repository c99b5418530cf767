"""Mutations of what a model says, in a file that stays well-formed, so that they get far."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.importers.models import pack

Rng = np.random.Generator
ODD = (
    -129,
    -128,
    -2,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    16,
    127,
    128,
    255,
    1 << 16,
    2**31 - 1,
    -(2**31),
)
SCALES = (
    0.0,
    1e-45,
    1e-30,
    1e-9,
    2.0**-31,
    1 / 256,
    0.5,
    1.0,
    255.0,
    2.0**31,
    1e30,
    -1.0,
    np.nan,
    np.inf,
)
TYPES = ("FLOAT32", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL", "FLOAT16", "INT4")


def _pick(rng: Rng, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _number(rng: Rng) -> int:
    return int(_pick(rng, ODD))


def _shape(rng: Rng, model: Any, graph: Any) -> None:
    tensor = _pick(rng, graph.tensors)
    shape = [] if tensor.shape is None else list(tensor.shape)
    kind = int(rng.integers(4))
    if kind == 0 or not shape:
        shape.insert(int(rng.integers(len(shape) + 1)), int(rng.integers(0, 4)))
    elif kind == 1:
        del shape[int(rng.integers(len(shape)))]
    else:
        axis = int(rng.integers(len(shape)))
        near = int(shape[axis]) + int(rng.integers(-2, 3))
        shape[axis] = near if kind == 2 else max(-1, _number(rng))
    tensor.shape = np.array(shape, np.int32)


def _scale(rng: Rng, model: Any, graph: Any) -> None:
    quant = _pick(rng, graph.tensors).quantization
    if quant is None or quant.scale is None or not len(quant.scale):
        return
    scale = np.array(quant.scale, np.float32)
    place = int(rng.integers(len(scale)))
    near = float(scale[place]) * 2.0 ** int(rng.integers(-12, 13))
    with np.errstate(over="ignore"):
        scale[place] = near if rng.random() < 0.7 else _pick(rng, SCALES)
    quant.scale = scale


def _zero_point(rng: Rng, model: Any, graph: Any) -> None:
    quant = _pick(rng, graph.tensors).quantization
    if quant is not None and quant.zeroPoint is not None and len(quant.zeroPoint):
        points = np.array(quant.zeroPoint, np.int64)
        points[int(rng.integers(len(points)))] = int(rng.integers(-130, 130))
        quant.zeroPoint = points


def _type(rng: Rng, model: Any, graph: Any) -> None:
    _pick(rng, graph.tensors).type = getattr(schema.TensorType, _pick(rng, TYPES))


def _variable(rng: Rng, model: Any, graph: Any) -> None:
    _pick(rng, graph.tensors).isVariable = True


def _option(rng: Rng, model: Any, graph: Any) -> None:
    options = _pick(rng, graph.operators).builtinOptions
    fields = (
        [name for name, value in vars(options or 0).items() if isinstance(value, int | float)]
        if options
        else []
    )
    if fields:
        name = _pick(rng, fields)
        value = getattr(options, name)
        changed: Any = _number(rng)
        if isinstance(value, bool):
            changed = not value
        elif isinstance(value, float):
            changed = float(_pick(rng, SCALES))
        elif "Activation" in name or name == "padding" or rng.random() < 0.7:
            changed = int(rng.integers(0, 5))
        setattr(options, name, changed)


def _input(rng: Rng, model: Any, graph: Any) -> None:
    operator = _pick(rng, graph.operators)
    inputs = list(operator.inputs) or [0]
    inputs[int(rng.integers(len(inputs)))] = int(rng.integers(-1, len(graph.tensors)))
    operator.inputs = inputs


def _opcode(rng: Rng, model: Any, graph: Any) -> None:
    code = _pick(rng, model.operatorCodes)
    code.builtinCode = int(rng.integers(0, 130))
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)


def _exchange(rng: Rng, model: Any, graph: Any) -> None:
    """Another operator of the model in the place of one."""
    one, other = _pick(rng, graph.operators), _pick(rng, graph.operators)
    one.opcodeIndex = other.opcodeIndex
    one.builtinOptions, one.builtinOptionsType = other.builtinOptions, other.builtinOptionsType


def _interface(rng: Rng, model: Any, graph: Any) -> None:
    which = "outputs" if rng.random() < 0.8 else "inputs"
    names = list(getattr(graph, which))
    names.insert(int(rng.integers(len(names) + 1)), int(rng.integers(len(graph.tensors))))
    setattr(graph, which, names[-3:])


def _drop(rng: Rng, model: Any, graph: Any) -> None:
    """Leaves an operator out: its output becomes its first input."""
    operator = _pick(rng, graph.operators)
    if len(graph.operators) < 2 or not len(operator.inputs) or not len(operator.outputs):
        return
    graph.operators.remove(operator)
    old, new = operator.outputs[0], operator.inputs[0]
    for other in graph.operators:
        other.inputs = [new if index == old else index for index in other.inputs]
    graph.outputs = [new if index == old else index for index in graph.outputs]


def _constant(rng: Rng, model: Any, graph: Any) -> None:
    """Values of a constant: some, or all; small ones hold shapes and axes."""
    filled = [one for one in model.buffers if one.data is not None and len(one.data)]
    if not filled:
        return
    buffer = _pick(rng, filled)
    data = np.array(buffer.data, np.uint8)
    if len(data) % 4 == 0 and (len(data) <= 64 or rng.random() < 0.3):
        words = data.view("<i4")
        words[int(rng.integers(len(words)))] = _number(rng)
    elif rng.random() < 0.5:
        data[:] = int(_pick(rng, (0, 1, 127, 128, 129, 255)))
    else:
        places = rng.integers(len(data), size=8)
        data[places] = rng.integers(256, size=8)
    buffer.data = data


def _sparsity(rng: Rng, model: Any, graph: Any) -> None:
    """Another number in a record of sparsity, or a number less."""
    records = [tensor.sparsity for tensor in graph.tensors if tensor.sparsity is not None]
    if not records:
        return
    record = _pick(rng, records)
    level = _pick(rng, record.dimMetadata)
    vectors = [one for one in (level.arraySegments, level.arrayIndices) if one is not None]
    kind = int(rng.integers(3))
    if kind == 0 or not vectors:
        level.denseSize = _number(rng)
    elif kind == 1:
        record.traversalOrder = rng.permutation(record.traversalOrder)
    else:
        vector = _pick(rng, vectors)
        values = np.array(vector.values)[: len(vector.values) - int(rng.integers(2))]
        if len(values):
            values[int(rng.integers(len(values)))] = int(rng.integers(20))
        vector.values = values


Mutation = Callable[[Rng, Any, Any], None]
MUTATIONS: tuple[Mutation, ...] = (
    _shape,
    _shape,
    _scale,
    _scale,
    _scale,
    _zero_point,
    _type,
    _variable,
    _option,
    _option,
    _option,
    _input,
    _opcode,
    _exchange,
    _interface,
    _drop,
    _sparsity,
    _constant,
    _constant,
    _constant,
)


def mutate_schema(rng: Rng, data: bytes) -> bytes:
    """One to three mutations of a model that the schema's own code can read."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    graph = model.subgraphs[0]
    for _ in range(int(rng.integers(1, 4))):
        _pick(rng, MUTATIONS)(rng, model, graph)
    return pack(model)
