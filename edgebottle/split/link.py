"""A simulated link: its rate, delay, jitter and loss, as a program on top of TCP meets them.

Where a packet is lost, TCP sends it again after a time that doubles with each try (RFC 6298), and
what comes behind it waits: so a loss is a stall, never a hole. Where nothing passes (a rate of 0)
the tries go on, and the first behind the outage gets through. The same seed and the same bytes at
the same times give the same link.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from edgebottle.errors import BadInput
from edgebottle.files import read_file

SEGMENT = 1448
"""Bytes of a TCP segment on Ethernet, with time stamps."""

SEGMENT_OVERHEAD = 66
"""Bytes of Ethernet, IP and TCP around it."""

FIRST_TIMEOUT = 0.2
"""Seconds until TCP sends again: what Linux takes at least."""

MAX_DOUBLINGS = 9

_RATE = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,6})?) ?(?P<unit>[kKMG]?)(bit)?(/s|ps)?")
_SECONDS = re.compile(r"(?P<number>[0-9]{1,6}(\.[0-9]{1,6})?) ?(?P<unit>us|ms|s)")
_SHARE = re.compile(r"(?P<number>[0-9]{1,3}(\.[0-9]{1,6})?) ?%")

_FACTORS = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def parse_rate(text: str) -> float:
    """Bits per second, of ``250k``, ``1.5M``, ``25 Mbit/s``, ``0``; raises ``BadInput``."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"'{text}' is no rate such as 250k, 1.5M or 25Mbit/s (bits per second)")
    return float(found["number"]) * _FACTORS[found["unit"]]


def parse_seconds(text: str) -> float:
    """Seconds, of ``40ms``, ``0.5 s``, ``200us``; raises ``BadInput``."""
    found = _SECONDS.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"'{text}' is no time such as 40ms, 0.5s or 200us")
    return float(found["number"]) * _FACTORS[found["unit"]]


def parse_share(text: str) -> float:
    """A share from 0 to below 1, of ``2%``; raises ``BadInput``."""
    found = _SHARE.fullmatch(text.strip())
    if found is None or float(found["number"]) >= 100:
        raise BadInput(f"'{text}' is no share such as 2% or 0.1%, below 100%")
    return float(found["number"]) / 100


@dataclass(frozen=True)
class RateStep:
    """From when on a link has which rate.

    Attributes:
        at: Seconds since its start.
        rate: Bits per second; 0: nothing passes.
    """

    at: float
    rate: float


@dataclass(frozen=True)
class LinkShape:
    """What a link is like, one way; the other way is the same.

    Attributes:
        steps: Rates in the order of time, the first at 0.
        delay: Seconds that a byte takes once it is sent.
        jitter: Seconds that may be added to that.
        loss: Share of segments that are lost, 0 to below 1.
        period: Seconds after which the steps begin anew; 0 for never.
    """

    steps: tuple[RateStep, ...] = (RateStep(0.0, 25e6),)
    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    period: float = 0.0

    def rate_at(self, now: float) -> tuple[float, float]:
        """The rate at a moment, and when it changes next; infinity for never."""
        base = now // self.period * self.period if self.period else 0.0
        place = now - base
        rate = self.steps[0].rate
        for step in self.steps:
            if step.at > place:
                return rate, base + step.at
            rate = step.rate
        return rate, base + self.period if self.period else float("inf")

    @classmethod
    def steady(
        cls, rate: float, delay: float = 0.0, jitter: float = 0.0, loss: float = 0.0
    ) -> LinkShape:
        """Of one rate, in bits per second."""
        return cls((RateStep(0.0, rate),), delay, jitter, loss)


def read_trace(path: Path, shape: LinkShape) -> LinkShape:
    """A shape with the rates of a file: on each line a time and a rate, such as ``12.5s 250k``.

    A last line with ``end`` in the place of the rate has the steps begin anew then; ``#`` begins a
    comment.

    Raises:
        BadInput: the file cannot be read, or holds something else; the message names the line.
    """
    steps: list[RateStep] = []
    period: float | None = None
    text = read_file(path, 1 << 20).decode(errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            if len(words) != 2 or period is not None:
                raise BadInput("a line has a time and a rate, such as 12.5s 250k")
            at = parse_seconds(words[0])
            if at < (steps[-1].at if steps else 0.0) or (not steps and at):
                raise BadInput("times begin at 0s and only grow")
            if words[1] == "end":
                period = at
            else:
                steps.append(RateStep(at, parse_rate(words[1])))
        except BadInput as error:
            raise BadInput(f"{path}, line {number}: {error}") from error
    if not steps or (period is not None and period <= steps[-1].at):
        raise BadInput(f"{path}: a trace has at least one time with a rate, and ends behind it")
    if not any(step.rate for step in steps):
        raise BadInput(f"{path}: nothing ever passes on this link")
    return replace(shape, steps=tuple(steps), period=period or 0.0)


class ShapedLine:
    """One direction of a link, which all connections share."""

    def __init__(self, shape: LinkShape, seed: int = 0) -> None:
        """Nothing is on the way."""
        self.shape = shape
        self._random = random.Random(seed)
        self._free = 0.0

    def segment(self, now: float, size: int) -> float:
        """When a segment arrives that is sent now.

        Args:
            now: Seconds since the link's start.
            size: Bytes of TCP's stream, at most ``SEGMENT``.
        """
        shape, first = self.shape, max(now, self._free)
        begun, sent = self._sent(first, size + SEGMENT_OVERHEAD)
        if begun == first:  # what is tried again behind an outage holds up nobody else
            self._free = sent
        lost = 0
        while lost < MAX_DOUBLINGS and self._random.random() < shape.loss:
            lost += 1
        stall = FIRST_TIMEOUT * ((1 << lost) - 1)
        return sent + stall + shape.delay + shape.jitter * self._random.random()

    def _sent(self, start: float, size: int) -> tuple[float, float]:
        """When the try that gets through begins and ends."""
        begun = now = start
        bits = 8.0 * size
        while True:
            rate, until = self.shape.rate_at(now)
            if not rate:
                if until == float("inf"):
                    return until, until
                begun = now = _next_try(start, until)
                bits = 8.0 * size
            elif now + bits / rate <= until:
                return begun, now + bits / rate
            else:
                bits -= (until - now) * rate
                now = until


class ShapedWay:
    """One direction of a connection: its bytes arrive in their order."""

    def __init__(self, line: ShapedLine) -> None:
        """Nothing is on the way."""
        self._line, self._last = line, 0.0

    def arrival(self, now: float, count: int) -> float:
        """When the last of so many bytes arrives, which are sent now behind all before.

        Args:
            now: Seconds since the link's start.
            count: Bytes of TCP's stream.
        """
        for place in range(0, count, SEGMENT):
            came = self._line.segment(now, min(SEGMENT, count - place))
            self._last = max(self._last, came)
        return self._last


def _next_try(start: float, until: float) -> float:
    """The first time after ``until`` at which TCP sends again what it first sent at ``start``."""
    wait, at = FIRST_TIMEOUT, start
    while at < until:
        at += wait
        wait *= 2
    return at
