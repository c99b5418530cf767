"""The real programs: names that pyOCD resolves, files OpenOCD has, answers without a probe."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest

from edgebottle.boards import Board, all_boards, load_board
from edgebottle.programmers import Programmer, all_programmers, target_of

BY_NAME = {item.name: item for item in all_programmers()}
PYOCD = BY_NAME["pyocd"]
pytest.importorskip("pyocd", reason="needs pyOCD: pip install 'edgebottle[probe]'")


def served(programmer: Programmer) -> list[Board]:
    return [board for board in all_boards() if programmer.serves(target_of(board))]


PDSC = """<package><name>pack</name><vendor>v</vendor><devices><family Dfamily="f" Dvendor="v:1">
<processor Dcore="Cortex-M4" Dfpu="0" Dmpu="0" Dendian="Little-endian" Dclock="1000000"/>
{devices}</family></devices></package>"""
DEVICE = """<device Dname="{name}">
<memory id="IROM1" start="0x8000000" size="0x10000" startup="1" default="1"/>
<memory id="IRAM1" start="0x20000000" size="0x4000" default="1"/></device>"""

# Chips that pyOCD has not built in: their devices in the vendors' CMSIS-Packs.
PACKED = {
    "STM32F411RET6": "STM32F411RETx",
    "STM32F446RET6": "STM32F446RETx",
    "STM32F746NGH6": "STM32F746NGHx",
    "STM32F746ZGT6": "STM32F746ZGTx",
    "STM32G071RBT6": "STM32G071RBTx",
    "STM32G0B1RET6": "STM32G0B1RETx",
    "STM32H7A3ZIT6Q": "STM32H7A3ZITxQ",
    "STM32L476RGT6": "STM32L476RGTx",
    "STM32L4R5ZIT6": "STM32L4R5ZITx",
    "STM32U575ZIT6Q": "STM32U575ZITxQ",
    "ATSAMD21G18A": "ATSAMD21G18A",
}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CMSIS-Pack with nothing but the names and memories of those chips."""
    path = tmp_path_factory.mktemp("pack") / "v.pack.1.0.0.pack"
    devices = "".join(DEVICE.format(name=name) for name in PACKED.values())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("v.pack.pdsc", PDSC.format(devices=devices))
    return path


def resolved(name: str, pack: Path | None) -> Any:
    """What pyOCD makes of ``--target name``; raises as it does for a name it does not know."""
    from pyocd.board.board import Board as PyocdBoard
    from pyocd.core.session import Session
    from pyocd.probe.debug_probe import DebugProbe

    probe = create_autospec(DebugProbe, instance=True, associated_board_info=None)
    options = {"pack": [str(pack)]} if pack else {}
    return PyocdBoard(Session(probe, options=options, no_config=True), target=name)


@pytest.mark.parametrize("board", served(PYOCD), ids=lambda board: board.id)
def test_pyocd_knows_every_board(board: Board, pack: Path) -> None:
    from pyocd.target.builtin import BUILTIN_TARGETS

    name = PYOCD.target_name(target_of(board))
    assert name is not None
    assert (name in BUILTIN_TARGETS) == (board.mcu not in PACKED)
    found = resolved(name, pack if board.mcu in PACKED else None)
    assert found.target_type == name
    if board.mcu in PACKED:
        assert found.target.part_number == PACKED[board.mcu]


def test_pyocd_says_what_the_table_expects_of_a_chip_without_pack() -> None:
    from pyocd.core.exceptions import TargetSupportError

    board = target_of(load_board("nucleo_u575zi"))
    with pytest.raises(TargetSupportError) as caught:
        resolved("no_such_chip", None)
    answer = PYOCD.answer(board, 1, "", str(caught.value))
    assert answer.meaning == "unknown-chip"
    assert answer.remedy.startswith("pyocd pack install stm32u575zitxq ")


ALONE = [
    ("pyocd", "microbit"),
    ("openocd", "stm32f746"),
    ("openocd", "nrf52840dk"),
    ("openocd", "microbit"),
    ("st-flash", "stm32f746"),
    ("dfu-util", "longan_nano"),
]


@pytest.mark.parametrize(
    ("tool", "board", "what"),
    [
        (tool, board, what)
        for tool, board in ALONE
        for what in ("command", "reset", "recover")
        if BY_NAME[tool].can(what)
    ],
)
def test_without_a_probe(
    tool: str, board: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ends by itself and is understood: its options are right, its words are the table's."""
    programmer, target = BY_NAME[tool], target_of(load_board(board))
    # Beside Python too, where pip puts it.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if shutil.which(programmer.executable) is None:
        pytest.skip(f"{tool} is not installed")
    file = tmp_path / f"firmware.{programmer.writes}"
    file.write_bytes(bytes(64))
    done = subprocess.run(
        programmer.arguments(what, target, file, serial="683123456"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    answer = programmer.answer(target, done.returncode, done.stdout, done.stderr)
    assert answer.meaning == "no-probe", done


NEWER = ("raspberry_pi_pico_2",)
"""Boards with chips that OpenOCD 0.12 does not know."""


def test_openocd_has_every_board() -> None:
    if shutil.which("openocd") is None:
        pytest.skip("OpenOCD is not installed")
    for board in served(BY_NAME["openocd"]):
        line = BY_NAME["openocd"].arguments("reset", target_of(board))
        assert line[-2:] == ["-c", "init; reset run; exit"]
        line[-1] = "shutdown"
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        if board.id in NEWER and done.returncode != 0:
            answer = BY_NAME["openocd"].answer(target_of(board), 1, done.stdout, done.stderr)
            assert answer.meaning == "unknown-chip", answer
            continue
        assert done.returncode == 0, done.stderr
