"""Processes that end with those who started them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgebottle.operating_system import Child, ending

posix = pytest.mark.skipif(os.name != "posix", reason="needs a named pipe and signals")

START = "from edgebottle.operating_system import Child\nChild({command!r}).wait()"
RUN_TOOL = (
    "from pathlib import Path\nfrom edgebottle.build.process import run_tool\n"
    "run_tool({command!r}, log=Path({log!r}), environment={{}}, deadline_s=600)"
)
FROM_A_THREAD = (
    "import threading, time\nfrom edgebottle.operating_system import Child\n"
    "threading.Thread(target=lambda: Child({command!r})).start()\ntime.sleep(600)"
)


@posix
@pytest.mark.parametrize("code", [START, RUN_TOOL, FROM_A_THREAD])
def test_children_and_grandchildren_end_with_a_killed_parent(tmp_path: Path, code: str) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    command = ["/bin/sh", "-c", f"exec 9>{alive}; sleep 600 & echo up >&9; sleep 600"]
    code = code.format(command=command, log=str(tmp_path / "log"))
    with subprocess.Popen([sys.executable, "-c", code]) as parent, alive.open() as stream:
        assert stream.readline() == "up\n"
        parent.kill()
        assert stream.read() == ""  # returns when nobody is left who could write


@posix
def test_ending_a_child_ends_what_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    command = ["/bin/sh", "-c", f"exec 9>{alive}; sleep 600 & echo up >&9"]
    with Child[bytes](command) as child, alive.open() as stream:
        assert stream.readline() == "up\n"
        assert child.wait() == 0
        child.end()
        assert stream.read() == ""
        child.end()
        assert child.returncode == 0


@posix
def test_a_child_that_cannot_be_started_leaves_nothing() -> None:
    code = (
        "import os\nfrom edgebottle.operating_system import Child\n"
        "try: Child(['/no/such/tool'])\nexcept FileNotFoundError: os.waitpid(-1, os.WNOHANG)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"ChildProcessError" in done.stderr  # there is none to wait for


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        pytest.param(-9, "killed by SIGKILL", marks=posix),
        pytest.param(-99, "killed by signal 99", marks=posix),
    ],
)
def test_ending_is_named(code: int, words: str) -> None:
    assert ending(code) == words
