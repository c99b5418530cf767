"""``bench.toml``: the boards of a bench, by name."""

from __future__ import annotations

import datetime
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.boards import Board, load_board, target_ids
from edgebottle.errors import BadInput, BoardNotFound
from edgebottle.files import read_file
from edgebottle.programmers import all_programmers
from edgebottle.toml_tables import (
    MAX_BYTES,
    Reader,
    check_version,
    flag,
    list_of,
    load_toml,
    one_of,
    read_table,
    text,
    whole,
)
from hil.bench.hosts import BenchHost, read_host
from hil.bench.meter_table import read_meter
from hil.bench.meters.recording import MeterSettings
from hil.bench.power import OFF_SECONDS, PowerSwitch
from hil.probes import MAX_BAUD, RESETS, ProbeChoice

VERSION = 1
"""Of ``bench.toml``."""

FILE = "bench.toml"
VARIABLE = "EDGEBOTTLE_BENCH"
"""Names the file of a bench, for whoever works in other folders."""

ALL = "all"
"""What no board may be called: in jobs it stands for every board."""

SERIAL_PORT, VIRTUAL = "serial", "virtual"
"""Drivers: a real board at a serial port, or the virtual board."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Quarantine:
    """Something is known not to work, and is left out for a while.

    Attributes:
        reason: Why.
        until: The last day.
    """

    reason: str
    until: datetime.date

    def holds(self, today: datetime.date) -> bool:
        """Whether it still does."""
        return today <= self.until

    def __str__(self) -> str:
        return f"quarantined until {self.until}: {self.reason}"


@dataclass(frozen=True)
class BenchEntry:
    """A board of the bench.

    Attributes:
        name: What it is called.
        board: Id of its board file.
        driver: ``serial`` or ``virtual``.
        port: Its serial port or URL; None where its USB device is searched for.
        usb: Vendor and product of its USB device, such as ``0483:374B``.
        serial: Serial number of its USB device.
        port_number: Which port of that device, from 0 on.
        probe: Serial number of its debug probe; None where that is the USB device.
        programmer: The only program that may flash it; None: the first that can.
        flash: Whether it is flashed; None: unless it is at a network URL without a probe.
        reset: Ways in which it may be restarted, of ``hil.probes.RESETS``.
        max_baud: What its line may be raised to.
        power: What switches its power; None where nothing does.
        meter: What measures its power; None where nothing does.
        quarantine: Why it is left out; None where it is not.
    """

    name: str
    board: str
    driver: str = SERIAL_PORT
    port: str | None = None
    usb: str | None = None
    serial: str | None = None
    port_number: int = 0
    probe: str | None = None
    programmer: str | None = None
    flash: bool | None = None
    reset: tuple[str, ...] = RESETS
    max_baud: int = MAX_BAUD
    power: PowerSwitch | None = None
    meter: MeterSettings | None = None
    quarantine: Quarantine | None = None

    @property
    def is_virtual(self) -> bool:
        """It is a process of this computer."""
        return self.driver == VIRTUAL

    @property
    def place(self) -> str:
        """Where it is, in words."""
        if self.is_virtual:
            return "virtual"
        if self.port is not None:
            return self.port
        words = [f"USB {self.usb}" if self.usb else "USB"]
        return " ".join([*words, *([f"serial {self.serial}"] if self.serial else [])])

    @property
    def choice(self) -> ProbeChoice:
        """How it is flashed and restarted."""
        return ProbeChoice(
            self.programmer, self.probe, write=self.flash, resets=self.reset, max_baud=self.max_baud
        )

    def load(self) -> Board:
        """Its board file."""
        return load_board(self.board)


@dataclass(frozen=True)
class Bench:
    """What ``bench.toml`` says.

    Attributes:
        path: The file.
        entries: Its boards, in its order.
        hosts: Other computers that have boards, which are not asked yet.
    """

    path: Path
    entries: tuple[BenchEntry, ...]
    hosts: tuple[BenchHost, ...] = ()

    def entry(self, name: str) -> BenchEntry:
        """The board of a name; raises ``BadInput`` where there is none."""
        from edgebottle.toml_tables import near_words

        for entry in self.entries:
            if entry.name == name:
                return entry
        names = tuple(entry.name for entry in self.entries)
        raise BadInput(f"{self.path}: no board is called '{name}'{near_words(name, names)}")

    def of_board(self, board: str) -> tuple[BenchEntry, ...]:
        """All boards of one id."""
        return tuple(entry for entry in self.entries if entry.board == board)


def bench_path(given: Path | None = None) -> Path | None:
    """The file of the bench: what was given, what the environment says, or that of this folder."""
    if given is not None:
        return given
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    return Path(FILE) if Path(FILE).exists() else None


def read_bench(path: Path) -> Bench:
    """The bench of a file.

    Raises:
        BadInput: it is no such file; the message names the key.
    """
    return _bench(load_toml(path), path)


def added(path: Path, section: str) -> str:
    """The text of a file of boards with one more of them; of a new file where there is none.

    Args:
        path: The file, which is not written.
        section: As TOML, headed by ``[board.NAME]``.

    Raises:
        BadInput: the file is none of boards, or would be none.
    """
    text = f"version = {VERSION}\n"
    if path.exists():
        read_bench(path)
        text = read_file(path, MAX_BYTES).decode()
    text = f"{text.rstrip()}\n\n{section.rstrip()}\n"
    try:
        _bench(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} would not be valid TOML: {error}") from error
    return text


def _bench(table: dict[str, Any], path: Path) -> Bench:
    check_version(table, path, VERSION, "`edgebottle bench add` writes such a file")
    try:
        required = () if "host" in table else ("board",)
        said = read_table(table, {"board": _named("board"), "host": _named("host")}, "", required)
        entries = tuple(_entry(name, one) for name, one in said.get("board", {}).items())
        _check_different(entries)
        hosts = tuple(_host(name, one) for name, one in said.get("host", {}).items())
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return Bench(path, entries, hosts)


def _named(what: str) -> Reader:
    """Tables by their names."""

    def read(value: object) -> dict[str, Any]:
        header = f"a table with its name, [{what}.NAME]"
        if not isinstance(value, dict):
            raise BadInput(header)
        for name, said in value.items():
            if not isinstance(said, dict):
                raise BadInput(f"{header}, not {name} = {said!r}")
        return value

    return read


def _host(name: str, table: Mapping[str, Any]) -> BenchHost:
    check_name(name)
    return read_host(name, table)


def _entry(name: str, table: Mapping[str, Any]) -> BenchEntry:
    prefix = f"board.{name}."
    check_name(name)
    said = read_table(table, _KEYS, prefix, ("board",))
    _check_board(name, said["board"], prefix)
    power = said.pop("power", None)
    meter = said.pop("meter", None)
    quarantine = said.pop("quarantine", None)
    entry = BenchEntry(
        name,
        **said,
        power=None if power is None else _power(power, f"{prefix}power."),
        meter=None if meter is None else read_meter(meter, f"{prefix}meter."),
        quarantine=None
        if quarantine is None
        else read_quarantine(quarantine, f"{prefix}quarantine."),
    )
    _check_place(entry, table, prefix)
    return entry


def check_name(name: str) -> None:
    """Raises ``BadInput`` for what no board of a bench may be called."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"'{name}' is no name of a board: letters, digits and - _ . between them")
    if name == ALL:
        raise BadInput(f"no board may be called '{ALL}': in jobs it stands for every board")


def _check_board(name: str, board: str, prefix: str) -> None:
    try:
        loaded = load_board(board)
    except BoardNotFound as error:
        raise BadInput(f"'{prefix}board': {error}") from error
    if loaded.is_core:
        raise BadInput(f"'{prefix}board': {board} is a core and no board")
    if name != board and name in target_ids():
        raise BadInput(f"'{name}' is called as another board: this one is a {board}")


def _check_place(entry: BenchEntry, table: Mapping[str, Any], prefix: str) -> None:
    """Raises ``BadInput`` where it is not said, or said twice, where a board is."""
    if entry.is_virtual:
        extra = [key for key in table if key not in ("board", "driver", "quarantine")]
        if extra:
            raise BadInput(f"'{prefix}{extra[0]}' is of a real board, and this one is virtual")
        return
    if entry.meter is not None and entry.load().energy is None:
        raise BadInput(
            f"'{prefix}meter': {entry.board} has no pin that says when inferences begin and end"
        )
    if entry.board == "host":
        raise BadInput(f"'{prefix}board': host is this computer: add driver = \"virtual\"")
    if entry.port is None and entry.usb is None and entry.serial is None:
        raise BadInput(f"'{prefix}port' or '{prefix}serial' must say where the board is")
    if entry.port is not None and (entry.usb or entry.serial):
        raise BadInput(f"'{prefix}port' and its USB device both say where the board is: keep one")


def _check_different(entries: tuple[BenchEntry, ...]) -> None:
    """Raises ``BadInput`` where two boards would be one."""
    same: tuple[tuple[str, Callable[[BenchEntry], object]], ...] = (
        ("serial number", lambda entry: entry.serial and (entry.serial, entry.port_number)),
        ("probe", lambda entry: entry.probe or entry.serial),
        ("port", lambda entry: entry.port),
        ("power switch", lambda entry: entry.power and entry.power.off),
        ("meter", lambda entry: entry.meter and (entry.meter.serial or entry.meter.port)),
    )
    for what, value_of in same:
        known: dict[object, str] = {}
        for entry in entries:
            value = value_of(entry)
            if value and value in known:
                shown = value[0] if isinstance(value, tuple) else value
                raise BadInput(
                    f"boards '{known[value]}' and '{entry.name}' have one {what}, {shown}"
                )
            known[value] = entry.name


def _power(table: Mapping[str, Any], prefix: str) -> PowerSwitch:
    said = read_table(table, _POWER, prefix)
    seconds = said.get("seconds", OFF_SECONDS)
    if "uhubctl" in said:
        if "off" in said or "on" in said:
            raise BadInput(f"'{prefix}uhubctl' and commands of your own exclude each other")
        return PowerSwitch.uhubctl(said["uhubctl"], seconds)
    for key in ("off", "on"):
        if key not in said:
            raise BadInput(f"key '{prefix}{key}' is missing: a command, or '{prefix}uhubctl'")
    return PowerSwitch(said["off"], said["on"], seconds)


def read_quarantine(table: Mapping[str, Any], prefix: str) -> Quarantine:
    """A quarantine, of which reason and end must be said; raises ``BadInput``."""
    return Quarantine(**read_table(table, QUARANTINE, prefix, ("reason", "until")))


def _date(value: object) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise BadInput("a date such as 2027-01-31, without quotes")
    return value


def _usb(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}", value):
        raise BadInput('vendor and product of a USB device such as "0483:374B"')
    return value.upper()


def _hub_port(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9][0-9.-]*:[0-9]{1,2}", value):
        raise BadInput('a hub and its port such as "1-1:2" (`uhubctl` lists them)')
    return value


def _command(value: object) -> str:
    words = "a command line in quotes"
    try:
        if not isinstance(value, str) or not shlex.split(value):
            raise BadInput(words)
    except ValueError as error:
        raise BadInput(f"{words}: {error}") from error
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 600:
        raise BadInput("a number of seconds, 0 to 600")
    return float(value)


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("a table")
    return value


def _programmer(value: object) -> str:
    return str(one_of(*(item.name for item in all_programmers()))(value))


_KEYS: Mapping[str, Reader] = {
    **dict.fromkeys(("board", "port", "serial", "probe"), text),
    "driver": one_of(SERIAL_PORT, VIRTUAL),
    "usb": _usb,
    "port_number": whole(0, 15),
    "programmer": _programmer,
    "flash": flag,
    "reset": list_of(one_of(*RESETS), may_be_empty=True),
    "max_baud": whole(1_200, MAX_BAUD),
    "power": _table,
    "meter": _table,
    "quarantine": _table,
}
_POWER: Mapping[str, Reader] = {
    "uhubctl": _hub_port,
    "off": _command,
    "on": _command,
    "seconds": _seconds,
}
QUARANTINE: Mapping[str, Reader] = {"reason": text, "until": _date}
"""Of a table that says why something is left out, and until when."""
