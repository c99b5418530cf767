"""Rules of operators with weights or windows."""

from __future__ import annotations

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Node, Quant, Shape, Tensor
from edgebottle.ops import HYBRID
from edgebottle.ops.base import Activation
from edgebottle.ops.window_padding import SAME, padding_of
from tests.fuzz.drawing import Drawing

Outputs = tuple[str, ...]


def hybrid(d: Drawing, x: str, kind: type[Node]) -> type[Node]:
    """Half of the float layers with int8 weights, of an input that comes out the same everywhere:
    the least difference of its largest value moves every step of it."""
    is_float = d.tensors[x].dtype is DType.F32
    return HYBRID[kind.OP] if is_float and x in d.exact and d.chance(0.5) else kind


def weights(
    d: Drawing,
    shape: Shape,
    axis: int,
    x: str,
    *,
    per_tensor: bool = False,
    kind: type[Node] | None = None,
) -> str:
    if d.tensors[x].dtype is DType.F32 and kind not in HYBRID.values():
        return d.constant(d.random.normal(0, 0.4, shape).astype(np.float32))
    count = 1 if per_tensor else shape[axis]
    typical = 10.0 ** d.random.uniform(-4, -1)
    scales = typical * 10.0 ** d.random.uniform(-0.7, 0.7, count)
    values = d.few(shape) if d.is_narrow(0.2) else d.random.integers(-127, 128, shape, np.int8)
    if d.chance(0.15):
        values = (values // d.pick(2, 16, 64)).astype(np.int8)
    quant = Quant(tuple(float(np.float32(s)) for s in scales), (0,) * count, axis)
    return d.constant(values, quant if count > 1 else Quant(quant.scale, (0,), None))


def bias(d: Drawing, count: int, x: str, w: str, *, may_be_short: bool = False) -> str:
    """Biases; those of 16-bit activations have 64 bits, or 32 where options can say so."""
    if d.tensors[x].dtype is DType.F32:
        return d.constant(d.random.normal(0, 1, count).astype(np.float32))
    quant = d.tensors[w].quant
    assert quant is not None
    scales = tuple(float(np.float32(d.tensors[x].scale) * np.float32(s)) for s in quant.scale)
    is_int16 = d.tensors[x].dtype is DType.I16
    most = 10 ** d.number(1, 9 if is_int16 else 6)
    values = d.random.integers(-most, most + 1, count, np.int64)
    if not is_int16 or (may_be_short and d.chance(0.1)):
        values = values.astype(np.int32)
    return d.constant(values, Quant(scales, (0,) * len(scales), None if len(scales) == 1 else 0))


def output_quant(d: Drawing, x: str, w: str, taps: int) -> Quant | None:
    """One in which the sums of a window are mostly neither all saturated nor all zero."""
    if d.tensors[x].dtype is DType.F32:
        return None
    dtype = d.tensors[x].dtype
    if d.chance(0.2):
        return d.quant(dtype)
    quant = d.tensors[w].quant
    assert quant is not None
    weight = max(1.0, float(np.abs(d.tensors[w].constant()).mean())) * max(map(abs, quant.scale))
    spread = d.tensors[x].scale * weight * taps**0.5  # the same for any range of activations
    scale = float(np.float32(spread * 10.0 ** d.random.uniform(-0.6, 0.6)))
    if dtype is DType.I16:
        return Quant((scale,), (0,))
    return Quant((scale,), (d.pick(-128, 0, int(d.random.integers(-128, 128))),))


def image(d: Drawing, x: str) -> Tensor:
    """A tensor that has rows and columns."""
    tensor = d.tensors[x]
    if len(tensor.shape) != 4:
        raise UnsupportedOp("no image")
    return tensor


def window(
    d: Drawing, shape: Shape, dilations: bool
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Kernel, stride, dilation and padding over an image."""
    same_padding = d.chance(0.6)
    kernel, stride, dilation = [], [], []
    for size in shape[1:3]:
        step = d.number(2, 3) if dilations and d.chance(0.15) else 1
        most = 7 if same_padding else max(1, (size - 1) // step + 1)
        kernel.append(d.number(1, min(7, most)))
        stride.append(1 if step > 1 else d.number(1, 3))
        dilation.append(step)
    if d.chance(0.6):
        stride[1] = stride[0]
    if not dilations or max(dilation) > 1:
        stride = stride if not dilations else [1, 1]
    k, s, e = ((a[0], a[1]) for a in (kernel, stride, dilation))
    grid = (shape[1], shape[2])
    padding = padding_of(SAME, grid, k, s, e, "fuzz") if same_padding else (0, 0, 0, 0)
    return k, s, e, padding


def conv(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = image(d, x).shape
    kind = hybrid(d, x, kind)
    kernel, stride, dilation, padding = window(d, shape, dilations=True)
    outputs = d.number(1, 17)
    w = weights(d, (outputs, *kernel, shape[3]), 0, x, per_tensor=d.chance(0.1), kind=kind)
    operands = (x, w, bias(d, outputs, x, w, may_be_short=True))
    quant = output_quant(d, x, w, kernel[0] * kernel[1] * shape[3])
    quant, activation = d.clamped(quant)
    fields = {"stride": stride, "dilation": dilation, "padding": padding}
    return d.add(kind, operands, quant, activation=activation, **fields)


def depthwise(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = image(d, x).shape
    kind = hybrid(d, x, kind)
    kernel, stride, dilation, padding = window(d, shape, dilations=True)
    if d.chance(0.4):
        kernel, padding = (3, 3), padding_of(SAME, shape[1:3], (3, 3), stride, dilation, "fuzz")
    multiplier = 1 if d.chance(0.8) else d.number(2, 4)
    outputs = shape[3] * multiplier
    w = weights(d, (1, *kernel, outputs), 3, x, per_tensor=d.chance(0.1), kind=kind)
    operands = (x, w, bias(d, outputs, x, w))
    quant = output_quant(d, x, w, kernel[0] * kernel[1])
    quant, activation = d.clamped(quant)
    fields = {"stride": stride, "dilation": dilation, "padding": padding}
    more = {"depth_multiplier": multiplier, "activation": activation}
    return d.add(kind, operands, quant, **fields, **more)


def transpose_conv(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    batch, height, width, channels = image(d, x).shape
    kernel = (d.number(1, 4), d.number(1, 4))
    stride = (d.number(1, 3), d.number(1, 3))
    same_padding = d.chance(0.5)
    size = tuple(
        n * s if same_padding else (n - 1) * s + max(k, s)
        for n, s, k in zip((height, width), stride, kernel, strict=True)
    )
    outputs = d.number(1, 9)
    w = weights(d, (outputs, *kernel, channels), 0, x)
    operands = [d.indices(batch, *size, outputs), w, x, bias(d, outputs, x, w)]
    quant = output_quant(d, x, w, kernel[0] * kernel[1] * channels)
    quant, activation = d.clamped(quant)
    fields = {"stride": stride, "size": size, "same": same_padding}
    return d.add(kind, operands, quant, activation=activation, **fields)


def dense(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = d.tensors[x].shape
    if len(shape) < 2:
        raise UnsupportedOp("a single vector")
    outputs, keep, kind = d.number(1, 20), d.chance(0.5), hybrid(d, x, kind)
    w = weights(d, (outputs, shape[-1]), 0, x, per_tensor=d.chance(0.6), kind=kind)
    operands = (x, w, bias(d, outputs, x, w, may_be_short=True) if d.chance(0.8) else None)
    quant, activation = d.clamped(output_quant(d, x, w, shape[-1]))
    more = {"asymmetric": d.chance(0.4)} if kind is HYBRID[kind.OP] else {}
    return d.add(kind, operands, quant, keep_num_dims=keep, activation=activation, **more)


def matmul(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = d.tensors[x]
    if len(tensor.shape) < 2:
        raise UnsupportedOp("no matrix")
    *batches, rows, depth = tensor.shape
    turns_a, turns_b = d.chance(0.3), d.chance(0.5)
    depth = rows if turns_a else depth
    columns = d.number(1, 12)
    other = (*batches, *((columns, depth) if turns_b else (depth, columns)))
    y = d.operand(other, x)
    quant = d.quant(tensor.dtype)
    if tensor.quant is not None and d.chance(0.8):
        typical = 70 if tensor.dtype is DType.I8 else 18_000
        scale = tensor.scale * d.tensors[y].scale * typical * depth**0.5
        zero_point = int(d.random.integers(-128, 128)) if tensor.dtype is DType.I8 else 0
        quant = Quant((float(np.float32(scale)),), (zero_point,))
    return d.add(kind, (x, y), quant, transposes_a=turns_a, transposes_b=turns_b)


def pool(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    tensor = image(d, x)
    kernel, stride, _, padding = window(d, tensor.shape, dilations=False)
    if d.chance(0.2):
        kernel, stride, padding = (tensor.shape[1], tensor.shape[2]), (1, 1), (0, 0, 0, 0)
    fields = {"filter": kernel, "stride": stride, "padding": padding}
    return d.add(kind, (x,), tensor.quant, activation=d.activation(), **fields)


def svdf(d: Drawing, x: str, kind: type[Node]) -> Outputs:
    shape = d.tensors[x].shape
    if len(shape) != 2:
        raise UnsupportedOp("no vector")
    rank, units, memory = d.number(1, 2), d.number(1, 6), d.number(1, 5)
    filters = rank * units
    feature = weights(d, (filters, shape[1]), 0, x, per_tensor=True)
    time = weights(d, (filters, memory), 0, x, per_tensor=True)
    dtype = d.tensors[x].dtype
    if dtype is not DType.F32:
        raise UnsupportedOp("LiteRT's state of 16 bits is compared by the operator's own cases")
    state = d.state((shape[0], filters * memory), dtype, None)
    operands = (x, feature, time, bias(d, units, x, feature), state)
    return d.add(kind, operands, d.quant(dtype), rank=rank, activation=Activation.NONE)
