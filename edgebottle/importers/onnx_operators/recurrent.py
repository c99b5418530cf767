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
from edgebottle.importers.onnx_operators.activation import (
    bent,
    clipped,
    hard_sigmoid,
    softplus,
    softsign,
    thresholded,
)
from edgebottle.importers.onnx_operators.moves import box, joined
from edgebottle.importers.onnx_operators.products import dense
from edgebottle.importers.onnx_operators.table import (
    Translation,
    constant_of,
    data_of,
    number,
    optional,
)
from edgebottle.ir.graph import Array, Tensor

MAX_STEPS = 512
"""A longer sequence would make thousands of layers of one network."""

Activate = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class _Activation:
    """An activation of the ONNX list.

    Attributes:
        compute: From a tensor, alpha and beta.
        alpha: What it is where the file does not say; None where there is none.
        beta: The same.
    """

    compute: Callable[[Builder, Tensor, float, float], Tensor]
    alpha: float | None = None
    beta: float | None = None


def _scaled_tanh(b: Builder, x: Tensor, alpha: float, beta: float) -> Tensor:
    return b.add("MUL", b.add("TANH", b.add("MUL", x, number(beta))), number(alpha))


def _affine(b: Builder, x: Tensor, alpha: float, beta: float) -> Tensor:
    return b.add("ADD", b.add("MUL", x, number(alpha)), number(beta))


_ACTIVATIONS = {
    "Sigmoid": _Activation(lambda b, x, alpha, beta: b.add("LOGISTIC", x)),
    "Tanh": _Activation(lambda b, x, alpha, beta: b.add("TANH", x)),
    "Relu": _Activation(lambda b, x, alpha, beta: b.add("RELU", x)),
    "Affine": _Activation(_affine, 1.0, 0.0),
    "LeakyRelu": _Activation(lambda b, x, a, beta: b.add("LEAKY_RELU", x, alpha=a), 0.01),
    "ThresholdedRelu": _Activation(lambda b, x, a, beta: thresholded(b, x, a), 1.0),
    "ScaledTanh": _Activation(_scaled_tanh, 1.0, 1.0),
    "HardSigmoid": _Activation(hard_sigmoid, 0.2, 0.5),
    "Elu": _Activation(lambda b, x, alpha, beta: bent(b, x, alpha), 1.0),
    "Softsign": _Activation(lambda b, x, alpha, beta: softsign(b, x)),
    "Softplus": _Activation(lambda b, x, alpha, beta: softplus(b, x)),
}


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
        coupled: LSTM: what is not taken in is not forgotten.
        activations: Of gates, of what is new, and of the cell.
    """

    backward: bool
    weights: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    peepholes: Array | None
    coupled: bool
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
        lengths = _lengths(node, values, steps, batch)
        outputs, finals = [], []
        for which, direction in enumerate(directions):
            begin = [
                _initial(b, node, values, 5 + index, which, batch, direction.hidden, batch_first)
                for index in range(states)
            ]
            rows, last = _unrolled(b, direction, x, lengths, begin, step(node))
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
            weights[at],
            recurrent[at],
            bias[at, : gates * hidden],
            bias[at, gates * hidden :],
            None if peepholes is None else peepholes[at],
            node.integer("input_forget", 0) == 1,
            activations[at],
        )
        for at, backward in enumerate(backwards)
    ]


def _shaped(node: OnnxNode, values: Array, shape: tuple[int, ...]) -> Array:
    if values.shape != shape:
        raise node.contradicts(f"has constants of the shape {list(values.shape)}, not {shape}")
    return values


def _activations(b: Builder, node: OnnxNode, gates: int, count: int) -> list[list[Activate]]:
    """The activations of each direction, what they take clipped where the file says so."""
    usual = {1: ["Tanh"], 3: ["Sigmoid", "Tanh"], 4: ["Sigmoid", "Tanh", "Tanh"]}[gates]
    names = node.attributes.get("activations") or usual * count
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in names]
    known = {name.lower(): kind for name, kind in _ACTIVATIONS.items()}
    unknown = next((one for one in texts if one.lower() not in known), None)
    if unknown is not None or len(texts) != len(usual) * count:
        raise node.refuse(f"has the activations {texts}; supported: {', '.join(_ACTIVATIONS)}")
    alphas, betas = iter(node.numbers("activation_alpha")), iter(node.numbers("activation_beta"))
    limit, functions = node.number("clip", 0.0), []
    for text in texts:
        kind = known[text.lower()]
        alpha = 0.0 if kind.alpha is None else next(alphas, kind.alpha)
        beta = 0.0 if kind.beta is None else next(betas, kind.beta)
        functions.append(_activate(b, kind, alpha, beta, limit))
    return [functions[i * len(usual) : (i + 1) * len(usual)] for i in range(count)]


def _activate(b: Builder, kind: _Activation, alpha: float, beta: float, limit: float) -> Activate:
    def apply(x: Tensor) -> Tensor:
        return kind.compute(b, clipped(b, x, -limit, limit) if limit else x, alpha, beta)

    return apply


def _lengths(node: OnnxNode, values: Values, steps: int, batch: int) -> Array:
    """How many steps each sequence has; raises for more than can be unrolled."""
    lengths = np.full(batch, steps)
    if optional(values, 4) is not None:
        lengths = constant_of(node, values, 4, "lengths").ravel()
        if lengths.size != batch or (lengths < 1).any() or (lengths > steps).any():
            raise node.contradicts(f"has sequences of {lengths.tolist()} of {steps} steps")
    if lengths.max() > MAX_STEPS:
        raise node.refuse(f"has {steps} steps; edgebottle unrolls {MAX_STEPS} at most")
    return lengths


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
    b: Builder,
    direction: Direction,
    x: Tensor,
    lengths: Array,
    states: list[Tensor],
    step: Step,
) -> tuple[Tensor, list[Tensor]]:
    """All outputs (steps, batch, hidden), zeros behind a sequence, and the states at its end."""
    steps, batch, inputs = x.shape
    flat = b.reshape(x, (steps * batch, inputs))
    given = dense(b, flat, direction.weights, direction.bias)
    parts = b.reshape(given, (steps, batch, given.shape[1]))
    zeros, rows = np.zeros((batch, direction.hidden), np.float32), []
    count = int(lengths.max())
    for at in reversed(range(count)) if direction.backward else range(count):
        part = parts if steps == 1 else _row(b, parts, at)
        news = step(b, direction, b.reshape(part, part.shape[1:]), states)
        row, goes_on = news[0], (at < lengths)[:, None]
        if not goes_on.all():
            pairs = zip(news, states, strict=True)
            news = [b.add("SELECT_V2", goes_on, new, old) for new, old in pairs]
            row = b.add("SELECT_V2", goes_on, row, zeros)
        states = news
        rows.append(b.reshape(row, (1, batch, direction.hidden)))
    rows = rows[::-1] if direction.backward else rows
    rows += [b.tensor(zeros[None])] * (steps - count)
    return joined(b, rows, 0), states


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
    taken = gate(into)
    held = b.add("SUB", number(1), taken) if d.coupled else gate(forget)
    kept = b.add("MUL", held, cell)
    cell = b.add("ADD", kept, b.add("MUL", taken, activate(new)))
    if looks is not None:
        out = b.add("ADD", out, b.add("MUL", cell, looks[1]))
    return [b.add("MUL", gate(out), last(cell)), cell]


TRANSLATIONS: dict[str, Translation] = {
    "RNN": _layer(1, 1, lambda node: _rnn),
    "GRU": _layer(3, 1, _gru_step),
    "LSTM": _layer(4, 2, lambda node: _lstm),
}
