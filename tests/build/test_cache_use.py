"""The cache: shown by kind, and cleared without harming a build."""

import os
import threading
from pathlib import Path

import pytest

from edgebottle.build import cache_use
from edgebottle.build.cache import cleaning_lock, forget_oldest, locked
from edgebottle.build.host import sanitizers_available
from edgebottle.errors import BuildFailed
from tests.cli.command_line import edgebottle, environment

FILES = {
    "projects/net/src/main.c": 100,
    "projects/net.lock": 0,
    "images/old.elf": 50,
    "images/new.elf": 60,
    "litert/a.npz": 10,
    "zig/global/x/y.o": 1000,
    "platformio-6.2.0-scons-4.11.1/packages/tool-scons/scons.py": 7,
    "notes.txt": 3,
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(folder))
    for name, size in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    os.utime(folder / "images/old.elf", (1, 1))
    return folder


def left(cache: Path) -> set[str]:
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}


def sizes(kinds: tuple[cache_use.CachedFiles, ...]) -> dict[str, tuple[int, int]]:
    return {kind.name: (kind.files, kind.nbytes) for kind in kinds}


def test_shown_by_kind(cache: Path) -> None:
    assert sizes(cache_use.content()) == {
        "projects": (1, 100),
        "objects": (0, 0),
        "images": (2, 110),
        "litert": (1, 10),
        "converted": (0, 0),
        "costs": (0, 0),
        "native": (0, 0),
        "zig": (1, 1000),
        "platformio": (1, 7),
    }


def test_all_but_locks_and_images_in_use_is_removed(cache: Path) -> None:
    removed = sizes(cache_use.clean())
    assert removed["projects"] == (1, 100) and removed["images"] == (1, 50)
    assert left(cache) == {"projects/net.lock", "images/new.elf", "notes.txt", "cleaning.lock"}


def test_only_what_was_named_is_removed(cache: Path) -> None:
    assert sizes(cache_use.clean(("zig",))) == {"zig": (1, 1000)}
    assert left(cache) == {*FILES, "cleaning.lock"} - {"zig/global/x/y.o"}


def test_nothing_is_removed_while_a_build_runs(cache: Path) -> None:
    before = left(cache)
    with (
        locked(cache / "projects/net.lock"),
        pytest.raises(BuildFailed, match="a build of net is running: nothing was removed"),
    ):
        cache_use.clean()
    assert left(cache) == before | {"cleaning.lock"}


@pytest.mark.skipif(not sanitizers_available(), reason="needs a C compiler for this computer")
def test_a_build_waits_until_the_cache_is_clean(cache: Path) -> None:
    from edgebottle.boards import load_board
    from edgebottle.pipeline import build, load

    built = threading.Event()

    def work() -> None:
        build(load("digits"), load_board("host"), toolchain="gcc")
        built.set()

    thread = threading.Thread(target=work)
    with locked(cleaning_lock()):
        thread.start()
        while not list((cache / "projects").glob("digits-host-gcc-*.lock")):
            pass
        assert not built.wait(0.3) and not list(cache.glob("projects/digits*/src"))
    thread.join()
    assert built.is_set()


def test_the_command(cache: Path, tmp_path: Path) -> None:
    env = environment(EDGEBOTTLE_CACHE=str(cache))
    done = edgebottle("cache", cwd=tmp_path, env=env)
    assert done.code == 0 and "1.2 kB in all; `edgebottle cache --clean` removes it" in done.out
    data = edgebottle("cache", "zig", "--clean", "--json", cwd=tmp_path, env=env).json()
    assert (data["bytes"], data["cleaned"], data["folder"]) == (1000, True, str(cache))
    done = edgebottle("cache", "zag", cwd=tmp_path, env=env)
    assert done.code == 2 and "There is no kind 'zag'; there are projects, " in done.err
    assert "images/new.elf" in left(cache)


def test_oldest_files_are_forgotten_and_no_folder(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "left").mkdir()  # by a compiler that was killed
    forget_oldest(tmp_path, "*", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["left", "new", "old"]
