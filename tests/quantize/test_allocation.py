"""Bits for each layer: the integer programme, and the figures of a board."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgebottle.allocation import Search
from edgebottle.bit_costs import BitBudget, BitCosts
from edgebottle.boards import load_board
from edgebottle.errors import DoesNotFit
from edgebottle.fit import Wish
from edgebottle.pipeline import build
from edgebottle.plan.schedules import Schedule
from quantize.lowbit.allocated import BuiltCost
from quantize.lowbit.allocation import (
    WIDTHS,
    BitProblem,
    Choice,
    Cost,
    Limit,
    Part,
    Place,
    bits_of,
    solve,
)
from quantize.lowbit.bits import Bits

pytest.importorskip("scipy", reason="needs scipy: pip install 'edgebottle[train]'")


def choices(problem: BitProblem) -> Iterator[Choice]:
    for widths in itertools.product(*problem.options.values()):
        yield dict(zip(problem.options, widths, strict=True))


def drawn(seed: int) -> BitProblem:
    """Two layers, a pair that knows no order, two limits and two cuts."""
    random = np.random.default_rng(seed)
    places = [Place(layer, part) for layer in "ab" for part in Part]
    options = {place: WIDTHS for place in places}

    def costs() -> dict[Place, dict[int, float]]:
        return {
            place: dict(zip(WIDTHS, random.random(4).tolist(), strict=True)) for place in places
        }

    pair = (places[0], places[3])
    keys = itertools.product(WIDTHS, WIDTHS)
    pairs = {pair: {key: float(random.random()) for key in keys}}
    limits = (
        Limit(Cost(costs(), pairs, fixed=0.25), float(random.uniform(1.4, 3.0))),
        Limit(Cost(costs()), float(random.uniform(0.8, 2.2))),
    )
    cuts = ({places[1]: 4, places[3]: 8}, {places[3]: 2, places[1]: 8})
    return BitProblem(options, Cost(costs()), limits, cuts)


def test_the_solver_finds_what_exhaustive_search_finds() -> None:
    count = 0
    for seed in range(16):
        problem = drawn(seed)
        best = min(filter(problem.allows, choices(problem)), key=problem.loss.of, default=None)
        found = solve(problem)
        assert (found is None) == (best is None), seed
        if found is None or best is None:
            continue
        count += 1
        assert problem.allows(found), seed
        assert problem.loss.of(found) == pytest.approx(problem.loss.of(best), abs=1e-4), seed
    assert 6 <= count < 16, "some have a solution, and some have none"


def test_nothing_is_narrow_without_need() -> None:
    place = Place("a", Part.OUTPUT)
    free = BitProblem({place: WIDTHS}, Cost({place: dict.fromkeys(WIDTHS, 0.0)}))
    assert solve(free) == {place: 8}


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    choice = {
        Place('a"b', Part.WEIGHTS): 2,
        Place('a"b', Part.OUTPUT): 4,
        Place("c", Part.OUTPUT): 1,
    }
    path = tmp_path / "plan.toml"
    path.write_text(bits_of(choice).to_toml(), encoding="utf-8")
    assert Bits.parse(str(path)) == bits_of(choice)


class MadeUp(BitCosts):
    """Layers in a row: what one reads and writes lies in the arena, and times depend on pairs."""

    CODE, OVERHEAD = 777, 1234.0

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        names = [f"layer{number}" for number in range(3)]
        self.sizes = {name: int(random.integers(100, 400)) for name in names}
        network = SimpleNamespace(name="net", steps=(), layer_names=lambda: names)
        options = {Place(name, part): WIDTHS for name in names for part in Part}
        weights, outputs = (
            [place for place in options if place.part is part]
            for part in (Part.WEIGHTS, Part.OUTPUT)
        )
        self.flash = Cost(
            {p: {w: int(random.integers(90, 110)) * w for w in WIDTHS} for p in weights}
        )
        keys = list(itertools.product(WIDTHS, WIDTHS))
        self.time = Cost(
            {weights[0]: {width: 500.0 * width for width in WIDTHS}},
            {
                pair: {key: float(random.integers(100, 5000)) for key in keys}
                for pair in zip(weights[1:], outputs, strict=False)
            },
        )
        untrained = SimpleNamespace(network=network, owners={name: name for name in names})
        wish = Wish(ram=int(random.integers(1500, 3500)), flash=int(random.integers(1400, 2500)))
        board = load_board("nucleo_l4r5zi")
        cycles = int(random.integers(2500, 8000))
        budget = BitBudget(board, wish, ms=cycles * 1e3 / board.clock_hz)
        super().__init__(untrained, options, budget, silent)  # type: ignore[arg-type]

    def ram(self, choice: Choice) -> int:
        bits = [choice[Place(name, Part.OUTPUT)] * size for name, size in self.sizes.items()]
        return max(one + other for one, other in itertools.pairwise(bits))

    def fits(self, choice: Choice) -> bool:
        cost, (wish, board) = (
            self.built(self.trial(choice), counts=True),
            (self.budget.wish, self.budget.board),
        )
        assert wish.ram and wish.flash and self.budget.ms and cost.cycles is not None
        is_quick = cost.cycles <= self.budget.ms * board.clock_hz / 1e3
        return cost.ram <= wish.ram and cost.flash <= wish.flash and is_quick

    def trial(self, choice: Choice) -> Any:
        fits = self.ram(choice) <= (self.budget.wish.ram or 0)
        flash = int(self.flash.of(choice))
        return SimpleNamespace(
            choice=choice,
            fits_ram=fits,
            least_flash=flash,
            likely_code=0,
            check=silent,
            constants=lambda: {},
        )

    def constants(self) -> Cost:
        return self.flash

    def cycles(self) -> Cost:
        return self.time

    def at_peak(self, trial: Any) -> set[str]:
        return set(self.sizes)

    def built(self, trial: Any, *, counts: bool) -> BuiltCost:
        flash = trial.least_flash + self.CODE
        cycles = int(self.time.of(trial.choice) + self.OVERHEAD)
        return BuiltCost(self.ram(trial.choice), 0, flash, trial.least_flash, cycles, {})


def test_a_search_that_builds_finds_what_exhaustive_search_finds() -> None:
    """RAM by cuts; code and what layers cost together from the first build on."""
    for seed in range(5):
        costs = MadeUp(seed)
        random = np.random.default_rng([seed, 1])
        falling = {place: np.sort(random.random(3))[::-1].tolist() for place in costs.options}
        rows = {
            place: dict(zip(WIDTHS, [*some, 0.0], strict=True)) for place, some in falling.items()
        }
        loss = Cost(rows)
        by_loss = sorted(choices(BitProblem(costs.options, loss)), key=loss.of)
        best = next(loss.of(choice) for choice in by_loss if costs.fits(choice))
        assert best > 0, seed
        found = Search(costs, loss).run()
        assert sum(layer.loss for layer in found.layers) == pytest.approx(best, abs=1e-3), seed


@pytest.mark.parametrize(
    ("flash", "ms", "message"),
    [
        (1000, 1.0, "even with 1 bit everywhere net needs 1.1 kB of flash, and 1000 B are allowed"),
        (
            9000,
            1e-3,
            r"net takes at least about 0.0 ms on .*, and --ms allows 0.001: .* too much; ",
        ),
    ],
)
def test_what_does_not_fit(flash: int, ms: float, message: str) -> None:
    costs = MadeUp(0)
    costs.budget = BitBudget(costs.budget.board, Wish(ram=3000, flash=flash), ms)
    loss = Cost({place: {8: 0.0, 4: 1.0, 2: 2.0, 1: 3.0} for place in costs.options})
    with pytest.raises(DoesNotFit, match=message):
        Search(costs, loss).run()


def silent(*told: object) -> None:
    pass


@pytest.fixture(scope="module")
def untrained(keras: Any) -> Any:
    """Two convolutions, and a dense layer that reads all of the second."""
    from quantize.lowbit.keras_network import read_network
    from quantize.lowbit.sensitivity import Untrained

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    samples = np.random.default_rng(0).random((8, 8, 8, 2), np.float32)
    return Untrained(read_network(model, "net"), samples, (0.0, 1.0))


def test_fewer_bits_lose_more(untrained: Any) -> None:
    from quantize.lowbit.sensitivity import places_of, sensitivities

    options = dict(list(places_of(untrained.network).items())[:2])
    assert 0 <= untrained.loss(dict.fromkeys(options, 8)) < 1e-3
    for place, by_bits in sensitivities(untrained, options, silent).places.items():
        assert 0 == by_bits[8] <= by_bits[4] < by_bits[1], place


def test_bits_within_the_ram_are_the_best_of_all(untrained: Any) -> None:
    """And the figures of the choice are those of the build, to the byte."""
    board = load_board("nucleo_l4r5zi")
    first, second = places = [
        Place(name, Part.OUTPUT) for name in untrained.network.layer_names()[:2]
    ]
    options = dict.fromkeys(places, WIDTHS)
    loss = Cost({first: {8: 0.0, 4: 0.2, 2: 0.5, 1: 1.0}, second: {8: 0.0, 4: 0.3, 2: 0.4, 1: 2.0}})
    smallest = Wish(schedule=Schedule.MIN_RAM)
    ends = [
        BitCosts(untrained, options, BitBudget(board, smallest), silent)
        .trial(dict.fromkeys(options, width))
        .verdict.ram.bounds.most
        for width in (1, 8)
    ]
    wish = Wish(ram=sum(ends) // 2, flash=40_000)
    costs = BitCosts(untrained, options, BitBudget(board, wish), silent)
    result = Search(costs, loss).run()
    problem = BitProblem(options, loss)
    best = min(loss.of(choice) for choice in choices(problem) if costs.trial(choice).fits_ram)
    assert 0 < sum(layer.loss for layer in result.layers) == pytest.approx(best, abs=1e-4)
    chosen = {place: result.bits.of(place.layer).activations for place in options}
    trial = costs.trial(chosen)
    built = build(trial.model, board, wish=wish)
    assert (result.cost.ram, result.cost.flash) == (built.ram.bytes, built.flash.bytes)
    assert result.cost.ram <= wish.ram
