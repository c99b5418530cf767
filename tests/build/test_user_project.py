"""The model library in a user's own PlatformIO project, with the very code of the README."""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.build.cache import compiler_environment
from edgebottle.build.host import FLAGS
from edgebottle.build.project import build_firmware
from edgebottle.build.toolchains import zig_path
from edgebottle.codegen.project import sync, write_project
from edgebottle.data import data_dir
from edgebottle.fit import fit
from edgebottle.pipeline import Model, load
from edgebottle.zoo import load_samples

README = Path(__file__).resolve().parents[2] / "README.md"

MAIN = """
void start(void);
int classify(const int8_t image[64]);
static const int8_t image[64] = {0};
int main(void)
{
    start();
    return classify(image);
}
"""

HOST_MAIN = """
#include <stdio.h>
void start(void);
int classify(const int8_t image[64]);
int main(void)
{
    int8_t image[64];
    start();
    while (fread(image, 1, 64, stdin) == 64) {
        printf("%d\\n", classify(image));
    }
    return 0;
}
"""


def readme_code() -> str:
    found = re.search(r"```c\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, "README.md shows no C"
    return found[1]


@pytest.fixture(scope="module")
def digits() -> Model:
    return load("digits")


def libraries(model: Model, board: str, folder: Path) -> Path:
    """The two folders that the README says to copy, in ``folder/lib``."""
    target = load_board(board)
    made = folder / "made"
    sync(write_project(model.graph, fit(model.graph, target).plan, target), made)
    for name in (f"eb_{model.name}", "edgebottle"):
        shutil.copytree(made / "lib" / name, folder / "own" / "lib" / name)
    return folder / "own"


def test_pio_builds_a_project_that_uses_the_library(digits: Model, tmp_path: Path) -> None:
    own = libraries(digits, "stm32f746", tmp_path)
    (own / "src").mkdir()
    (own / "src" / "main.c").write_text(readme_code() + MAIN, encoding="utf-8")
    for name in ("platform", "port"):  # our own bare-metal platform is the one there is offline
        shutil.copytree(tmp_path / "made" / name, own / name)
    shutil.copy(tmp_path / "made" / "platformio.ini", own)
    result = build_firmware(own, load_board("stm32f746"))
    assert result.elf.is_file()


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("model.c", ["-std=c99"]),
        ("model.cpp", ["-x", "c++", "-std=c++11"]),
        ("model.ino", ["-x", "c++", "-std=gnu++17"]),
    ],
)
def test_the_code_of_the_readme_compiles_as(
    name: str, flags: list[str], digits: Model, tmp_path: Path
) -> None:
    own = libraries(digits, "nucleo_l4r5zi", tmp_path)
    (own / name).write_text(readme_code(), encoding="utf-8")
    includes = [f"-I{own / 'lib' / part}" for part in ("eb_digits", "edgebottle/include")]
    command = [zig_path(), "cc", *flags, "-Wall", "-Wextra", "-Werror", "-c"]
    done = subprocess.run(
        [*command, *includes, str(own / name), "-o", str(own / "model.o")],
        capture_output=True,
        text=True,
        env=compiler_environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_products_are_not_fused_in_a_build_of_the_user(digits: Model, tmp_path: Path) -> None:
    """Under the options that compilers have of themselves, on a core that could fuse them."""
    compiler = shutil.which("gcc")
    commands = [[zig_path(), "cc", "-target", "x86_64-linux-gnu", "-mcpu=haswell"]]
    if compiler is not None and platform.machine() == "x86_64":
        commands.append([compiler, "-march=haswell"])
    include = f"-I{data_dir('firmware') / 'lib' / 'edgebottle' / 'include'}"
    body = "float f(float a, float b, float c);\nfloat f(float a, float b, float c)\n"
    body += "{\n    return a * b + c;\n}\n"
    for number, command in enumerate(commands):
        fused = {}
        for head in ("", '#include "eb_exact.h"\n'):
            source, made = tmp_path / f"fused{number}.c", tmp_path / "fused.s"
            source.write_text(head + body, encoding="utf-8")
            subprocess.run(
                [*command, "-O2", "-std=gnu11", include, "-S", "-o", str(made), str(source)],
                capture_output=True,
                text=True,
                env=compiler_environment(),
                timeout=120,
                check=True,
            )
            fused[head] = "fmadd" in made.read_text()
        assert list(fused.values()) == [True, False], command


def test_the_code_of_the_readme_classifies(digits: Model, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler of this computer")
    own = libraries(digits, "host", tmp_path)
    source, program = own / "main.c", own / "program"
    source.write_text(readme_code() + HOST_MAIN, encoding="utf-8")
    files = [str(path) for path in sorted((own / "lib").rglob("*.c"))]
    includes = [f"-I{own / 'lib' / name}" for name in ("eb_digits", "edgebottle/include")]
    command = [compiler, *FLAGS, *includes, str(source), *files, "-o", str(program)]
    subprocess.run(command, check=True, timeout=120)
    images, labels = load_samples("digits")
    done = subprocess.run(
        [program], input=images.tobytes(), capture_output=True, timeout=60, check=True
    )
    found = np.array([int(line) for line in done.stdout.split()])
    assert (found == labels).mean() > 0.95
