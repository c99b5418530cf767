"""Many instances of a network, and many threads for one: the same outputs to the last bit."""

import re
import subprocess
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.build.toolchains import host_compiler
from edgebottle.codegen.project import Project, sync
from edgebottle.fit import Judge, Wish
from edgebottle.pipeline import Model, load
from edgebottle.plan.schedules import Schedule
from edgebottle.verify import verify_model
from tests.conftest import long, needs_qemu_user

PROGRAM = Path(__file__).parent / "instances.c"
HOST = load_board("host")


@pytest.fixture(scope="module")
def ic(shared: Path) -> Model:
    """Residual blocks: layers that read two others, in place as well."""
    return load(str(shared / "models/mlperf-tiny/pretrainedResnet_quant.tflite"), name="network")


def project(model: Model, wish: Wish) -> Project:
    return Judge(model.graph).verdict(HOST, wish).project()


def shared_layers(project: Project) -> int:
    """Layers whose rows the threads share."""
    return project.source.code[f"eb_{project.model}_model.c"].count("eb_pool_rows(")


@pytest.mark.shared
@pytest.mark.parametrize("checks", ["thread", "address,undefined"])
def test_instances_run_at_the_same_time(ic: Model, tmp_path: Path, checks: str) -> None:
    """Under sanitizers: no two threads touch one byte, none writes outside of its context."""
    made = project(ic, Wish(threads=4))
    assert shared_layers(made) == 9, "its convolutions"
    sync(made, tmp_path)
    library = tmp_path / "lib"
    compiler = host_compiler("gcc").command[0]
    sources = [PROGRAM, *sorted(library.rglob("*.c"))]
    folders = [library / "edgebottle" / "include", library / "eb_network"]
    flags = ["-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
    flags += [f"-fsanitize={checks}", "-fno-sanitize-recover=all", "-DEB_FORCE_PORTABLE"]
    program = tmp_path / "program"
    command = [compiler, *flags, *(f"-I{folder}" for folder in folders), *sources]
    subprocess.run([*command, "-o", program, "-lpthread", "-lm"], check=True, timeout=300)
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[:2000]
    lines = done.stdout.split()
    assert len(lines) == 5 and all(re.fullmatch("[0-9A-F]{20}", line) for line in lines)


@pytest.mark.shared
@pytest.mark.parametrize("threads", [2, long(3), 4])
def test_threads_change_no_bit(ic: Model, threads: int) -> None:
    result = verify_model(ic, HOST, samples=4, wish=Wish(threads=threads))
    assert result.exact and result.match, str(result.difference)


@pytest.mark.shared
@needs_qemu_user
def test_threads_under_the_emulator(ic: Model) -> None:
    board = load_board("raspberry_pi_4")
    result = verify_model(ic, board, samples=2, wish=Wish(threads=4))
    assert result.exact and result.match, str(result.difference)


WISHES = [Wish(), Wish(schedule=Schedule.MIN_RAM), Wish(row_fed=True), Wish(threads=2)]


@pytest.mark.parametrize("wish", WISHES, ids=("layers", "rows", "fed", "threads"))
def test_every_schedule_takes_a_context(wish: Wish) -> None:
    result = verify_model(load("digits"), HOST, samples=4, wish=wish)
    assert result.exact and result.match, str(result.difference)
    header = result.built.project.source.code["eb_digits_model.h"]
    assert "eb_digits_run_in(eb_digits_context *context)" in header
    assert ("eb_digits_feed_rows_in(" in header) == wish.row_fed
    assert ("eb_digits_use_pool(" in header) == (wish.threads > 1)


def test_a_microcontroller_has_one_instance() -> None:
    model = load("digits")
    for board in ("stm32f746", "cortex-m4", "esp32"):
        source = Judge(model.graph).verdict(load_board(board), Wish()).source
        assert not any("context" in text for text in source.code.values())
