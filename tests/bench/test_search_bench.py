"""Baselines of a search: they are as large as the budgets allow, and chosen by no test sample."""

import itertools
from dataclasses import asdict, replace

import pytest

from edgebottle.search.costs import CandidateCost
from quantize.search.space import Candidate, Space
from tests.bench.scaled_networks import (
    SCALED,
    WIDTHS,
    fits,
    smallest_run,
    ways,
    widest,
)
from tests.bench.search import SearchCell, table
from tests.search.synthetic import SyntheticCosts

COSTS = SyntheticCosts()
LIMITS = {"ram": 20_000.0, "flash": 30_000.0}
SHAPE = (28, 28, 1)


@pytest.mark.parametrize("name", SCALED)
def test_the_widest_that_fits_is_taken(name: str) -> None:
    found = widest(name, SHAPE, 10, COSTS, LIMITS)
    assert found is not None and fits(found, COSTS, LIMITS)
    networks = [SCALED[name](SHAPE, 10, width) for width in WIDTHS]
    place = networks.index(found.architecture)
    wider = itertools.chain.from_iterable(ways(one, found.bits) for one in networks[:place])
    assert place and not any(fits(one, COSTS, LIMITS) for one in wider)
    macs = [one.network().macs() for one in networks]
    assert macs == sorted(macs, reverse=True) and macs[-1] < macs[0] / 20
    assert widest(name, SHAPE, 10, COSTS, {"ram": 100.0}) is None


@pytest.mark.parametrize(
    ("name", "macs", "weights"),
    [
        # Of MobileNetV2 1.0 at 224 pixels and 1,000 classes: 300 million and 3.4 million, as
        # published; of the ResNet 12.5 million and 77,360, of MLPerf Tiny's file.
        ("mobilenet-v2", 300.8e6, 3.47e6),
        ("resnet-8", 12.5e6, 77_360),
    ],
)
def test_they_are_what_was_published(name: str, macs: float, weights: float) -> None:
    is_large = name == "mobilenet-v2"
    shape, classes = ((224, 224, 3), 1000) if is_large else ((32, 32, 3), 10)
    network = SCALED[name](shape, classes, 1.0).network()
    kernels = sum(step.kernel.size for step in network.steps if hasattr(step, "kernel"))
    assert network.macs() == pytest.approx(macs, rel=0.01)
    assert kernels == pytest.approx(weights, rel=0.02)


def test_the_schedule_is_chosen_afterwards() -> None:
    architecture = SCALED["resnet-8"](SHAPE, 10, 0.5)
    plain = next(ways(architecture, Space(10, (SHAPE,)).candidate(CHOICE).bits))
    assert plain.schedule == "layers"
    assert smallest_run(plain, COSTS, {"ram": 1e9}).schedule == "min-ram"
    # What the other schedule breaks is no choice: in C it takes more code.
    taken = COSTS.of(plain)

    class HeavyCosts:
        def of(self, candidate: Candidate) -> CandidateCost:
            is_plain = candidate.schedule == "layers"
            return replace(COSTS.of(candidate), flash=taken.flash + (0 if is_plain else 1))

    limits = {"flash": float(taken.flash)}
    assert smallest_run(plain, HeavyCosts(), limits).schedule == "layers"


CHOICE = {one.name: one.values[0] for one in Space(10, (SHAPE,)).parameters()}


def line(cell: SearchCell, accuracy: float, validation: float, macs: int) -> dict[str, object]:
    figures = {"accuracy": accuracy, "validation": validation, "macs": macs}
    return {**asdict(cell), **figures, "ram": 8000, "flash": 60_000, "ms": 5.0, "excess": {}}


def test_resolutions_are_chosen_by_the_samples_set_apart() -> None:
    cells = [
        SearchCell("fashion", 8192, "ds-cnn", seed, shape)
        for seed in (0, 1)
        for shape in ("20x20x1", "28x28x1")
    ]
    lines = [
        line(cells[0], 0.90, 0.95, 1000),
        line(cells[1], 0.99, 0.80, 9000),  # lucky on the test samples
        line(cells[2], 0.92, 0.93, 3000),
    ]
    *_, row = table(cells, lines)
    figures = ["ds-cnn", "2", "91.00 ± 1.00", "8,000", "60,000", "5.00", "2,000", "0", "1"]
    assert row == f"| {' | '.join(figures)} |"
