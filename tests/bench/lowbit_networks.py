"""Float networks and data on which low-bit training is tried: recipes of the zoo.

``tests.bench.lowbit`` trains them when it needs them: ``resnet-0.keras`` and so on, and
``floats.jsonl`` with the accuracy of each; those that are there are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgebottle.zoo import digits_w2a2, fashion, fashion_w2a2, spoken_digits
from edgebottle.zoo.architectures import as_plain
from edgebottle.zoo.few_bits import parted
from edgebottle.zoo.recipes import Data, FewBits, Recipe
from edgebottle.zoo.training import fit
from quantize.lowbit.samples import LabelledSamples
from tests.conftest import SHARED


@dataclass(frozen=True)
class Case:
    """A network and its data.

    Attributes:
        data: Loads the data from the folder of training data.
        folder: Of that data, in it.
        recipe: Of floats, and with how many epochs of few bits.
    """

    data: Callable[[Path], Data]
    folder: str
    recipe: Recipe

    def parts(self) -> tuple[Data, LabelledSamples]:
        """What is learned from and tested with, and by what is chosen."""
        return parted(self.data(SHARED / "train" / self.folder))


CASES: dict[str, Case] = {
    "resnet": Case(fashion.load_data, "fashion-mnist", fashion_w2a2.RECIPE),
    "mobilenet": Case(
        fashion.load_data,
        "fashion-mnist",
        replace(fashion.RECIPE, epochs=12, few_bits=FewBits("w4a4", epochs=8)),
    ),
    "digits": Case(lambda folder: digits_w2a2.load_data(), "", digits_w2a2.RECIPE),
    "speech": Case(spoken_digits.load_data, "fsdd", spoken_digits.RECIPE),
}


def train_once(folder: Path, name: str, seed: int) -> Path:
    """The file of a float network of ``CASES``; it is trained unless it is there."""
    path, case = folder / f"{name}-{seed}.keras", CASES[name]
    if path.exists():
        return path
    data, chosen = case.parts()

    def say(done: int, total: int, line: str) -> None:
        print(f"{name} {seed} {done}/{total} {line}", flush=True)

    model = as_plain(fit(case.recipe, data, seed, say), case.recipe)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    scores = {
        "validation": model.evaluate(chosen.values, chosen.labels, verbose=0)[1],
        "test": model.evaluate(data.test_images, data.test_labels, verbose=0)[1],
    }
    partial = path.with_suffix(".partial.keras")
    model.save(partial)
    partial.replace(path)  # whole, or not there
    with (folder / "floats.jsonl").open("a", encoding="utf-8") as records:
        records.write(json.dumps({"network": name, "seed": seed, **scores}) + "\n")
    return path
