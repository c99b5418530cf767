"""What a search has found, as the reports show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from typing import Any

from quantize.search.blocks import NetworkBlock
from quantize.search.space import Candidate


@dataclass(frozen=True)
class FoundNetwork:
    """A network that keeps to the budgets.

    Attributes:
        number: Of its trial.
        accuracy: 0 .. 1, as the search saw it.
        ram: Bytes.
        flash: Bytes.
        ms: Of a run.
        network: In words.
        bits: Of its layers.
        schedule: That it is run by.
        row_fed: Its input comes row by row.
        is_best: Nothing is better in every objective: it is of the front.
    """

    number: int
    accuracy: float
    ram: int
    flash: int
    ms: float
    network: str
    bits: str
    schedule: str
    row_fed: bool
    is_best: bool


@dataclass(frozen=True)
class BudgetPrice:
    """What a budget costs.

    Attributes:
        name: ``ram``, ``flash`` or ``ms``.
        limit: The most.
        taken: By the most accurate network that keeps to all.
        accuracy: The best that was found without this budget; None where it was not looked for.
        takes: What the best without it takes of this; None with the former.
    """

    name: str
    limit: float
    taken: float
    accuracy: float | None
    takes: float | None


@dataclass(frozen=True)
class SearchReport:
    """A study.

    Attributes:
        name: Of it.
        data: That it looked at.
        board: Id.
        sampler: That drew.
        objectives: Made small beside accuracy.
        limits: The most of each budget, by name.
        wanted: Candidates to be assessed.
        outcomes: How many trials ended how.
        seconds: Of all trials together.
        workers: That took part.
        networks: Those with accuracy, in the order they were found, no two alike.
        history: The best accuracy behind each candidate that was assessed.
        prices: Of the budgets.
    """

    name: str
    data: str
    board: str
    sampler: str
    objectives: tuple[str, ...]
    limits: dict[str, float]
    wanted: int
    outcomes: dict[str, int]
    seconds: float
    workers: int
    networks: tuple[FoundNetwork, ...]
    history: tuple[float, ...]
    prices: tuple[BudgetPrice, ...]

    @property
    def front(self) -> tuple[FoundNetwork, ...]:
        """The best, the most accurate first."""
        best = [one for one in self.networks if one.is_best]
        return tuple(sorted(best, key=lambda one: (-one.accuracy, one.number)))

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        return {**asdict(self), "front": [asdict(one) for one in self.front]}


def network_words(candidate: Candidate) -> str:
    """A network in short: its input, and what follows."""
    architecture = candidate.architecture
    stem, head = architecture.stem, architecture.head
    shape = "x".join(map(str, architecture.input_shape))
    parts = [shape, f"stem {stem.channels}, {stem.size}x{stem.size}{_stride(stem.stride)}"]
    parts += _block_words(architecture.blocks)
    if head.channels:
        parts.append(f"head {head.channels}")
    return "; ".join(parts)


def _block_words(blocks: tuple[NetworkBlock, ...]) -> Iterator[str]:
    for words, alike in groupby(map(_words, blocks)):
        times = len(list(alike))
        yield f"{times} x {words}" if times > 1 else words


def _words(block: NetworkBlock) -> str:
    own = {one.name: getattr(block, one.name) for one in fields(block)}
    channels, stride = own.pop("channels"), own.pop("stride")
    more = [f"{name} {value:g}" for name, value in own.items() if value]
    return ", ".join([f"{block.KIND} {channels}", *more]) + _stride(stride)


def _stride(stride: int) -> str:
    return f" /{stride}" if stride > 1 else ""
