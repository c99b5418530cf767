"""PlatformIO is asked only when something has changed since the last build."""

import shutil
from pathlib import Path

import pytest
from fixture_project import write_fixture_project

from edgebottle.boards import load_board
from edgebottle.build import project
from edgebottle.build.project import build_firmware
from edgebottle.errors import BuildFailed

BOARD = load_board("microbit")
ELF = Path(".pio") / "build" / BOARD.id / "firmware.elf"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of each build of the project in ``tmp_path``, instead of building it."""
    options: list[str] = []

    def build(folder: Path, *, optimize: str, **_: object) -> None:
        options.append(optimize)
        if optimize == "fails":
            raise BuildFailed("the build failed")
        (folder / ELF).parent.mkdir(parents=True, exist_ok=True)
        (folder / ELF).write_bytes(b"an image")

    monkeypatch.setattr(project, "run_pio", build)
    write_fixture_project(tmp_path, BOARD)
    return options


def builds(asked: list[str], folder: Path, optimize: str = "-Os") -> bool:
    before = len(asked)
    assert build_firmware(folder, BOARD, optimize=optimize).elf == folder / ELF
    return len(asked) > before


def test_what_has_changed_is_built_again(asked: list[str], tmp_path: Path) -> None:
    assert builds(asked, tmp_path) and not builds(asked, tmp_path)
    main, ini = tmp_path / "src" / "main.c", tmp_path / "platformio.ini"
    for path in (main, ini, tmp_path / "platform" / "builder" / "eb_linker.py"):
        path.write_text(path.read_text() + "\n")
        assert builds(asked, tmp_path) and not builds(asked, tmp_path)
    (tmp_path / "lib" / "eb_tiny" / "new.h").touch()
    assert builds(asked, tmp_path)
    main.rename(main.with_name("other.c"))
    assert builds(asked, tmp_path) and not builds(asked, tmp_path)
    assert builds(asked, tmp_path, "-O2") and builds(asked, tmp_path)


def test_an_image_that_is_gone_or_changed_is_built_again(asked: list[str], tmp_path: Path) -> None:
    assert builds(asked, tmp_path)
    (tmp_path / ELF).unlink()
    assert builds(asked, tmp_path)
    (tmp_path / ELF).write_bytes(b"another")
    assert builds(asked, tmp_path) and not builds(asked, tmp_path)


def test_a_copy_is_built_by_its_own_platform(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_fixture_project(old, BOARD)
    build_firmware(old, BOARD)
    shutil.copytree(old, new)
    (old / "platform" / "builder" / "eb_linker.py").write_text("raise RuntimeError\n")
    (new / "src" / "main.c").open("a").write("\n")
    assert build_firmware(new, BOARD).elf == new / ELF


def test_a_build_that_failed_is_tried_again(asked: list[str], tmp_path: Path) -> None:
    assert builds(asked, tmp_path)
    for _ in range(2):
        with pytest.raises(BuildFailed):
            build_firmware(tmp_path, BOARD, optimize="fails")
    assert asked == ["-Os", "fails", "fails"] and builds(asked, tmp_path)


def test_another_compiler_builds_again(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert builds(asked, tmp_path)
    monkeypatch.setattr("edgebottle.build.toolchains._version", lambda executable: "zig 99.0")
    assert builds(asked, tmp_path) and not builds(asked, tmp_path)
