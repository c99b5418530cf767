"""Processes that end with those who started them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.parametrize(
    ("system", "error", "has_gone"),
    [
        ("linux", BrokenPipeError(32, "Broken pipe"), True),
        ("linux", OSError(22, "Invalid argument"), False),
        ("win32", OSError(22, "Invalid argument"), True),
        ("win32", OSError(22, "Invalid argument", "a:b"), False),
        ("win32", OSError(28, "No space left on device"), False),
    ],
)
def test_a_reader_that_has_gone(
    monkeypatch: pytest.MonkeyPatch, system: str, error: OSError, has_gone: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert operating_system.reader_has_gone(error) == has_gone


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
GETS_ON_SLOWLY = [(5.0 + 4.9 * i, 3.0 + 0.11 * i, False) for i in range(46)]
ONLY_LOOKS_ABOUT = [(5.0, 3.0, False), (9.9, 3.02, False), (10.0, 3.02, True)]
ITS_OWN_TIME_IS_OVER = [(5.0, 3.0, False), (9.0, 6.0, False), (13.0, 7.9, False), (14.0, 8.0, True)]


@pytest.mark.parametrize(
    "steps", [NEVER_KNOWN, STANDS_STILL, ONLY_LOOKS_ABOUT, GETS_ON_SLOWLY, ITS_OWN_TIME_IS_OVER]
)
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
        (3221225477, "exception 0xC0000005"),
        pytest.param(-9, "killed by SIGKILL", marks=posix),
        pytest.param(-99, "killed by signal 99", marks=posix),
    ],
)
def test_ending_is_named(code: int, words: str) -> None:
    assert ending(code) == words


WINDOWS, MACOS = "x86_64-windows-gnu", "aarch64-macos"


def compile_for(target: str, flags: Sequence[str], sources: Sequence[Path], folder: Path) -> None:
    """Compiles for a system that is not here, without a warning.

    Nothing is linked: for that zig would first build the whole of MinGW's C library, which takes
    more CPU than any other test.
    """
    from edgebottle.build.cache import compiler_environment

    pytest.importorskip("ziglang", reason="zig compiles for other systems")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *flags, "-Werror"]
    for number, source in enumerate(sources):
        made = folder / f"{number}.o"
        done = subprocess.run(
            [*command, "-c", source, "-o", made],
            capture_output=True,
            text=True,
            check=False,
            env=compiler_environment(),
        )
        assert done.returncode == 0, done.stderr
        assert made.stat().st_size > 0
    assert sources


@pytest.mark.parametrize("target", [WINDOWS, MACOS])
def test_the_native_part_compiles_for_systems_that_are_not_here(
    tmp_path: Path, target: str
) -> None:
    from hil.virtual import native

    compile_for(target, native._FLAGS, sorted(native._SOURCES.glob("*.c")), tmp_path)


@pytest.mark.parametrize("target", [WINDOWS, MACOS])
def test_the_host_board_compiles_for_systems_that_are_not_here(tmp_path: Path, target: str) -> None:
    from edgebottle.boards import load_board
    from edgebottle.build import host
    from edgebottle.codegen.project import sync, write_project
    from edgebottle.ops.base import Isa
    from edgebottle.pipeline import load
    from edgebottle.plan.planner import make_plan

    graph = load("digits").graph
    sync(write_project(graph, make_plan(graph, Isa.PORTABLE), load_board("host")), tmp_path)
    sources = [x for part in ("src", "port/host", "lib") for x in (tmp_path / part).rglob("*.c")]
    flags = [host.OPTIMIZE, host.FORCE_PORTABLE, *host.FLAGS, *host.includes(tmp_path)]
    compile_for(target, [*flags, "-fno-sanitize=all"], sources, tmp_path)


@pytest.mark.parametrize(
    ("system", "name", "libraries", "is_elf", "takes_files", "home"),
    [
        ("linux", "x.so", (), True, True, "home/.cache"),
        ("darwin", "x.dylib", (), False, True, "home/Library/Caches"),
        ("win32", "x.dll", ("-lws2_32",), False, False, "local"),
    ],
)
def test_what_systems_have(
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    name: str,
    libraries: tuple[str, ...],
    is_elf: bool,
    takes_files: bool,
    home: str,
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv("HOME", "home")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    assert (shared_library("x"), socket_libraries()) == (name, libraries)
    assert operating_system.executables_are_elf() == is_elf
    assert operating_system.can_pass_files() == takes_files
    assert operating_system.can_wait_for_files() == takes_files
    assert operating_system.cache_home() == Path(home)


def test_a_lock_on_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One byte far behind the content, and the place in the file stays."""
    locked: dict[int, bool] = {}

    def locking(number: int, mode: str, count: int) -> None:
        position = os.lseek(number, 0, os.SEEK_CUR)
        assert (mode, count) == ("at once", 1) and position > 1 << 32
        if locked.get(position):
            raise PermissionError(13, "Permission denied")
        locked[position] = True

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK="at once"))
    with (tmp_path / "file").open("a+b") as file:
        file.write(b"three lines")
        file.seek(5)
        assert operating_system.try_lock(file) and file.tell() == 5
        assert not operating_system.try_lock(file)
        assert file.read() == b" lines"

    def failing(number: int, mode: str, count: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=failing, LK_NBLCK="at once"))
    with (tmp_path / "file").open("a+b") as file, pytest.raises(OSError, match="Invalid"):
        operating_system.try_lock(file)


def test_qemu_is_handed_no_socket_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgebottle.boards import load_board
    from edgebottle.errors import BoardError
    from hil.virtual.qemu import QemuBoard

    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BoardError, match=r"mps3_an547 would run on .* QEMU, .* on Windows: take"):
        QemuBoard(Path("firmware.elf"), load_board("mps3_an547"))


def test_sizes_of_an_executable_that_is_no_elf_file(tmp_path: Path) -> None:
    from edgebottle.build.sizes import plain_sizes

    (tmp_path / "firmware.elf").write_bytes(b"MZ" + bytes(998))
    sizes = plain_sizes(tmp_path / "firmware.elf", 300)
    assert (sizes.weights, sizes.code, sizes.ram) == (300, 700, 0)


def test_the_command_line_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgebottle", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: edgebottle")
