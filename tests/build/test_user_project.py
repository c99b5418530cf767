"""The model library in a user's own PlatformIO project, with the very code of the README."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.build.host import FLAGS
from edgebottle.build.project import build_firmware
from edgebottle.codegen.project import sync, write_project
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
