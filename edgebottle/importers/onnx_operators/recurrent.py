"""GRU, LSTM and RNN, unrolled over a sequence of fixed length.

What the inputs give is one product for all steps; each step adds what the state gives. The gates
stand in the order of ONNX: update, reset, hidden; input, output, forget, cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgebottle.importers.onnx_builder import Builder
from edgebottle.importers.onnx_node import OnnxNode, Value, Values
from edgebottle.importers.onnx_operators.moves import box, joined
from edgebottle.importers.onnx_operators.products import dense
from edgebottle.importers.onnx_operators.table import Translation, constant_of, data_of, optional
from edgebottle.ir.graph import Array, Tensor

MAX_STEPS = 512
"""A longer sequence would make thousands of layers of one network."""

_ACTIVATIONS = {"Sigmoid": "LOGISTIC", "Tanh": "TANH", "Relu": "RELU"}

Activate = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Direction:
    """One direction of a layer.

    Attributes:
        backward: It begins at the end.
        weights: Of the inputs, (gates x hidden, inputs).
        recurrent: Of the state, (gates x hidden, hidden).
        bias: Of the inputs, (gates x hidden,).
        recurrent_bias: Of the state.
        peepholes: LSTM: input, output and forget, (3 x hidden,).
        activations: Of gates, of what is new, and of the cell.
    """

    backward: bool
    weights: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    peepholes: Array | None
    activations: Sequence[Activate]

    @property
    def hidden(self) -> int:
        """Elements of the state."""
        return int(self.recurrent.shape[1])


Step = Callable[[Builder, Direction, Tensor, list[Tensor]], list[Tensor]]
"""From what the inputs give (batch, gates x hidden) and the states to the new states."""


def _layer(gates: int, states: int, step: Callable[[OnnxNode], Step]) -> Translation:
    """A recurrent operator.

    Args:
        gates: Parts of the weights.
        states: How many states are carried; the first is the output.
        step: The function of one step.
    """

    def translate(b: Builder, node: OnnxNode, values: Values) -> Sequence[Value]:
        x = data_of(b, node, values)
        if len(x.shape) != 3:
            raise node.contradicts(f"takes a sequence of the shape {list(x.shape)}")
        batch_first = node.integer("layout", 0) == 1
        if batch_first:
            x = b.transpose(x, (1, 0, 2))
        steps, batch, _ = x.shape
        directions = _directions(b, node, values, gates, x)
        _check_lengths(node, values, steps, batch)
        outputs, finals = [], []
        for number, direction in enumerate(directions):
            begin = [
                _initial(b, node, values, 5 + index, number, batch, direction.hidden, batch_first)
                for index in range(states)
            ]
            rows, last = _unrolled(b, direction, x, begin, step(node))
            outputs.append(rows)
            finals.append(last)
        # (steps, directions, batch, hidden) and (directions, batch, hidden)
        whole = joined(b, [b.reshape(rows, (steps, 1, *rows.shape[1:])) for rows in outputs], 1)
        ends = [
            joined(b, [b.reshape(one[i], (1, *one[i].shape)) for one in finals], 0)
            for i in range(states)
        ]
        if batch_first:
            whole = b.transpose(whole, (2, 0, 1, 3))
            ends = [b.transpose(one, (1, 0, 2)) for one in ends]
        return [whole, *ends]

    names = ("activation_alpha", "activation_beta", "activations", "clip", "direction")
    more = ("hidden_size", "input_forget", "layout", "linear_before_reset")
    return Translation(translate, (*names, *more), 3, 8, 1 + states)


def _directions(
    b: Builder, node: OnnxNode, values: Values, gates: int, x: Tensor
) -> list[Direction]:
    """The directions with their constants; raises where they contradict each other."""
    which = node.text("direction", "forward")
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}.get(which)
    if backwards is None:
        raise node.contradicts(f"runs '{which}'")
    for name in ("clip", "input_forget", "activation_alpha", "activation_beta"):
        if node.has(name) and node.attributes[name]:
            raise node.refuse(f"has the attribute {name}, which edgebottle does not support")
    weights = constant_of(node, values, 1, "weights")
    recurrent = constant_of(node, values, 2, "weights")
    count = len(backwards)
    hidden = recurrent.shape[-1] if recurrent.ndim else 0
    wanted = ((count, gates * hidden, x.shape[2]), (count, gates * hidden, hidden))
    if (weights.shape, recurrent.shape) != wanted or not hidden:
        raise node.contradicts(
            f"has weights of the shapes {list(weights.shape)} and {list(recurrent.shape)}"
        )
    bias = np.zeros((count, 2 * gates * hidden), np.float32)
    if optional(values, 3) is not None:
        bias = _shaped(node, constant_of(node, values, 3, "biases"), bias.shape)
    peepholes = None
    if optional(values, 7) is not None:
        peepholes = _shaped(node, constant_of(node, values, 7, "peepholes"), (count, 3 * hidden))
    activations = _activations(b, node, gates, count)
    return [
        Direction(
            backward,
            weights[number],
            recurrent[number],
            bias[number, : gates * hidden],
            bias[number, gates * hidden :],
            None if peepholes is None else peepholes[number],
            activations[number],
        )
        for number, backward in enumerate(backwards)
    ]


def _shaped(node: OnnxNode, values: Array, shape: tuple[int, ...]) -> Array:
    if values.shape != shape:
        raise node.contradicts(f"has constants of the shape {list(values.shape)}, not {shape}")
    return values


def _activations(b: Builder, node: OnnxNode, gates: int, count: int) -> list[list[Activate]]:
    """The activations of each direction."""
    usual = {1: ["Tanh"], 3: ["Sigmoid", "Tanh"], 4: ["Sigmoid", "Tanh", "Tanh"]}[gates]
    names = node.attributes.get("activations") or usual * count
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in names]
    unknown = next((one for one in texts if one not in _ACTIVATIONS), None)
    if unknown is not None or len(texts) != len(usual) * count:
        raise node.refuse(f"has the activations {texts}; supported: {', '.join(_ACTIVATIONS)}")
    functions = [_activate(b, _ACTIVATIONS[one]) for one in texts]
    return [functions[i * len(usual) : (i + 1) * len(usual)] for i in range(count)]


def _activate(b: Builder, op: str) -> Activate:
    return lambda x: b.add(op, x)


def _check_lengths(node: OnnxNode, values: Values, steps: int, batch: int) -> None:
    """Sequences have the length of the tensor, and no more steps than can be unrolled."""
    if optional(values, 4) is not None:
        lengths = constant_of(node, values, 4, "lengths")
        if lengths.size != batch or (lengths != steps).any():
            raise node.refuse("has sequences shorter than its input, which edgebottle refuses")
    if steps > MAX_STEPS:
        raise node.refuse(f"has {steps} steps; edgebottle unrolls {MAX_STEPS} at most")


def _initial(
    b: Builder,
    node: OnnxNode,
    values: Values,
    index: int,
    direction: int,
    batch: int,
    hidden: int,
    batch_first: bool,
) -> Tensor:
    """A state before the first step: zeros where the file gives none."""
    if optional(values, index) is None:
        return b.tensor(np.zeros((batch, hidden), np.float32))
    state = data_of(b, node, values, index)
    if batch_first:
        state = b.transpose(state, (1, 0, 2))
    if len(state.shape) != 3 or state.shape[1:] != (batch, hidden) or state.shape[0] <= direction:
        raise node.contradicts(f"begins with a state of the shape {list(state.shape)}")
    one = state
    if state.shape[0] > 1:
        one = _row(b, state, direction)
    return b.reshape(one, (batch, hidden))


def _row(b: Builder, x: Tensor, index: int) -> Tensor:
    """One index of the first axis."""
    if x.data is not None:
        return b.constant_like(x, x.data[index : index + 1])
    return box(b, x, (index, *(0,) * (len(x.shape) - 1)), (1, *x.shape[1:]))


def _unrolled(
    b: Builder, direction: Direction, x: Tensor, states: list[Tensor], step: Step
) -> tuple[Tensor, list[Tensor]]:
    """All outputs (steps, batch, hidden), and the states at the end."""
    steps, batch, inputs = x.shape
    flat = b.reshape(x, (steps * batch, inputs))
    given = dense(b, flat, direction.weights, direction.bias)
    parts = b.reshape(given, (steps, batch, given.shape[1]))
    rows: list[Tensor] = []
    for number in reversed(range(steps)) if direction.backward else range(steps):
        part = parts if steps == 1 else _row(b, parts, number)
        states = step(b, direction, b.reshape(part, part.shape[1:]), states)
        rows.append(b.reshape(states[0], (1, batch, direction.hidden)))
    return joined(b, rows[::-1] if direction.backward else rows, 0), states


def _gates(b: Builder, x: Tensor, hidden: int) -> list[Tensor]:
    """The parts of (batch, gates x hidden)."""
    count = x.shape[1] // hidden
    return [box(b, x, (0, i * hidden), (x.shape[0], hidden)) for i in range(count)]


def _rnn(b: Builder, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    total = b.add("ADD", x, dense(b, states[0], d.recurrent, d.recurrent_bias))
    return [d.activations[0](total)]


def _gru_step(node: OnnxNode) -> Step:
    """ONNX's two ways to reset: the state before its product, or the product."""
    after = node.integer("linear_before_reset", 0) != 0

    def step(b: Builder, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
        (state,), n = states, d.hidden
        gate, activate = d.activations
        first = 3 * n if after else 2 * n
        given = dense(b, state, d.recurrent[:first], d.recurrent_bias[:first])
        parts, news = _gates(b, given, n), _gates(b, x, n)
        update = gate(b.add("ADD", news[0], parts[0]))
        reset = gate(b.add("ADD", news[1], parts[1]))
        if after:
            inner = b.add("MUL", reset, parts[2])
        else:
            rest, bias = d.recurrent[first:], d.recurrent_bias[first:]
            inner = dense(b, b.add("MUL", reset, state), rest, bias)
        new = activate(b.add("ADD", news[2], inner))
        kept = b.add("MUL", update, b.add("SUB", state, new))
        return [b.add("ADD", new, kept)]  # (1 - update) * new + update * state

    return step


def _lstm(b: Builder, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    state, cell = states
    gate, activate, last = d.activations
    total = b.add("ADD", x, dense(b, state, d.recurrent, d.recurrent_bias))
    into, out, forget, new = _gates(b, total, d.hidden)
    looks = None if d.peepholes is None else np.split(d.peepholes, 3)
    if looks is not None:
        into = b.add("ADD", into, b.add("MUL", cell, looks[0]))
        forget = b.add("ADD", forget, b.add("MUL", cell, looks[2]))
    kept = b.add("MUL", gate(forget), cell)
    cell = b.add("ADD", kept, b.add("MUL", gate(into), activate(new)))
    if looks is not None:
        out = b.add("ADD", out, b.add("MUL", cell, looks[1]))
    return [b.add("MUL", gate(out), last(cell)), cell]


TRANSLATIONS: dict[str, Translation] = {
    "RNN": _layer(1, 1, lambda node: _rnn),
    "GRU": _layer(3, 1, _gru_step),
    "LSTM": _layer(4, 2, lambda node: _lstm),
}
