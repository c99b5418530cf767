"""Rules of ONNX nodes that go along an axis in order, or pick by numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.onnx_drawing import OnnxDrawing, Refused

Outputs = list[str]

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}

MAX_STEPS = 6


def recurrent(d: OnnxDrawing, x: str) -> Outputs:
    """Over (steps, batch, features); what it hands out is drawn as well."""
    steps, batch, features = d.image(x, 3)
    if steps > MAX_STEPS:
        raise Refused
    op, hidden = d.pick("RNN", "GRU", "LSTM"), d.number(1, 5)
    direction = d.pick("forward", "reverse", "bidirectional")
    count = 2 if direction == "bidirectional" else 1
    rows = GATES[op] * hidden
    operands = [x, d.floats(count, rows, features, spread=0.4)]
    operands.append(d.floats(count, rows, hidden, spread=0.4))
    operands.append(d.floats(count, 2 * rows, spread=0.4) if d.chance(0.7) else "")
    if d.chance(0.4):
        operands += ["", d.floats(count, batch, hidden)]
        if op == "LSTM" and d.chance(0.5):
            operands.append(d.floats(count, batch, hidden))
    more: dict[str, Any] = {"linear_before_reset": d.pick(0, 1)} if op == "GRU" else {}
    outputs = 2 if op != "LSTM" or d.chance(0.5) else 3
    made = d.add(op, operands, outputs, hidden_size=hidden, direction=direction, **more)
    return made[:1] if d.chance(0.5) else made


def largest(d: OnnxDrawing, x: str) -> Outputs:
    if x not in d.exact:
        raise Refused
    axis = d.axis(x)
    count = d.number(1, d.shapes[x][axis])
    return d.add("TopK", [x, d.integers(count)], 2, axis=axis, largest=d.pick(0, 1))[:1]


def running_sum(d: OnnxDrawing, x: str) -> Outputs:
    axis = d.constant(np.array(d.axis(x), np.int64))
    return d.add("CumSum", [x, axis], exclusive=d.pick(0, 1), reverse=d.pick(0, 1))


def triangle(d: OnnxDrawing, x: str) -> Outputs:
    if len(d.shapes[x]) < 2:
        raise Refused
    offset = d.constant(np.array(d.pick(-2, -1, 0, 1, 2), np.int64))
    return d.add("Trilu", [x, *([offset] if d.chance(0.6) else [])], upper=d.pick(0, 1))


def pick_elements(d: OnnxDrawing, x: str) -> Outputs:
    axis, shape = d.axis(x), list(d.shapes[x])
    size = shape[axis]
    shape[axis] = d.number(1, 5)
    places = d.random.integers(-size, size, shape)
    return d.move("GatherElements", [x, d.constant(np.asarray(places, np.int64))], axis=axis)


def pick_slices(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.shapes[x]
    columns = [d.random.integers(0, size, 4) for size in shape[: d.number(1, len(shape))]]
    return d.move("GatherND", [x, d.constant(np.stack(columns, -1).astype(np.int64))])


def einsum(d: OnnxDrawing, x: str) -> Outputs:
    shape = d.shapes[x]
    if len(shape) not in (2, 3):
        raise Refused
    letters = "abc"[: len(shape)]
    other = (shape[-1], d.number(1, 6))
    text = f"{letters},{letters[-1]}z->{d.pick(letters[:-1] + 'z', 'z' + letters[:-1])}"
    return d.add("Einsum", [x, d.floats(*other, spread=0.4)], equation=text)


RULES = (einsum, largest, pick_elements, pick_slices, recurrent, recurrent, running_sum, triangle)
