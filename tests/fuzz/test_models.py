"""Networks of every operator: each has a rule, and what is drawn computes the same everywhere."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ir.verify import verify
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import Isa, Operator
from tests.fuzz.drawing import Drawing
from tests.fuzz.models import PER_PROGRAM, batch, imported
from tests.fuzz.networks import random_model
from tests.fuzz.onnx_drawing import OnnxDrawing
from tests.fuzz.onnx_export import as_onnx
from tests.fuzz.onnx_networks import against_onnxruntime, compare, random_onnx
from tests.fuzz.oracle import Different, agree, drawn_trial, require_same, run_in_c
from tests.fuzz.rules import NOT_DRAWN, RULES
from tests.fuzz.shrink import shrink

DTYPES = (DType.I8, DType.I8, DType.I16, DType.F32, DType.I32)


def test_every_operator_has_a_rule_or_a_reason() -> None:
    names = {operator.OP for operator in OPERATORS}
    assert names == {*RULES, *NOT_DRAWN} and not RULES.keys() & NOT_DRAWN.keys()


def test_networks_are_valid_and_the_same_at_every_call() -> None:
    for seed in range(100):
        graph = random_model(seed)
        verify(graph)
        assert 2 <= len(graph.nodes) <= 16 and graph.outputs
    assert random_model(7) == random_model(7)


@pytest.mark.parametrize("operator", [one for one in OPERATORS if one.OP in RULES])
def test_a_rule_draws_what_its_operator_takes(operator: type[Operator]) -> None:
    drawn = 0
    for seed in range(80):
        d = Drawing("rule", seed)
        shape = d.pick((1, 6, 5, 4), (1, 4, 4, 16), (4, 3, 2, 4), (2, 7), (1, 4, 1), (5,))
        with suppress(UnsupportedOp):
            RULES[operator.OP](d, d.input(shape, d.pick(*DTYPES)), operator)
            drawn += 1
            verify(d.graph())
    assert drawn > 0


@pytest.mark.parametrize("first", [0, PER_PROGRAM])
def test_some_networks(first: int) -> None:
    """``python -m tests.fuzz.models`` is the long run."""
    tally = batch(range(first, first + 6))
    assert not tally.failures and tally.counts["networks"] == 6


def test_some_onnx_networks() -> None:
    """``python -m tests.fuzz.models --onnx`` is the long run."""
    agreeing, rounded = 0, 0
    for seed in range(2000, 2025):
        drawn = random_onnx(seed)
        rounded += drawn.step > 0
        with suppress(UnsupportedOp):
            imported(drawn, seed)
            agreeing += 1
    assert agreeing >= 24 and rounded >= 2


def test_some_networks_of_floats_as_onnx() -> None:
    written = {seed: as_onnx(random_model(seed)) for seed in range(240)}
    files = {seed: data for seed, data in written.items() if data is not None}
    assert len(files) >= 8
    for seed, data in files.items():
        against_onnxruntime(data, "net", seed)


def test_a_difference_from_onnxruntime_is_seen() -> None:
    ours = np.array([1.0, -4.0], np.float32)
    compare([ours], [ours], [ours + np.float32(3e-4)], 0.0)
    none = np.array([1.0, np.nan], np.float32)
    for mine, theirs in ((ours, ours + np.float32(6e-4)), (ours, ours[:1]), (none, ours)):
        with pytest.raises(Different, match="onnxruntime: output 0"):
            compare([mine], [mine], [theirs], 0.0)


def test_a_choice_among_nan_is_left_out() -> None:
    """Where ONNX leaves open which one wins, LiteRT and onnxruntime choose differently."""
    d = OnnxDrawing(1)
    (log,) = d.add("Log", [d.input((4, 8))])
    (raised,) = d.add("Max", [log, d.constant(np.float32(-100))])
    d.add("ReduceMin", [raised])
    against_onnxruntime(d.model(), "net", 1)


def test_a_difference_is_seen_and_made_small() -> None:
    graph = random_model(40)
    network = agree(graph, 40)
    right = network.expected
    wrong = [tuple(value + value.dtype.type(1) for value in outputs) for outputs in right]
    trial = drawn_trial(replace(network, expected=wrong), Isa.PORTABLE)
    (said,) = run_in_c([trial])
    assert said is not None and said.startswith("C for portable")
    with pytest.raises(Different, match="output 0"):
        require_same(wrong[0], right[0], "C")

    op = graph.nodes[len(graph.nodes) // 2].OP

    def fails(smaller: Graph) -> bool:
        return any(op == node.OP for node in smaller.nodes)

    small = shrink(graph, fails)
    verify(small)
    assert fails(small) and len(small.nodes) < len(graph.nodes)
