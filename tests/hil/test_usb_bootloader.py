"""Boards with a bootloader on their own USB port: found, or started by a touch of 1200 baud."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import serial
from fake_programmers import PORT, calls, elf_fixture, install, says, tools_fixture
from serial.tools import list_ports

from edgebottle.boards import load_board
from edgebottle.data import data_dir, platform_module
from edgebottle.errors import BadBoard, BoardError
from edgebottle.programmers import target_of
from hil.flash import flash
from hil.probes import ProbeChoice

__all__ = ["elf_fixture", "tools_fixture"]

NANO = load_board("arduino_nano_33_ble")
COMMAND = "--port={} -U -i -e -w firmware.bin -R"


@dataclass(frozen=True)
class UsbPort:
    device: str
    vid: int | None
    pid: int = 0
    serial_number: str | None = None


ADAPTER = UsbPort("/dev/ttyUSB0", 0x0403, 0x6001, "A7")
OLD = UsbPort("/dev/ttyS0", None)
SKETCH = UsbPort("/dev/ttyACM0", 0x2341, 0x805A, "76AB")
BOOT = UsbPort("/dev/ttyACM1", 0x2341, 0x005A, "000076AB")
SKETCH_2 = UsbPort("/dev/ttyACM2", 0x2341, 0x025A, "99CD")
BOOT_2 = UsbPort("/dev/ttyACM3", 0x2341, 0x005A, "000099CD")


class Desk:
    """The USB ports of a computer; a sketch that is touched becomes the bootloader."""

    def __init__(self, ports: list[UsbPort], starts: dict[str, UsbPort]) -> None:
        self.ports, self.starts, self.touched = [OLD, ADAPTER, *ports], starts, list[str]()

    def serial_for(self, device: str, baud: int) -> "Desk":
        assert baud == 1200
        self.touched.append(device)
        self.ports = [port for port in self.ports if port.device != device]
        self.ports += [self.starts[device]] if device in self.starts else []
        return self

    def close(self) -> None:
        raise OSError("it has gone already")


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = platform_module("eb_programmers")
    monkeypatch.setattr(module, "TOUCH_SECONDS", 0.3)
    return module


def sit_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: desk.ports)
    monkeypatch.setattr(serial, "Serial", desk.serial_for)


STARTS = {SKETCH.device: BOOT, SKETCH_2.device: BOOT_2}

# ports, --probe, those that are touched, the port that bossac is given
FOUND = [
    ([BOOT], None, [], BOOT),
    ([SKETCH], None, [SKETCH], BOOT),
    ([BOOT, SKETCH_2], None, [], BOOT),
    ([SKETCH, SKETCH_2], "99CD", [SKETCH_2], BOOT_2),
    ([BOOT, BOOT_2], "99CD", [], BOOT_2),
]


@pytest.mark.parametrize(("ports", "probe", "touched", "given"), FOUND)
def test_its_port_is_found(
    rules: ModuleType,
    tools: Path,
    elf: Path,
    monkeypatch: pytest.MonkeyPatch,
    ports: list[UsbPort],
    probe: str | None,
    touched: list[UsbPort],
    given: UsbPort,
) -> None:
    desk = Desk(ports, STARTS)
    sit_at(desk, monkeypatch)
    log = install(tools, "bossac")
    assert flash(elf, NANO, PORT, ProbeChoice(serial=probe)) == "bossac"
    assert calls(log) == [COMMAND.format(given.device)]
    assert desk.touched == [port.device for port in touched]


# ports, --probe, what bossac answers, what is said
LOST = [
    ([], None, "", "finds no probe or board .*: no USB device 2341:005A .press .* reset .* twice"),
    ([SKETCH_2], "76AB", "", "no USB device 2341:005A"),
    ([BOOT, BOOT_2], None, "", "several boards, at /dev/ttyACM1, /dev/ttyACM3 .* --probe SERIAL"),
    ([SKETCH, SKETCH_2], None, "", "several boards, at /dev/ttyACM0, /dev/ttyACM2"),
    ([BOOT], None, says(1, "Device unsupported"), "does not know the chip .*take Arduino's"),
    ([BOOT], None, says(1, "No device found on /dev/ttyACM1"), "no probe or board .* twice"),
]


@pytest.mark.parametrize(("ports", "probe", "answer", "message"), LOST)
def test_what_is_wrong_is_said(
    rules: ModuleType,
    tools: Path,
    elf: Path,
    monkeypatch: pytest.MonkeyPatch,
    ports: list[UsbPort],
    probe: str | None,
    answer: str,
    message: str,
) -> None:
    desk = Desk(ports, STARTS)
    sit_at(desk, monkeypatch)
    log = install(tools, "bossac", answer)
    with pytest.raises(BoardError, match=message):
        flash(elf, NANO, PORT, ProbeChoice(serial=probe))
    assert bool(calls(log)) == bool(answer)


PORTENTA = load_board("arduino_portenta_h7")
M7_SKETCH = UsbPort("/dev/ttyACM5", 0x2341, 0x025B, "76AB")


@pytest.mark.parametrize("ports", [[], [M7_SKETCH], [BOOT]])
def test_a_bootloader_that_is_no_serial_port(
    rules: ModuleType,
    tools: Path,
    elf: Path,
    monkeypatch: pytest.MonkeyPatch,
    ports: list[UsbPort],
) -> None:
    """It is started all the same, and dfu-util looks for it."""
    desk = Desk(ports, {})
    sit_at(desk, monkeypatch)
    monkeypatch.setattr(rules, "ENUMERATE_SECONDS", 0.0)
    log = install(tools, "dfu-util")
    flash(elf, PORTENTA, PORT)
    assert calls(log) == ["-d 2341:035b -a 0 -s 0x08040000:leave -D firmware.bin"]
    assert desk.touched == [port.device for port in ports if port is M7_SKETCH]


def test_a_touch_that_nobody_minds(
    rules: ModuleType, tools: Path, elf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk([SKETCH], {})
    sit_at(desk, monkeypatch)
    install(tools, "bossac")
    with pytest.raises(BoardError, match="no USB device 2341:005A"):
        flash(elf, NANO, PORT)
    assert desk.touched == [SKETCH.device]


def test_plain_pio_does_the_same(
    rules: ModuleType,
    tools: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sit_at(Desk([SKETCH], STARTS), monkeypatch)
    image = tmp_path / "firmware.elf"
    image.write_bytes(b"\x7fELF" + bytes(48))
    script = tools / "bossac"
    install(tools, "bossac")
    script.write_text(f"#!{script.read_text().splitlines()[0][2:]}\nprint('Done in 1 s')\n")
    rules.write(target_of(NANO), image)
    assert f"--port={BOOT.device}" in capsys.readouterr().out


MISTAKES = [
    ('"2341:005A"', '"2341-005A"', "usb.bootloader has '2341-005A', not a VID:PID"),
    ('"2341:805A"', "5", "usb.programs has 5, not a VID:PID"),
    ("bootloader = ", "loader = ", "key 'usb.bootloader' is missing"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_mistakes_in_a_board_file(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = (data_dir("boards") / f"{NANO.id}.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadBoard, match=message):
        load_board("mine", tmp_path)
