"""Prints what requests cost on links of 50 kbit/s to 25 Mbit/s and on links that change: modelled.

``python -m tests.bench.split_costs``: two devices with stated figures, latency and energy, each way
alone, the policy, and an oracle that knows the link.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from edgebottle.split.costs import SimulatedLink, oracle, simulated
from edgebottle.split.frames import ImageForm
from edgebottle.split.link import LinkShape, RateStep
from edgebottle.split.policy import Goal, PolicyRules, PowerModel, SplitMode, Way

RATES = (50e3, 100e3, 250e3, 500e3, 1e6, 2.5e6, 5e6, 10e6, 25e6)

DELAY, JITTER = 0.01, 0.002
"""Seconds, one way; and added at most to a request."""

PERIOD = 0.1
"""Seconds from one request to the next."""

DEADLINE = 1.0


def _ways(local: float, jpeg: float, webp: float, head: float) -> tuple[Way, ...]:
    """A device, by its seconds; bytes are those with which ``tests.bench.split`` found signs of
    96 x 96 pixels about as well known."""
    return (
        Way("local", SplitMode.LOCAL, local),
        Way("jpeg", SplitMode.OFFLOAD, jpeg, 1150, 0.003, form=ImageForm.JPEG),
        Way("webp", SplitMode.OFFLOAD, webp, 500, 0.003, form=ImageForm.WEBP),
        Way("split", SplitMode.SPLIT, head, 97, 0.002, rate=4),
    )


DEVICES = {
    "microcontroller": (_ways(0.180, 0.020, 0.090, 0.040), PowerModel(0.6, 0.9, 0.15)),
    "computer": (_ways(0.030, 0.001, 0.006, 0.007), PowerModel(2.5, 1.2, 0.3)),
}
"""Stated, not measured: seconds of each way on the device, and watts."""

TRACES = {
    "stairs": (60.0, ((0, 25e6), (10, 250e3), (20, 50e3), (30, 2e6), (40, 100e3), (50, 10e6))),
    "square": (60.0, ((0, 25e6), (30, 50e3))),
    "flutter": (6.0, ((0, 10e6), (3, 100e3))),
}
"""Period in seconds, and from when on which rate."""


@dataclass(frozen=True)
class CostRow:
    """Means of a request: milliseconds or millijoules.

    Attributes:
        device: Key of ``DEVICES``.
        goal: What was to be small.
        link: A rate in kbit/s, or the name of a trace.
        fixed: Of each way alone.
        adaptive: Of the policy.
        oracle: Of who knows the link.
        used: How often the policy chose which way.
    """

    device: str
    goal: str
    link: str
    fixed: dict[str, float]
    adaptive: float
    oracle: float
    used: dict[str, int]

    @property
    def excess(self) -> float:
        """Share by which the policy is above the best fixed choice, or on a trace the oracle."""
        best = self.oracle if self.link in TRACES else min(self.fixed.values())
        return self.adaptive / best - 1


def links() -> Iterator[tuple[str, SimulatedLink]]:
    """All of them, by name."""
    for rate in RATES:
        yield f"{rate / 1e3:g}", SimulatedLink(LinkShape.steady(rate, DELAY, JITTER))
    for name, (period, steps) in TRACES.items():
        shape = LinkShape(tuple(RateStep(*step) for step in steps), DELAY, JITTER, 0.0, period)
        yield name, SimulatedLink(shape)


def cost_row(device: str, goal: Goal, name: str, link: SimulatedLink, end: float) -> CostRow:
    """One line of the table, of requests from 0 to ``end`` seconds."""
    ways, power = DEVICES[device]
    rules = PolicyRules(DEADLINE, goal=goal, power=power)
    fixed = {
        way.name: simulated(
            link, ways, rules, end=end, period=PERIOD, choose=lambda now, way=way: way
        )
        for way in ways
    }
    best = simulated(link, ways, rules, end=end, period=PERIOD, choose=oracle(link, ways, rules))
    adaptive = simulated(link, ways, rules, end=end, period=PERIOD)
    return CostRow(
        device,
        goal.value,
        name,
        {key: 1e3 * found.mean(goal) for key, found in fixed.items()},
        1e3 * adaptive.mean(goal),
        1e3 * best.mean(goal),
        adaptive.ways,
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.split_costs", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--seconds", type=float, default=240.0, help="of each link (240)")
    options = parser.parse_args(arguments)
    rows = [
        cost_row(device, goal, name, link, options.seconds)
        for device in DEVICES
        for goal in Goal
        for name, link in links()
    ]
    if options.json:
        print(json.dumps([{**asdict(row), "excess": row.excess} for row in rows], indent=1))
        return 0
    names = ("local", "jpeg", "webp", "split")
    print(f"{'device':16}{'goal':9}{'link':>9}", *(f"{name:>8}" for name in names), end="")
    print(f"{'adaptive':>10}{'oracle':>8}{'excess':>8}  (ms or mJ, modelled; links in kbit/s)")
    for row in rows:
        print(f"{row.device:16}{row.goal:9}{row.link:>9}", end=" ")
        print(*(f"{row.fixed[name]:8.1f}" for name in names), end="")
        print(f"{row.adaptive:10.1f}{row.oracle:8.1f}{row.excess:8.1%}  {row.used}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
