"""Chooses the bits of each layer of a network for a board.

Flash and time add up layer by layer, so that an integer programme finds the best choice. RAM does
not: a choice is planned as a build would plan it, and what does not fit is left out from then on.
What code takes, and how layers go together, is corrected by the build of the last choice.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edgebottle.bit_costs import BitBudget, BitCosts, Progress
from edgebottle.build.cache import cache_dir, keep
from edgebottle.errors import BadInput, DoesNotFit
from edgebottle.fit import flash_allowed, ram_allowed
from edgebottle.measure import check_board
from edgebottle.refusal import check_budget
from edgebottle.units import kilobytes, room
from quantize.lowbit.allocated import Allocation, BuiltCost, LayerAllocation
from quantize.lowbit.allocation import (
    WIDTHS,
    BitProblem,
    Choice,
    Cost,
    Cut,
    Limit,
    Part,
    Place,
    bits_of,
    solve,
)
from quantize.lowbit.bits import WIDEST

if TYPE_CHECKING:
    from edgebottle.training import TrainingData
    from quantize.lowbit.network import FloatNetwork

MAX_BUILDS = 8
"""Choices that are built, at most, before the best of them is taken."""

MAX_CUTS = 200
"""Choices that do not fit the RAM, at most."""

SENSITIVITY_SAMPLES = 128
"""That losses are measured on."""

LOSSES = 2
"""Counts how losses were measured, so that those of an older way are not taken from the cache."""

LINKER_STEP = 1024
"""Bytes of flash that a choice is taken to lack where only the linker said that it does."""

MS_ROOM = 1.05
"""Of the estimated time, what is advised: the estimate adds up layers."""


def allocate(
    network: FloatNetwork, data: TrainingData, budget: BitBudget, progress: Progress
) -> Allocation:
    """Finds the bits that lose least within a budget.

    Args:
        network: In floating point.
        data: Samples, of which some are looked at.
        budget: The board and what may be taken of it.
        progress: Told what is being done.

    Raises:
        DoesNotFit: no bits are few enough; says by how much and what would help.
        BadInput: the board has no clock that is modelled, and a time was asked for.
    """
    check_budget(budget.board, budget.wish)
    if budget.board.is_computer:
        raise BadInput(
            f"--bits mixed needs a board whose flash and RAM count, which {budget.board.id} is "
            "not: such as --board nucleo_l4r5zi"
        )
    check_board(budget.board)
    progress("run the float network", 0, 0)
    from quantize.lowbit.sensitivity import Untrained, places_of, sensitivities

    options = places_of(network)
    order = np.random.default_rng(0).permutation(len(data.samples))  # files are sorted by class
    some = data.samples.values[order[:SENSITIVITY_SAMPLES]]
    untrained = Untrained(network, some, data.input_bounds)
    path = cache_dir() / "costs" / f"{untrained.digest()[:32]}-{LOSSES}.json"
    if path.is_file():  # of other budgets
        loss = Cost.of_json(json.loads(path.read_bytes()))
    else:
        loss = sensitivities(untrained, options, progress)
        keep(path, json.dumps(loss.to_json()).encode())
    costs = BitCosts(untrained, options, budget, progress)
    return Search(costs, loss).run()


@dataclass
class _Linear:
    """A resource that adds up but for what is known of a choice only when it is built."""

    cost: Cost
    most: float
    offsets: list[float] = field(default_factory=list)
    is_careful: bool = False

    def limit(self) -> Limit:
        """With what the last build took beyond the sum, or the most of all."""
        last = self.offsets[-1:]
        offset = max(self.offsets, default=0.0) if self.is_careful else sum(last)
        return Limit(replace(self.cost, fixed=self.cost.fixed + offset), self.most)

    def learn(self, choice: Choice, real: float) -> bool:
        """Takes note of what a build took; whether it was within the limit."""
        self.offsets.append(real - self.cost.of(choice))
        return real <= self.most


class Search:
    """Solves, plans, builds, and corrects."""

    def __init__(self, costs: BitCosts, loss: Cost) -> None:
        """Searches nothing yet; raises ``DoesNotFit`` where the narrowest choice is too large.

        Args:
            costs: Of the network on its board.
            loss: What is to be least.
        """
        self.costs, self.loss, self.budget = costs, loss, costs.budget
        self.narrowest = costs.uniform(WIDTHS[0], WIDTHS[0])
        trial = costs.trial(self.narrowest)
        try:
            trial.check()
        except DoesNotFit as error:
            raise DoesNotFit(f"even with 1 bit everywhere {error}") from error
        board, wish, ms = self.budget.board, self.budget.wish, self.budget.ms
        self.flash = _Linear(costs.constants(), flash_allowed(board, wish), [trial.likely_code])
        self.time: _Linear | None = None
        if ms is not None:
            self.time = _Linear(costs.cycles(), ms * board.clock_hz / 1e3)
        self.cuts: list[Cut] = []
        self.tried: dict[frozenset[tuple[Place, int]], _Tried] = {}

    def run(self) -> Allocation:
        """The best choice of those that were built and fit."""
        while len(self.tried) < MAX_BUILDS and len(self.cuts) < MAX_CUTS:
            choice = solve(self._problem())
            if choice is None or _key(choice) in self.tried:
                if self._is_last(choice):
                    break
                continue
            if not self.costs.trial(choice).fits_ram:
                self.costs.progress(f"plan within the RAM: {len(self.cuts) + 1} do not fit", 0, 0)
                self.cuts.append(self.costs.cut(choice))
                continue
            self._build(choice)
        if not any(one.fits for one in self.tried.values()):
            self._build(self.narrowest)
        fitting = [one for one in self.tried.values() if one.fits]
        if not fitting:
            raise self._refusal()
        return self._allocation(min(fitting, key=lambda one: self.loss.of(one.choice)))

    def _problem(self) -> BitProblem:
        limits = [one.limit() for one in (self.flash, self.time) if one is not None]
        return BitProblem(self.costs.options, self.loss, tuple(limits), tuple(self.cuts))

    def _is_last(self, choice: Choice | None) -> bool:
        """Whether nothing better can be found; else corrections become careful."""
        if choice is not None and self.tried[_key(choice)].fits:
            return True
        was_careful = self.flash.is_careful
        for resource in (self.flash, self.time):
            if resource is not None:
                resource.is_careful = True
        return was_careful

    def _build(self, choice: Choice) -> None:
        """Learns what a choice takes in truth."""
        trial = self.costs.trial(choice)
        least = trial.least_flash
        cost = None
        if least <= self.flash.most:
            self.costs.progress(f"build choice {len(self.tried) + 1}", 0, 0)
            try:
                cost = self.costs.built(trial, counts=self.time is not None)
            except DoesNotFit:  # said by the linker
                least = int(self.flash.most) + LINKER_STEP
        fits = self.flash.learn(choice, least if cost is None else cost.flash)
        if cost is not None and self.time is not None:
            fits &= self.time.learn(choice, self._cycles(cost))
        allowed = ram_allowed(self.budget.board, self.budget.wish)
        is_small = cost is not None and (allowed is None or cost.ram <= allowed)
        self.tried[_key(choice)] = _Tried(choice, cost, fits and is_small)

    def _cycles(self, cost: BuiltCost) -> int:
        if cost.cycles is None:
            raise BadInput(
                f"--ms: nothing models the cycles of {self.budget.board.id}; choose a board with "
                "a virtual one that does, such as nucleo_l4r5zi"
            )
        return cost.cycles

    def _refusal(self) -> DoesNotFit:
        """What to say where the narrowest choice does not fit either."""
        name, board = self.costs.untrained.network.name, self.budget.board
        found = self.tried[_key(self.narrowest)].cost
        flash = int(self.flash.most) + 1 if found is None else found.flash
        if found is None or flash > self.flash.most or self.time is None:
            return DoesNotFit(
                f"even with 1 bit everywhere {name} needs {kilobytes(flash)} of flash, and "
                f"{room(int(self.flash.most))} are allowed: "
                f"{kilobytes(max(1, flash - int(self.flash.most)))} too much; a larger --flash, a "
                "larger board or a smaller network helps"
            )
        fastest = solve(replace(self._problem(), loss=self.time.cost, limits=(self.flash.limit(),)))
        cycles = self.time.limit().cost.of(fastest or self.narrowest)
        least, most = (count * 1e3 / board.clock_hz for count in (cycles, self.time.most))
        return DoesNotFit(
            f"{name} takes at least about {least:.1f} ms on {board.id} with bits that fit its "
            f"memory, and --ms allows {most:g}: {least - most:.1f} ms too much; --ms "
            f"{math.ceil(least * MS_ROOM)}, a faster board or a smaller network helps"
        )

    def _allocation(self, best: _Tried) -> Allocation:
        costs, board = self.costs, self.budget.board
        costs.progress("run the best choice", 0, 0)
        cost = costs.built(costs.trial(best.choice), counts=True)
        cycles = costs.by_step(cost.layers)
        flash = costs.by_step(costs.trial(best.choice).constants())
        layers = []
        for name in costs.untrained.network.layer_names():
            places = [Place(name, part) for part in Part]
            own = [place for place in places if place in costs.options]
            layers.append(
                LayerAllocation(
                    name=name,
                    weights=best.choice.get(places[0]),
                    output=best.choice.get(places[1], WIDEST),
                    loss=sum(self.loss.places[place][best.choice[place]] for place in own),
                    flash=flash.get(name, 0),
                    cycles=cycles.get(name, 0) if cost.cycles is not None else None,
                )
            )
        ms = None if cost.cycles is None else cost.cycles * 1e3 / board.clock_hz
        return Allocation(
            bits=bits_of(best.choice),
            layers=tuple(layers),
            board=board.id,
            cost=cost,
            ram_limit=ram_allowed(board, self.budget.wish),
            flash_limit=int(self.flash.most),
            ms=ms,
            ms_limit=self.budget.ms,
        )


@dataclass(frozen=True)
class _Tried:
    """A choice whose flash and time are known; without a build where flash is certainly short."""

    choice: Choice
    cost: BuiltCost | None
    fits: bool


def _key(choice: Choice) -> frozenset[tuple[Place, int]]:
    return frozenset(choice.items())
