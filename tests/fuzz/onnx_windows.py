"""Rules of ONNX nodes with windows: convolutions and pools, over signals and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fuzz.onnx_drawing import OnnxDrawing, Refused

Outputs = list[str]


def window(d: OnnxDrawing, sizes: Sequence[int], *, dilations: bool) -> dict[str, Any]:
    """Kernel, strides, dilations and pads over the axes of ``sizes``."""
    kernel = [d.number(1, min(5, size)) for size in sizes]
    if d.chance(0.6):
        kernel = [min(kernel[0], *sizes)] * len(sizes)
    found: dict[str, Any] = {"kernel_shape": kernel}
    if d.chance(0.6):
        found["strides"] = [d.number(1, 3)] * len(sizes)
        if d.chance(0.3):
            found["strides"] = [d.number(1, 3) for _ in sizes]
    mode = d.random.random()
    if mode < 0.15:
        return found | {"auto_pad": d.pick("SAME_UPPER", "SAME_LOWER", "VALID")}
    if dilations and d.chance(0.2):
        found["dilations"] = [
            d.number(1, 3) if k == 1 else d.number(1, max(1, min(3, (size - 1) // (k - 1))))
            for k, size in zip(kernel, sizes, strict=True)
        ]
    if mode < 0.6:
        half = [k // 2 for k in kernel]
        found["pads"] = [*half, *half]
    elif mode < 0.8:
        found["pads"] = [d.number(0, k - 1) for k in (*kernel, *kernel)]
    return found


def conv(d: OnnxDrawing, x: str) -> Outputs:
    batch, channels, *sizes = d.image(x, 3, 4, 5)
    del batch
    fields = window(d, sizes, dilations=True)
    groups = int(d.pick(1, 1, channels, *[n for n in range(1, channels + 1) if channels % n == 0]))
    outputs = groups * (1 if groups == channels and d.chance(0.7) else d.number(1, 6))
    kernel = fields["kernel_shape"]
    if d.chance(0.3):
        del fields["kernel_shape"]
    operands = [x, d.floats(outputs, channels // groups, *kernel, spread=0.4)]
    if d.chance(0.7):
        operands.append(d.floats(outputs))
    return d.add("Conv", operands, group=groups, **fields)


def conv_transpose(d: OnnxDrawing, x: str) -> Outputs:
    _, channels, *sizes = d.image(x, 3, 4, 5)
    kernel = [d.number(1, 4) for _ in sizes]
    strides = [d.number(1, 3) for _ in sizes]
    fields: dict[str, Any] = {"strides": strides}
    if d.chance(0.5):
        fields["pads"] = [d.number(0, (k - 1) // 2) for k in (*kernel, *kernel)]
    if d.chance(0.3):
        fields["output_padding"] = [d.number(0, stride - 1) for stride in strides]
    groups = int(d.pick(1, 1, channels))
    operands = [x, d.floats(channels, d.number(1, 5), *kernel, spread=0.4)]
    if d.chance(0.6):
        operands.append(d.floats(d.constants[operands[1]].shape[1] * groups))
    return d.add("ConvTranspose", operands, group=groups, **fields)


def _pool(d: OnnxDrawing, op: str, x: str, fields: dict[str, Any]) -> Outputs:
    """Rounds up where that may be; not where ONNX's inference counts windows that begin outside."""
    if "auto_pad" in fields or not d.chance(0.3):
        return d.add(op, [x], **fields)
    outputs = d.add(op, [x], ceil_mode=1, **fields)
    sizes = d.shapes[x][2:]
    kernel, ones = fields["kernel_shape"], [1] * len(sizes)
    strides, dilations = (fields.get(name, ones) for name in ("strides", "dilations"))
    pads = fields.get("pads", [0] * (2 * len(sizes)))
    counts = []
    for axis, size in enumerate(sizes):
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        span = size + pads[axis] + pads[len(sizes) + axis] - reach
        windows = -(-span // strides[axis]) + 1
        begins_within = (windows - 1) * strides[axis] < size + pads[axis]
        counts.append(windows if begins_within else windows - 1)
    if d.shapes[outputs[0]][2:] != tuple(counts):
        raise Refused
    return outputs


def max_pool(d: OnnxDrawing, x: str) -> Outputs:
    return _pool(d, "MaxPool", x, window(d, d.image(x, 3, 4, 5)[2:], dilations=True))


def average_pool(d: OnnxDrawing, x: str) -> Outputs:
    fields = window(d, d.image(x, 3, 4, 5)[2:], dilations=False)
    if d.chance(0.4):
        fields["count_include_pad"] = d.pick(0, 1)
    return _pool(d, "AveragePool", x, fields)
