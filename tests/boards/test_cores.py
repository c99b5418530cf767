"""Cores: what `build` makes for one is the library alone, right for that core."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from edgebottle.boards import Board, all_boards, all_cores, load_board
from edgebottle.build.cache import compiler_environment
from edgebottle.build.elf import read_elf
from edgebottle.build.toolchains import cross_compiler, zig_path
from edgebottle.codegen.project import MARKER, library_of, sync, write_project
from edgebottle.data import data_dir
from edgebottle.errors import BadInput, DoesNotFit
from edgebottle.fit import Judge, Wish, fit, kernel_variant
from edgebottle.measure import check_board
from edgebottle.ops.base import Isa
from edgebottle.pipeline import Model, build, load
from edgebottle.verify import verify_model
from tests.cli.command_line import edgebottle
from tests.conftest import long

CORES = all_cores()
CROSS = [core for core in CORES if not core.is_host]
KERNELS = {
    "cortex-m0plus": Isa.SCALAR,
    "cortex-m3": Isa.SCALAR,
    "cortex-m33": Isa.DSP,
    "cortex-m4": Isa.DSP,
    "cortex-m55": Isa.MVE,
    "cortex-m7": Isa.DSP,
    "esp32": Isa.SCALAR,
    "rv32imac": Isa.SCALAR,
}
QUICK = ("cortex-m0plus", "cortex-m55", "rv32imac")
"""One of each kind of kernels and of compiler."""
WRONG = {Isa.SCALAR: Isa.DSP, Isa.DSP: Isa.MVE, Isa.MVE: Isa.DSP}
"""Plans that are wrong for a core, by its own kernels."""


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def library(model: Model, core: Board, folder: Path, isa: Isa | None = None) -> Path:
    plan = fit(model.graph, core, isa=isa).plan
    sync(library_of(write_project(model.graph, plan, core)), folder)
    return folder / "lib"


def compiled(compiler: list[str], lib: Path, made: Path) -> subprocess.CompletedProcess[str]:
    """The network, compiled with nothing that only our own build would say."""
    includes = [f"-I{lib / 'eb_digits'}", f"-I{lib / 'edgebottle' / 'include'}"]
    libc = f"-I{data_dir('firmware') / 'port' / 'common' / 'libc'}"
    source = lib / "eb_digits" / "eb_digits_model.c"
    command = [*compiler, "-std=c99", "-Wall", "-Wextra", *includes, libc, "-c", str(source)]
    return subprocess.run(
        [*command, "-o", str(made)],
        capture_output=True,
        text=True,
        env=compiler_environment(),
        timeout=120,
        check=False,
    )


def cross(core: Board) -> list[str]:
    compiler = cross_compiler(core)
    return [*compiler.command, *compiler.arch_flags]


def test_cores_are_no_boards() -> None:
    assert {core.id: kernel_variant(core) for core in CORES} == KERNELS
    assert all(core.is_core for core in CORES)
    assert not any(board.is_core for board in all_boards())


@pytest.mark.parametrize("core", CROSS, ids=lambda core: core.id)
def test_virtual_run_is_that_of_a_board_with_the_same_core(core: Board) -> None:
    twins = [board for board in all_boards() if board.port == core.port and board.cpu == core.cpu]
    for key in ("fpu", "clock_hz", "cycle_counter", "uart", "qemu"):
        assert getattr(core, key) in [getattr(twin, key) for twin in twins], key
    assert core.timing is None and core.region("ram").size >= 4 * 1024 * 1024


@pytest.mark.parametrize(
    "core", [core if core.id in QUICK else long(core) for core in CROSS], ids=lambda core: core.id
)
def test_library_compiles_for_its_core_and_another_names_it(
    core: Board, digits: Model, tmp_path: Path
) -> None:
    right = library(digits, core, tmp_path / "right")
    done = compiled(cross(core), right, tmp_path / "model.o")
    assert done.returncode == 0, done.stderr
    wrong = library(digits, core, tmp_path / "wrong", WRONG[kernel_variant(core)])
    done = compiled(cross(core), wrong, tmp_path / "model.o")
    told = re.search(r"another kind of core; .* build with --board ([\w, -]+)", done.stderr)
    assert done.returncode != 0 and told is not None, done.stderr
    assert core.id in told[1].split(", ")


@pytest.mark.parametrize("core", ["esp32", "cortex-m55"])
def test_vectors_are_refused_where_there_are_none(core: str, digits: Model, tmp_path: Path) -> None:
    """The C twins of vectors would be right and slow: a core without MVE has kernels of its own."""
    lib = library(digits, load_board(core), tmp_path)
    done = compiled([zig_path(), "cc"], lib, tmp_path / "model.o")
    refused = "for a computer build with --board host" in done.stderr
    assert (done.returncode == 0, refused) == (core == "esp32", core != "esp32"), done.stderr


@pytest.mark.parametrize("core", ["cortex-m4", long("esp32"), long("cortex-m3"), long("rv32imac")])
def test_library_alone_is_published_and_computes_exactly(
    core: str, digits: Model, tmp_path: Path
) -> None:
    built = build(digits, load_board(core), out=tmp_path / "out")
    files = {p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert {path.parts[0] for path in files} == {"lib", "README.md", MARKER}
    listed = json.loads((tmp_path / "out" / MARKER).read_text(encoding="utf-8"))["files"]
    assert {path.as_posix() for path in files} == {*listed, MARKER}
    assert built.elf.is_file()
    result = verify_model(digits, load_board(core), samples=3)
    assert result.exact and result.match, str(result.difference)
    virtual = () if core == "esp32" else (f"virtual {core}",)
    assert result.implementations == ("LiteRT", "NumPy", "host C", *virtual)
    assert Isa(result.built.plan.isa) is KERNELS[core]
    if core == "cortex-m4":  # one with an FPU: what zig would have to make its runtime for first
        names = {symbol.name for symbol in read_elf(result.built.elf).symbols}
        assert "memcpy" in names and not [name for name in names if "compiler_rt" in name]


def test_budget_of_a_core_is_for_the_library(digits: Model) -> None:
    core = load_board("cortex-m4")
    arena = fit(digits.graph, core).plan.arena_bytes
    assert fit(digits.graph, core, Wish(ram=arena)).plan.schedule == "layers"
    assert fit(digits.graph, core, Wish(ram=arena - 1)).plan.arena_bytes < arena
    with pytest.raises(DoesNotFit) as caught:
        build(digits, core, wish=Wish(ram=1024))
    assert "budget allows 1.0 kB" in str(caught.value)
    assert str(caught.value).endswith("microbit has room for it")
    with pytest.raises(DoesNotFit, match=r"code at least \d+ B"):
        build(digits, core, wish=Wish(flash=1000))
    wish = Wish(copies=False)  # which a core whose flash nobody knows has none of
    flash = Judge(digits.graph).verdict(core, wish).flash.bounds
    board = Judge(digits.graph).verdict(load_board("nucleo_l4r5zi"), wish).flash.bounds
    assert board.most - flash.most == core.processor.application_bytes


def test_nothing_is_measured_where_nothing_runs() -> None:
    with pytest.raises(BadInput, match="verify --board esp32"):
        check_board(load_board("esp32"))
    for core in CROSS:
        check_board(core)


def test_command_line(tmp_path: Path) -> None:
    done = edgebottle("verify", "digits", "-b", "cortex-m4", "--port", "COM1", cwd=tmp_path)
    assert done.code == 2 and "cortex-m4 is a core and no board" in done.err
    found = edgebottle("boards", "--json", cwd=tmp_path).json()
    assert [core["id"] for core in found["cores"]] == [core.id for core in CORES]
    data = edgebottle("build", "digits", "-b", "esp32", "--json", cwd=tmp_path).json()
    assert data["elf"] is None and data["flash"]["code"] is None
    assert (tmp_path / data["project"] / "lib" / "eb_digits" / "eb_digits_model.h").is_file()
