"""A model may be called what it likes: no name of it meets one of ours or of the C library."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.context import Instance
from edgebottle.codegen.model import write_model
from edgebottle.codegen.naming import (
    API_WORDS,
    BOX_API_WORDS,
    BOX_FILE_WORDS,
    BOX_MACRO_WORDS,
    FILE_WORDS,
    MACRO_WORDS,
    MAX_COLUMNS,
    MAX_IDENTIFIER,
    MAX_MODEL_NAME,
    SPLIT_API_WORDS,
    SPLIT_FILE_WORDS,
    SPLIT_MACRO_WORDS,
    Names,
    identifier,
    shortened,
)
from edgebottle.codegen.project import write_project
from edgebottle.codegen.stages import _Program as Program
from edgebottle.codegen.stages import loop_names
from edgebottle.data import data_dir
from edgebottle.fit import fit
from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.plan import Loop, Plan
from edgebottle.plan.planner import make_plan
from edgebottle.plan.schedules import Schedule
from quantize.patch.schedules import make_schedule
from tests.graphs import Builder
from tests.quantize.random_graphs import RowBuilder

FIRMWARE = data_dir("firmware")
OURS = sorted(path for path in FIRMWARE.rglob("*.[ch]"))
KEYWORDS = "auto break case char const continue default do double else enum extern float for goto "
KEYWORDS += "if inline int long register restrict return short signed sizeof static struct switch "
KEYWORDS += "typedef union unsigned void volatile while class new template namespace"
C_LIBRARY = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
)
C_LIBRARY += "stdarg stdbool stddef stdint stdio stdlib string tgmath time wchar wctype unistd"
OTHERS = "main edgebottle image model weights arena steps init run input output bench step step_00"


def small(name: str) -> Graph:
    b = Builder(name, 1)
    return b.graph(b.relu(b.input(1, 4)))


def names() -> list[str]:
    """Of every header and folder of ours, with and without what they begin with, and more."""
    stems = {path.stem for path in OURS} | {path.parent.name for path in OURS}
    stems |= {stem.removeprefix("eb_") for stem in stems}
    words = f"{KEYWORDS} {C_LIBRARY} {OTHERS}".split()
    return sorted({shortened(identifier(word), MAX_MODEL_NAME) for word in {*stems, *words}})


def test_names_of_ours_are_none_that_a_model_could_have() -> None:
    words = (*API_WORDS, *BOX_API_WORDS, *SPLIT_API_WORDS)
    macros = (*MACRO_WORDS, *BOX_MACRO_WORDS, *SPLIT_MACRO_WORDS)
    reserved = re.compile(
        rf"eb_\w+_(?:{'|'.join(words)})|EB_\w+_(?:{'|'.join(macros)})|(?:eb|EB)_\w*__\w+"
        r"|step_\d\w*|stage_\d+"
    )
    taken = set()
    for path in OURS:
        found = re.findall(r"\b[A-Za-z_]\w*\b", path.read_text(encoding="utf-8"))
        taken |= {(path.name, name) for name in found if reserved.fullmatch(name)}
        files = (*FILE_WORDS, *BOX_FILE_WORDS, *SPLIT_FILE_WORDS)
        assert not re.fullmatch(rf"eb_\w+_(?:{'|'.join(files)})", path.stem), path
    assert not taken


def test_a_model_is_called_only_so() -> None:
    """The other half: what a generated library lets others see follows the rule."""
    seen = set()
    for graph, _, files in (*awkward_libraries(), *awkward_contexts()):
        name = graph.name
        header = files[f"eb_{name}_model.h"]
        macros = set(re.findall(r"#(?:define|ifndef) (\w+)", header)) - {"__cplusplus"}
        upper = f"EB_{name.upper()}_"
        assert {macro.removeprefix(upper) for macro in macros} <= set(MACRO_WORDS)
        declared = set(
            re.findall(r"^(?:void|int|size_t|int32_t|eb_\w+) (\w+)\(", header, re.MULTILINE)
        ) | set(re.findall(r"^\}.* (eb_\w+);", header, re.MULTILINE))
        assert {symbol.removeprefix(f"eb_{name}_") for symbol in declared} <= set(API_WORDS)
        seen |= {symbol.removeprefix(f"eb_{name}_") for symbol in declared}
        constants = re.findall(r"^extern const \w+\s+(\w+)", files[f"eb_{name}_weights.h"], re.M)
        assert all(constant.startswith(f"eb_{name}__") for constant in constants)
        assert {Path(file).stem for file in files} == {
            "library",
            *(f"eb_{name}_{word}" for word in FILE_WORDS),
        }
    assert seen == set(API_WORDS)


def compiler() -> tuple[str, ...]:
    found = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    return (found,) if found else (sys.executable, "-m", "ziglang", "cc")


BUILT = ["port", "uart", "conv_2d", "dsp", "string", "errno", "commands", "image", "int", "main"]
BUILT += ["bench", "step"]
"""Of all names, those of which the whole library is built: what could meet where it is linked."""


def test_models_of_every_name_build_and_link_with_the_application(tmp_path: Path) -> None:
    """Their headers all at once, in front of every other folder: none is found for another."""
    host = load_board("host")
    models = names()
    assert len(models) > 150
    built = [shortened(identifier(name), MAX_MODEL_NAME) for name in BUILT]
    assert set(built) <= set(models)
    for name in models:
        graph = small(name)
        source = write_model(graph, make_plan(graph, Isa.PORTABLE))
        for file, text in source.files.items():
            if name in built or file.endswith(".h"):
                (tmp_path / file).write_text(text, encoding="utf-8")
    graph = small("port")
    project = write_project(graph, fit(graph, host).plan, host)
    (tmp_path / "bench_binding.h").write_bytes(project.files["src/bench_binding.h"])
    headers = [*(f"eb_{name}_model.h" for name in models), *(f"{c}.h" for c in C_LIBRARY.split())]
    text = "".join(f'#include "{header}"\n' for header in headers)
    text += "int all(void);\nint all(void)\n{\n    return 0"
    text += "".join(f"\n        + (int)eb_{name}_run()" for name in built) + ";\n}\n"
    (tmp_path / "all.c").write_text(text, encoding="utf-8")
    folders = [tmp_path, FIRMWARE / "port" / "include"]
    folders += [FIRMWARE / "lib" / "edgebottle" / "include"]
    sources = [*tmp_path.glob("*.c"), *(FIRMWARE / "src").glob("*.c")]
    sources += (FIRMWARE / "port" / "host").glob("*.c")
    command = [*compiler(), "-std=c99", "-O0", "-w", "-DEB_FORCE_PORTABLE", "-DEB_BOARD=host"]
    command += [*(f"-I{folder}" for folder in folders), *map(str, sources), "-o"]
    command += [str(tmp_path / "program")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[:3000]


def awkward_graph(name: str) -> Graph:
    """Layers and tensors with names as long as converters write them, and worse."""
    b = RowBuilder(name, 1)
    narrow = b.conv(b.input(1, 16, 8, 1), 2, (3, 3), 2)
    wide = b.conv(b.depthwise(b.conv(narrow, 4, (1, 1))), 2, (1, 1))
    graph = b.graph(b.add(narrow, wide))
    long = "StatefulPartitionedCall/functional_1/block_expand/*/" + "é\n\\x" * 80
    tensors = {key: f"{long};{key}" for key in graph.tensors}
    nodes = tuple(
        replace(
            node,
            name=f"{'a_very_long_layer' * 12}/{node.name}",
            inputs=tuple(key if key is None else tensors[key] for key in node.inputs),
            outputs=tuple(tensors[key] for key in node.outputs),
        )
        for node in graph.nodes
    )
    return replace(
        graph,
        tensors={tensors[k]: replace(t, name=tensors[k]) for k, t in graph.tensors.items()},
        nodes=nodes,
        inputs=tuple(tensors[key] for key in graph.inputs),
        outputs=tuple(tensors[key] for key in graph.outputs),
    )


def awkward_contexts() -> list[tuple[Graph, Plan, dict[str, str]]]:
    """The same for computers: with contexts, and with threads."""
    graph = awkward_graph("m" * MAX_MODEL_NAME)
    plans = [make_plan(graph, Isa.PORTABLE)]
    plans.append(make_schedule(graph, Isa.PORTABLE, Schedule.MIN_RAM, row_fed=True))
    return [
        (graph, plan, write_model(graph, plan, reentrant=True, threads=2).files) for plan in plans
    ]


def awkward_libraries() -> list[tuple[Graph, Plan, dict[str, str]]]:
    graph = awkward_graph("m" * MAX_MODEL_NAME)
    plans = [make_plan(graph, Isa.DSP), make_schedule(graph, Isa.DSP, Schedule.MIN_RAM)]
    plans.append(make_schedule(graph, Isa.DSP, Schedule.MIN_RAM, row_fed=True))
    return [(graph, plan, write_model(graph, plan).files) for plan in plans]


def test_generated_c_is_readable_whatever_the_layers_are_called(tmp_path: Path) -> None:
    for number, (_, plan, files) in enumerate(awkward_libraries()):
        assert plan.row_fed == (number == 2)
        for name, text in files.items():
            long = [line for line in text.splitlines() if len(line) > MAX_COLUMNS]
            assert not long or name == "library.json", f"{name}: {long[0]}"
            code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
            words = re.findall(r"[A-Za-z_]\w*", code)
            assert max(map(len, words)) <= MAX_IDENTIFIER, (name, max(words, key=len))
            path = tmp_path / str(number) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        include = FIRMWARE / "lib" / "edgebottle" / "include"
        command = [*compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", "-DEB_FORCE_DSP"]
        command += ["-Wno-unused-function", f"-I{include}", f"-I{tmp_path / str(number)}"]
        sources = [str(path) for path in (tmp_path / str(number)).glob("*.c")]
        done = subprocess.run(
            [*command, "-fsyntax-only", *sources], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a_2", "a"], ["a", "a_2", "a_3"]),
    ],
)
def test_no_name_is_given_twice(wanted: list[str], given: list[str]) -> None:
    scope = Names()
    assert [scope.new(name) for name in wanted] == given


def test_long_names_stay_apart() -> None:
    scope = Names()
    found = [scope.new("x" * 60 + str(number % 50)) for number in range(100)]
    assert len(set(found)) == 100
    assert {len(name) for name in found} == {MAX_IDENTIFIER}
    assert all(name.startswith("x" * 33) for name in found)


@pytest.mark.parametrize("fed", [None, "row"])
def test_loops_of_any_depth(fed: str | None, tmp_path: Path) -> None:
    """Each has a variable of its own: two rounds of twelve loops are 4,096 calls."""
    depth = 12
    program: tuple[str | Loop, ...] = ("layer",) if fed is None else (fed,)
    for _ in range(depth):
        program = (Loop(2, program),)
    body = "\n".join(Program({"layer": "layer"}, fed, Instance("m", False)).write(program, 1))
    text = "#include <stdint.h>\n#define EB_ROLLED\n#define EB_AWAIT_ROW(number) ++calls;\n"
    text += "static int calls;\nstatic void layer(void)\n{\n    ++calls;\n}\n"
    text += f"static struct {{\n    uint16_t {loop_names(depth)};\n}} feed;\n"
    text += f"int main(void)\n{{\n{body}\n    layer();\n    (void)feed;\n"
    text += f"    return calls == {2**depth + 1} ? 0 : 1;\n}}\n"
    (tmp_path / "loops.c").write_text(text, encoding="utf-8")
    command = [*compiler(), "-std=c99", "-Wall", "-Wshadow", "-Werror", str(tmp_path / "loops.c")]
    subprocess.run([*command, "-o", str(tmp_path / "loops")], check=True, timeout=60)
    assert subprocess.run([tmp_path / "loops"], timeout=60, check=False).returncode == 0
