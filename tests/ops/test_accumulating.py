"""Operators that take their input row by row, under sanitizers: the same bytes as the reference.

Every row lies in memory of its own of exactly its size, and so do the accumulator and the output,
so that a kernel that reads or writes beside them is caught.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from edgebottle.codegen.naming import c_number
from edgebottle.ir.graph import Array, Graph, Tensor, Tensors
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import AccumulatingOperator, CValue, Isa
from edgebottle.ops.mean import Mean
from tests.ops.compiled import DEADLINE, _compiler, _flags
from tests.samples import samples

CASES = [
    graph
    for operator in OPERATORS
    for graph in operator.cases()
    if isinstance(graph.nodes[0], AccumulatingOperator)
    and graph.nodes[0].accumulates(graph.ins(graph.nodes[0]), graph.outs(graph.nodes[0]))
]
GAP = 3
"""Elements between the output's pixels, where the operator can leave gaps."""

FUNCTION = """
static int case_{number}(void)
{{
    static unsigned char image[{height} * {row_bytes}];
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {{
        void *accumulator = malloc({accumulator_bytes});
        memset(accumulator, 0x55, {accumulator_bytes});
        {{
            {begin}
        }}
        for (int y = 0; y < {height}; ++y) {{
            void *row = malloc({row_bytes});
            memcpy(row, image + y * {row_bytes}, {row_bytes});
            {{
                {accumulate}
            }}
            free(row);
        }}
        unsigned char *out = calloc(1, {out_bytes});
        {{
            {end}
        }}
        fwrite(out, 1, {out_bytes}, stdout);
        free(out);
        free(accumulator);
    }}
    return 0;
}}
"""
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
{includes}
{functions}
static int (*const cases[])(void) = {{{names}}};

int main(int argc, char **argv)
{{
    return argc == 2 ? cases[atoi(argv[1])]() : 1;
}}
"""


class RowEmitter:
    """The emitter of one statement: rows, output and accumulator are the driver's variables."""

    isa = Isa.PORTABLE

    def __init__(self, graph: Graph, pixel_stride: int) -> None:
        self.tensors: tuple[Tensors, tuple[Tensor, ...]] = (
            graph.ins(graph.nodes[0]),
            graph.outs(graph.nodes[0]),
        )
        self.includes: list[str] = []
        self.declarations: list[str] = []
        self._pixel_stride = pixel_stride

    def include(self, header: str) -> None:
        self.includes.append(header)

    def params(self, struct: str, fields: Mapping[str, CValue]) -> str:
        def text(value: CValue) -> str:
            if isinstance(value, int | float | np.number):
                return c_number(value)
            return "{" + ", ".join(c_number(item) for item in value) + "}"

        values = ", ".join(f".{name} = {text(value)}" for name, value in fields.items())
        self.declarations.append(f"static const {struct} params = {{{values}}};")
        return "&params"

    def row(self, index: int) -> str:
        tensor = self.tensors[0][index]
        assert tensor is not None
        return f"(const {tensor.dtype.c} *)row"

    def out_row(self) -> str:
        return f"({self.tensors[1][0].dtype.c} *)(void *)out"

    def out_pixel_stride(self) -> int:
        return self._pixel_stride

    def accumulator(self) -> str:
        return "accumulator"

    def statement(self, text: str) -> str:
        declarations, self.declarations = self.declarations, []
        return "\n".join([*declarations, text])


def gap_of(graph: Graph) -> int:
    node = graph.nodes[0]
    assert isinstance(node, AccumulatingOperator)
    return GAP if node.STRIDED_OUTPUT else 0


def function(number: int, graph: Graph) -> tuple[str, list[str]]:
    """The C of a case, and what it includes."""
    gap, node = gap_of(graph), graph.nodes[0]
    assert isinstance(node, AccumulatingOperator)
    ins, outs = graph.ins(node), graph.outs(node)
    data, output = ins[0], outs[0]
    assert data is not None
    channels = output.shape[-1]
    emitter = RowEmitter(graph, channels + gap)
    begin = emitter.statement(node.emit_begin(emitter))
    accumulate = emitter.statement(node.emit_accumulate(emitter))
    end = emitter.statement(node.emit_end(emitter))
    pixels = output.size // channels
    text = FUNCTION.format(
        number=number,
        height=data.shape[1],
        row_bytes=data.layout.row_bytes,
        accumulator_bytes=node.accumulator_bytes(ins, outs),
        out_bytes=((pixels - 1) * (channels + gap) + channels) * output.layout.element_bytes,
        begin=begin,
        accumulate=accumulate,
        end=end,
    )
    return text, emitter.includes


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases in one program, which does the one whose number it is given."""
    folder = tmp_path_factory.mktemp("rows")
    functions, headers = zip(*(function(*pair) for pair in enumerate(CASES)), strict=True)
    includes = dict.fromkeys(header for some in headers for header in some)
    text = PROGRAM.format(
        includes="\n".join(f'#include "{header}"' for header in includes),
        functions="".join(functions),
        names=", ".join(f"case_{number}" for number in range(len(CASES))),
    )
    source, program = folder / "rows.c", folder / "rows"
    source.write_text(text)
    command = [*_compiler(), *_flags(Isa.PORTABLE), str(source), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    return program


def run_rows(executable: Path, number: int, inputs: list[Array]) -> list[Array]:
    run = subprocess.run(
        [executable, str(number)],
        input=b"".join(value.tobytes() for value in inputs),
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    graph, gap = CASES[number], gap_of(CASES[number])
    output = graph.tensors[graph.outputs[0]]
    channels = output.shape[-1]
    padding = bytes(gap * output.layout.element_bytes)
    results = []
    size = len(run.stdout) // len(inputs)
    for at in range(0, len(run.stdout), size):
        pixels = np.frombuffer(run.stdout[at : at + size] + padding, output.dtype.numpy)
        pixels = pixels.reshape(-1, channels + gap)
        assert not pixels[:, channels:].any(), "something was written between the pixels"
        results.append(pixels[:, :channels].reshape(output.shape))
    return results


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].name)
def test_rows_one_by_one_equal_the_whole(executable: Path, number: int) -> None:
    graph = CASES[number]
    inputs = [values[0] for _, values in samples(graph)]
    found = run_rows(executable, number, inputs)
    for value, result in zip(inputs, found, strict=True):
        (wanted,) = Interpreter(graph).run((value,))
        if result.dtype == np.float32:
            np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(result, wanted)


def test_what_accumulates() -> None:
    names = {graph.name for graph in CASES}
    assert {"average_pool_2d_whole_image", "max_pool_2d_all_rows", "mean_height_width"} <= names
    assert {"mean_batch_too", "mean_height_width_dropped_f32", "mean_one_channel"} <= names
    assert not names & {"mean_width", "mean_images", "mean_channels", "max_pool_2d_batch"}
    assert not names & {"max_pool_2d_stride_beyond_window", "average_pool_2d_window_beyond_image"}


def test_every_input_row_is_read_once() -> None:
    for graph in CASES:
        node = graph.nodes[0]
        assert isinstance(node, AccumulatingOperator)
        ins, outs = graph.ins(node), graph.outs(node)
        assert ins[0] is not None
        assert node.input_rows(0, 0, ins, outs) == tuple(range(ins[0].shape[1]))
        if isinstance(node, Mean):
            assert node.input_rows(1, 0, ins, outs) == ()
