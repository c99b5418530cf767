"""Compiling for this computer: the model library as a shared library, plain and sanitized."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixture_project import write_fixture_project

from edgebottle.boards import load_board
from edgebottle.build.doctor import run_checks
from edgebottle.build.elf import read_elf
from edgebottle.build.host import (
    build_host,
    compile_shared,
    sanitizer_runtime,
    sanitizers_available,
)
from edgebottle.build.sizes import firmware_sizes
from edgebottle.build.toolchains import host_compiler
from edgebottle.errors import BadInput, BuildFailed

RUN = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.eb_tiny_init()
library.eb_tiny_input_data.restype = ctypes.POINTER(ctypes.c_int8)
library.eb_tiny_output_data.restype = ctypes.POINTER(ctypes.c_int8)
for i in range(4):
    library.eb_tiny_input_data()[i] = i
library.eb_tiny_run()
print([library.eb_tiny_output_data()[i] for i in range(4)])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixture_project(tmp_path_factory.mktemp("host"), load_board("host"))


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_shared_library_computes_what_boards_compute(project: Path, toolchain: str) -> None:
    library = compile_shared(project, toolchain=toolchain)
    assert ctypes.CDLL(str(library)).eb_tiny_arena_size() == 64
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(library)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[53, 118, 75, 10]\n"


@pytest.mark.skipif(not sanitizers_available(), reason="no system C compiler")
@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")
def test_sanitized_library_reports_an_overrun(project: Path) -> None:
    library = compile_shared(project, sanitize=True)
    environment = os.environ | {
        "LD_PRELOAD": sanitizer_runtime(),
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    command = [sys.executable, "-c", RUN, str(library)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "[53, 118, 75, 10]\n", done.stderr
    broken = [sys.executable, "-c", RUN + "library.eb_tiny_peek(64)", str(library)]
    done = subprocess.run(broken, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode != 0
    assert "out of bounds" in done.stderr or "overflow" in done.stderr


def test_zig_leaves_avx512_out() -> None:
    """Which it miscompiles: of a computer that has it, all the rest is used."""
    compiler = host_compiler()
    words = [*compiler.command, *compiler.arch_flags, "-dM", "-E", "-x", "c", os.devnull]
    macros = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "__x86_64__" in macros or not compiler.arch_flags
    assert "__AVX512F__" not in macros


def test_shared_library_sizes(project: Path) -> None:
    sizes = firmware_sizes(compile_shared(project), ("eb_tiny_weights",))
    assert sizes.weights == 16
    assert sizes.stack == 0


def test_project_of_another_board(tmp_path: Path) -> None:
    project = write_fixture_project(tmp_path, load_board("microbit"))
    with pytest.raises(BadInput, match="host"):
        build_host(project)


def test_elf_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "firmware.elf"
    with pytest.raises(BuildFailed, match="cannot read"):
        read_elf(path)
    path.write_bytes(b"\x7fELF and then nothing")
    with pytest.raises(BadInput, match="not a complete ELF"):
        read_elf(path)


def test_doctor_finds_what_the_tests_use() -> None:
    checks = {check.name: check for check in run_checks()}
    assert all(check.ok for check in checks.values() if check.required)
    assert all(check.detail for check in checks.values())
    assert all(check.ok or check.remedy for check in checks.values())
