"""Which way a request goes: computed here, sent as a picture, or split; chosen anew each time.

Pure functions: state in, state and decision out, and the time is handed in. A way's cost is what it
takes of the device, the link and the server, of which the link is estimated from replies
(``estimate``). Of the ways that are accurate enough the cheapest is taken; of those that are nearly
as cheap, the one in use.

What is not used is not known: now and then a request goes a way that might be cheaper, as far as
anybody knows. While the device computes by itself, such a request is sent beside its own answer, so
that nobody waits for it. So it is found out, too, that a link has come back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from edgebottle.split.estimate import LinkEstimate
from edgebottle.split.frames import ImageForm

LONG_PAUSE = 10.0
"""Seconds between two requests that say nothing of how often they come."""

MAX_EXPLORE = 30.0
"""Seconds after which something is tried again, whatever it costs."""


KNOWN = 0.25
"""Standard deviation of a time, of itself, below which it is known."""


class SplitMode(StrEnum):
    """Where a request is computed."""

    LOCAL = "local"
    OFFLOAD = "offload"
    SPLIT = "split"


class Goal(StrEnum):
    """What is to be small."""

    LATENCY = "latency"
    ENERGY = "energy"


@dataclass(frozen=True)
class PowerModel:
    """What a device takes, in watts, beside what it takes anyway; energies are modelled of it.

    Attributes:
        compute: While it computes.
        send: While its bytes are on the link.
        wait: While it waits for a reply.
    """

    compute: float
    send: float
    wait: float


@dataclass(frozen=True)
class Way:
    """One way to an answer.

    Attributes:
        name: Unique among the ways.
        mode: Where it is computed.
        device: Seconds of the device: all, or what comes before sending.
        sent: Bytes of the frame, as many as usual; 0 for local.
        server: Seconds of the server; 0 for local.
        accuracy: Share of right answers, 0 to 1.
        rate: Of the payload; 0 where it is not split.
        form: Of the picture; None where none is sent.
    """

    name: str
    mode: SplitMode
    device: float
    sent: float = 0.0
    server: float = 0.0
    accuracy: float = 1.0
    rate: int = 0
    form: ImageForm | None = None

    @property
    def is_local(self) -> bool:
        """Nothing is sent."""
        return self.mode is SplitMode.LOCAL

    def seconds(self, link: LinkEstimate) -> float:
        """From the input to the answer."""
        return self.device + (0.0 if self.is_local else self.server + link.seconds(self.sent))

    def joules(self, link: LinkEstimate, power: PowerModel) -> float:
        """Of the device; modelled."""
        used = power.compute * self.device
        if self.is_local:
            return used
        sending = self.sent * link.per_byte
        return used + power.send * sending + power.wait * (link.rtt + self.server)


@dataclass(frozen=True)
class PolicyRules:
    """What is asked of the policy.

    Attributes:
        deadline: Seconds within which an answer is due.
        goal: What is to be small.
        power: For ``ENERGY``.
        tolerance: How much less accurate than the best a way may be; 0.006 is 0.6 points.
        margin: By what share another way must be cheaper to take the place of the one in use.
        misses: Requests without a reply, one after the other, after which the link is down.
        retry: Seconds between two tries while it is down.
        explore: Seconds between two requests that go another way to find out, at the least.
        spend: Share of all cost that finding out may take; the pause is longer where it would.
        sure: Standard deviations of the link by which another way may be hoped to be cheaper.
    """

    deadline: float
    goal: Goal = Goal.LATENCY
    power: PowerModel = field(default_factory=lambda: PowerModel(1.0, 1.0, 0.1))
    tolerance: float = 0.006
    margin: float = 0.08
    misses: int = 2
    retry: float = 0.5
    explore: float = 0.3
    spend: float = 0.04
    sure: float = 1.5


@dataclass(frozen=True)
class PolicyState:
    """What the policy knows.

    Attributes:
        link: What replies have told of the link.
        current: Name of the way in use; "" before the first.
        misses: Requests without a reply, one after the other.
        tried: When something was sent last only to find out.
        busy_until: Until when servers are left alone that have refused.
        decided: When the last request was decided on.
        period: Seconds from one request to the next, as usual.
    """

    link: LinkEstimate = field(default_factory=LinkEstimate)
    current: str = ""
    misses: int = 0
    tried: float = -math.inf
    busy_until: float = -math.inf
    decided: float = -math.inf
    period: float = 0.1


@dataclass(frozen=True)
class Decision:
    """Which way a request goes.

    Attributes:
        way: The one whose answer counts.
        why: In words.
        expected: Seconds that it is expected to take.
        beside: A way on which the request is sent as well, only to find out about the link.
    """

    way: Way
    why: str
    expected: float
    beside: Way | None = None


def decide(
    state: PolicyState,
    ways: Sequence[Way],
    rules: PolicyRules,
    now: float,
    is_connected: bool = True,
) -> tuple[PolicyState, Decision]:
    """Chooses the way of the next request.

    Args:
        state: What is known.
        ways: At least one; without a local one requests are sent whatever the link is like.
        rules: What is asked for.
        now: The time, in seconds that only grow.
        is_connected: There is a connection to a server.

    Returns:
        The state behind it, and the decision.
    """
    if now - state.decided < LONG_PAUSE:
        period = state.period + 0.1 * (now - state.decided - state.period)
        state = replace(state, period=period)
    state = replace(state, decided=now)
    best = max(way.accuracy for way in ways)
    fit = [way for way in ways if way.accuracy >= best - rules.tolerance]
    local = min((way for way in ways if way.is_local), key=lambda way: way.device, default=None)
    remote = [way for way in fit if not way.is_local] or [way for way in ways if not way.is_local]
    link = state.link.at_time(now)
    if not remote:
        assert local is not None
        return replace(state, current=local.name), Decision(local, "no other way", local.device)
    if local is not None:
        if not is_connected:
            return _local(state, local, "no server is connected")
        if now < state.busy_until:
            return _local(state, local, "the servers refused a moment ago")
        if state.misses >= rules.misses:
            return _while_down(state, local, remote, rules, now)
    if local is not None and local not in fit:
        # It is left for when nothing else is in time.
        in_time = [way for way in remote if way.seconds(link) <= rules.deadline]
        fit = in_time or [local]
    return _cheapest(replace(state, link=link), fit, remote, rules, now)


def _local(
    state: PolicyState, local: Way, why: str, beside: Way | None = None
) -> tuple[PolicyState, Decision]:
    return replace(state, current=local.name), Decision(local, why, local.device, beside)


def _while_down(
    state: PolicyState, local: Way, remote: Sequence[Way], rules: PolicyRules, now: float
) -> tuple[PolicyState, Decision]:
    """Local, and now and then the shortest request beside it."""
    if now - state.tried < rules.retry:
        return _local(state, local, "the link is down")
    shortest = min(remote, key=lambda way: way.sent)
    state = replace(state, tried=now)
    return _local(state, local, "the link is down; asked whether it is back", shortest)


def _cost(way: Way, link: LinkEstimate, rules: PolicyRules) -> float:
    if rules.goal is Goal.ENERGY:
        return way.joules(link, rules.power)
    return way.seconds(link)


def _hoped(way: Way, chosen: Way, link: LinkEstimate, rules: PolicyRules) -> float:
    """By how much a way costs less than the chosen one, if the link is as it may be at best for it.

    Between two ways that send, the round trip is the same: they differ by the bytes' time alone,
    and who sends less gains where that is longer than expected.
    """
    if chosen.is_local:
        expected = link.seconds(way.sent)
        share = max(0.0, 1 - rules.sure * link.doubt(way.sent) / expected)
        best = replace(link, rtt=link.rtt * share, per_byte=link.per_byte * share)
    else:
        doubt = rules.sure * math.sqrt(link.per_byte_variance)
        per_byte = link.per_byte + (doubt if way.sent < chosen.sent else -doubt)
        best = replace(link, per_byte=max(0.0, per_byte))
    return _cost(chosen, best, rules) - _cost(way, best, rules)


def _cheapest(
    state: PolicyState,
    fit: Sequence[Way],
    remote: Sequence[Way],
    rules: PolicyRules,
    now: float,
) -> tuple[PolicyState, Decision]:
    link = state.link
    costs = {way.name: _cost(way, link, rules) for way in fit}
    late = {way.name for way in fit if way.seconds(link) > rules.deadline}
    usable = [way for way in fit if way.name not in late] or list(fit)
    chosen = min(usable, key=lambda way: (costs[way.name], -way.accuracy))
    why = f"the least {rules.goal.value}"
    old = next((way for way in usable if way.name == state.current), None)
    if old is not None and old is not chosen:
        if costs[chosen.name] > costs[old.name] * (1 - rules.margin):
            chosen, why = old, "nothing else is much better"
        else:
            why = f"{1 - costs[chosen.name] / costs[old.name]:.0%} less {rules.goal.value}"
    others = [way for way in usable if way is not chosen and not way.is_local]
    if chosen.is_local:
        others = [way for way in remote if way is not chosen]
    asked, state = None, replace(state, current=chosen.name)
    if others:
        hope = max(others, key=lambda way: _hoped(way, chosen, link, rules))
        wanted = costs[chosen.name] * rules.margin
        ask = _first_asked(hope, others, link) if chosen.is_local else hope
        if _hoped(hope, chosen, link, rules) > wanted and _is_due(state, chosen, ask, rules, now):
            asked, state = ask, replace(state, tried=now)
    if asked is None:
        return state, Decision(chosen, why, chosen.seconds(link))
    if chosen.is_local:
        return state, Decision(chosen, f"{why}; asked how the link is", chosen.device, asked)
    return state, Decision(asked, "to find out whether it is better", asked.seconds(link))


def _first_asked(hope: Way, others: Sequence[Way], link: LinkEstimate) -> Way:
    """The shortest request where not even that one's time is known, else the one hoped for."""
    shortest = min(others, key=lambda way: way.sent)
    is_known = link.doubt(shortest.sent) < KNOWN * link.seconds(shortest.sent)
    return hope if is_known else shortest


def _is_due(state: PolicyState, chosen: Way, hope: Way, rules: PolicyRules, now: float) -> bool:
    """Whether finding out about a way would not cost too much, as often as it would be done."""
    usual, extra = _cost(chosen, state.link, rules), _cost(hope, state.link, rules)
    if not chosen.is_local:
        extra -= usual
    elif rules.goal is Goal.LATENCY:
        extra = 0.0  # it is sent beside
    pause = state.period * max(0.0, extra) / (rules.spend * usual)
    return now - state.tried >= min(max(rules.explore, pause), MAX_EXPLORE)


def replied(state: PolicyState, now: float, count: float, seconds: float) -> PolicyState:
    """A reply has come.

    Args:
        state: What was known.
        now: When it came.
        count: Bytes of the request, and of those before it that were on the way.
        seconds: From the request to the reply, without the server's time.
    """
    return replace(state, link=state.link.observed(now, count, seconds), misses=0)


def missed(state: PolicyState, now: float, count: float, waited: float) -> PolicyState:
    """No reply has come; the request was given up after ``waited`` seconds."""
    return replace(state, link=state.link.missed(now, count, waited), misses=state.misses + 1)


def refused(state: PolicyState, now: float, seconds: float) -> PolicyState:
    """The servers cannot take more: they are left alone for so many seconds."""
    return replace(state, busy_until=now + seconds)
