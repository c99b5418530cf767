"""``verify --emulator qemu``: our images, as they are, on an emulator that nobody of us wrote."""

import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgebottle.boards import Board, all_boards, all_cores, load_board
from edgebottle.build.toolchains import QEMU
from edgebottle.drivers import Faulted, open_session
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.pipeline import build, load
from edgebottle.verify import verify_model
from hil.protocol import Silent
from hil.virtual import qemu
from hil.virtual.qemu import QemuBoard, check_qemu
from tests.cli.command_line import edgebottle
from tests.conftest import ROOT, long, needs_qemu

WITH_MACHINE = [board for board in (*all_boards(), *all_cores()) if board.qemu is not None]
CPU = re.compile(r'cpu-type = "(.*)-arm-cpu"')
MEMORY = re.compile(r"  ([0-9a-f]{16})-([0-9a-f]{16}) \(prio \d+, (?:ram|rom|romd)\)")


@pytest.fixture(autouse=True)
def _ask_anew() -> None:
    qemu._qemu_of.cache_clear()


def machine_there(board: Board) -> str:
    """What ``check_qemu`` says; skips where the QEMU that is installed is older than a machine."""
    assert board.qemu is not None
    try:
        return check_qemu(board)
    except ToolMissing as error:
        assert board.qemu.since and f"came with version {board.qemu.since}" in str(error)
        pytest.skip(str(error))


@needs_qemu
@pytest.mark.parametrize(
    "board",
    [
        "microbit",
        "mps2_an385",
        "nucleo_f411re",
        "nucleo_l476rg",
        *(long(name) for name in ("cortex-m3", "cortex-m55", "mps3_an547", "nucleo_f446re")),
    ],
)
def test_every_output_is_exact(board: str) -> None:
    name = machine_there(load_board(board))
    assert re.fullmatch(r"QEMU \d+\.\d+\.\d+ \([\w-]+\)", name)
    result = verify_model(load("digits"), load_board(board), samples=5, on_qemu=True)
    assert result.exact and result.match, str(result.difference)
    assert result.implementations == ("LiteRT", "NumPy", "host C", name)
    assert result.instructions is None and result.stack


@needs_qemu
@pytest.mark.parametrize("board", WITH_MACHINE, ids=lambda board: board.id)
def test_the_machine_is_like_the_board(board: Board) -> None:
    """The same core, and flash and RAM at the same addresses: QEMU itself says so."""
    machine_there(board)
    assert board.qemu is not None
    said = subprocess.run(
        [QEMU, "-machine", board.qemu.machine, "-S", "-display", "none", "-monitor", "stdio"],
        input="info qtree\ninfo mtree -f\nquit\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert set(CPU.findall(said)) == {board.cpu}
    views = said.split("FlatView #")
    (view,) = [view for view in views if re.search(r'AS "cpu(-secure)?-memory-0"', view)]
    ranges = sorted({tuple(int(end, 16) for end in pair) for pair in MEMORY.findall(view)})
    # A core has memory in plenty, of which a machine has a part.
    for name in () if board.is_core else ("flash", "ram"):
        region = board.region(name)
        end = region.start
        for first, last in ranges:
            end = last + 1 if first <= end <= last else end
        assert end >= region.start + region.size, name


def test_the_page_names_every_machine() -> None:
    page = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    table = page.split("## A second emulator")[1].split("\n## ")[0].splitlines()
    for board in WITH_MACHINE:
        assert board.qemu is not None
        (row,) = (line for line in table if line.startswith("|") and f"`{board.id}`" in line)
        assert f"`{board.qemu.machine}`" in row and (board.qemu.since or "7.2") in row


def fake(folder: Path, then: str, version: str = "7.2.22") -> None:
    """A QEMU that has every machine but does something else than to run one."""
    script = folder / QEMU
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, sys, time\n"
        "if '--version' in sys.argv:\n"
        f"    sys.exit(print('QEMU emulator version {version} (Debian)'))\n"
        "if 'help' in sys.argv:\n"
        "    sys.exit(print('Supported machines are:\\nmicrobit  BBC micro:bit\\n'))\n"
        f"{then}\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


DEATHS = [
    ("sys.exit(print('qemu-system-arm: warning: x\\nqemu-system-arm: no RAM', file=sys.stderr))",
     "qemu-system-arm ended: exit code 0: no RAM"),
    ("sys.exit('qemu: fatal: Lockup: cannot escalate\\n\\nR00=00000000 R01=00000000')",
     "qemu-system-arm ended: exit code 1: qemu: fatal: Lockup: cannot escalate"),
    ("os.kill(os.getpid(), 9)", "qemu-system-arm ended: killed by SIGKILL"),
]  # fmt: skip


@pytest.mark.parametrize(("then", "message"), DEATHS)
def test_qemu_that_dies(
    then: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(load("digits"), load_board("microbit"))
    fake(tmp_path, then)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Faulted, match=f"^{re.escape(message)}$"), open_session(built, on_qemu=True):
        pass


@pytest.mark.long
def test_qemu_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build(load("digits"), load_board("microbit"))
    fake(tmp_path, "time.sleep(600)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Silent), open_session(built, on_qemu=True):
        pass


@needs_qemu
def test_qemu_that_is_killed_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[QemuBoard] = []

    class _Noted(QemuBoard):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self)

    monkeypatch.setattr(qemu, "QemuBoard", _Noted)
    built = build(load("digits"), load_board("microbit"))
    with (
        pytest.raises(Faulted, match=r"^qemu-system-arm ended: .*terminating on signal 15"),
        open_session(built, on_qemu=True) as session,
    ):
        session.run([bytes(64)])
        started[0]._process.send_signal(signal.SIGTERM)
        for _ in range(1000):
            session.run([bytes(64)])


def _nothing(folder: Path) -> None:
    """A PATH without QEMU."""


def _no_version(folder: Path) -> None:
    fake(folder, "", version="?")
    text = (folder / QEMU).read_text().replace("QEMU emulator version ?", "hello")
    (folder / QEMU).write_text(text)


def _broken(folder: Path) -> None:
    (folder / QEMU).write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no libfoo.so')\n")
    (folder / QEMU).chmod(0o755)


REFUSALS: list[tuple[str, Callable[[Path], None], type[Exception], str]] = [
    ("microbit", _nothing, ToolMissing, f"{QEMU} is not installed: .* apt install {QEMU}"),
    ("microbit", _no_version, ToolMissing, "does not say its version"),
    ("microbit", _broken, ToolMissing, r"does not run: no libfoo\.so"),
    ("stm32f746", _nothing, BadInput, "no machine that runs .* stm32f746 as it is; .* microbit, "),
    ("host", _nothing, BadInput, "no machine that runs .* host as it is"),
    (
        "nucleo_l476rg",
        lambda folder: fake(folder, ""),
        ToolMissing,
        "QEMU 7.2.22 has no machine b-l475e-iot01a, which came with version 9.1: install a newer",
    ),
]


@pytest.mark.parametrize(("board", "prepare", "kind", "message"), REFUSALS)
def test_refusals(
    board: str,
    prepare: Callable[[Path], None],
    kind: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Said before anything is built: there is no compiler in this PATH either."""
    prepare(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kind, match=message):
        verify_model(load("digits"), load_board(board), on_qemu=True)


@needs_qemu
def test_command_line(tmp_path: Path) -> None:
    words = ("verify", "digits", "-b", "microbit", "--emulator", "qemu", "--samples", "3")
    found = edgebottle(*words, "--json", cwd=tmp_path).json()
    assert found["match"] and found["implementations"][-1] == check_qemu(load_board("microbit"))
    done = edgebottle(*words, "--port", "COM1", cwd=tmp_path)
    assert done.code == 2 and "--port is a real board and --emulator none" in done.err
    done = edgebottle("verify", "digits", "-b", "stm32f746", "--emulator", "qemu", cwd=tmp_path)
    assert done.code == 1 and done.err.count("\n") == 1
