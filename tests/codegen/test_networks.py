"""Whole random networks as C, under AddressSanitizer and UBSan, against the NumPy reference."""

import re
from pathlib import Path

import pytest

from edgebottle.codegen.model import write_model
from edgebottle.codegen.naming import c_number, identifier
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.plan.planner import make_plan
from tests.graphs import random_network
from tests.ops.compiled import CompiledFailure, run_compiled
from tests.samples import assert_same, samples

NETWORKS = 6
PER_PROGRAM = 6


@pytest.mark.long  # tests/fuzz/test_models.py draws every operator
@pytest.mark.parametrize("isa", list(Isa), ids=lambda isa: isa.value)
@pytest.mark.parametrize("first", range(0, NETWORKS, PER_PROGRAM))
def test_random_networks(first: int, isa: Isa, tmp_path: Path) -> None:
    plain = [random_network(1000 + seed) for seed in range(first, first + PER_PROGRAM)]
    inputs = [[values for _, values in samples(graph)] for graph in plain]
    runs = [(optimise(graph), values) for graph, values in zip(plain, inputs, strict=True)]
    found = run_compiled(runs, isa, tmp_path)
    for graph, values, outputs in zip(plain, inputs, found, strict=True):
        for number, (sample, output) in enumerate(zip(values, outputs, strict=True)):
            expected = Interpreter(graph).run(sample)
            assert_same(output, expected, f"{graph.name}, sample {number}")


def test_code_is_deterministic() -> None:
    graph = optimise(random_network(3))
    plan = make_plan(graph, Isa.DSP)
    assert write_model(graph, plan).files == write_model(graph, make_plan(graph, Isa.DSP)).files


@pytest.mark.parametrize(("made", "used"), [(Isa.DSP, Isa.SCALAR), (Isa.MVE, Isa.DSP)])
def test_a_core_that_the_plan_is_not_for_is_refused(made: Isa, used: Isa, tmp_path: Path) -> None:
    graph = random_network(3)
    with pytest.raises(
        CompiledFailure, match="another kind of core; for a computer build with --board host"
    ):
        run_compiled([(graph, [])], used, tmp_path, [make_plan(graph, made)])


def test_constants_are_declared_as_they_are_defined() -> None:
    """A compiler may build upon an alignment that only one of the two has."""
    graph = optimise(random_network(3))
    files = write_model(graph, make_plan(graph, Isa.DSP)).files
    header, source = (files[f"eb_{graph.name}_weights{end}"] for end in (".h", ".c"))
    declared = re.findall(r"^extern (const .*);$", header, re.MULTILINE)
    assert declared
    assert declared == re.findall(r"^(const .*) = \{$", source, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv_2d_1", "conv_2d_1"),
        ("StatefulPartitionedCall:0", "statefulpartitionedcall_0"),
        ("1806", "m_1806"),
        ("int", "m_int"),
        ("Ümlaut/é", "mlaut"),
        ("", "model"),
        ("*/ #define X", "define_x"),
    ],
)
def test_identifier(text: str, expected: str) -> None:
    assert identifier(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-(2**31), "INT32_MIN"),
        (2**31 - 1, "2147483647"),
        (0.1, "0x1.99999a0000000p-4f"),
        (0.0, "0.0f"),
        (float("inf"), "3.402823466e+38f"),
    ],
)
def test_numbers(value: float, expected: str) -> None:
    assert c_number(value) == expected
