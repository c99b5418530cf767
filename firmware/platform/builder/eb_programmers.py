"""Which programs write flash, how they are called and what they answer: programmers.toml, applied.

`pio run -t upload` uses this module, and so does everything of edgebottle that flashes.
"""

import fnmatch
import shutil
import struct
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).resolve().parent.parent / "programmers.toml"

DONE, NO_PROBE, UNKNOWN_CHIP, LOCKED, FAILED = (
    "done", "no-probe", "unknown-chip", "locked", "failed"
)
NOTHING_WRITTEN = (NO_PROBE, UNKNOWN_CHIP)
"""After these another programmer may do better."""

TOUCH_BAUD = 1200
TOUCH_SECONDS = 10.0
"""A program starts the bootloader when its port was opened at this rate: how long that may take."""

ENUMERATE_SECONDS = 2.0
"""From the end of the program to a bootloader that is no serial port, so that none is seen."""

LINES_SHOWN = 3
PT_LOAD = 1
GAP = b"\xff"  # erased flash


class RefusedError(Exception):
    """The programmer that was asked for, or any, cannot do it; says why and what helps."""


class Target(NamedTuple):
    """What a board is to programmers: fields of its file, and the start of its flash.

    ``bootloader`` and ``programs`` are USB devices, VID:PID: of its bootloader, and of programs that
    start it.
    """

    board_id: str
    mcu: str
    upload: str
    flash_start: int
    bootloader: str = ""
    programs: tuple = ()


class Answer(NamedTuple):
    """What came of running a programmer: one of the meanings, its last words, what helps."""

    meaning: str
    words: str = ""
    remedy: str = ""


class Programmer:
    """One table of programmers.toml."""

    def __init__(self, name, table):
        self.name = name
        self.executable = table["executable"]
        self.install = table["install"]
        self.writes = table["writes"]
        self.uploads = tuple(table["uploads"])
        self.waits = table.get("waits", "")
        self.targets = dict(table["targets"])
        self._needs_port = any("{port}" in word for word in table["command"])
        self.chooses_probe = "probe" in table or self._needs_port
        self._table = table

    def target_name(self, target):
        """Its name of the chip, perhaps empty; None: it does not know the chip."""
        for pattern, name in self.targets.items():
            if fnmatch.fnmatchcase(target.mcu, pattern) or target.board_id == pattern:
                return name
        return None

    def serves(self, target):
        """It knows the chip and the way to it."""
        return target.upload in self.uploads and self.target_name(target) is not None

    def is_installed(self):
        """Its executable is in PATH."""
        return shutil.which(self.executable) is not None

    def can(self, what):
        """Whether it has ``command``, ``reset`` or ``recover``."""
        return what in self._table

    def entry(self, target, serial=None):
        """Brings a board with a bootloader on USB into it.

        Returns the bootloader's serial port, empty where this programmer needs none, and an
        ``Answer`` where the bootloader cannot be reached.
        """
        if not (self._needs_port or target.programs) or target.upload not in self.uploads:
            return "", None
        found = _usb_ports((target.bootloader,), serial)
        if not found:
            touched = _usb_ports(target.programs, serial)
            if len(touched) > 1:
                return "", _several(touched)
            if touched:
                found = _touch(touched[0], target, serial, self._needs_port)
        if not self._needs_port:
            return "", None  # the bootloader is no serial port
        if len(found) == 1:
            return found[0], None
        if found:
            return "", _several(found)
        return "", Answer(NO_PROBE, f"no USB device {target.bootloader}", PRESS_TWICE)

    def arguments(self, what, target, file="", serial=None, port=""):
        """The command line for ``command``, ``reset`` or ``recover``, the executable first."""
        parts = {
            "{probe}": [] if serial is None else self._table.get("probe", []),
            "{adapter}": self._table.get("adapters", {}).get(target.upload, []),
        }
        values = {
            "{file}": str(file),
            "{address}": f"0x{target.flash_start:08x}",
            "{target}": self.target_name(target) or "",
            "{serial}": serial or "",
            "{port}": port,
        }
        words = [word for part in self._table[what] for word in parts.get(part, [part])]
        return [self.executable, *(_filled(word, values) for word in words)]

    def answer(self, target, code, output, errors=""):
        """What its exit code and what it printed mean."""
        said = f"{output}\n{errors}"
        success = self._table.get("success", {}).get(str(code))
        done = code == 0 or (success is not None and success in said)
        for row in self._table["says"]:
            telling = [line for line in _spoken(said) if row["text"] in line]
            if telling and (not done or row["means"] in NOTHING_WRITTEN):
                values = {"{target}": self.target_name(target) or ""}
                return Answer(row["means"], telling[0], _filled(row.get("remedy", ""), values))
        if done:
            return Answer(DONE)
        return Answer(FAILED, " | ".join((_spoken(errors) or _spoken(output))[-LINES_SHOWN:]))


PRESS_TWICE = "press the board's reset button twice"


def _several(ports):
    return Answer(FAILED, f"several boards, at {', '.join(ports)}", "choose by --probe SERIAL")


def _usb_ports(devices, serial):
    """The serial ports of USB devices, VID:PID; with ``serial`` of one board alone."""
    from serial.tools import list_ports

    ports = [port for port in list_ports.comports() if port.vid is not None]
    return sorted(
        port.device
        for port in ports
        if f"{port.vid:04X}:{port.pid:04X}" in devices
        # A bootloader fills the number of its program up with zeros.
        and serial in (None, port.serial_number, (port.serial_number or "").lstrip("0"))
    )


def _touch(port, target, serial, wants_port):
    """Opens a program's port at 1200 baud, and waits; returns the ports of its bootloader."""
    import serial as pyserial

    try:
        pyserial.Serial(port, TOUCH_BAUD).close()
    except OSError:  # it may go while it is closed
        pass
    found, end = [], time.monotonic() + TOUCH_SECONDS
    while time.monotonic() < end:
        found = _usb_ports((target.bootloader,), serial)
        if found or (not wants_port and port not in _usb_ports(target.programs, serial)):
            break
        time.sleep(0.1)
    if not wants_port:
        time.sleep(ENUMERATE_SECONDS)
    return found


def read_programmers(path=TABLE):
    """All of the table, in its order."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(Programmer(name, table) for name, table in tables.items())


def candidates(target, wanted=None, serial=None):
    """The installed programmers for a board in the order in which they are tried, at least one.

    Raises ``RefusedError`` where there is none, or not the one ``wanted``.
    """
    serving = [item for item in read_programmers() if item.serves(target)]
    names = ", ".join(item.name for item in serving)
    if wanted is not None:
        serving = [item for item in serving if item.name == wanted]
        if not serving:
            raise RefusedError(f"{wanted} does not flash {target.board_id}: {names or 'nothing does'}")
    if not serving:
        raise RefusedError(f"no programmer for '{target.upload}' is known")
    installed = [item for item in serving if item.is_installed()]
    if not installed:
        ways = "; ".join(f"{item.name}: {item.install}" for item in serving)
        raise RefusedError(f"no programmer for '{target.upload}' is installed ({ways})")
    choosing = [item for item in installed if item.chooses_probe or serial is None]
    if not choosing:
        raise RefusedError(f"{installed[0].name} cannot choose among probes by their numbers")
    return choosing


def first_that_works(programmers, run):
    """Runs programmers in turn until one has written something or failed; all with their answers.

    ``run`` runs one and returns its ``Answer``.
    """
    tried = []
    for programmer in programmers:
        answer = run(programmer)
        tried.append((programmer, answer))
        if answer.meaning not in NOTHING_WRITTEN:
            break
    return tried


def explanation(tried, board_id):
    """One sentence about programmers none of which has done it."""
    return "; ".join(_sentence(programmer, answer, board_id) for programmer, answer in tried)


def _sentence(programmer, answer, board_id):
    sentence = {
        NO_PROBE: f"{programmer.name} finds no probe or board to flash {board_id}",
        UNKNOWN_CHIP: f"{programmer.name} does not know the chip of {board_id}",
        LOCKED: f"{programmer.name} finds the chip of {board_id} locked",
    }.get(answer.meaning, f"{programmer.name} could not flash {board_id}")
    text = f"{sentence}: {answer.words}" if answer.words else sentence
    return f"{text} ({answer.remedy})" if answer.remedy else text


def write(target, elf, wanted=None, serial=None):
    """Flashes a board, telling on standard output what is done; raises ``RefusedError``."""
    with tempfile.TemporaryDirectory() as folder:

        def run(programmer):
            file = Path(folder) / f"firmware.{programmer.writes}"
            file.write_bytes(flash_file(elf.read_bytes(), programmer.writes, target.flash_start))
            return _show(programmer, target, file, serial)

        tried = first_that_works(candidates(target, wanted, serial), run)
    if tried[-1][1].meaning != DONE:
        raise RefusedError(explanation(tried, target.board_id))


def _show(programmer, target, file, serial):
    """Runs a programmer, whose output is shown as it comes."""
    port, refused = programmer.entry(target, serial)
    if refused is not None:
        return refused
    command = programmer.arguments("command", target, file, serial, port)
    print(" ".join(command), flush=True)
    if programmer.waits:
        print(f"waiting: {programmer.waits}", flush=True)
    said = []
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                said.append(line)
    except OSError as error:
        raise RefusedError(f"cannot start {programmer.executable}: {error.strerror}") from error
    return programmer.answer(target, process.returncode, "".join(said))


def _filled(word, values):
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _spoken(output):
    return [line.strip() for line in output.splitlines() if line.strip()]


def flash_file(elf, kind, start):
    """The bytes of ``elf`` that lie from ``start`` on as a file of ``kind``: elf, bin or hex."""
    if kind == "elf":
        return elf
    data = _image(elf, start)
    return data if kind == "bin" else intel_hex(data, start).encode()


def _image(elf, start):
    """What is flashed of a 32-bit ELF file, little-endian, from ``start`` on; gaps are erased."""
    (table,) = struct.unpack_from("<I", elf, 28)
    entry_size, count = struct.unpack_from("<HH", elf, 42)
    image = b""
    parts = (struct.unpack_from("<5I", elf, table + n * entry_size) for n in range(count))
    for kind, offset, _, physical, length in sorted(parts, key=lambda part: part[3]):
        if kind == PT_LOAD and length:
            image = image.ljust(physical - start, GAP) + elf[offset : offset + length]
    return image


def intel_hex(data, address):
    """``data`` from ``address`` on as Intel HEX, with 32-bit addresses (record type 04)."""
    lines = []
    high = position = 0
    while position < len(data):
        here = address + position
        if here >> 16 != high:
            high = here >> 16
            lines.append(_record(4, 0, high.to_bytes(2, "big")))
        count = min(16, 0x10000 - (here & 0xFFFF))  # no record crosses 64 kB
        lines.append(_record(0, here & 0xFFFF, data[position : position + count]))
        position += count
    lines.append(_record(1, 0, b""))
    return "\n".join(lines) + "\n"


def _record(kind, address, data):
    content = bytes((len(data), *address.to_bytes(2, "big"), kind)) + data
    return f":{content.hex().upper()}{-sum(content) & 0xFF:02X}"
