"""Writes a drawn network of floats as ONNX, images with their channels first, as PyTorch would.

Layers that know no channels read and write whichever order is there; between the two stand
transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Shape, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.window_padding import same_padding

OPSET = 20

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Orders that bring channels to the front, and back."""

TYPES = {DType.F32: TensorProto.FLOAT, DType.I32: TensorProto.INT32, DType.I64: TensorProto.INT64}
TYPES |= {DType.BOOL: TensorProto.BOOL}

Rule = Callable[["_Writer", Any, Sequence[Tensor | None], Sequence[Tensor]], None]


def as_onnx(graph: Graph) -> bytes | None:
    """The file; None for networks of other types, or with layers that have no rule here."""
    types = {tensor.dtype for tensor in graph.tensors.values()}
    if not types <= TYPES.keys() or graph.has_state:
        return None
    if any(graph.tensors[name].dtype is not DType.F32 for name in graph.inputs):
        return None
    if any(node.OP not in RULES or _is_a_tie(graph, node) for node in graph.nodes):
        return None
    return _Writer(graph).file()


def _is_a_tie(graph: Graph, node: Any) -> bool:
    """Whether how a scale is rounded decides which pixel is the nearest."""
    if node.OP != "RESIZE_NEAREST_NEIGHBOR":
        return False
    corner = 1 if node.align_corners else 0
    first = Fraction(1, 2) if node.half_pixel_centers else Fraction(0)
    for read, made in zip(graph.ins(node)[0].shape[1:3], node.size, strict=True):
        scale = Fraction(read - corner, max(1, made - corner))
        is_exact = scale.numerator.bit_count() <= 1 and scale.denominator.bit_count() == 1
        places = ((i + first) * scale + Fraction(corner, 2) for i in range(0 if first else 1, made))
        if not is_exact and any(place % 1 == 0 for place in places):
            return True
    return False


class _Writer:
    """Grows a file.

    Attributes:
        graph: The network.
        first: Names of images with their channels first.
        last: Names of all else, and of images with their channels last.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.first: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def file(self) -> bytes:
        inputs, outputs = [], []
        for name in self.graph.inputs:
            shape = self.graph.tensors[name].shape
            order = FIRST if len(shape) == 4 else range(len(shape))
            (self.first if len(shape) == 4 else self.last)[name] = name
            sizes = [shape[axis] for axis in order]
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes))
        for node in self.graph.nodes:
            RULES[node.OP](self, node, self.graph.ins(node), self.graph.outs(node))
        for name in self.graph.outputs:
            found = self.first.get(name) or self.last[name]
            type_ = TYPES[self.graph.tensors[name].dtype]
            outputs.append(helper.make_tensor_value_info(found, type_, None))
        made = helper.make_graph(self.nodes, "fuzz", inputs, outputs, self.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 9
        return bytes(model.SerializeToString())

    def constant(self, value: Array) -> str:
        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"{op.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names

    def nhwc(self, tensor: Tensor) -> str:
        """The name of a tensor with its channels last."""
        if tensor.name not in self.last:
            if tensor.data is not None:
                self.last[tensor.name] = self.constant(tensor.data)
            else:
                (turned,) = self.add("Transpose", self.first[tensor.name], perm=LAST)
                self.last[tensor.name] = turned
        return self.last[tensor.name]

    def nchw(self, tensor: Tensor) -> str:
        """The name of an image with its channels first."""
        if tensor.name not in self.first:
            if tensor.data is not None:
                self.first[tensor.name] = self.constant(tensor.data.transpose(FIRST))
            else:
                (turned,) = self.add("Transpose", self.last[tensor.name], perm=FIRST)
                self.first[tensor.name] = turned
        return self.first[tensor.name]

    def alike(self, ins: Sequence[Tensor], out: Tensor) -> tuple[list[str], dict[str, str]]:
        """Operands in one order of axes, and where a result in that order belongs."""
        images = all(len(one.shape) == 4 for one in (*ins, out))
        if images and any(one.name in self.first for one in ins):
            return [self.nchw(one) for one in ins], self.first
        return [self.nhwc(one) for one in ins], self.last

    def activated(self, name: str, activation: Activation) -> str:
        if activation is Activation.NONE:
            return name
        if activation is Activation.RELU:
            return self.add("Relu", name)[0]
        low = 0.0 if activation is Activation.RELU6 else -1.0
        high = 6.0 if activation is Activation.RELU6 else 1.0
        ends = [self.constant(np.array(end, np.float32)) for end in (low, high)]
        return self.add("Clip", name, *ends)[0]


def _unary(op: str, **attributes: Any) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        (x,), names = w.alike([ins[0]], outs[0])
        more = {"alpha": node.alpha} if op == "LeakyRelu" else attributes
        if op == "Gelu":
            more = {"approximate": "tanh" if node.approximate else "none"}
        if op == "Cast":
            more = {"to": TYPES[node.dtype]}
        names[outs[0].name] = w.add(op, x, **more)[0]

    return rule


def _clamp(activation: Activation) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        (x,), names = w.alike([ins[0]], outs[0])
        names[outs[0].name] = w.activated(x, activation)

    return rule


def _several(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        operands, names = w.alike(ins, outs[0])
        (made,) = w.add(op, *operands)
        names[outs[0].name] = w.activated(made, getattr(node, "activation", Activation.NONE))

    return rule


def _squares(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    operands, names = w.alike(ins, outs[0])
    (difference,) = w.add("Sub", *operands) if len(operands) > 1 else operands
    (made,) = w.add("Mul", difference, difference)
    names[outs[0].name] = w.activated(made, getattr(node, "activation", Activation.NONE))


def _inverse_root(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    (x,), names = w.alike([ins[0]], outs[0])
    names[outs[0].name] = w.add("Reciprocal", w.add("Sqrt", x)[0])[0]


def _conv(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    data, weights, bias = (*ins, None)[:3]
    is_depthwise = node.OP == "DEPTHWISE_CONV_2D"
    order = (3, 0, 1, 2) if is_depthwise else FIRST
    matrix = weights.constant().transpose(order)
    groups = data.shape[3] if is_depthwise else data.shape[3] // weights.shape[3]
    operands = [w.nchw(data), w.constant(matrix), *([] if bias is None else [w.nhwc(bias)])]
    top, bottom, left, right = node.padding
    (made,) = w.add(
        "Conv",
        *operands,
        group=groups,
        strides=node.stride,
        dilations=node.dilation,
        pads=(top, left, bottom, right),
    )
    w.first[outs[0].name] = w.activated(made, node.activation)


def _conv_transpose(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    _, weights, data, bias = (*ins, None)[:4]
    matrix = weights.constant().transpose(3, 0, 1, 2)
    operands = [w.nchw(data), w.constant(matrix), *([] if bias is None else [w.nhwc(bias)])]
    before, behind, more = [], [], []
    for axis in (0, 1):
        taps, step, size = weights.shape[1 + axis], node.stride[axis], node.size[axis]
        cut = same_padding(size, taps, step)[0] if node.same else 0
        left = (data.shape[1 + axis] - 1) * step + taps - cut - size
        before.append(cut)
        behind.append(max(left, 0))
        more.append(max(-left, 0))
    pads = (*before, *behind)
    (made,) = w.add("ConvTranspose", *operands, strides=node.stride, pads=pads, output_padding=more)
    w.first[outs[0].name] = w.activated(made, node.activation)


def _pool(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        top, bottom, left, right = node.padding
        fields = {"kernel_shape": node.filter, "strides": node.stride}
        (made,) = w.add(op, w.nchw(ins[0]), pads=(top, left, bottom, right), **fields)
        w.first[outs[0].name] = w.activated(made, node.activation)

    return rule


def _resize(mode: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        batch, *_, channels = ins[0].shape
        place = "align_corners" if node.align_corners else "asymmetric"
        fields = {"coordinate_transformation_mode": place, "mode": mode}
        if node.half_pixel_centers:
            fields["coordinate_transformation_mode"] = "half_pixel"
        is_rounded = node.align_corners or node.half_pixel_centers
        fields["nearest_mode"] = "round_prefer_ceil" if is_rounded else "floor"
        sizes = w.ints(batch, channels, *node.size)
        w.first[outs[0].name] = w.add("Resize", w.nchw(ins[0]), "", "", sizes, **fields)[0]

    return rule


def _blocks(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        w.first[outs[0].name] = w.add(op, w.nchw(ins[0]), blocksize=node.block)[0]

    return rule


def _mapped(names: dict[str, str], w: _Writer, axes: Sequence[int]) -> list[int]:
    """Axes of the network in the order of ``names``."""
    return [FIRST.index(axis) for axis in axes] if names is w.first else list(axes)


def _pad(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    (x,), names = w.alike([ins[0]], outs[0])
    rank = len(ins[0].shape)
    order = FIRST if names is w.first else range(rank)
    pads = [node.paddings[axis][side] for side in (0, 1) for axis in order]
    more = [x, w.ints(*pads)]
    if node.OP == "PADV2":
        more.append(w.constant(np.array(node.border, np.float32)))
    names[outs[0].name] = w.add("Pad", *more)[0]


def _reduce(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        (x,), names = w.alike([ins[0]], outs[0])
        if names is w.last:
            x = w.nhwc(ins[0])
        axes = w.ints(*_mapped(names, w, node.axes))
        names[outs[0].name] = w.add(op, x, axes, keepdims=int(node.keep_dims))[0]

    return rule


def _concat(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    operands, names = w.alike(ins, outs[0])
    (axis,) = _mapped(names, w, [node.axis])
    names[outs[0].name] = w.add("Concat", *operands, axis=axis)[0]


def _split(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    data = next(one for one in ins if one.data is None)
    (x,), names = w.alike([data], outs[0])
    (axis,) = _mapped(names, w, [node.axis])
    sizes = w.ints(*(out.shape[node.axis] for out in outs))
    made = w.add("Split", x, sizes, outputs=len(outs), axis=axis)
    names.update(zip((out.name for out in outs), made, strict=True))


def _softmax(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        (x,), names = w.alike([ins[0]], outs[0])
        if getattr(node, "beta", 1.0) != 1.0:
            (x,) = w.add("Mul", x, w.constant(np.array(node.beta, np.float32)))
        (axis,) = _mapped(names, w, [len(ins[0].shape) - 1])
        names[outs[0].name] = w.add(op, x, axis=axis)[0]

    return rule


def _dense(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    data, weights, bias = (*ins, None)[:3]
    rows = w.add("Reshape", w.nhwc(data), w.ints(-1, weights.shape[1]))[0]
    operands = [rows, w.nhwc(weights), *([] if bias is None else [w.nhwc(bias)])]
    (made,) = w.add("Gemm", *operands, transB=1)
    made = w.activated(made, node.activation)
    w.last[outs[0].name] = w.add("Reshape", made, w.ints(*outs[0].shape))[0]


def _matmul(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    operands = []
    for tensor, turns in zip(ins, (node.transposes_a, node.transposes_b), strict=True):
        rank = len(tensor.shape)
        perm = (*range(rank - 2), rank - 1, rank - 2)
        name = w.nhwc(tensor)
        operands.append(w.add("Transpose", name, perm=perm)[0] if turns else name)
    w.last[outs[0].name] = w.add("MatMul", *operands)[0]


def _transpose(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    w.last[outs[0].name] = w.add("Transpose", w.nhwc(ins[0]), perm=node.permutation)[0]


def _reshape(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    shape: Shape = outs[0].shape
    data = next(one for one in ins if one.data is None)
    w.last[outs[0].name] = w.add("Reshape", w.nhwc(data), w.ints(*shape))[0]


def _slice(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    ends = [begin + size for begin, size in zip(node.begin, outs[0].shape, strict=True)]
    operands = [w.nhwc(ins[0]), w.ints(*node.begin), w.ints(*ends)]
    w.last[outs[0].name] = w.add("Slice", *operands)[0]


def _moved(op: str, field: str) -> Rule:
    """The shape or the repetitions that a layer has are an input."""

    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        operand = w.ints(*getattr(node, field))
        w.last[outs[0].name] = w.add(op, w.nhwc(ins[0]), operand)[0]

    return rule


def _gather(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
    operands = [w.nhwc(ins[0]), w.nhwc(ins[1])]
    w.last[outs[0].name] = w.add("Gather", *operands, axis=node.axis)[0]


def _arg(op: str) -> Rule:
    def rule(w: _Writer, node: Any, ins: Sequence[Any], outs: Sequence[Tensor]) -> None:
        axis = int(ins[1].constant().ravel()[0])
        (made,) = w.add(op, w.nhwc(ins[0]), axis=axis, keepdims=0)
        w.last[outs[0].name] = w.add("Cast", made, to=TYPES[outs[0].dtype])[0]

    return rule


RULES: dict[str, Rule] = {
    **{op: _unary(op.title()) for op in ("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "LOG")},
    **{op: _unary(op.title()) for op in ("NEG", "ROUND", "SIN", "SQRT", "TANH", "GELU", "CAST")},
    **{op: _several(op.title()) for op in ("ADD", "SUB", "MUL", "DIV", "EQUAL", "GREATER", "LESS")},
    "HARD_SWISH": _unary("HardSwish"),
    "LEAKY_RELU": _unary("LeakyRelu"),
    "LOGISTIC": _unary("Sigmoid"),
    "RSQRT": _inverse_root,
    "RELU": _clamp(Activation.RELU),
    "RELU6": _clamp(Activation.RELU6),
    "RELU_N1_TO_1": _clamp(Activation.RELU_N1_TO_1),
    "MAXIMUM": _several("Max"),
    "MINIMUM": _several("Min"),
    "ADD_N": _several("Sum"),
    "GREATER_EQUAL": _several("GreaterOrEqual"),
    "LESS_EQUAL": _several("LessOrEqual"),
    "SQUARE": _squares,
    "SQUARED_DIFFERENCE": _squares,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "TRANSPOSE_CONV": _conv_transpose,
    "MAX_POOL_2D": _pool("MaxPool"),
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "DEPTH_TO_SPACE": _blocks("DepthToSpace"),
    "SPACE_TO_DEPTH": _blocks("SpaceToDepth"),
    "PAD": _pad,
    "PADV2": _pad,
    "MEAN": _reduce("ReduceMean"),
    "SUM": _reduce("ReduceSum"),
    "REDUCE_MAX": _reduce("ReduceMax"),
    "REDUCE_MIN": _reduce("ReduceMin"),
    "CONCATENATION": _concat,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "SOFTMAX": _softmax("Softmax"),
    "LOG_SOFTMAX": _softmax("LogSoftmax"),
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _matmul,
    "TRANSPOSE": _transpose,
    **dict.fromkeys(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"), _reshape),
    "SLICE": _slice,
    "TILE": _moved("Tile", "multiples"),
    "BROADCAST_TO": _moved("Expand", "shape"),
    "GATHER": _gather,
    "ARG_MAX": _arg("ArgMax"),
    "ARG_MIN": _arg("ArgMin"),
}
"""Of each operator of TFLite that ONNX has."""
