"""Running PlatformIO: versions, isolation, failures, concurrency."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fixture_project import write_fixture_project

from edgebottle.boards import load_board
from edgebottle.build import pio
from edgebottle.build.cache import cache_dir, locked
from edgebottle.build.process import first_errors, run_tool
from edgebottle.build.project import build_firmware
from edgebottle.build.toolchains import cross_compiler
from edgebottle.errors import BadInput, BuildFailed, ToolMissing
from tests.waiting import has_ended, wait_until

BOARD = load_board("nucleo_l4r5zi")


@pytest.mark.parametrize(
    ("package", "release"),
    [("4.41101.0", "4.11.1"), ("4.40801.0", "4.8.1"), ("4.40502.0", "4.5.2")],
)
def test_scons_version(package: str, release: str) -> None:
    assert pio.scons_version(package) == release


def test_scons_version_unknown() -> None:
    with pytest.raises(ToolMissing, match=r"5\.0"):
        pio.scons_version("5.0")


def test_installed_scons_is_the_one_platformio_wants() -> None:
    assert pio.installed_scons() == pio.scons_version(pio.scons_package_version())


def test_environment_has_nothing_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORMIO_LIB_EXTRA_DIRS", "/elsewhere")
    environment = pio.pio_environment(tmp_path, toolchain="zig", optimize="-O2")
    assert "PLATFORMIO_LIB_EXTRA_DIRS" not in environment
    assert environment["PLATFORMIO_CORE_DIR"].startswith(str(cache_dir()))
    assert environment["PLATFORMIO_PLATFORMS_DIR"].startswith(str(tmp_path))


def test_core_folder_made_by_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "cache"))
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: pio.core_dir(), range(8)))
    (core,) = folders
    assert [path.name for path in (core / "packages").iterdir()] == ["tool-scons"]
    assert sorted(path.name for path in core.iterdir()) == ["packages"]


def test_compile_error_is_shown_and_logged(tmp_path: Path) -> None:
    project = write_fixture_project(tmp_path, BOARD)
    (project / "src" / "main.c").write_text("int main(void) { return missing_name; }\n")
    with pytest.raises(BuildFailed) as caught:
        build_firmware(project, BOARD, "zig")
    message = str(caught.value)
    assert "missing_name" in message
    assert len(message.splitlines()) < 20
    log = Path(message.rsplit("full log: ", 1)[1])
    assert "missing_name" in log.read_text()


def test_too_large_for_the_board(tmp_path: Path) -> None:
    project = write_fixture_project(tmp_path, BOARD)
    source = project / "lib" / "eb_tiny" / "tiny.c"
    source.write_text(source.read_text().replace("#define ARENA 64", "#define ARENA 700000"))
    with pytest.raises(BuildFailed, match=r"ram|RAM"):
        build_firmware(project, BOARD, "zig")


def test_without_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"^there is no sh in PATH.*PATH=\$PATH:/usr/bin:/bin$"):
        build_firmware(write_fixture_project(tmp_path / "project", BOARD), BOARD, "zig")


def test_not_a_project(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"platformio\.ini"):
        build_firmware(tmp_path, BOARD)


def test_missing_compiler_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissing, match="gcc-arm-none-eabi"):
        cross_compiler(BOARD, "gcc")
    with pytest.raises(ToolMissing, match="zig or gcc"):
        cross_compiler(BOARD, "keil")


def test_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ToolMissing, match="EDGEBOTTLE_CACHE"):
        cache_dir()


def test_deadline_kills_the_tool_and_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(BuildFailed, match="took longer"):
        run_tool(
            [sys.executable, "-c", parent], log=tmp_path / "log", environment={}, deadline_s=0.5
        )
    wait_until(lambda: has_ended(int(mark.read_text())), "the tool's child ends")


def test_tool_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="no-such-tool"):
        run_tool(["/no-such-tool"], log=tmp_path / "log", environment={}, deadline_s=1.0)


def test_first_errors_are_trimmed() -> None:
    output = "\n".join(f"file.c:{i}: error: broken {i}\n    code\n    ^" for i in range(40))
    shown = first_errors(output)
    assert shown.startswith("file.c:0: error: broken 0")
    assert shown.endswith("more lines")
    assert len(shown.splitlines()) <= 13
    assert first_errors("a\nb\nno luck") == "a\nb\nno luck"


def test_lock_is_exclusive_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "project.lock"
    code = (
        "from pathlib import Path; from edgebottle.build.cache import locked; import sys\n"
        f"with locked(Path({str(path)!r})): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BuildFailed, match="another edgebottle"), locked(path, deadline_s=0.2):
            pass
        holder.stdin.close()
        with locked(path, deadline_s=20.0):
            pass


def test_what_a_tool_says_is_heard_while_it_runs(tmp_path: Path) -> None:
    gate, heard = tmp_path / "gate", []
    script = (
        "print('Compiling a.c', flush=True)\nwhile not __import__('os').path.exists({!r}): pass"
    )

    def hear(line: str) -> None:
        heard.append(line)
        gate.touch()  # the tool goes on once it was heard

    words = [sys.executable, "-c", script.format(str(gate))]
    run_tool(words, log=tmp_path / "log", environment={**os.environ}, deadline_s=60, heard=hear)
    assert heard[0] == "Compiling a.c"
