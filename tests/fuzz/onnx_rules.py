"""How the fuzzer draws ONNX nodes: attributes and constants that fit a tensor of floats.

A rule takes a drawing and the name of a tensor in it, adds nodes, and returns their outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.onnx_drawing import OnnxDrawing, Refused
from tests.fuzz.onnx_sequences import RULES as SEQUENCES
from tests.fuzz.onnx_windows import average_pool, conv, conv_transpose, max_pool

Outputs = list[str]
Rule = Callable[[OnnxDrawing, str], Outputs]

FAR = 2**31 - 1
"""An end of a slice beyond every tensor, as exporters write it."""


def unary(op: str, **ranges: tuple[float, float]) -> Rule:
    """``ranges``: of float attributes, given or left out."""

    def rule(d: OnnxDrawing, x: str) -> Outputs:
        given = {
            name: float(np.float32(d.random.uniform(*ends)))
            for name, ends in ranges.items()
            if d.chance(0.7)
        }
        return d.add(op, [x], **given)

    return rule


def gelu(d: OnnxDrawing, x: str) -> Outputs:
    return d.add("Gelu", [x], approximate=d.pick("none", "tanh"))


def root(d: OnnxDrawing, x: str) -> Outputs:
    """Of what is not negative."""
    (positive,) = d.add("Abs", [x])
    return d.add(
        d.pick("Sqrt", "Sqrt", "Log"), d.add("Add", [positive, d.constant(np.float32(0.5))])
    )


def clip(d: OnnxDrawing, x: str) -> Outputs:
    low, high = sorted(map(np.float32, d.random.normal(0, 2, 2)))
    ends = [d.constant(low) if d.chance(0.7) else "", d.constant(high) if d.chance(0.8) else ""]
    return d.add("Clip", [x, *ends])


def relu6(d: OnnxDrawing, x: str) -> Outputs:
    return d.add("Clip", [x, d.constant(np.float32(0)), d.constant(np.float32(6))])


def prelu(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.shapes[x]
    wanted = d.pick((1,), (shape[1] if len(shape) > 1 else 1, *(1,) * (len(shape) - 2)))
    return d.add("PRelu", [x, d.floats(*wanted)])


def step(d: OnnxDrawing, x: str) -> Outputs:
    """What the least difference decides: only of inputs as they came."""
    if x not in d.exact:
        raise Refused
    op = d.pick("Sign", "Ceil", "Floor", "Round")
    return d.add(op, [x])


def choice(d: OnnxDrawing, x: str) -> Outputs:
    """Where, by a comparison."""
    if x not in d.exact:
        raise Refused
    op = d.pick("Greater", "Less", "GreaterOrEqual", "LessOrEqual")
    (condition,) = d.add(op, [x, d.constant(np.float32(d.random.normal()))])
    if d.chance(0.3):
        (condition,) = d.add("Not", [condition])
    return d.add("Where", [condition, x, d.other(d.shapes[x])])


def broadcast(d: OnnxDrawing, x: str) -> tuple[int, ...]:
    shape = d.shapes[x]
    if d.chance(0.4):
        return shape
    kept = shape[d.number(0, len(shape) - 1) :] if d.chance(0.4) else shape
    return tuple(1 if d.chance(0.4) else size for size in kept)


def binary(d: OnnxDrawing, x: str) -> Outputs:
    op = d.pick("Add", "Sub", "Mul", "Add", "Mul")
    pair = [x, d.other(broadcast(d, x))]
    return d.add(op, pair[::-1] if d.chance(0.3) else pair)


def quotient(d: OnnxDrawing, x: str) -> Outputs:
    values = d.random.uniform(0.5, 3, broadcast(d, x)) * d.pick(-1, 1)
    return d.add("Div", [x, d.constant(values.astype(np.float32))])


def power(d: OnnxDrawing, x: str) -> Outputs:
    return d.add("Pow", [x, d.constant(np.float32(d.pick(1, 2, 2, 3)))])


def several(d: OnnxDrawing, x: str) -> Outputs:
    parts = [x, *(d.other(broadcast(d, x)) for _ in range(d.number(0, 2)))]
    return d.add(d.pick("Max", "Min", "Sum", "Mean"), parts)


def gemm(d: OnnxDrawing, x: str) -> Outputs:
    rows, depth = d.image(x, 2)
    more: dict[str, Any] = {}
    turned = d.chance(0.2)
    rows, depth = (depth, rows) if turned else (rows, depth)
    units = d.number(1, 16)
    turns = d.chance(0.6)
    operands = [x, d.floats(*((units, depth) if turns else (depth, units)), spread=0.4)]
    if d.chance(0.8):
        operands.append(d.floats(*d.pick((units,), (1, units), (rows, 1), (rows, units), (1,))))
    for name in ("alpha", "beta"):
        if d.chance(0.3):
            more[name] = float(np.float32(d.random.uniform(-2, 2)))
    return d.add("Gemm", operands, transA=int(turned), transB=int(turns), **more)


def matmul(d: OnnxDrawing, x: str) -> Outputs:
    *batch, _, depth = d.image(x, 2, 3, 4)
    units = d.number(1, 12)
    if d.chance(0.6):
        return d.add("MatMul", [x, d.floats(depth, units, spread=0.4)])
    return d.add("MatMul", [x, d.other((*batch, depth, units))])


def batch_norm(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.image(x, 2, 3, 4)
    variance = np.abs(d.random.normal(1, 0.5, shape[1])).astype(np.float32) + np.float32(0.1)
    parts = [d.floats(shape[1]), d.floats(shape[1]), d.floats(shape[1]), d.constant(variance)]
    more = {"epsilon": float(np.float32(d.pick(1e-5, 1e-3, 0.1)))} if d.chance(0.5) else {}
    return d.add("BatchNormalization", [x, *parts], **more)


def norm(d: OnnxDrawing, x: str) -> Outputs:
    """Over images or over the last axes."""
    shape = d.shapes[x]
    more = {"epsilon": float(np.float32(d.pick(1e-3, 0.1)))}
    if d.opset >= 17 and d.chance(0.6):
        axis = d.axis(x, 1)
        size = shape[axis:]
        parts = [d.floats(*size), *([d.floats(*size)] if d.chance(0.7) else [])]
        return d.add("LayerNormalization", [x, *parts], axis=axis, **more)
    channels = d.image(x, 3, 4)[1]
    return d.add("InstanceNormalization", [x, d.floats(channels), d.floats(channels)], **more)


def lp_norm(d: OnnxDrawing, x: str) -> Outputs:
    return d.add("LpNormalization", [x], axis=d.axis(x), p=d.pick(1, 2))


def softmax(d: OnnxDrawing, x: str) -> Outputs:
    return d.add(d.pick("Softmax", "Softmax", "LogSoftmax"), [x], axis=d.axis(x))


def reduce(d: OnnxDrawing, x: str) -> Outputs:
    op = d.pick("Mean", "Mean", "Sum", "Max", "Min", "L1", "L2", "SumSquare", "LogSumExp", "Prod")
    rank = len(d.shapes[x])
    axes = [axis for axis in range(rank) if d.chance(0.5)]
    axes = [axis - rank if d.chance(0.4) else axis for axis in axes]
    more: dict[str, Any] = {"keepdims": d.pick(0, 1)} if d.chance(0.8) else {}
    if len(axes) == rank:
        more["keepdims"] = 1
    if not axes:
        more = {"keepdims": 1}
        return d.add(f"Reduce{op}", [x], **more)
    if op == "Sum" or d.opset >= 18:
        return d.add(f"Reduce{op}", [x, d.integers(*axes)], **more)
    return d.add(f"Reduce{op}", [x], axes=axes, **more)


def arg(d: OnnxDrawing, x: str) -> Outputs:
    if x not in d.exact:
        raise Refused
    more = {"keepdims": d.pick(0, 1), "select_last_index": d.pick(0, 1)}
    return d.add(d.pick("ArgMax", "ArgMin"), [x], axis=d.axis(x), **more)


def pad(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.shapes[x]
    mode = d.pick("constant", "constant", "reflect", "edge")
    rank = len(shape)
    first = 2 if rank > 2 and d.chance(0.7) else 0
    pads = [
        0 if axis % rank < first else d.number(0, min(3, shape[axis % rank] - 1))
        for axis in range(2 * rank)
    ]
    inputs = [x, d.integers(*pads)]
    if mode == "constant" and d.chance(0.5):
        inputs.append(d.constant(np.float32(d.random.normal())))
    rule = d.move if mode != "constant" else d.add
    return rule("Pad", inputs, mode=mode)


def slice_(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.shapes[x]
    axes = [axis for axis in range(len(shape)) if d.chance(0.6)] or [0]
    begin, end, steps = [], [], []
    for axis in axes:
        size = shape[axis]
        a, b = sorted((d.number(0, size), d.number(0, size)))
        down = d.chance(0.2)
        begin.append(FAR if down and d.chance(0.3) else b if down else a)
        end.append(-FAR if down and d.chance(0.5) else a if down else FAR if d.chance(0.3) else b)
        steps.append(-d.number(1, 2) if down else d.number(1, 3))
        if d.chance(0.3) and 0 < a < size and not down:
            begin[-1] = a - size
    rank = len(shape)
    named = [axis - rank if d.chance(0.3) else axis for axis in axes]
    return d.move("Slice", [x, *(d.integers(*one) for one in (begin, end, named, steps))])


def split(d: OnnxDrawing, x: str) -> Outputs:
    axis = d.axis(x)
    size = d.shapes[x][axis]
    if d.chance(0.5):
        first = d.number(1, size - 1)
        if first >= size:
            raise Refused
        return d.move("Split", [x, d.integers(first, size - first)], 2, axis=axis)
    count = int(d.pick(*[n for n in range(1, 5) if size % n == 0]))
    more = {"num_outputs": count} if d.opset >= 18 else {}
    return d.move("Split", [x], count, axis=axis, **more)


def concat(d: OnnxDrawing, x: str) -> Outputs:
    axis, shape, parts = d.axis(x), d.shapes[x], [x]
    for _ in range(d.number(1, 2)):
        size = list(shape)
        size[axis] = size[axis] if d.chance(0.5) else d.number(1, 5)
        parts.append(d.other(tuple(size)))
    d.random.shuffle(parts)
    return d.move("Concat", parts, axis=axis)


def transpose(d: OnnxDrawing, x: str) -> Outputs:
    return d.move("Transpose", [x], perm=d.random.permutation(len(d.shapes[x])).tolist())


def reshape(d: OnnxDrawing, x: str) -> Outputs:
    shape, size = d.shapes[x], int(np.prod(d.shapes[x]))
    factors: list[int] = []
    for _ in range(d.number(0, 3)):
        factors.append(int(d.pick(*[n for n in range(1, size + 1) if size % n == 0])))
        size //= factors[-1]
    wanted = [*factors, size]
    if d.chance(0.4):
        wanted[d.number(0, len(wanted) - 1)] = -1
    if len(shape) > 1 and d.chance(0.3):
        wanted = [0, -1]
    return d.move("Reshape", [x, d.integers(*wanted)])


def flatten(d: OnnxDrawing, x: str) -> Outputs:
    return d.move("Flatten", [x], **({"axis": d.axis(x)} if d.chance(0.5) else {}))


def squeeze(d: OnnxDrawing, x: str) -> Outputs:
    ones = [axis for axis, size in enumerate(d.shapes[x]) if size == 1]
    if not ones or len(ones) == len(d.shapes[x]):
        raise Refused
    return d.move("Squeeze", [x, d.integers(*ones[: d.number(1, len(ones))])])


def unsqueeze(d: OnnxDrawing, x: str) -> Outputs:
    return d.move("Unsqueeze", [x, d.integers(d.pick(0, -1, d.number(0, len(d.shapes[x]))))])


def expand(d: OnnxDrawing, x: str) -> Outputs:
    shape = [d.number(1, 4) if size == 1 else d.pick(1, size) for size in d.shapes[x]]
    return d.move("Expand", [x, d.integers(*shape)])


def tile(d: OnnxDrawing, x: str) -> Outputs:
    return d.move("Tile", [x, d.integers(*(d.number(1, 2) for _ in d.shapes[x]))])


def gather(d: OnnxDrawing, x: str) -> Outputs:
    axis = d.axis(x)
    size = d.shapes[x][axis]
    shape = tuple(d.number(1, 4) for _ in range(d.number(0, 2)))
    places = d.random.integers(-size, size, shape)
    return d.move("Gather", [x, d.constant(np.asarray(places, np.int64))], axis=axis)


def blocks(d: OnnxDrawing, x: str) -> Outputs:
    shape, size = d.image(x, 4), d.number(2, 3)
    if d.chance(0.5) and not shape[1] % size**2:
        return d.move("DepthToSpace", [x], blocksize=size, mode=d.pick("DCR", "CRD"))
    if shape[2] % size or shape[3] % size:
        raise Refused
    return d.move("SpaceToDepth", [x], blocksize=size)


def resize(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.image(x, 3, 4)
    mode = d.pick(
        "nearest", "linear", "nearest", "linear", "cubic" if len(shape) == 4 else "linear"
    )
    transforms = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")
    more = {"mode": mode, "coordinate_transformation_mode": d.pick(*transforms)}
    if mode == "nearest":
        names = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        more["nearest_mode"] = d.pick(*names)
    if d.chance(0.5):
        scales = [1.0, 1.0, *(d.pick(0.5, 1.0, 1.5, 2.0, 2.0, 3.0) for _ in shape[2:])]
        return d.add("Resize", [x, "", d.constant(np.array(scales, np.float32))], **more)
    sizes = [*shape[:2], *(d.number(1, 2 * size) for size in shape[2:])]
    return d.add("Resize", [x, "", "", d.integers(*sizes)], **more)


def global_pool(d: OnnxDrawing, x: str) -> Outputs:
    d.image(x)
    return d.add(d.pick("GlobalAveragePool", "GlobalMaxPool"), [x])


def plain(d: OnnxDrawing, x: str) -> Outputs:
    return d.move(d.pick("Identity", "Dropout"), [x])


UNARY = (
    *map(unary, ("Relu", "Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus", "Softsign")),
    *map(unary, ("Abs", "Neg", "Erf", "Cos", "Sin")),
    *(unary(op, alpha=(0.05, 1.5)) for op in ("LeakyRelu", "Elu", "Celu")),
    unary("Selu", alpha=(0.5, 2), gamma=(0.5, 2)),
    unary("HardSigmoid", alpha=(0.1, 0.5), beta=(0.2, 0.8)),
)

RULES: tuple[Rule, ...] = (
    *UNARY,
    *(conv,) * 8,
    *(binary, gemm, max_pool, average_pool) * 3,
    *(arg, batch_norm, blocks, choice, clip, concat, conv_transpose, expand, flatten, gather),
    *(gelu, global_pool, lp_norm, matmul, norm, pad, plain, power, prelu, quotient, reduce),
    *(relu6, reshape, resize, root, several, slice_, softmax, split, squeeze, step, tile),
    *(transpose, unsqueeze),
    *SEQUENCES,
)
