"""The policy: what it chooses over simulated links, and what it does when they fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from edgebottle.split.estimate import LinkEstimate
from edgebottle.split.link import (
    FIRST_TIMEOUT,
    LinkShape,
    RateStep,
    ShapedLine,
    ShapedWay,
    parse_rate,
    parse_seconds,
    parse_share,
    read_trace,
)
from edgebottle.split.policy import (
    Goal,
    PolicyRules,
    PolicyState,
    SplitMode,
    Way,
    decide,
    missed,
    refused,
    replied,
)
from tests.bench.split_costs import DEVICES, TRACES, cost_row, links

LINKS = dict(links())


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", LINKS)
def test_policy_is_near_the_best(device: str, goal: Goal, name: str) -> None:
    """Of steady links the best fixed choice; of links that change an oracle."""
    row = cost_row(device, goal, name, LINKS[name], 120.0)
    assert row.excess < 0.1, row
    if name not in TRACES:
        assert row.oracle == pytest.approx(min(row.fixed.values()), rel=0.01)


LOCAL = Way("local", SplitMode.LOCAL, 0.2, accuracy=0.95)
JPEG = Way("jpeg", SplitMode.OFFLOAD, 0.01, 1500, 0.003, accuracy=0.95)
COARSE = Way("split 1", SplitMode.SPLIT, 0.04, 100, 0.002, accuracy=0.90, rate=1)
FINE = Way("split 2", SplitMode.SPLIT, 0.04, 200, 0.002, accuracy=0.949, rate=2)
WAYS = (LOCAL, JPEG, COARSE, FINE)


def known(rate: float, rtt: float = 0.02) -> PolicyState:
    """A link of which everything is known at 0 s."""
    return PolicyState(LinkEstimate(rtt, 8 / rate, 1e-9, 0.0, 1e-18))


CHOICES = [
    ("a fast link", known(25e6), {}, WAYS, "jpeg"),
    ("a slow link", known(100e3), {}, WAYS, "split 2"),
    ("less accuracy is allowed", known(10e3), {"tolerance": 0.05}, WAYS, "split 1"),
    ("a link that is too slow", known(2e3), {}, WAYS, "local"),
    ("nothing is in time", known(2e3), {"deadline": 0.1}, WAYS, "local"),
    ("too slow, but nothing is local", known(2e3), {"deadline": 0.1}, WAYS[1:], "split 2"),
    ("nothing but local", known(25e6), {}, (LOCAL,), "local"),
]


@pytest.mark.parametrize(
    ("state", "rules", "ways", "expected"),
    [row[1:] for row in CHOICES],
    ids=[r[0] for r in CHOICES],
)
def test_choice(
    state: PolicyState, rules: dict[str, float], ways: tuple[Way, ...], expected: str
) -> None:
    _, decision = decide(state, ways, PolicyRules(**{"deadline": 1.0, **rules}), 0.0)
    assert decision.way.name == expected


def test_way_in_use_stays_until_another_is_much_better() -> None:
    """JPEG needs 33 ms + 12,000 bits, split 2 62 ms + 1,600 bits: equal at 359 kbit/s."""
    rules = PolicyRules(1.0, margin=0.08, explore=1e9)
    at: list[str] = []
    for rate in (500e3, 359e3, 330e3, 250e3, 359e3, 400e3, 900e3):
        state = PolicyState(known(rate).link, current=at[-1] if at else "")
        at.append(decide(state, WAYS, rules, 0.0)[1].way.name)
    fine = "split 2"
    assert at == ["jpeg", "jpeg", "jpeg", fine, fine, fine, "jpeg"]


def test_link_that_is_down_is_asked_now_and_then_and_used_once_it_is_back() -> None:
    rules, state, now = PolicyRules(1.0), known(100e3), 0.0
    assert decide(state, WAYS, rules, now)[1].way is FINE
    for _ in range(2):
        now += 1.0
        state = missed(state, now, FINE.sent, 1.0)
    asked = []
    for _ in range(24):
        state, decision = decide(state, WAYS, rules, now)
        assert decision.way is LOCAL
        assert "the link is down" in decision.why
        if decision.beside is not None:
            assert decision.beside is FINE  # the shortest that is accurate enough
            asked.append(now)
        now += 0.125
    assert asked == [2.0, 2.5, 3.0, 3.5, 4.0, 4.5]
    state = replied(state, now, FINE.sent, 0.036)
    used = []
    for _ in range(10):  # split again within two seconds of it
        state, decision = decide(state, WAYS, rules, now)
        used.append(decision.way.mode)
        if not decision.way.is_local:
            state = replied(state, now + 0.05, decision.way.sent, 0.02 + decision.way.sent * 8e-5)
        now += 0.1
    assert SplitMode.SPLIT in used[:5]
    assert used[-1] is SplitMode.SPLIT


def test_servers_that_refuse_are_left_alone() -> None:
    rules, state = PolicyRules(1.0), refused(known(100e3), 0.0, 0.5)
    assert decide(state, WAYS, rules, 0.4)[1].way is LOCAL
    assert decide(state, WAYS, rules, 0.6)[1].way is FINE
    assert decide(state, WAYS, rules, 0.6, is_connected=False)[1].why == "no server is connected"


@pytest.mark.parametrize(("rtt", "rate"), [(0.005, 25e6), (0.02, 1e6), (0.1, 50e3), (0.3, 10e3)])
def test_estimate_finds_round_trip_time_and_rate(rtt: float, rate: float) -> None:
    link, draw = LinkEstimate(), random.Random(0)
    for number in range(60):
        count = draw.choice((100, 700, 4000))
        link = link.observed(0.1 * number, count, rtt + 8 * count / rate + draw.gauss(0, 2e-4))
    for count in (100, 700, 4000):
        assert link.seconds(count) == pytest.approx(rtt + 8 * count / rate, rel=0.1, abs=0.002)


def test_requests_of_one_size_leave_their_shares_open() -> None:
    link = LinkEstimate()
    for number in range(20):
        link = link.observed(0.1 * number, 500, 0.1)
    assert link.seconds(500) == pytest.approx(0.1, rel=0.05)
    assert link.doubt(500) < 0.01 < link.doubt(5000)


def test_link_that_is_shaped_delivers_in_order_and_on_time() -> None:
    way = ShapedWay(ShapedLine(LinkShape.steady(1e6, delay=0.05)))
    assert way.arrival(0.0, 934) == pytest.approx(0.05 + 8 * 1000 / 1e6)  # 66 bytes around it
    assert way.arrival(0.0, 934) == pytest.approx(0.05 + 16 * 1000 / 1e6)  # behind the first
    assert way.arrival(9.0, 1448 * 2) == pytest.approx(9.05 + 8 * 1514 * 2 / 1e6)


def test_outage_ends_when_tcp_tries_again() -> None:
    shape = LinkShape((RateStep(0, 1e6), RateStep(1, 0), RateStep(4, 1e6)))
    way = ShapedWay(ShapedLine(shape))
    # Tried at 2.0, 2.2, 2.6, 3.4 and 5.0 s.
    assert way.arrival(2.0, 934) == pytest.approx(5.0 + 0.008)
    assert way.arrival(5.0, 934) == pytest.approx(5.0 + 0.008)  # what is tried again is beside it


def test_loss_is_a_stall_and_the_same_for_the_same_seed() -> None:
    shape = LinkShape.steady(1e9, loss=0.3)
    arrivals = [
        [way.arrival(0.1 * number, 100) for number in range(50)]
        for way in (ShapedWay(ShapedLine(shape, seed)) for seed in (5, 5, 6))
    ]
    assert arrivals[0] == arrivals[1] != arrivals[2]
    assert arrivals[0] == sorted(arrivals[0])
    ways = [ShapedWay(ShapedLine(shape, seed)) for seed in range(300)]
    stalls = [round((way.arrival(0.0, 100) - 8 * 166 / 1e9) / FIRST_TIMEOUT) for way in ways]
    assert set(stalls) <= {0, 1, 3, 7, 15, 31}
    assert 0.6 < stalls.count(0) / 300 < 0.8


WRITTEN = [
    (parse_rate, "250k", 250e3),
    (parse_rate, "1.5M", 1.5e6),
    (parse_rate, "25 Mbit/s", 25e6),
    (parse_rate, "9600", 9600.0),
    (parse_rate, "0", 0.0),
    (parse_seconds, "40ms", 0.04),
    (parse_seconds, "0.5 s", 0.5),
    (parse_share, "2%", 0.02),
    (parse_share, "0.5 %", 0.005),
]


@pytest.mark.parametrize(("parse", "text", "expected"), WRITTEN)
def test_what_people_write(parse: object, text: str, expected: float) -> None:
    assert callable(parse)
    assert parse(text) == pytest.approx(expected)


MISTAKES = [
    (parse_rate, "fast", "no rate such as 250k"),
    (parse_rate, "250 kB", "no rate"),
    (parse_rate, "-1k", "no rate"),
    (parse_rate, "1e6", "no rate"),
    (parse_seconds, "40", "no time such as 40ms"),
    (parse_share, "2", "no share such as 2%"),
    (parse_share, "100%", "below 100%"),
]


@pytest.mark.parametrize(("parse", "text", "words"), MISTAKES)
def test_what_is_a_mistake(parse: object, text: str, words: str) -> None:
    assert callable(parse)
    with pytest.raises(BadInput, match=words):
        parse(text)


def test_trace_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    path.write_text("# a tunnel\n0s 25M\n\n10s 0   # nothing\n12.5s 250k\n20s end\n")
    shape = read_trace(path, LinkShape(delay=0.04))
    assert shape.delay == 0.04
    for now, rate in ((0, 25e6), (9.9, 25e6), (10, 0), (13, 250e3), (20, 25e6), (31, 0)):
        assert shape.rate_at(now)[0] == rate
    assert shape.rate_at(31)[1] == pytest.approx(32.5)


TRACE_MISTAKES = [
    ("", "at least one time"),
    ("0s 0", "nothing ever passes"),
    ("1s 25M", "line 1: times begin at 0s"),
    ("0s 25M\n2s 1M\n1s 2M", "line 3: times begin at 0s and only grow"),
    ("0s fast", "line 1: 'fast' is no rate"),
    ("0s", "line 1: a line has a time and a rate"),
    ("0s 1M\n1s end\n2s 1M", "line 3"),
    ("0s 1M\n0s end", "ends behind it"),
]


@pytest.mark.parametrize(("text", "words"), TRACE_MISTAKES)
def test_broken_trace(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "trace.txt"
    path.write_text(text)
    with pytest.raises(BadInput, match=words):
        read_trace(path, LinkShape())
