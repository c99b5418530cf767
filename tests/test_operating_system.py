"""Processes that end with those who started them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgebottle import operating_system
from edgebottle.operating_system import Child, Patience, ending, shared_library, socket_libraries

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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says")
def test_cpu_time_is_that_of_the_whole_group() -> None:
    command = ["/bin/sh", "-c", "while :; do :; done & wait"]
    with Child[bytes](command) as child:
        while (used := child.cpu_seconds()) is not None and used < 0.05:
            assert child.poll() is None
    assert used is not None
    with Child[bytes](["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE) as child:
        assert (child.cpu_seconds() or 0.0) < 0.05


class Scripted:
    """A child whose CPU time and end are told."""

    used: float | None = 0.0
    code: int | None = None

    def cpu_seconds(self) -> float | None:
        return self.used

    def poll(self) -> int | None:
        return self.code


NEVER_KNOWN = [(4.9, None, False), (5.0, None, True)]
STANDS_STILL = [(4.9, 3.0, False), (5.0, 3.0, False), (9.9, 3.0, False), (10.0, 3.0, True)]
GETS_ON_SLOWLY = [(5.0 + 4.9 * i, 3.0 + 0.02 * i, False) for i in range(100)]
ITS_OWN_TIME_IS_OVER = [(5.0, 3.0, False), (9.0, 6.0, False), (13.0, 7.9, False), (14.0, 8.0, True)]


@pytest.mark.parametrize("steps", [NEVER_KNOWN, STANDS_STILL, GETS_ON_SLOWLY, ITS_OWN_TIME_IS_OVER])
def test_a_child_that_gets_on_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[float, float | None, bool]]
) -> None:
    clock, child = 0.0, Scripted()
    monkeypatch.setattr(operating_system.time, "monotonic", lambda: clock)
    patience = Patience(child, 5.0)  # type: ignore[arg-type]
    for clock, child.used, over in steps:
        assert patience.is_over() == over, (clock, child.used)


def test_a_child_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, child = 0.0, Scripted()
    monkeypatch.setattr(operating_system.time, "monotonic", lambda: clock)
    patience = Patience(child, 5.0)  # type: ignore[arg-type]
    clock, child.used = 5.0, 1.0
    assert not patience.is_over()
    child.code = -9
    assert patience.is_over()


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


@pytest.mark.parametrize(
    ("target", "library"),
    [("x86_64-windows-gnu", ("-lws2_32",)), ("aarch64-macos", ())],
)
def test_the_native_part_links_for_systems_that_are_not_here(
    tmp_path: Path, target: str, library: tuple[str, ...]
) -> None:
    from edgebottle.build.cache import compiler_environment
    from hil.virtual import native

    pytest.importorskip("ziglang", reason="zig compiles for other systems")
    sources = sorted(native._SOURCES.glob("*.c"))
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *native._FLAGS]
    done = subprocess.run(
        [*command, "-Werror", *sources, *library, "-o", tmp_path / "board"],
        capture_output=True,
        text=True,
        check=False,
        env=compiler_environment(),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "board").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("system", "name", "libraries"),
    [("linux", "x.so", ()), ("darwin", "x.dylib", ()), ("win32", "x.dll", ("-lws2_32",))],
)
def test_names_of_systems(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str, libraries: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert (shared_library("x"), socket_libraries()) == (name, libraries)


def test_the_command_line_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgebottle", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: edgebottle")
