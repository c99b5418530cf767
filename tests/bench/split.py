"""Split networks against pictures that are sent: accuracy beside bytes, each at every rate.

``python -m tests.bench.split FOLDER --data signs`` trains a float network, the teacher, into it,
then splits it by each method with the same epochs, and adds a JSON line for each to
FOLDER/splits.jsonl; what has a line is not trained again, so that it may be stopped at any time.
Accuracy is that of both halves in LiteRT, bytes are those of frames, headers included. JPEG and
WebP at each quality go to the teacher, in floating point; ``tables`` are the bytes of a JPEG that
are the same for all of one quality. Test samples choose nothing.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.split.frames import HEADER_BYTES
from edgebottle.split_training import LEARNING_RATE, SplitMethod, train_split
from edgebottle.training import TrainingData, read_trained, start_keras
from edgebottle.zoo import fashion_w2a2
from edgebottle.zoo.architectures import as_plain
from edgebottle.zoo.few_bits import parted
from edgebottle.zoo.recipes import Data, Recipe
from edgebottle.zoo.training import fit
from quantize.lowbit.network import FloatNetwork
from quantize.lowbit.recipe import TrainingRecipe
from quantize.lowbit.samples import LabelledSamples
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Residual
from quantize.split.student import SplitPlan, usual_place
from tests.bench.jsonl import add_line, is_known, lines_of
from tests.bench.search_data import CASES as DATA
from tests.bench.search_data import SIGN_SIDE, some_of
from tests.bench.split_tables import tables

SIGNS = Recipe(
    architecture=Architecture(
        (SIGN_SIDE, SIGN_SIDE, 3),
        Stem(16, stride=2),
        (Residual(24, stride=2), Residual(32, stride=2), Residual(64, stride=2)),
        ClassHead(10),
    ),
    augmentation=DATA["signs"].augmentation,
    epochs=40,
    batch_size=32,
    learning_rate=4e-3,
    weight_decay=0.02,
)

JPEG_QUALITIES = (1, 3, 5, 7, 10, 15, 20, 30, 50, 70, 90)
WEBP_QUALITIES = (0, 1, 2, 3, 5, 7, 10, 20, 35, 50, 75, 90)


@dataclass(frozen=True)
class SplitCase:
    """A teacher, and how it is split.

    Attributes:
        recipe: Of the teacher.
        groups: Channels of each.
        width: Of the head.
        epochs: Of each method.
    """

    recipe: Recipe
    groups: tuple[int, ...]
    width: int
    epochs: int


CASES: Mapping[str, SplitCase] = {
    "fashion": SplitCase(fashion_w2a2.RECIPE, (1, 1, 2, 4), 8, 12),
    "signs": SplitCase(SIGNS, (4, 4, 8, 8), 16, 40),
}


class Bench:
    """One set of samples and its teacher."""

    def __init__(
        self, folder: Path, name: str, seed: int, epochs: int | None, samples: int | None = None
    ) -> None:
        """Trains the teacher unless it is there; of ``signs`` the seed is the fold, too.

        Args:
            folder: Where it is kept.
            name: Of ``CASES``.
            seed: Of everything.
            epochs: Of each method; None for those of the data.
            samples: To learn from and to test with, as many at most; None for all.
        """
        self.name, self.seed, self.case = name, seed, CASES[name]
        self.epochs = epochs or self.case.epochs
        data = DATA[name].data(seed)
        self.data, self.chosen = parted(data if samples is None else some_of(data, samples))
        path = folder / f"{name}-{seed}{'' if samples is None else f'-{samples}'}.keras"
        if not path.exists():
            model = as_plain(fit(self.case.recipe, self.data, seed, _say), self.case.recipe)
            partial = path.with_suffix(".partial.keras")
            model.save(partial)
            partial.replace(path)  # whole, or not there
        self.teacher = read_trained(path)

    def split(self, method: SplitMethod, bits: int) -> dict[str, Any]:
        """What a method gives at each rate."""
        data, recipe = self.data, self.case.recipe
        # ``train_split`` sets its own share apart to choose by: it gets both parts.
        samples = LabelledSamples(
            np.concatenate([data.train_images, self.chosen.values]),
            np.concatenate([data.train_labels, self.chosen.labels]),
        )
        test = LabelledSamples(data.test_images, data.test_labels)
        how = TrainingRecipe(
            epochs=self.epochs,
            batch_size=recipe.batch_size,
            learning_rate=LEARNING_RATE,
            seed=self.seed,
            augmentation=recipe.augmentation,
        )
        plan = SplitPlan(usual_place(self.teacher), self.case.groups, bits, self.case.width)
        _, report = train_split(
            *(self.teacher, TrainingData(samples, test, (0.0, 1.0), ()), plan, method, how),
            *(lambda *what: None, lambda epoch: print(epoch, flush=True)),
        )
        return {"teacher": report.teacher, "rates": [asdict(rate) for rate in report.rates]}

    def pictures(self, form: str, quality: int) -> dict[str, Any]:
        """What pictures of a quality give when the teacher sees them."""
        return pictures(self.teacher, self.data, form, quality)


def pictures(teacher: FloatNetwork, data: Data, form: str, quality: int) -> dict[str, Any]:
    """Accuracy of a float network on pictures that were compressed, and bytes of their frames."""
    from PIL import Image

    from quantize.lowbit.simulation import Simulation
    from quantize.lowbit.trainer import accuracy_of

    seen, lengths, common = [], [], None
    for image in data.test_images:
        pixels = np.rint(image * 255).astype(np.uint8)
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        file = io.BytesIO()
        picture.save(file, form, quality=quality)
        lengths.append(len(file.getvalue()))
        start = _before_scan(file.getvalue()) if form == "jpeg" else 0
        common = start if common is None else min(common, start)
        with Image.open(file) as found:
            back = np.asarray(found.convert(picture.mode), np.float32) / np.float32(255)
        seen.append(back.reshape(image.shape))
    samples = LabelledSamples(np.stack(seen), data.test_labels)
    return {
        "bytes": float(np.mean(lengths)) + HEADER_BYTES,
        "tables": common,
        "accuracy": accuracy_of(Simulation(teacher), samples),
    }


def _before_scan(file: bytes) -> int:
    """Bytes of a JPEG in front of its picture: tables, the same for all of a size and quality."""
    return file.index(b"\xff\xda")


def _say(done: int, total: int, line: str) -> None:
    print(f"teacher {done}/{total} {line}", flush=True)


def cells_of(bench: Bench, bits: int, methods: Sequence[SplitMethod]) -> Iterator[tuple[Any, ...]]:
    """What is measured: its name, and what measures it."""
    for method in methods:
        name = f"{method.value}, {bits} bits, {bench.epochs} epochs"
        yield name, lambda method=method: bench.split(method, bits)
    for form, qualities in (("jpeg", JPEG_QUALITIES), ("webp", WEBP_QUALITIES)):
        for quality in qualities:
            yield f"{form} {quality}", lambda f=form, q=quality: bench.pictures(f, q)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", choices=list(CASES), default="fashion")
    parser.add_argument("--bits", type=int, default=2)
    parser.add_argument("--method", nargs="+", default=[method.value for method in SplitMethod])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="instead of those of the data")
    parser.add_argument("--samples", type=int, help="to learn from and to test with, at most")
    parser.add_argument("--table", action="store_true", help="train nothing")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "splits.jsonl"
    name = options.data if options.samples is None else f"{options.data}-{options.samples}"
    start_keras()
    for seed in () if options.table else options.seeds:
        bench = Bench(options.folder, options.data, seed, options.epochs, options.samples)
        methods = [SplitMethod(one) for one in options.method]
        measured: Callable[[], dict[str, Any]]
        for what, measured in cells_of(bench, options.bits, methods):
            cell = {"data": name, "what": what, "seed": seed}
            if not is_known(file, cell):
                add_line(file, {**cell, **measured()})
    print("\n".join(tables(lines_of(file), name)))


if __name__ == "__main__":
    main()
