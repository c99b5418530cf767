"""The project of docs/esp32.md: compiled for RV32IMC, as far as that goes without Espressif."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.build.cache import compiler_environment
from edgebottle.build.toolchains import zig_path
from edgebottle.codegen.project import library_of, sync, write_project
from edgebottle.data import data_dir
from edgebottle.fit import fit
from edgebottle.ir.interpreter import Interpreter
from edgebottle.pipeline import Model, load

PAGE = Path(__file__).resolve().parents[2] / "docs" / "esp32.md"
GCC = "riscv64-unknown-elf-gcc"

# What of ESP-IDF the application calls, as its API reference has it, and of the C library.
STAND_INS = {
    "esp_timer.h": "#include <stdint.h>\nint64_t esp_timer_get_time(void);\n",
    "stdio.h": "int printf(const char *format, ...);\n",
}
ON_THIS_COMPUTER = """
#include <stdint.h>
void app_main(void);
int64_t esp_timer_get_time(void) { static int64_t now; return now += 7; }
int main(void) { app_main(); return 0; }
"""


def files() -> dict[str, str]:
    """Language to the block of the page."""
    return dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def project(model: Model, core: str, folder: Path) -> Path:
    board = load_board(core)
    sync(library_of(write_project(model.graph, fit(model.graph, board).plan, board)), folder)
    (folder / "main.c").write_text(files()["c"], encoding="utf-8")
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=compiler_environment(),
        check=False,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done


WARNINGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror")
INCLUDES = ("-Ilib/eb_digits", "-Ilib/edgebottle/include", "-Istand-ins")
RISCV = {
    "gcc": ("-march=rv32imc", "-mabi=ilp32", "-ffreestanding"),
    "zig": ("cc", "-target", "riscv32-freestanding", "-mcpu=generic_rv32+m+c"),
}


@pytest.mark.parametrize("core", ["rv32imac", "esp32"])
@pytest.mark.parametrize("toolchain", ["gcc", "zig"])
def test_it_compiles_for_the_cores_of_the_c3(
    toolchain: str, core: str, digits: Model, tmp_path: Path
) -> None:
    if toolchain == "gcc" and shutil.which(GCC) is None:
        pytest.skip(f"{GCC} is not installed")
    folder = project(digits, core, tmp_path)
    (folder / "stand-ins").mkdir()
    for name, text in STAND_INS.items():
        (folder / "stand-ins" / name).write_text(text)
    compiler = [GCC if toolchain == "gcc" else zig_path(), *RISCV[toolchain]]
    libc = f"-I{data_dir('firmware') / 'port' / 'common' / 'libc'}"
    sources = ["main.c", *(str(path.relative_to(folder)) for path in folder.rglob("lib/**/*.c"))]
    assert len(sources) >= 3
    for source in sources:
        run([*compiler, *WARNINGS, *INCLUDES, libc, "-c", source, "-o", "made.o"], folder)


def test_it_computes_what_litert_does(digits: Model, tmp_path: Path) -> None:
    """As plain C, which is all that a core without file here gets."""
    folder = project(digits, "esp32", tmp_path)
    (folder / "stand-ins").mkdir()
    (folder / "stand-ins" / "esp_timer.h").write_text(STAND_INS["esp_timer.h"])
    (folder / "computer.c").write_text(ON_THIS_COMPUTER)
    sources = [str(path.relative_to(folder)) for path in folder.rglob("*.c")]
    run([zig_path(), "cc", *WARNINGS, *INCLUDES, *sources, "-o", "app"], folder)
    said = run([str(folder / "app")], folder).stdout
    image = np.full(digits.graph.tensors[digits.graph.inputs[0]].shape, -128, np.int8)
    (scores,) = Interpreter(digits.imported).run((image,))
    assert said == " ".join(map(str, scores.ravel())) + " in 7 us\n"


def test_the_ini_file_names_both_chips() -> None:
    text = files()["ini"]
    assert "framework = espidf" in text and "platform = espressif32" in text
    assert re.findall(r"^board = (.*)$", text, re.MULTILINE) == [
        "esp32-c3-devkitm-1",
        "esp32-s3-devkitc-1",
    ]
