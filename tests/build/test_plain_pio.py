"""``pio run`` as a user types it, in projects that edgebottle wrote: no set-up, no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from edgebottle.boards import load_board
from edgebottle.build.cache import compiler_environment
from edgebottle.codegen.project import sync, write_project
from edgebottle.fit import fit
from tests.graphs import Builder

DEADLINE_S = 240.0


def project(folder: Path, board: str) -> Path:
    b = Builder("tiny", 1)
    graph = b.graph(b.relu(b.input(1, 4)))
    target = load_board(board)
    sync(write_project(graph, fit(graph, target).plan, target), folder)
    return folder


def pio_run(folder: Path, core: Path, **changes: str) -> tuple[int, str]:
    kept = {k: v for k, v in compiler_environment().items() if not k.startswith("PLATFORMIO_")}
    kept.update(PLATFORMIO_CORE_DIR=str(core), PLATFORMIO_SETTING_ENABLE_TELEMETRY="no", **changes)
    done = subprocess.run(
        [sys.executable, "-m", "platformio", "run", "-d", str(folder)],
        capture_output=True,
        text=True,
        env=kept,
        timeout=DEADLINE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_two_projects_on_one_machine(tmp_path: Path) -> None:
    """Both with one core folder, which a user has from other work, and which stays as it was."""
    core = tmp_path / "core"
    boards = "microbit", "arduino_zero"
    for board in boards:
        code, text = pio_run(project(tmp_path / board, board), core)
        assert code == 0, text
    for board in boards:
        assert (tmp_path / board / ".pio" / "build" / board / "firmware.elf").is_file()
    assert not (core / "packages").exists() and not (core / "platforms").exists()


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    """A Python whose finder knows no zig, as the one of PlatformIO's own installer."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "def hidden(name, package=None):\n"
        "    return None if name == 'ziglang' else find(name, package)\n"
        "importlib.util.find_spec = hidden\n"
    )
    path = os.defpath if shutil.which("zig", path=os.defpath) is None else ""
    changes = {"PYTHONPATH": str(hide), "EDGEBOTTLE_ZIG": "", "PATH": path}
    code, text = pio_run(project(tmp_path / "a", "microbit"), tmp_path / "core", **changes)
    assert code != 0
    advice = "-m pip install ziglang"
    assert len([line for line in text.splitlines() if advice in line]) == 1, text
    assert "Traceback" not in text
