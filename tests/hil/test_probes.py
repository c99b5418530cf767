"""Probes: which one is told, and what is done by it besides flashing."""

from pathlib import Path

import pytest
from fake_programmers import HLA, NO_STLINK, PORT, calls, elf_fixture, install, says, tools_fixture

from edgebottle.boards import load_board
from edgebottle.errors import ToolMissing
from hil import probes
from hil.flash import check_programmers, flash, reset
from hil.probes import ProbeChoice

__all__ = ["elf_fixture", "tools_fixture"]

# of the serial port: device, USB vendor, serial number; the probe that is named
PORTS = [
    (PORT, 0x0483, "066CFF31", "066CFF31"),
    (PORT, 0x1366, "000683123456", "683123456"),
    (PORT, 0x0D28, "9904360258824e45", "9904360258824e45"),
    (PORT, 0x0403, "FT1", None),  # a cable is no probe
    (PORT, 0x0483, None, None),
    ("/dev/ttyACM1", 0x0483, "066CFF31", None),
]


@pytest.mark.parametrize(("device", "vendor", "number", "probe"), PORTS)
def test_the_probe_of_the_port_is_told(
    tools: Path,
    elf: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    vendor: int,
    number: str | None,
    probe: str | None,
) -> None:
    from serial.tools import list_ports
    from serial.tools.list_ports_common import ListPortInfo

    port = ListPortInfo(device, skip_link_detection=True)
    port.vid, port.serial_number = vendor, number
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    assert probes.probe_at(PORT) == probe
    log = install(tools, "pyocd")
    flash(elf, load_board("microbit"), PORT)
    assert (f"--uid {probe}" in calls(log)[0]) == (probe is not None)
    flash(elf, load_board("microbit"), PORT, ProbeChoice(serial="other"))
    assert "--uid other" in calls(log)[1]
    # One that cannot choose is not asked to, where only the port says which probe it is.
    teensy = install(tools, "teensy_loader_cli")
    flash(elf, load_board("teensy40"), PORT)
    assert len(calls(teensy)) == 1


RECOVERIES = [
    ("nrfutil", "nrf52840dk", "device recover --serial-number 7F"),
    ("pyocd", "nrf52840dk", "erase --mass --no-wait --uid 7F --target nrf52840"),
    ("st-flash", "stm32f746", "--serial 7F --connect-under-reset erase"),
    ("STM32_Programmer_CLI", "stm32f746", "-c port=SWD sn=7F mode=UR -rdu -e all"),
]


@pytest.mark.parametrize(("tool", "board", "expected"), RECOVERIES)
def test_a_chip_is_recovered_before_it_is_flashed(
    tools: Path, elf: Path, tool: str, board: str, expected: str
) -> None:
    log = install(tools, tool)
    flash(elf, load_board(board), PORT, ProbeChoice(serial="7F", recover=True))
    assert calls(log)[0] == expected and len(calls(log)) == 2


def test_a_programmer_that_cannot_recover(tools: Path, elf: Path) -> None:
    log = install(tools, "dfu-util")
    with pytest.raises(ToolMissing, match="cannot recover longan_nano: dfu-util cannot do that"):
        flash(elf, load_board("longan_nano"), PORT, ProbeChoice(recover=True))
    assert calls(log) == []


RESETS = [
    ("STM32_Programmer_CLI", "stm32f746", "-c port=SWD sn=7F mode=UR -hardRst"),
    ("st-flash", "stm32f746", "--serial 7F --connect-under-reset reset"),
    ("nrfutil", "nrf52840dk", "device reset --serial-number 7F"),
    (
        "openocd",
        "stm32f746",
        f"{HLA} -c 'adapter serial 7F' -f target/stm32f7x.cfg -c 'init; reset run; exit'",
    ),
    ("pyocd", "microbit", "reset --no-wait -O auto_unlock=false --uid 7F --target nrf51822"),
]


@pytest.mark.parametrize(("tool", "board", "expected"), RESETS)
def test_a_board_is_reset_by_its_probe(tools: Path, tool: str, board: str, expected: str) -> None:
    log = install(tools, tool)
    assert reset(load_board(board), PORT, ProbeChoice(serial="7F")) == tool
    assert calls(log) == [expected]


@pytest.mark.parametrize("body", (says(255, NO_STLINK), says(1, "write error")))
def test_a_reset_that_fails_is_none(tools: Path, body: str) -> None:
    assert reset(load_board("stm32f746"), PORT, ProbeChoice()) is None  # nothing is installed
    install(tools, "st-flash", body)
    assert reset(load_board("stm32f746"), PORT, ProbeChoice()) is None


# port, what was chosen, whether the board is flashed
WRITES = [
    (True, ProbeChoice(), True),
    (True, ProbeChoice(write=False), False),
    (False, ProbeChoice(), False),
    (False, ProbeChoice(serial="7F"), True),
    (False, ProbeChoice(programmer="pyocd"), True),
]


@pytest.mark.parametrize(("is_local", "choice", "expected"), WRITES)
def test_when_a_board_is_flashed(
    tools: Path, is_local: bool, choice: ProbeChoice, expected: bool
) -> None:
    assert choice.writes(is_local) == expected
    port = PORT if is_local else "rfc2217://bench:4000"
    if expected:  # said before anything is built
        with pytest.raises(ToolMissing, match="no programmer for"):
            check_programmers(load_board("stm32f746"), port, choice)
    else:
        check_programmers(load_board("stm32f746"), port, choice)
