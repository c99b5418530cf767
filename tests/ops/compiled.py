"""Runs many generated models in one process, under AddressSanitizer and UBSan.

Starting a compiler takes longer than most of what it compiles here, so many cases become one C file
and one executable.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.model import write_model
from edgebottle.data import data_dir
from edgebottle.ir.graph import Array, Graph
from edgebottle.ops.base import Isa, Operator
from edgebottle.ops.kernel import KernelOperator
from edgebottle.plan.plan import Plan
from edgebottle.plan.planner import make_plan

WARNINGS = "-Wall -Wextra -Wconversion -Wshadow -Wdouble-promotion -Werror -Wno-unused-function"
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
ONE_COPY = ["-DEB_SPECIALISED=static inline", "-DEB_KERNEL=static inline"]
"""Each kernel once, which instrumented take minutes to compile for each case; and none that no
case calls: gcc keeps functions that are only static, hundreds of them, where it optimizes nothing.
"""
QUICK = ["-fsanitize-undefined-trap-on-error"]
"""UBSan ends the program without a word: reports are a fifth of what there is to compile."""
DEADLINE = 600.0
"""Seconds: ends what hangs, however busy the computer is."""

_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    int has_state, samples, inputs, outputs;
    int (*init)(void);
    void (*reset)(void);
    eb_tensor (*input)(int);
    eb_tensor (*output)(int);
    eb_status (*run)(void);
    eb_status (*feed_rows)(const void *, int32_t); /* NULL where the input is in memory */
    int32_t (*rows_missing)(void);
    int32_t rows;
    int (*step_count)(void);
    eb_status (*step)(int);
    int (*canary_ok)(void);
} model;

static const model models[] = {
%s
};

/* Feeds the image in chunks of random sizes, each in memory of just its size, and too many rows
 * now and then. */
static int feed(const model *m, FILE *from)
{
    static uint32_t state = 1;
    const size_t row_bytes = (size_t)(m->input(0).bytes / m->rows);
    int32_t missing = m->rows;
    if (m->rows > 1 && state %% 4 == 1) { /* an image that is dropped */
        uint8_t *row = calloc(1, row_bytes);
        if (row == NULL || m->feed_rows(row, 1) != EB_OK || m->rows_missing() != m->rows - 1) {
            return 7;
        }
        free(row);
        m->init();
    }
    while (missing > 0) {
        state = state * 1664525u + 1013904223u;
        const int32_t most = (state >> 30) == 0 ? m->rows : (state >> 30) == 1 ? 1 : 3;
        const int32_t n = (int32_t)((state >> 8) %% (uint32_t)(most + 1));
        if (n > missing) {
            if (m->feed_rows(&state, n) != EB_ERROR_ARGUMENT) {
                return 4;
            }
            continue;
        }
        if (m->feed_rows(&state, -1) != EB_ERROR_ARGUMENT || m->feed_rows(NULL, 0) != EB_OK) {
            return 5;
        }
        uint8_t *chunk = malloc((size_t)n * row_bytes + 1);
        if (chunk == NULL || fread(chunk + 1, row_bytes, (size_t)n, from) != (size_t)n) {
            return 2;
        }
        const eb_status status = m->feed_rows(chunk + 1, n);
        memset(chunk, 0, (size_t)n * row_bytes + 1);
        free(chunk);
        missing -= n;
        const int begun = missing < m->rows;
        if (status != EB_OK || (begun && m->rows_missing() != missing)
            || (begun && missing > 0 && m->run() != EB_ERROR_ARGUMENT)) {
            return 6;
        }
    }
    return 0;
}

static int run_case(const model *m, FILE *from, FILE *to)
{
    m->init();
    if (m->has_state) { /* a run that is forgotten */
        m->run();
        m->reset();
    }
    for (int s = 0; s < m->samples; ++s) {
        if (m->feed_rows != NULL) {
            const int status = feed(m, from);
            if (status != 0) {
                return status;
            }
        }
        for (int i = 0; m->feed_rows == NULL && i < m->inputs; ++i) {
            const eb_tensor t = m->input(i);
            if (fread(t.data, 1, (size_t)t.bytes, from) != (size_t)t.bytes) {
                return 2;
            }
        }
        const int count = m->step_count();
        if (m->step(-1) != EB_ERROR_ARGUMENT || m->step(count) != EB_ERROR_ARGUMENT) {
            return 8;
        }
        /* A row-fed model has run by now; any other runs now, by itself or step by step. */
        for (int i = 0; m->feed_rows == NULL && s %% 2 == 1 && i < count - 1; ++i) {
            (void)m->step(i);
        }
        const int done = m->feed_rows == NULL && s %% 2 == 1 && count > 0;
        if ((done ? m->step(count - 1) : m->run()) != EB_OK || !m->canary_ok()) {
            return 3;
        }
        for (int i = 0; i < m->outputs; ++i) {
            const eb_tensor t = m->output(i);
            const char *data = t.data;
            for (int32_t r = 0; r < t.bytes / t.row_bytes; ++r) {
                for (int32_t p = 0; p < t.row_bytes / t.pixel_bytes; ++p) {
                    const char *at = data + r * t.row_stride + p * t.pixel_stride;
                    fwrite(at, 1, (size_t)t.pixel_bytes, to);
                }
            }
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    FILE *from = argc == 3 ? fopen(argv[1], "rb") : NULL;
    FILE *to = argc == 3 ? fopen(argv[2], "wb") : NULL;
    if (from == NULL || to == NULL) {
        return 1;
    }
    for (size_t i = 0; i < sizeof models / sizeof models[0]; ++i) {
        fprintf(stderr, "case %%s\\n", models[i].name);
        const int status = run_case(&models[i], from, to);
        if (status != 0) {
            return status;
        }
    }
    fclose(from);
    return fclose(to);
}
"""

_FILE_SCOPE = re.compile(
    r"\b(arena|steps|feed|EB_AWAIT_ROW|stage_\d+|step_\d\w*|(?:t|ring|done)_\w+)\b"
)
"""What every model names for itself."""

_STATIC = re.compile(r"^extern (?=const )|^(?=const |(?:int|void|size_t|eb_\w+) eb_\w+\()", re.M)
"""Beginnings of what becomes static: a linker needs no names, and unused functions go."""

Run = tuple[Graph, Sequence[Sequence[Array]]]
"""A graph and the inputs of each of its runs."""


class CompiledFailure(AssertionError):
    """The C did not compile, or a sanitizer or a canary stopped it."""


@dataclass(frozen=True)
class Model:
    """A model as C that can stand in one file with others, and the inputs of each of its runs."""

    graph: Graph
    plan: Plan
    text: str
    inputs: Sequence[Sequence[Array]]


def model_source(
    graph: Graph,
    inputs: Sequence[Sequence[Array]],
    plan: Plan,
    optimize: Optimize = Optimize.BALANCED,
) -> Model:
    """Generates the C of ``graph``, whose name must be no other model's of the same program."""
    files = write_model(graph, plan, optimize).files
    ends = ("model.h", "weights.h", "weights.c", "model.c")
    text = "".join(files[f"eb_{graph.name}_{end}"] for end in ends)
    text = re.sub(rf'#include "eb_{graph.name}_\w*\.h"\n', "", text)
    # sanitizers watch no variable that has a section of its own
    text = text.replace("arena EB_ARENA ", "arena ")
    text = _STATIC.sub("static ", _FILE_SCOPE.sub(rf"\1_{graph.name}", text))
    return Model(graph, plan, text, inputs)


def run_compiled(
    runs: Sequence[Run],
    isa: Isa,
    folder: Path,
    plans: Sequence[Plan] | None = None,
    optimize: Sequence[Optimize] = (),
) -> list[list[tuple[Array, ...]]]:
    """Compiles and runs every graph; returns the outputs of each run of each graph.

    Args:
        runs: The graphs and their inputs.
        isa: The kernel variant.
        folder: Where to work.
        plans: A plan for each graph; one layer after the other by default.
        optimize: Which layers get a kernel of their own, for each graph; balanced by default.

    Raises:
        CompiledFailure: the C is refused, or fails when it runs.
    """
    models = []
    for i, (graph, inputs) in enumerate(runs):
        named = replace(graph, name=f"c{i}_{word(graph.name)}")
        plan = plans[i] if plans else make_plan(named, isa)
        choice = optimize[i] if optimize else Optimize.BALANCED
        models.append(model_source(named, inputs, plan, choice))
    return run_models(models, isa, folder)


def run_models(models: Sequence[Model], isa: Isa, folder: Path) -> list[list[tuple[Array, ...]]]:
    """``run_compiled`` for models whose C there is already.

    What is the same program for several variants is compiled and run once.
    """
    source, unit = folder / f"{isa.value}.c", _unit(models)
    source.write_text(unit)
    values = (value for model in models for sample in model.inputs for value in sample)
    inputs = b"".join(value.tobytes() for value in values)
    said = "\0".join((unit, *_flags(isa)))
    key = hashlib.sha256(said.encode() + inputs).digest()
    if key not in _written:
        (folder / "inputs").write_bytes(inputs)
        _written[key] = _compiled_and_run(source, isa, folder)
    return _outputs(models, _written[key])


_written: dict[bytes, bytes] = {}
"""The outputs of programs that have run."""


def _compiled_and_run(source: Path, isa: Isa, folder: Path) -> bytes:
    program = source.with_suffix("")
    _compile(source, program, isa, QUICK)
    done = _run(program, folder)
    if done.returncode < 0:  # a check of UBSan, which says no more than that
        _compile(source, program, isa, [])
        done = _run(program, folder)
    if done.returncode != 0:
        case = re.findall(r"^case (\w+)$", done.stderr, re.MULTILINE)[-1:]
        report = re.sub(r"^case \w+\n", "", done.stderr, flags=re.MULTILINE)[:3000]
        what = "the canary is broken" if done.returncode == 3 else f"status {done.returncode}"
        raise CompiledFailure(f"{case}: {what}\n{report}")
    return (folder / "outputs").read_bytes()


def _run(program: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, folder / "inputs", folder / "outputs"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def has_variants(operator: type[Operator]) -> bool:
    """Some kernel is for some variants only: nothing else in a model depends on the variant.

    ``tests/ops/test_kernels.py`` holds it.
    """
    kernels = operator.KERNELS if issubclass(operator, KernelOperator) else ()
    return any(frozenset(Isa) != kernel.ISAS for kernel in kernels)


def variants_that_differ(graph: Graph, inputs: Sequence[Sequence[Array]]) -> dict[Isa, Model]:
    """A graph under each variant that compiles to another text than those before it."""
    found: dict[tuple[str, bool], tuple[Isa, Model]] = {}
    varies, asks = any(has_variants(type(node)) for node in graph.nodes), False
    for isa in Isa:
        if found and not varies and not (asks and isa is Isa.DSP):
            continue
        model = model_source(graph, inputs, make_plan(graph, isa))
        text = re.sub("^#define EB_NEEDS_.*", "", model.text, flags=re.MULTILINE)
        asks = bool(_included(text) & _dsp_headers())
        found.setdefault((text, asks and isa is Isa.DSP), (isa, model))
    return dict(found.values())


def _included(text: str) -> set[str]:
    return set(re.findall(r'^ *# *include "(?:.*/)?(\w+\.h)"', text, re.MULTILINE))


@cache
def _dsp_headers() -> set[str]:
    """The headers of the library that read otherwise for a core with DSP instructions."""
    library = data_dir("firmware") / "lib" / "edgebottle"
    texts = {path.name: path.read_text() for path in library.rglob("*.h")}
    asking = {"eb_dsp.h", "eb_core.h"}  # which every model includes, and which only say what is
    found = {name for name, text in texts.items() if "EB_HAVE_DSP" in text} - asking
    while more := {n for n, text in texts.items() if _included(text) & found} - found:
        found |= more
    return found


def word(name: str) -> str:
    """A name as a part of identifiers."""
    return re.sub(r"\W+", "_", name.lower())


def _unit(models: Sequence[Model]) -> str:
    """All models and the driver in one file."""
    parts = ['#include "edgebottle.h"\n', *(model.text for model in models)]
    return "\n".join(parts) + _DRIVER % "\n".join(map(_row, models))


def _row(model: Model) -> str:
    """The entry of a model in the table of the driver."""
    graph, name = model.graph, model.graph.name
    counts = f"{int(graph.has_state)}, {len(model.inputs)}, {len(graph.inputs)}"
    functions = [f"eb_{name}_{what}" for what in ("init", "reset", "input", "output", "run")]
    feed = "NULL, NULL, 0"
    if model.plan.row_fed:
        rows = graph.tensors[graph.inputs[0]].rows
        feed = f"eb_{name}_feed_rows, eb_{name}_rows_missing, {rows}"
    steps = ", ".join(f"eb_{name}_{what}" for what in ("step_count", "step", "canary_ok"))
    return (
        f'    {{"{name}", {counts}, {len(graph.outputs)}, {", ".join(functions)}, {feed}, '
        f"{steps}}},"
    )


@cache
def _compiler() -> tuple[str, ...]:
    """A host compiler; zig's clang where there is no other (it has no AddressSanitizer)."""
    found = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    return (found,) if found else (sys.executable, "-m", "ziglang", "cc")


def _flags(isa: Isa) -> list[str]:
    sanitizers = SANITIZERS if len(_compiler()) == 1 else "-fsanitize=undefined"
    define = "-DEB_FORCE_DSP" if isa is Isa.DSP else "-DEB_FORCE_PORTABLE"
    library = data_dir("firmware") / "lib" / "edgebottle"
    include = [f"-I{library / 'include'}", f"-I{library}"]
    return ["-std=c99", "-O0", define, *ONE_COPY, *WARNINGS.split(), *sanitizers.split(), *include]


def _compile(source: Path, program: Path, isa: Isa, quick: Sequence[str]) -> None:
    command = [*_compiler(), *_flags(isa), *quick, str(source), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise CompiledFailure(f"{source} does not compile:\n{done.stderr[:3000]}")


def _outputs(models: Sequence[Model], data: bytes) -> list[list[tuple[Array, ...]]]:
    result, position = [], 0
    for model in models:
        values: list[tuple[Array, ...]] = []
        for _sample in model.inputs:
            arrays = []
            for tensor in (model.graph.tensors[name] for name in model.graph.outputs):
                dtype = np.dtype(tensor.dtype.numpy)
                array = np.frombuffer(data, dtype, tensor.size, position)
                arrays.append(array.reshape(tensor.shape))
                position += tensor.size * dtype.itemsize
            values.append(tuple(arrays))
        result.append(values)
    assert position == len(data), "the program wrote more or less than it should"
    return result
