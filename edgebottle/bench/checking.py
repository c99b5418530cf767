"""Whether a board of the bench could do a job now, asked part by part."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from edgebottle.boards import Board
from edgebottle.drivers import baud_of
from edgebottle.errors import BoardError, EdgebottleError
from edgebottle.programmers import candidates
from hil.bench.attached import port_of
from hil.bench.board_lock import BoardLock
from hil.bench.entries import BenchEntry
from hil.bench.hosts import BenchHost
from hil.bench.meters.finding import open_meter
from hil.bench.meters.recording import MeterSettings
from hil.bench.power import PowerSwitch
from hil.bench.ssh import HostRequest
from hil.flashed_images import last_image
from hil.iotlab import check_account, free_nodes, is_node, node_wish
from hil.link import Link, local_port
from hil.probes import ProbeChoice, probe_at
from hil.recovery import RecoveryStep, steps_from_json
from hil.revive import RETURN_SECONDS, revive, seen_by_probe, silence_of, ways_of


@dataclass(frozen=True)
class Finding:
    """What was found of one part of a board.

    Attributes:
        part: Such as ``port``.
        is_good: Nothing is wrong with it.
        words: What was found.
        steps: What was done about a board that did not answer, and seen of it.
    """

    part: str
    is_good: bool
    words: str
    steps: tuple[RecoveryStep, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Inverse of ``dataclasses.asdict``."""
        return cls(**{**data, "steps": steps_from_json(data.get("steps", ()))})


def check_entry(entry: BenchEntry, *, power: bool = False) -> Iterator[Finding]:
    """Asks all parts of a board.

    It is left as it was, unless it does not answer: then its core is looked into, and it is
    restarted, as a measurement does.

    Args:
        entry: The board.
        power: Switch its power off and on again, if it has a switch.
    """
    board = entry.load()
    if entry.is_virtual:
        has = bool(board.virtual) or board.is_host
        yield Finding("virtual board", has, "there" if has else f"{board.id} has none")
        return
    if entry.port is not None and is_node(entry.port):
        yield from _node(entry, entry.port)
        return
    yield from _programmer(entry)
    if entry.power is not None:
        yield from _switch(entry.power)
    lock = BoardLock(entry)
    if not lock.try_take():
        yield Finding("lock", True, f"in use: {lock.holder()}; not asked further")
        return
    try:
        lock.tell("bench check")
        if power and entry.power is not None:
            yield from _cycled(entry, entry.power)
        if entry.meter is not None:
            yield _meter(entry.meter)
        # A board whose power was switched a moment ago is not helped by that once more.
        yield from _port(entry, replace(entry.choice, power=None if power else entry.power))
    finally:
        lock.let_go()


def check_host(
    host: BenchHost, names: Sequence[str], *, power: bool = False
) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """What another computer finds of its boards, by their names here.

    Args:
        host: The other computer.
        names: Of the boards, as they are called here; none for all.
        power: Switch their power off and on again, of those with a switch.
    """
    there = [name.partition("/")[2] for name in names]
    try:
        with HostRequest(host, {"do": "check", "names": there, "power": power}) as request:
            for answer in request.answers():
                if "name" not in answer:
                    return
                found = tuple(map(Finding.from_json, answer["found"]))
                yield f"{host.name}/{answer['name']}", found
    except EdgebottleError as error:
        yield host.name, (Finding("host", False, str(error)),)


def _node(entry: BenchEntry, port: str) -> Iterator[Finding]:
    try:
        wish = node_wish(port, entry.load(), entry.choice)
        check_account()
        yield Finding("account", True, "IoT-LAB knows it")
        free = free_nodes(wish)
        words = f"{len(free)} free" if free else "none is free now: a job waits"
        yield Finding("nodes", True, f"{wish.resources}: {words}")
    except EdgebottleError as error:
        yield Finding("IoT-LAB", False, str(error))


def _programmer(entry: BenchEntry) -> Iterator[Finding]:
    try:
        is_local = entry.port is None or local_port(entry.port) is not None
        if not entry.choice.writes(is_local):
            yield Finding("programmer", True, "not flashed from here: its firmware stays")
            return
        able = candidates(entry.load(), entry.programmer, entry.probe or entry.serial)
    except EdgebottleError as error:
        yield Finding("programmer", False, str(error))
        return
    yield Finding("programmer", True, ", ".join(item.name for item in able))


def _switch(power: PowerSwitch) -> Iterator[Finding]:
    for line in dict.fromkeys((power.off, power.on)):
        program = shlex.split(line)[0]
        if shutil.which(program) is None:
            yield Finding("power", False, f"there is no program {program}")
            return
    yield Finding("power", True, power.off)


def _meter(settings: MeterSettings) -> Finding:
    """Whether the meter answers; the board's supply is left as it is."""
    try:
        with open_meter(settings) as meter:
            return Finding("meter", True, f"{meter.name}, for {settings.volts:g} V")
    except EdgebottleError as error:
        return Finding("meter", False, str(error))


def _cycled(entry: BenchEntry, power: PowerSwitch) -> Iterator[Finding]:
    try:
        power.cycle()
    except BoardError as error:
        yield Finding("power cycle", False, str(error))
        return
    end = time.monotonic() + RETURN_SECONDS
    while True:
        try:
            port_of(entry)
            break
        except BoardError as error:
            if time.monotonic() >= end:
                yield Finding("power cycle", False, f"done, but behind it {error}")
                return
        time.sleep(0.2)
    yield Finding("power cycle", True, "done")


def _port(entry: BenchEntry, choice: ProbeChoice) -> Iterator[Finding]:
    try:
        port = port_of(entry)
        Link.open(port).close()
        yield Finding("port", True, port)
        if entry.probe is None and entry.choice.writes(local_port(port) is not None):
            number = probe_at(local_port(port) or "")
            yield Finding(
                "probe",
                number is not None,
                number
                or "its port is of no probe: without `probe` any probe that is found flashes it",
            )
        yield _firmware(entry.load(), port, choice)
    except BoardError as error:
        yield Finding("port", False, str(error))


def _firmware(board: Board, port: str, choice: ProbeChoice) -> Finding:
    """Whether the board answers; one that does not is restarted, by its power too.

    A board that stays silent is no fault of the bench: nothing may have been flashed yet.
    """
    baud = baud_of(board)
    image = last_image(board, port, choice)
    look = partial(seen_by_probe, board, port, choice, image)
    revival = revive(port, baud, ways_of(board, port, choice), look)
    if revival is not None:
        words = revival.words if revival.answers else f"does not answer: {revival.words}"
        return Finding("firmware", True, words, revival.steps)
    silence = silence_of(port, baud)
    said = "answers" if silence is None else "does not answer, until it is flashed"
    return Finding("firmware", True, said)
