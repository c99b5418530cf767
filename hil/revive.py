"""Brings a real board back that is silent or has faulted: the gentle ways first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.errors import BoardError
from hil.flash import reset
from hil.link import REMOTE, Link, local_port
from hil.probes import ProbeChoice, probe_at
from hil.protocol import BoardClient

ANSWER_SECONDS = 3.0
"""How long a board may take from a reset to its first answer."""

_LINE_SECONDS = 0.25
"""How long a break lasts, and how long DTR stays low."""


Way = Callable[[], str | None]
"""Restarts a board; returns how that is called, None where it could not be done."""


@dataclass(frozen=True)
class Revival:
    """What was tried, in this order, and whether the board answers after the last.

    Attributes:
        tried: Names of the ways.
        answers: It does.
        seen: What the probe found in the core before that; "" for nothing.
    """

    tried: tuple[str, ...]
    answers: bool
    seen: str = ""

    def __str__(self) -> str:
        """One sentence."""
        seen = f"{self.seen}; " if self.seen else ""
        if self.answers:
            return f"{seen}{self.tried[-1]} brought the board back"
        names = ", ".join(self.tried)
        return f"{seen}tried to bring the board back: {names}; it stays silent: take its power off"


def ways_of(board: Board, port: str, choice: ProbeChoice) -> tuple[Way, ...]:
    """How the board at ``port`` can be restarted from here, the gentlest first.

    A break resets the boards whose interface chip runs DAPLink or mbed's firmware, DTR those of
    Arduino's kind; what does not listen to either is not harmed.
    """
    is_local = local_port(port) is not None
    ways: dict[str, Way] = {}
    if is_local or port.lower().startswith(REMOTE):
        ways["break"] = partial(_on_line, port, "a break on the line", Link.send_break)
        ways["dtr"] = partial(_on_line, port, "a pulse of DTR", Link.pulse_dtr)
    if is_local or choice.writes(is_local):
        ways["probe"] = partial(_by_probe, board, port, choice)
    return tuple(way for name, way in ways.items() if name in choice.resets)


def seen_by_probe(board: Board, port: str, choice: ProbeChoice, elf: Path | None) -> str:
    """What the board's probe finds in its core; "" where none may be used.

    Args:
        board: The board.
        port: Its port, which tells the probe where both are one USB device.
        choice: What the user says of the probe.
        elf: The image that runs; None: not known, so there is nothing to look for.
    """
    device = local_port(port)
    if elf is None or "probe" not in choice.resets or not choice.writes(device is not None):
        return ""
    from hil.pyocd_core import looked_into

    return looked_into(board, choice.serial or (device and probe_at(device)), elf)


def revive(
    port: str, baud: int, ways: Sequence[Way], look: Callable[[], str] = str
) -> Revival | None:
    """Restarts the board at ``port`` in one way after the other until it answers.

    Args:
        port: Its port.
        baud: Symbols per second.
        ways: In this order.
        look: Says what can be seen of a silent board before it is restarted; "" for nothing.

    Returns:
        What was tried; None where the board answers as it is, its port is gone, or there is no
        way.
    """
    tried: list[str] = []
    try:
        if not ways or answers(port, baud):
            return None
        seen = look()
        for way in ways:
            done = way()
            if done is None:
                continue
            tried.append(done)
            if answers(port, baud):
                return Revival(tuple(tried), True, seen)
    except BoardError:  # of the port, which cannot be opened any more
        return None
    return Revival(tuple(tried), False, seen) if tried else None


def answers(port: str, baud: int) -> bool:
    """Whether edgebottle's firmware answers there; raises ``BoardError`` where the port is gone."""
    with Link.open(port, baud) as link:
        try:
            BoardClient(link, baud=baud).synchronize(ANSWER_SECONDS)
        except BoardError:
            return False
    return True


def _on_line(port: str, name: str, act: Callable[[Link, float], None]) -> str | None:
    with Link.open(port) as link:
        try:
            act(link, _LINE_SECONDS)
        except OSError:  # a line that has no such signal
            return None
    return name


def _by_probe(board: Board, port: str, choice: ProbeChoice) -> str | None:
    name = reset(board, port, choice)
    return None if name is None else f"a reset by {name}"
