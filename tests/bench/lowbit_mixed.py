"""Bits chosen layer by layer, against the same bits everywhere.

``mixed_bits`` is for ``tests.bench.lowbit``: bits that ``edgebottle train --bits mixed`` would
choose for the flash that bits such as W2A2 take. ``python -m tests.bench.lowbit_mixed FOLDER``
holds that choice to exhaustive search: a small network for the digits is trained shortly with each
choice of weights' bits there is, over several seeds, and for budgets of flash between the smallest
and the largest the choice of the integer programme is compared with the one that was best on
validation; test samples only tell by how much. Lines that are known are not trained again.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.allocation import SENSITIVITY_SAMPLES, allocate
from edgebottle.bit_costs import BitBudget, BitCosts
from edgebottle.boards import load_board
from edgebottle.fit import Wish
from edgebottle.ir.graph import Array
from edgebottle.pipeline import build, model_of
from edgebottle.training import TrainingData, litert_accuracy, start_keras, train
from edgebottle.zoo import digits
from edgebottle.zoo.architectures import as_plain
from edgebottle.zoo.augmentation import Augmentation
from edgebottle.zoo.few_bits import parted, training_recipe
from edgebottle.zoo.recipes import Data
from edgebottle.zoo.training import fit
from quantize.lowbit.allocation import BitProblem, Cost, Limit, Part, Place, bits_of, solve
from quantize.lowbit.bits import WIDEST, Bits
from quantize.lowbit.network import FloatNetwork
from quantize.lowbit.samples import LabelledSamples
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution
from tests.bench.jsonl import add_line, is_known, lines_of

BOARD = "nucleo_l4r5zi"

MIXED = "mixed-"
"""Before the bits whose flash is the budget, in the name of a cell."""


WEIGHT_WIDTHS = (1, 2, 4)
"""Of each layer of the small network."""

BUDGETS = 8
"""Between the flash of the narrowest choice and that of the widest, both left out."""

SMALL = replace(
    digits.RECIPE,
    architecture=Architecture((8, 8, 1), Stem(8), (FullConvolution(16, stride=2),), ClassHead(10)),
    augmentation=Augmentation(),
    epochs=60,
)
"""The network of three layers that is trained with all 27 choices."""

CHOOSING_SHARE = 0.3
"""Of the training images, by which choices are compared: of a tenth, one image is 0.7 points."""

FEW_BIT_EPOCHS = 8

LEFT_OUT = ("progressive",)
"""Of the methods: what it gives to a few epochs is not worth a second graph for each choice."""


def silent(what: str, done: int, total: int) -> None:
    """Tells nothing."""


def _watched(values: Array, labels: Array) -> TrainingData:
    """Samples by which bits are chosen; none of them tests anything."""
    samples = LabelledSamples(values, labels)
    return TrainingData(samples, samples, (float(values.min()), float(values.max())), ())


def mixed_bits(network: FloatNetwork, values: Array, labels: Array, uniform: str) -> Bits:
    """The best choice that takes no more flash than uniform bits, on ``BOARD``.

    Args:
        network: In floating point.
        values: Samples, of which some are looked at.
        labels: Their classes.
        uniform: Such as ``w2a2``.
    """
    from quantize.lowbit.export import integer_network
    from quantize.lowbit.sensitivity import Untrained

    board, data = load_board(BOARD), _watched(values, labels)
    untrained = Untrained(network, values[:SENSITIVITY_SAMPLES], data.input_bounds)
    graph = integer_network(untrained.simulation(Bits.parse(uniform)))
    taken = build(model_of(graph), board).flash.bytes
    found = allocate(network, data, BitBudget(board, Wish(flash=taken)), silent)
    print(f"{uniform} takes {taken:,} bytes; within them {found.bits.to_json()}", flush=True)
    return found.bits


class SmallNetwork:
    """The float network of a seed, and what each choice of its weights' bits gives."""

    def __init__(self, data: Data, chosen: LabelledSamples, seed: int) -> None:
        """Trains it.

        Args:
            data: That it learns from and is tested with.
            chosen: By which epochs, and the best choice, are chosen.
            seed: Of its training, and of those to few bits.
        """
        from quantize.lowbit.keras_network import read_network
        from quantize.lowbit.sensitivity import Untrained, places_of, sensitivities

        self.data, self.chosen, self.seed = data, chosen, seed
        self.model = as_plain(fit(SMALL, data, seed), SMALL)
        network = read_network(self.model, "small")
        watched = _watched(data.train_images, data.train_labels)
        untrained = Untrained(
            network, data.train_images[:SENSITIVITY_SAMPLES], watched.input_bounds
        )
        self.options = {
            place: WEIGHT_WIDTHS if place.part is Part.WEIGHTS else (WIDEST,)
            for place in places_of(network)
        }
        self.loss = sensitivities(untrained, places_of(network), silent)
        budget = BitBudget(load_board(BOARD), Wish())
        self.flash = BitCosts(untrained, places_of(network), budget, silent).constants()

    def choices(self) -> list[dict[Place, int]]:
        """All that there are."""
        combined = itertools.product(*self.options.values())
        return [dict(zip(self.options, widths, strict=True)) for widths in combined]

    def solved(self, flash: float) -> dict[Place, int]:
        """What the integer programme chooses for so many bytes of constants."""
        found = solve(BitProblem(self.options, self.loss, (Limit(self.flash, flash),)))
        assert found is not None
        return found

    def trained(self, choice: Mapping[Place, int]) -> dict[str, Any]:
        """Accuracy on validation and, of the file in LiteRT, on the test samples."""
        data = self.data
        found = train(
            self.model,
            bits_of(choice),
            data.train_images,
            data.train_labels,
            recipe=training_recipe(SMALL, FEW_BIT_EPOCHS, self.seed).without(LEFT_OUT),
            validation=(self.chosen.values, self.chosen.labels),
        )
        test = LabelledSamples(data.test_images, data.test_labels)
        return {
            "seed": self.seed,
            "bits": name_of(choice),
            "validation": max(one.validation for one in found.epochs if one.is_best),
            "accuracy": litert_accuracy(found.graph, test, silent),
        }


def name_of(choice: Mapping[Place, int]) -> str:
    """The bits of the weights in the order of the layers."""
    return "".join(str(bits) for place, bits in choice.items() if place.part is Part.WEIGHTS)


def budgets(flash: Cost, choices: list[dict[Place, int]]) -> list[float]:
    """Bytes of constants, evenly spaced."""
    sizes = [flash.of(choice) for choice in choices]
    return np.linspace(min(sizes), max(sizes), BUDGETS + 2)[1:-1].tolist()


def rows(network: SmallNetwork, known: Mapping[str, Mapping[str, Any]]) -> list[tuple[float, ...]]:
    """Of each budget: bytes, test accuracy of the solver's choice and of the best on validation."""
    choices = network.choices()
    found: list[tuple[float, ...]] = []
    for flash in budgets(network.flash, choices):
        within = [name_of(one) for one in choices if network.flash.of(one) <= flash]
        best = max(within, key=lambda name: known[name]["validation"])
        ours = known[name_of(network.solved(flash))]["accuracy"]
        found.append((flash, 100 * ours, 100 * known[best]["accuracy"]))
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "exhaustive.jsonl"
    start_keras()
    data, chosen = parted(digits.load_data(), CHOOSING_SHARE)
    gaps: list[float] = []
    for seed in options.seeds:
        network = SmallNetwork(data, chosen, seed)
        for choice in network.choices():
            if not is_known(file, {"seed": seed, "bits": name_of(choice)}):
                add_line(file, network.trained(choice))
        known = {line["bits"]: line for line in lines_of(file) if line["seed"] == seed}
        for flash, ours, best in rows(network, known):
            print(f"seed {seed}, {flash:7,.0f} bytes: solved {ours:.2f}, exhaustive {best:.2f}")
            gaps.append(best - ours)
    print(f"exhaustive search is better by {np.mean(gaps):.2f} ± {np.std(gaps):.2f} points")


if __name__ == "__main__":
    main()
