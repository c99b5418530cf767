"""Computers that run Linux: the same C as a static program, which an emulator runs here."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from edgebottle.boards import all_boards, load_board
from edgebottle.build.elf import read_elf
from edgebottle.build.linux import build_linux
from edgebottle.build.toolchains import GNU, host_compiler, linux_compiler, qemu_user_path
from edgebottle.drivers import Faulted, open_session
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.exporters.tflite import write_tflite
from edgebottle.fit import Wish
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.program_counter import ProgramCounter, can_count
from edgebottle.verify import verify_model
from tests.bench.low_bits import network as few_bits
from tests.cli.command_line import edgebottle
from tests.conftest import long, needs_qemu_user

LINUX = [board.id for board in all_boards() if board.is_linux]
FEW = ("raspberry_pi_4", "raspberry_pi_os_armv7")
"""One of 64 bits, one of 32."""


@pytest.mark.parametrize("board", [name if name in FEW else long(name) for name in LINUX])
@needs_qemu_user
def test_a_network_verifies_under_the_emulator(board: str) -> None:
    result = verify_model(load("digits"), load_board(board), samples=6)
    assert result.exact and result.match, str(result.difference)
    assert result.implementations == ("LiteRT", "NumPy", "host C", f"virtual {board}")
    assert read_elf(result.built.elf).machine == {
        "aarch64": "EM_AARCH64",
        "armv7": "arm",
    }.get(load_board(board).processor.arch)
    is_counted = load_board(board).processor.arch == "aarch64"
    counted = [layer.instructions for layer in result.layers]
    assert {each is not None for each in (result.instructions, *counted)} == {is_counted}
    # Around the layers it is the loop that calls them, and a look at the canaries.
    around = (result.instructions or 0) - sum(each or 0 for each in counted)
    assert (0 < around < 6 * len(counted)) == is_counted


@pytest.mark.parametrize(
    ("board", "network"), [("arm64_linux", "windows"), *(long(name, "dense") for name in FEW)]
)
@needs_qemu_user
def test_gcc_makes_the_same_network(board: str, network: str, tmp_path: Path) -> None:
    name = f"{GNU[load_board(board).processor.arch]}-gcc"
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    file = tmp_path / "network.tflite"
    file.write_bytes(write_tflite(few_bits(network, 8, 8)))
    result = verify_model(load(str(file)), load_board(board), samples=2, toolchain="gcc")
    assert result.exact and result.match, str(result.difference)
    assert result.built.compiler.startswith(name)
    if result.instructions is not None:
        usual = verify_model(load(str(file)), load_board(board), samples=1).instructions
        assert usual is not None and result.instructions < 1.4 * usual


@needs_qemu_user
def test_measuring_an_emulator_times_no_chip(tmp_path: Path) -> None:
    line = ("measure", "digits", "-b", "raspberry_pi_4", "--samples", "2", "--json")
    record = edgebottle(*line, cwd=tmp_path).json()
    assert record["match"] and record["virtual"]
    assert record["latency_kind"] == "emulated" and record["cycles"] is None
    again = edgebottle("verify", "digits", "-b", "raspberry_pi_4", "--json", cwd=tmp_path).json()
    assert record["instructions"] == again["instructions"] > 0
    assert [one["instructions"] for one in record["layers"]] == [
        one["instructions"] for one in again["layers"]
    ]


COUNTED = [Wish(), Wish(schedule=Schedule.MIN_RAM), Wish(row_fed=True)]


@needs_qemu_user
@pytest.mark.parametrize("wish", COUNTED, ids=("layers", "rows", "fed"))
def test_the_emulator_that_counts_computes_the_same(wish: Wish) -> None:
    built = build(load("digits"), load_board("raspberry_pi_5"), wish=wish)
    sample = [bytes(range(64))]
    with open_session(built) as session:
        run = session.run(sample, runs=1 if wish.row_fed else 3, count=True)
    counter = ProgramCounter(built)
    counter.begin(sample)
    assert counter.run() == (run.counts, run.outputs)
    assert run.counts is not None and all(run.counts.steps)


def test_what_threads_share_is_not_counted() -> None:
    built = build(load("digits"), load_board("raspberry_pi_4"), wish=Wish(threads=2))
    assert not can_count(built)


def test_a_budget_of_ram_is_that_of_the_arena() -> None:
    model = load("digits")
    arena = build(model, load_board("raspberry_pi_4")).plan.arena_bytes
    small = build(model, load_board("raspberry_pi_4"), wish=Wish(ram=arena * 3 // 4))
    assert small.plan.arena_bytes <= arena * 3 // 4


def test_the_project_builds_where_it_runs(tmp_path: Path) -> None:
    """With ``make``, as on the board itself; here it makes a program for this computer."""
    build(load("digits"), load_board("raspberry_pi_4"), out=tmp_path / "out")
    assert not (tmp_path / "out" / "platformio.ini").exists()
    compiler = host_compiler("gcc").command[0]
    command = ["make", "-B", f"CC={compiler}", "CFLAGS=-O1"]
    subprocess.run(command, cwd=tmp_path / "out", check=True, capture_output=True, timeout=300)
    program = tmp_path / "out" / "firmware.elf"
    done = subprocess.run([program], input=b"help%", capture_output=True, timeout=60, check=True)
    assert b"m-ready" in done.stdout
    assert json.loads((tmp_path / "out" / "edgebottle.json").read_text())["board"] in FEW


# Command, what its one line says.
REFUSED = [
    (
        "profile -b raspberry_pi_4",
        "raspberry_pi_4 runs Linux, where no loops are counted: profile",
    ),
    (
        "measure -b raspberry_pi_4 --port ssh://pi@host --no-flash",
        "raspberry_pi_4 has no flash: its program is copied",
    ),
    (
        "measure -b raspberry_pi_4 --port /dev/ttyACM0",
        "raspberry_pi_4 is reached by SSH: --port ss",
    ),
    ("verify -b stm32f746 --port ssh://pi@host", "stm32f746 runs no Linux: --port is its serial"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_what_makes_no_sense_is_refused(tmp_path: Path, line: str, message: str) -> None:
    done = edgebottle(line.split()[0], "digits", *line.split()[1:], cwd=tmp_path)
    assert done.code in (1, 3) and message in done.err
    assert done.err.strip().count("\n") == 0, "one line"


def test_without_the_emulator_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match=r"qemu-arm is not installed.*apt install qemu-user\)"):
        qemu_user_path(load_board("raspberry_pi_os_armv7"))


def test_without_the_compiler_its_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    message = r"aarch64-linux-gnu-gcc is not installed.*apt install gcc-aarch64-linux-gnu libc6-"
    with pytest.raises(ToolMissing, match=message):
        linux_compiler(load_board("raspberry_pi_4"), "gcc")


def test_the_project_of_another_board(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a project for raspberry_pi_4"):
        build_linux(tmp_path, load_board("raspberry_pi_4"))


@needs_qemu_user
def test_a_program_that_dies(tmp_path: Path) -> None:
    built = build(load("digits"), load_board("raspberry_pi_4"))
    with pytest.raises(Faulted, match="ended"), open_session(built) as session:
        process = session.driver.process  # type: ignore[attr-defined]
        subprocess.run(["kill", "-SEGV", str(process.pid)], check=True, timeout=10)
        session.run([bytes(64)])
