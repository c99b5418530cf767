"""A project in a folder: whole or not at all, nothing of the user's lost."""

from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.project import (
    ELF,
    MARKER,
    Project,
    check_output,
    publish,
    sync,
    write_project,
)
from edgebottle.errors import BadInput
from edgebottle.ops.base import Isa
from edgebottle.plan.planner import make_plan
from tests.graphs import Builder


def project(name: str = "small") -> Project:
    b = Builder(name)
    graph = b.graph(b.relu(b.conv(b.input(1, 4, 4, 1), 2)))
    return write_project(graph, make_plan(graph, Isa.DSP), load_board("stm32f746"))


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path]:
    """A work folder as a build leaves it, and the firmware."""
    folder = tmp_path / "work"
    sync(project(), folder)
    elf = folder / ".pio" / "build" / "stm32f746" / ELF
    elf.parent.mkdir(parents=True)
    elf.write_bytes(b"\x7fELF")
    return folder, elf


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_published_project_holds_every_file(built: tuple[Path, Path], tmp_path: Path) -> None:
    found = publish(*built, tmp_path / "out")
    assert found == tmp_path / "out" / ELF
    expected = {**project().files, ELF: b"\x7fELF"}
    assert contents(tmp_path / "out") == expected


def test_a_second_build_keeps_the_files_of_the_user(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    publish(*built, out)
    mine = {"notes.txt": b"mine", "src/extra.c": b"int extra;", "lib/own/own.h": b"#pragma once"}
    for name, content in mine.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    (out / "src" / "main.c").write_bytes(b"changed by hand")
    publish(*built, out)
    assert contents(out) == {**project().files, ELF: b"\x7fELF", **mine}


def test_files_of_an_earlier_model_go(built: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    sync(project("other"), tmp_path / "before")
    publish(tmp_path / "before", built[1], out)
    publish(*built, out)
    assert not (out / "lib" / "eb_other").exists()


def test_foreign_folders_are_left_alone(built: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInput, match="did not write"):
        publish(*built, out)
    assert contents(out) == {"thesis.tex": b"years of work"}
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="is a file"):
        check_output(tmp_path / "file")


def test_a_failed_publish_leaves_the_old_project(built: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(*built, out)
    before = contents(out)
    with pytest.raises(BadInput, match="cannot write"):
        publish(built[0], tmp_path / "missing.elf", out)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_sync_touches_only_what_differs(tmp_path: Path) -> None:
    sync(project(), tmp_path / "work")
    stale = tmp_path / "work" / "src" / "stale.c"
    stale.write_text("")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.c")}
    sync(project(), tmp_path / "work")
    assert not stale.exists()
    for path, time in times.items():
        assert path == stale or path.stat().st_mtime_ns == time
    assert (tmp_path / "work" / MARKER).is_file()
