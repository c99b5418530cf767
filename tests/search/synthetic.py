"""A search without training: costs and accuracy are plain functions of the architecture."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgebottle.errors import BadInput
from edgebottle.search.costs import CandidateCost
from edgebottle.search.settings import SearchBudget, SearchSettings
from edgebottle.search.sharing import workplace
from edgebottle.search.study import Limits, SearchStudy
from quantize.search.space import Candidate, Space

SPACE = Space(
    classes=10,
    shapes=((16, 16, 1), (24, 24, 1), (32, 32, 1)),
    stages=2,
    kinds=("inverted", "full"),
    schedules=("layers", "min-ram"),
)
SETTINGS = SearchSettings(
    "synthetic",
    "no data",
    "nucleo_l4r5zi",
    "tests.search.synthetic:accuracy",
    SPACE,
    SearchBudget(ram=6_000, flash=40_000, ms=100.0),
    objectives=("ram", "ms"),
    trials=24,
)


class SyntheticCosts:
    """RAM grows with pixels, flash with channels, time with both."""

    def of(self, candidate: Candidate) -> CandidateCost:
        architecture = candidate.architecture
        height, width, channels = architecture.input_shape
        pixels, stem = height * width, architecture.stem
        inner = pixels // stem.stride**2 * stem.channels
        ram = pixels * channels + (inner // 2 if candidate.schedule == "min-ram" else inner)
        flash, work = 5_000, pixels * stem.channels * stem.size**2
        for block in architecture.blocks:
            if block.channels == 96:
                raise BadInput("no kernel takes 96 channels")
            wide = round(block.channels * getattr(block, "expand", 1))
            flash += block.channels * wide
            work += wide * block.channels * pixels // stem.stride**2
        return CandidateCost(ram, ram, flash, flash, work, work, work / 120_000)


def accuracy(candidate: Candidate) -> float:
    """Grows with what is computed, ever more slowly; depends on no schedule."""
    cost = SyntheticCosts().of(replace(candidate, schedule="layers"))
    return 1 - 0.5 * math.exp(-cost.ms / 60) - 0.3 * math.exp(-cost.flash / 20_000)


@dataclass
class CountingEvaluator:
    """Knows what it was asked, and is interrupted after some questions."""

    asked: list[Candidate] = field(default_factory=list)
    interrupted_at: int | None = None

    def accuracy(self, candidate: Candidate) -> float:
        if len(self.asked) == self.interrupted_at:
            self.interrupted_at = None
            raise KeyboardInterrupt
        self.asked.append(candidate)
        return accuracy(candidate)


@contextmanager
def opened(
    settings: SearchSettings, folder: Path, without: str | None = None
) -> Iterator[SearchStudy]:
    """A study in a journal of a folder, as a worker of its own has it."""
    with workplace(str(folder / settings.storage), settings.name) as place:
        yield SearchStudy(settings, place, Limits.of(settings, without))
