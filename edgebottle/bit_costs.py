"""What a choice of bits costs on a board: planned, packed, built and measured, each once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from edgebottle.arena_blocks import memory_blocks
from edgebottle.boards import Board
from edgebottle.build.cache import cache_dir, keep
from edgebottle.codegen.kernels import Optimize
from edgebottle.errors import BadInput
from edgebottle.fit import Answer, Judge, Verdict, Wish, kernel_variant
from edgebottle.measure import measure
from edgebottle.pipeline import Model, build, model_of
from edgebottle.plan.schedules import Schedule
from edgebottle.refusal import Refusal
from edgebottle.report.memory import RING_SUFFIX
from edgebottle.samples import edge_cases
from quantize.lowbit.allocated import BuiltCost
from quantize.lowbit.allocation import WIDTHS, Choice, Cost, Cut, Pair, Part, Place
from quantize.lowbit.bits import WIDEST
from quantize.lowbit.network import UNCLAMPED
from quantize.patch import choose_schedule
from quantize.patch.known import known

if TYPE_CHECKING:
    from quantize.lowbit.sensitivity import Untrained

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BitBudget:
    """What a network of few bits may take.

    Attributes:
        board: Where.
        wish: RAM, flash and how it is run.
        ms: The most milliseconds of a run; None for any number.
        toolchain: What builds it.
    """

    board: Board
    wish: Wish
    ms: float | None = None
    toolchain: str = "zig"


@dataclass(frozen=True)
class Trial:
    """A choice, planned.

    Attributes:
        model: The network before training.
        verdict: What a build would make of it.
    """

    model: Model
    verdict: Verdict

    @property
    def fits_ram(self) -> bool:
        """For certain."""
        return self.verdict.ram.answer is Answer.YES

    @property
    def least_flash(self) -> int:
        """Bytes, before anything is built."""
        return self.verdict.flash.bounds.least

    @property
    def likely_code(self) -> int:
        """Of what a build would take, what is not constants: midway between its bounds."""
        bounds = self.verdict.flash.bounds
        return (bounds.least + bounds.most) // 2 - self.verdict.source.weight_bytes

    def constants(self) -> dict[str, int]:
        """Bytes of constants of each layer of the graph."""
        return {kernel.layer: kernel.constants for kernel in self.verdict.source.kernels}

    def check(self) -> None:
        """Raises ``DoesNotFit`` where it certainly does not, with what would help."""
        Refusal(self.verdict).check()


class BitCosts:
    """The costs of one network on one board."""

    def __init__(
        self,
        untrained: Untrained,
        options: Mapping[Place, tuple[int, ...]],
        budget: BitBudget,
        progress: Progress,
    ) -> None:
        """Costs nothing yet.

        Args:
            untrained: The network.
            options: The widths of each place.
            budget: For what board, with which memory.
            progress: Told what is being done.
        """
        self.untrained, self.options, self.budget = untrained, options, budget
        self.progress = progress
        self._trials: dict[frozenset[tuple[Place, int]], Trial] = {}

    def uniform(self, weights: int, outputs: int) -> dict[Place, int]:
        """The same bits everywhere."""
        by_part = {Part.WEIGHTS: weights, Part.OUTPUT: outputs}
        return {place: by_part[place.part] for place in self.options}

    def trial(self, choice: Choice) -> Trial:
        """Plans a choice within the memory of board and budget."""
        key = frozenset(choice.items())
        if key not in self._trials:
            model = self._model(choice)
            verdict = Judge(model.graph).verdict(self.budget.board, self.budget.wish)
            self._trials[key] = Trial(model, verdict)
        return self._trials[key]

    def _model(self, choice: Choice) -> Model:
        return model_of(self.untrained.graph(choice))

    def constants(self) -> Cost:
        """Bytes of weights, scales and tables in flash, as kernels of this board have them."""
        places: defaultdict[Place, dict[int, float]] = defaultdict(dict)
        fixed = 0
        for number, width in enumerate(WIDTHS):
            self.progress(f"pack weights of {width} bits", number, len(WIDTHS))
            found = self.by_step(self._packed(self.uniform(width, WIDEST)))
            for place in self.options:
                if place.part is Part.WEIGHTS:
                    places[place][width] = found.pop(place.layer, 0)
            fixed = sum(found.values())
        return Cost(places=places, fixed=fixed)

    def _packed(self, choice: Choice) -> dict[str, int]:
        """Bytes of constants of each layer, one layer after the other."""
        graph, wish = self._model(choice).graph, self.budget.wish
        chosen = choose_schedule(graph, kernel_variant(self.budget.board), Schedule.LAYERS)
        source = Judge(graph).source(chosen, Optimize(wish.optimize))
        return {kernel.layer: kernel.constants for kernel in source.kernels}

    def cycles(self) -> Cost:
        """Cycles of a run, by the bits of weights and of what they are multiplied with.

        Measured on the virtual board with the same bits everywhere. Where 8 bits fit the RAM, no
        tensor will be packed, and the width of what layers compute costs no time.
        """
        packs = not self.trial(self.uniform(WIDEST, WIDEST)).fits_ram
        outputs = WIDTHS[::-1] if packs else (WIDEST,)
        runs = [(weights, width) for width in outputs for weights in WIDTHS]
        found: dict[tuple[int, int], dict[str, int]] = {}
        for number, (weights, width) in enumerate(runs):
            self.progress(
                f"measure weights of {weights}, outputs of {width} bits", number, len(runs)
            )
            found[weights, width] = self.by_step(self._measured(self.uniform(weights, width)))
        for weights in WIDTHS:
            for width in WIDTHS:
                found.setdefault((weights, width), found[weights, WIDEST])
        return self._cycle_cost(found)

    def _measured(self, choice: Choice) -> Mapping[str, int]:
        """Cycles of each layer: as a build would have it, or one after the other, all packed."""
        trial = self.trial(choice)
        if trial.fits_ram and trial.verdict.plan.schedule == Schedule.LAYERS:
            return self.built(trial, counts=True).layers
        graph, isa = trial.model.graph, kernel_variant(self.budget.board)
        narrowed = known(graph).narrowed
        plain = Wish(optimize=self.budget.wish.optimize)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM):
            chosen = choose_schedule(narrowed, isa, schedule)
            verdict = Judge(graph).verdict(self.budget.board, plain, chosen)
            if verdict.answer is not Answer.NO:
                return self._built(trial.model, verdict, counts=True).layers
        raise BadInput(
            f"{self.budget.board.id} has not the memory to measure the layers of "
            f"{trial.model.name}: give --ms for a larger board of the same core"
        )

    def _cycle_cost(self, found: Mapping[tuple[int, int], Mapping[str, int]]) -> Cost:
        network, owners = self.untrained.network, self.untrained.owners
        places: defaultdict[Place, defaultdict[int, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        pairs: dict[Pair, dict[tuple[int, int], float]] = {}
        known_names = {step.name for step in network.steps}
        widest = found[WIDEST, WIDEST]
        fixed = float(sum(count for name, count in widest.items() if name not in known_names))
        for step in network.steps:
            read = Place(owners[step.sources[0]], Part.OUTPUT)
            own = Place(step.name, Part.WEIGHTS)
            if own in self.options and read in self.options:
                pairs[own, read] = {key: one.get(step.name, 0) for key, one in found.items()}
                continue
            for width in WIDTHS:
                if own in self.options:
                    places[own][width] += found[width, WIDEST].get(step.name, 0)
                elif read in self.options:
                    places[read][width] += found[WIDEST, width].get(step.name, 0)
            if own not in self.options and read not in self.options:
                fixed += widest.get(step.name, 0)
        return Cost(places, pairs, fixed)

    def built(self, trial: Trial, *, counts: bool) -> BuiltCost:
        """Builds what a trial has planned.

        Args:
            trial: Of a choice.
            counts: Run it as well, for its cycles.

        Raises:
            DoesNotFit: the board is too small.
            BuildFailed: the compiler failed.
        """
        return self._built(trial.model, trial.verdict, counts=counts)

    def _built(self, model: Model, verdict: Verdict, *, counts: bool) -> BuiltCost:
        """Remembered by content: the same files need not be compiled and run again."""
        board, toolchain = self.budget.board, self.budget.toolchain
        wish = replace(verdict.wish, flash=None)  # how much it takes is to be found out
        digest = verdict.project().digest(f"{toolchain} {counts}")
        path = cache_dir() / "costs" / f"{digest}.json"
        if path.is_file():
            return BuiltCost(**json.loads(path.read_bytes()))
        built = build(model, board, toolchain=toolchain, wish=wish, planned=verdict.chosen)
        cycles, layers = None, dict[str, int]()
        if counts:
            record = measure(built, edge_cases(model.graph, 1))
            cycles = record.cycles
            layers = {layer.name: layer.cycles or 0 for layer in record.layers}
        cost = BuiltCost(
            *(built.ram.bytes, built.ram.arena, built.flash.bytes, built.flash.weights),
            cycles,
            layers,
        )
        keep(path, json.dumps(asdict(cost)).encode())
        return cost

    def by_step(self, layers: Mapping[str, int]) -> dict[str, int]:
        """What layers of the graph take, by the names of the network's steps."""
        names = {step.name for step in self.untrained.network.steps}
        found: defaultdict[str, int] = defaultdict(int)
        for layer, amount in layers.items():
            plain = layer.removesuffix(UNCLAMPED)
            found[plain if plain in names else layer] += amount
        return dict(found)

    def cut(self, choice: Choice) -> Cut:
        """What of a choice is too wide for the RAM: as few outputs, as narrow, as still do not fit.

        Taken for granted is that RAM has no other valleys between 1 bit and 8.
        """
        wide = [at for at, width in choice.items() if at.part is Part.OUTPUT and width > WIDTHS[0]]
        peak = self.at_peak(self.trial(choice))
        kept = [place for place in wide if place.layer in peak]
        if not self._is_too_large(choice, kept):
            kept = wide
        for place in tuple(kept):
            fewer = [other for other in kept if other != place]
            if self._is_too_large(choice, fewer):
                kept = fewer
        found = {place: choice[place] for place in kept}
        for place in found:
            for width in WIDTHS[::-1]:
                if width >= found[place]:
                    continue
                if not self._is_too_large({**choice, **found, place: width}, found):
                    break
                found[place] = width
        return found

    def _is_too_large(self, choice: Choice, kept: Iterable[Place]) -> bool:
        """Whether a choice is, be all outputs but those that are kept of 1 bit or of 8.

        Both, because the planner does not always find what less bits would allow.
        """
        others = {at for at in choice if at.part is Part.OUTPUT}.difference(kept)
        return not any(
            self.trial({**choice, **dict.fromkeys(others, width)}).fits_ram
            for width in (WIDTHS[0], WIDEST)
        )

    def at_peak(self, trial: Trial) -> set[str]:
        """The steps whose outputs lie in the arena when most of it is taken."""
        blocks = memory_blocks(trial.verdict.plan)
        ends = range(max(block.last for block in blocks) + 1)
        taken = {n: sum(b.nbytes for b in blocks if b.first <= n <= b.last) for n in ends}
        peak = max(taken, key=lambda number: taken[number])
        names = (b.name.removesuffix(RING_SUFFIX) for b in blocks if b.first <= peak <= b.last)
        owners = self.untrained.owners
        plain = (name.removesuffix(UNCLAMPED) for name in names)
        return {owners[name] for name in plain if name in owners}
