"""Resource variables: what files do with them comes out as in LiteRT, over several runs."""

from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadModel, EdgebottleError, UnsupportedOp
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.text import dump
from edgebottle.ir.verify import verify
from edgebottle.litert import LiteRTModel
from edgebottle.ops.base import Isa
from edgebottle.passes import optimise
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan
from quantize.patch.check import check_plan
from tests.importers.variable_models import Line, Program
from tests.ops.compiled import run_compiled
from tests.samples import assert_same

CALL = ("CALL", "1")
ZERO, COUNT = (0.0,) * 4, (1.0, 2.0, 3.0, 4.0)

PROGRAMS: tuple[tuple[str, tuple[str, ...], tuple[Line, ...], tuple[str, ...], int, int], ...] = (
    # name, variables, lines, outputs, states, copies of the generated code
    (
        "sum_that_is_read_again",
        ("v",),
        (("READ", "v", "a"), ("ADD", "a", "x", "b"), ("ASSIGN", "v", "b"), ("READ", "v", "c")),
        ("c",),
        1,
        0,
    ),
    (
        "old_and_new_together",
        ("v",),
        (
            ("READ", "v", "a"),
            ("ADD", "a", "x", "b"),
            ("ASSIGN", "v", "b"),
            ("ADD", "a", "b", "c"),
        ),
        ("c",),
        1,
        1,
    ),
    (
        "delay_of_two_runs",
        ("v", "w"),
        (("READ", "v", "a"), ("READ", "w", "b"), ("ASSIGN", "w", "a"), ("ASSIGN", "v", "x")),
        ("b",),
        2,
        3,
    ),
    (
        "two_that_swap",
        ("v", "w"),
        (
            ("READ", "v", "a"),
            ("READ", "w", "b"),
            ("ASSIGN", "w", "a"),
            ("ASSIGN", "v", "b"),
            ("ADD", "a", "x", "c"),
        ),
        ("c",),
        2,
        3,
    ),
    (
        "view_that_outlives",
        ("v",),
        (
            ("READ", "v", "a"),
            ("RESHAPE", "a", "square"),
            ("ASSIGN", "v", "x"),
            ("RESHAPE", "square", "again"),
            ("ADD", "x", "x", "y"),
        ),
        ("square", "y"),
        1,
        2,
    ),
    (
        "assigned_twice",
        ("v",),
        (
            ("READ", "v", "a"),
            ("ADD", "a", "x", "b"),
            ("ASSIGN", "v", "b"),
            ("READ", "v", "c"),
            ("ADD", "c", "c", "d"),
            ("ASSIGN", "v", "d"),
        ),
        ("b",),
        1,
        0,
    ),
    ("constant", ("v",), (("READ", "v", "a"), ("ADD", "a", "x", "b")), ("b",), 0, 0),
    (
        "within_a_run",
        (),
        (("ASSIGN", "v", "x"), ("READ", "v", "a"), ("ADD", "a", "x", "b")),
        ("b",),
        0,
        0,
    ),
    ("given_back", ("v",), (("READ", "v", "a"), ("ASSIGN", "v", "x")), ("a",), 1, 2),
)


def program(row: int) -> bytes:
    name, variables, lines, outputs, *_ = PROGRAMS[row]
    values = (COUNT, ZERO) if name == "two_that_swap" else (ZERO, COUNT)
    return Program(dict(zip(variables, values, strict=False))).main((CALL, *lines), outputs)


def copies(graph: Graph, plan: Plan) -> int:
    nodes = {node.name: node for node in graph.nodes}
    return sum(
        nodes[step.node].OP in ("RESHAPE", "ASSIGN_VARIABLE") and not step.elided
        for step in plan.steps
    )


def test_every_program_runs_as_in_litert(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = [[random.normal(size=(1, 4)).astype(np.float32)] for _ in range(5)]
    runs, plans, expected = [], [], []
    for number, (name, *_, states, moved) in enumerate(PROGRAMS):
        data = program(number)
        imported = load_tflite(data, name)
        assert sum(tensor.state for tensor in imported.tensors.values()) == states, name
        again = write_tflite(imported)
        assert dump(load_tflite(again, name)) == dump(imported)
        graph = optimise(imported)
        models = [LiteRTModel(data), LiteRTModel(again), Interpreter(imported), Interpreter(graph)]
        expected.append([models[0].run(sample) for sample in inputs])
        for model in models[1:]:
            for sample, outputs in zip(inputs, expected[-1], strict=True):
                assert_same(model.run(sample), outputs, name)
        plans.append(make_plan(graph, Isa.PORTABLE))
        check_plan(graph, plans[-1])
        assert copies(graph, plans[-1]) == moved, name
        runs.append((graph, inputs))
    found = run_compiled(runs, Isa.PORTABLE, tmp_path, plans)
    for (name, *_), outputs, wanted in zip(PROGRAMS, found, expected, strict=True):
        for one, other in zip(outputs, wanted, strict=True):
            assert_same(one, other, name)


REFUSED: tuple[tuple[str, tuple[Line, ...], type[EdgebottleError], str], ...] = (
    (
        "unset",
        (("READ", "w", "a"),),
        BadModel,
        r"READ_VARIABLE\) reads a variable that nothing has",
    ),
    ("no_graph", (("CALL", "7"), ("READ", "v", "a")), BadModel, "names graph 7 of 2"),
    ("itself", (("CALL", "0"), ("READ", "v", "a")), BadModel, "the graph 0 of the model calls its"),
    ("late", (("READ", "v", "a"), CALL), BadModel, "reads a variable that nothing has init"),
    (
        "again",
        (CALL, ("READ", "v", "a"), ("ASSIGN", "v", "x"), ("CALL", "2")),
        BadModel,
        "names graph 2 of 2",
    ),
    (
        "other_shape",
        (CALL, ("READ", "v", "a"), ("RESHAPE", "x", "b"), ("ASSIGN", "v", "b")),
        UnsupportedOp,
        r"ASSIGN_VARIABLE\) assigns \[2, 2\] f32 to a variable of \[1, 4\] f32",
    ),
)


@pytest.mark.parametrize(
    ("name", "lines", "error", "message"), REFUSED, ids=[r[0] for r in REFUSED]
)
def test_refused_in_one_line(
    name: str, lines: tuple[Line, ...], error: type[EdgebottleError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        load_tflite(Program({"v": COUNT}).main(lines, ["a"]), name)
    assert "\n" not in str(caught.value)


def test_a_state_is_not_read_after_it_is_assigned() -> None:
    graph = load_tflite(program(len(PROGRAMS) - 1), "late")
    late = Graph(graph.name, graph.tensors, graph.nodes[::-1], graph.inputs, graph.outputs)
    with pytest.raises(BadModel, match=r"output_0 .* reads 'a' before it is computed"):
        verify(late)
