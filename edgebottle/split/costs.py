"""Latency and energy of each way over a link, modelled: fixed choices, the policy, and an oracle.

A trace gives the link's rate over time. Requests come one behind the other, each as soon as the
one before is answered and its period is over. The oracle knows the rate of each moment; the policy
knows what replies have told it. Nothing here is measured: device and server seconds are handed in,
bytes are on a link without loss.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgebottle.split.estimate import LinkEstimate
from edgebottle.split.link import LinkShape
from edgebottle.split.policy import (
    Goal,
    PolicyRules,
    PolicyState,
    Way,
    decide,
    missed,
    replied,
)

Chooser = Callable[[float], Way]
"""The way of a request that comes now."""


@dataclass(frozen=True)
class SimulatedCosts:
    """What requests took.

    Attributes:
        seconds: Of each, in their order.
        joules: Of each, modelled; what was sent only to find out is counted.
        ways: Names of those that were gone, with how often.
    """

    seconds: tuple[float, ...]
    joules: tuple[float, ...]
    ways: dict[str, int]

    @property
    def mean_seconds(self) -> float:
        """Of a request."""
        return sum(self.seconds) / len(self.seconds)

    @property
    def mean_joules(self) -> float:
        """Of a request; modelled."""
        return sum(self.joules) / len(self.joules)

    def mean(self, goal: Goal) -> float:
        """Of what is to be small."""
        return self.mean_seconds if goal is Goal.LATENCY else self.mean_joules


@dataclass(frozen=True)
class SimulatedLink:
    """A link that answers at once what a request would take.

    Attributes:
        shape: Rate over time, and delay one way; jitter is added to each request.
        seed: Of the jitter.
    """

    shape: LinkShape
    seed: int = 0

    def as_known(self, now: float) -> LinkEstimate:
        """What an oracle knows."""
        rate, _ = self.shape.rate_at(now)
        return LinkEstimate(rtt=2 * self.shape.delay, per_byte=8 / max(rate, 1.0))

    def transfer(self, now: float, count: float, draw: random.Random) -> float:
        """Seconds of a request of so many bytes that is sent now."""
        bits, at = 8.0 * count, now
        while True:
            rate, until = self.shape.rate_at(at)
            if rate and at + bits / rate <= until:
                at += bits / rate
                break
            bits -= (until - at) * rate
            at = until
        return at - now + 2 * self.shape.delay + self.shape.jitter * draw.random()


def simulated(
    link: SimulatedLink,
    ways: Sequence[Way],
    rules: PolicyRules,
    *,
    end: float,
    period: float,
    choose: Chooser | None = None,
) -> SimulatedCosts:
    """Requests from 0 to ``end``.

    Args:
        link: The link.
        ways: For the policy.
        rules: Of the policy, and the power that energies are modelled of.
        end: Seconds.
        period: Seconds from one request to the next, or more where an answer takes longer.
        choose: Instead of the policy.
    """
    draw, state = random.Random(link.seed), PolicyState()
    now, seconds, joules = 0.0, [], []
    taken: dict[str, int] = {}
    heard: list[tuple[float, float, float]] = []
    while now < end:
        for one in [each for each in heard if each[0] <= now]:
            heard.remove(one)
            state = _heard(state, one, rules)
        beside = None
        if choose is None:
            state, decision = decide(state, ways, rules, now)
            way, beside = decision.way, decision.beside
        else:
            way = choose(now)
        took, used, transfer = _cost_of(way, link, rules, now, draw)
        if transfer is not None and choose is None:
            heard.append((now + took, way.sent, transfer))
        if beside is not None:
            # Behind the answer: the device computes one thing after the other.
            more, extra, transfer = _cost_of(beside, link, rules, now + took, draw)
            used += extra
            assert transfer is not None
            heard.append((now + took + more, beside.sent, transfer))
        seconds.append(took)
        joules.append(used)
        taken[way.name] = taken.get(way.name, 0) + 1
        now += max(period, took)
    return SimulatedCosts(tuple(seconds), tuple(joules), taken)


def _heard(
    state: PolicyState, reply: tuple[float, float, float], rules: PolicyRules
) -> PolicyState:
    at, count, transfer = reply
    if transfer > rules.deadline:
        state = missed(state, at, count, rules.deadline)
    return replied(state, at, count, transfer)


def _cost_of(
    way: Way, link: SimulatedLink, rules: PolicyRules, now: float, draw: random.Random
) -> tuple[float, float, float | None]:
    """Seconds, joules, and the link's share of the seconds."""
    if way.is_local:
        return way.device, way.joules(LinkEstimate(), rules.power), None
    transfer = link.transfer(now + way.device, way.sent, draw)
    round_trip = 2 * link.shape.delay
    real = LinkEstimate(round_trip, max(0.0, transfer - round_trip) / max(way.sent, 1.0))
    return way.device + transfer + way.server, way.joules(real, rules.power), transfer


def oracle(link: SimulatedLink, ways: Sequence[Way], rules: PolicyRules) -> Chooser:
    """Who knows the link, and takes the cheapest of the ways that are accurate enough."""
    best = max(way.accuracy for way in ways)
    fit = [way for way in ways if way.accuracy >= best - rules.tolerance]

    def choose(now: float) -> Way:
        if rules.goal is Goal.ENERGY:
            return min(fit, key=lambda way: way.joules(link.as_known(now), rules.power))
        return min(
            fit,
            key=lambda way: way.seconds(
                replace(link.as_known(now), per_byte=_whole(link, now, way))
            ),
        )

    return choose


def _whole(link: SimulatedLink, now: float, way: Way) -> float:
    """Seconds per byte over all of a request's time, changes of the rate included."""
    if way.is_local:
        return 0.0
    took = link.transfer(now + way.device, way.sent, random.Random(0))
    return (took - 2 * link.shape.delay) / way.sent
