"""Bits for each layer: the integer programme, and the figures of a board."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.allocation import Search
from edgebottle.bit_costs import BitBudget, BitCosts
from edgebottle.boards import load_board
from edgebottle.fit import Wish
from edgebottle.pipeline import build
from edgebottle.plan.schedules import Schedule
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
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    samples = np.random.default_rng(0).random((8, 8, 8, 2), np.float32)
    return Untrained(read_network(model, "net"), samples, (0.0, 1.0))


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
