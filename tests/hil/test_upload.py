"""`pio run -t upload` flashes with the programmers that `edgebottle measure` uses."""

import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest
from virtual_helpers import F7, GD32, NRF52, commands_elf

from edgebottle.boards import Board, all_boards, load_board
from edgebottle.build.flash_files import flash_files
from edgebottle.codegen.kernels import Optimize
from edgebottle.codegen.project import _platformio_ini
from edgebottle.data import platform_module
from edgebottle.programmers import all_programmers, target_of


@pytest.fixture
def rules() -> ModuleType:
    return platform_module("eb_programmers")


@pytest.fixture(scope="module")
def compiled() -> dict[str, Path]:
    """Programs, compiled while PATH is whole."""
    return {small.id: commands_elf(small) for small in (F7, NRF52, GD32)}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(tools: Path, name: str, code: int = 0, text: str = "") -> Path:
    """A programmer that logs its arguments and keeps the file that it is given."""
    log = tools / f"{name}.log"
    script = tools / name
    script.write_text(
        f"#!{sys.executable}\n"
        "import re, shutil, sys\n"
        "line = ' '.join(sys.argv[1:])\n"
        "path = re.search(r'[^ {]*/firmware[.][a-z]+', line)[0]\n"
        f"shutil.copy(path, {str(tools)!r})\n"
        f"open({str(log)!r}, 'w').write(line.replace(path, 'FILE'))\n"
        f"print({text!r}); sys.exit({code})\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return log


# board, programmer, the file that it takes
KINDS = [(F7, "stm32f746", "st-flash", ".bin"), (NRF52, "nrf52840dk", "nrfutil", ".hex")]
KINDS += [(GD32, "longan_nano", "dfu-util", ".bin"), (F7, "stm32f746", "openocd", ".elf")]


@pytest.mark.parametrize(("small", "board", "tool", "suffix"), KINDS)
def test_what_is_written(
    rules: ModuleType,
    compiled: dict[str, Path],
    tools: Path,
    small: Board,
    board: str,
    tool: str,
    suffix: str,
) -> None:
    """Without edgebottle the same bytes come out of an ELF file as with it."""
    elf = compiled[small.id]
    install(tools, tool)
    rules.write(target_of(load_board(board)), elf)
    files = {**flash_files(elf, small), ".elf": elf.read_bytes()}
    assert (tools / f"firmware{suffix}").read_bytes() == files[suffix]


def test_the_next_is_tried(
    rules: ModuleType, tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"\x7fELF" + bytes(48))
    install(tools, "st-flash", 255, "unknown chip id! 0x467")
    log = install(tools, "openocd", 0, "** Verified OK **")
    board = target_of(load_board("nucleo_g0b1re"))
    rules.write(board, elf, serial="7F")
    assert "-c adapter serial 7F" in log.read_text()
    shown = capsys.readouterr().out
    assert "unknown chip id! 0x467" in shown and "** Verified OK **" in shown
    log.unlink()
    with pytest.raises(rules.RefusedError, match="st-flash does not know the chip"):
        rules.write(board, elf, wanted="st-flash")
    with pytest.raises(rules.RefusedError, match="dfu-util does not flash nucleo_g0b1re: STM32_"):
        rules.write(board, elf, wanted="dfu-util")
    assert not log.exists()


def test_a_project_says_what_uploads_it() -> None:
    for board in all_boards():
        text = _platformio_ini(board, Optimize.SIZE)
        able = [item.name for item in all_programmers() if item.serves(target_of(board))]
        assert all(name in text for name in able), board.id
        assert ("upload_protocol" in text) == bool(able), board.id
