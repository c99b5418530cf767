"""Brings a real board back that is silent or has faulted: the gentle ways first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.errors import BoardError
from hil.bench.power import PowerSwitch
from hil.flash import reset
from hil.link import Link, LinkClosed, is_remote, local_port
from hil.probes import ProbeChoice, probe_at
from hil.protocol import BoardClient
from hil.recovery import ANSWERS, CORE, LINE, POWER, PROBE, BoardLost, RecoveryStep

ANSWER_SECONDS = 4.0
"""How long a board may take from a reset, or from a raised rate, to its first answer."""

RETURN_SECONDS = 15.0
"""How long a USB device may take to be there again after its power was switched."""

_LINE_SECONDS = 0.25
"""How long a break lasts, and how long DTR stays low."""


@dataclass(frozen=True)
class ResetWay:
    """How a board can be restarted.

    Attributes:
        step: Of ``RecoveryStep``.
        what: How it is called.
        act: Does it, and says how that is called if it knows better; None where it cannot be done.
    """

    step: str
    what: str
    act: Callable[[], str | None]


class PortGone(LinkClosed):
    """The port of a board, which was open before, cannot be opened any more."""


class LineDead(LinkClosed, BoardLost):
    """A board was restarted, without a doubt, and nothing comes over its line all the same."""


@dataclass(frozen=True)
class Revival:
    """What was done about a board, and whether it answers after the last step.

    Attributes:
        steps: In this order.
        answers: It does.
        was_restarted: A program that talks to its probe, or switches its power, says so.
    """

    steps: tuple[RecoveryStep, ...]
    answers: bool
    was_restarted: bool = False

    @property
    def tried(self) -> tuple[str, ...]:
        """The ways to restart it that were gone, in words."""
        return tuple(one.did for one in self.steps if one.step not in (LINE, CORE))

    def __str__(self) -> str:
        """One sentence."""
        seen = [one.saw for one in self.steps if one.step == CORE]
        return "; ".join([*seen, self.words])

    def lost(self, error: BoardError) -> BoardLost:
        """What is raised instead of ``error``, by which it was lost in the middle of something.

        A program that hangs runs again after a restart; silence even then is of the line.
        """
        kind = LineDead if self.was_restarted and not self.answers else BoardLost
        return kind(f"{error}; {self}", self.steps)

    @property
    def words(self) -> str:
        """What has come of it, without what was seen in the core."""
        if self.answers:
            return f"{self.tried[-1]} brought the board back"
        if not self.tried:
            return "nothing here can restart the board: take its power off"
        last = "" if self.steps[-1].step == POWER else ": take its power off"
        return f"tried to bring the board back: {', '.join(self.tried)}; it stays silent{last}"


def ways_of(board: Board, port: str, choice: ProbeChoice) -> tuple[ResetWay, ...]:
    """How the board at ``port`` can be restarted from here, the gentlest first.

    A break resets the boards whose interface chip runs DAPLink or mbed's firmware, DTR those of
    Arduino's kind; what does not listen to either is not harmed.
    """
    is_local = local_port(port) is not None
    ways: list[ResetWay] = []
    if is_local or is_remote(port):
        ways.append(_on_line("break", port, "a break on the line", Link.send_break))
        ways.append(_on_line("dtr", port, "a pulse of DTR", Link.pulse_dtr))
    if is_local or choice.writes(is_local):
        ways.append(
            ResetWay(PROBE, "a reset by the probe", partial(_by_probe, board, port, choice))
        )
    ways = [way for way in ways if way.step in choice.resets]
    if choice.power is not None:
        act = partial(_by_power, choice.power, port if is_local else None)
        ways.append(ResetWay(POWER, "power off and on", act))
    return tuple(ways)


def seen_by_probe(board: Board, port: str, choice: ProbeChoice, elf: Path | None) -> str:
    """What the board's probe finds in its core; "" where none may be used.

    Args:
        board: The board.
        port: Its port, which tells the probe where both are one USB device.
        choice: What the user says of the probe.
        elf: The image that runs; None: not known, so there is nothing to look for.
    """
    device = local_port(port)
    if elf is None or PROBE not in choice.resets or not choice.writes(device is not None):
        return ""
    from hil.pyocd_core import looked_into

    return looked_into(board, choice.serial or (device and probe_at(device)), elf)


def revive(
    port: str, baud: int, ways: Sequence[ResetWay], look: Callable[[], str] = str
) -> Revival | None:
    """Looks into the core of a board that is silent, and restarts it in one way after the other.

    Args:
        port: Its port.
        baud: Symbols per second.
        ways: In this order, until it answers.
        look: Says what can be seen of a silent board before it is restarted; "" for nothing.

    Returns:
        What was done; None where the board answers as it is, or there is no way.

    Raises:
        PortGone: there is nothing to talk to.
    """
    try:
        silence = silence_of(port, baud) if ways else None
    except BoardError as error:
        raise PortGone(str(error)) from error
    if silence is None:
        return None
    steps = [RecoveryStep(LINE, "asked the board whether it listens", silence)]
    seen = look()
    if seen:
        steps.append(RecoveryStep(CORE, "looked into its core", seen))
    known, was_restarted = len(steps), False
    for way in ways:
        try:
            did = way.act()
        except BoardError as error:
            steps.append(RecoveryStep(way.step, way.what, str(error)))
            continue
        if did is None:  # it cannot be done
            continue
        was_restarted = was_restarted or way.step in (PROBE, POWER)
        steps.append(RecoveryStep(way.step, did, _seen(port, baud)))
        if steps[-1].saw == ANSWERS:
            return Revival(tuple(steps), True, was_restarted)
    if len(steps) == known and not seen:
        return None
    return Revival(tuple(steps), False, was_restarted)


def _seen(port: str, baud: int) -> str:
    """What comes over the line of a board that was restarted."""
    try:
        return silence_of(port, baud) or ANSWERS
    except BoardError as error:
        return str(error)


def silence_of(port: str, baud: int) -> str | None:
    """How edgebottle's firmware does not answer there; None where it does.

    Raises:
        BoardError: the port is gone.
    """
    with Link.open(port, baud) as link:
        try:
            BoardClient(link, baud=baud).synchronize(ANSWER_SECONDS)
        except BoardError as error:
            return str(error)
    return None


def _on_line(step: str, port: str, name: str, act: Callable[[Link, float], None]) -> ResetWay:
    def on_line() -> str | None:
        with Link.open(port) as link:
            try:
                act(link, _LINE_SECONDS)
            except OSError:  # a line that has no such signal
                return None
        return name

    return ResetWay(step, name, on_line)


def _by_probe(board: Board, port: str, choice: ProbeChoice) -> str | None:
    name = reset(board, port, choice)
    return None if name is None else f"a reset by {name}"


def _by_power(power: PowerSwitch, port: str | None) -> str:
    """Switches power; waits for a port of this computer, which may have gone with it."""
    power.cycle()
    end = time.monotonic() + RETURN_SECONDS
    while port is not None:
        try:
            Link.open(port).close()
            break
        except BoardError:
            if time.monotonic() >= end:
                raise
        time.sleep(0.2)
    return "power off and on"
