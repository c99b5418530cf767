"""Networks that were built and run on the virtual board: what tables of costs are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgebottle.build.elf import read_elf
from edgebottle.fit import Verdict
from edgebottle.measure import measure
from edgebottle.pipeline import build
from edgebottle.samples import edge_cases
from edgebottle.search.code_sizes import (
    CodeSizes,
    MeasuredCode,
    code_kinds,
    code_words,
    learned,
    rest_features,
)
from edgebottle.search.costs import Costs, model_of_candidate
from edgebottle.search.features import layer_features, step_features
from edgebottle.search.kernel_times import (
    KernelTimes,
    MeasuredLayer,
    MeasuredRun,
    MeasuredSteps,
    fitted,
)
from quantize.search.space import Candidate


@dataclass(frozen=True)
class MeasuredNetwork:
    """A candidate, built and run once.

    Attributes:
        candidate: It.
        ram: Bytes, as the build reports them.
        constants: Bytes of flash of its weights, scales and tables.
        code: Bytes of flash of all else.
        instructions: Of a run, exact.
        cycles: Of a run, modelled.
        layers: Name, instructions and cycles of each.
        symbols: Name and bytes of each symbol in flash.
    """

    candidate: Candidate
    ram: int
    constants: int
    code: int
    instructions: int
    cycles: int
    layers: tuple[tuple[str, int, int], ...]
    symbols: tuple[tuple[str, int], ...]

    def to_json(self) -> str:
        """One line, which ``of_json`` reads."""
        return json.dumps({**vars(self), "candidate": self.candidate.to_json()})

    @classmethod
    def of_json(cls, line: str) -> MeasuredNetwork:
        """What ``to_json`` told of."""
        table: dict[str, Any] = json.loads(line)
        layers = tuple((name, count, cycles) for name, count, cycles in table.pop("layers"))
        symbols = tuple((name, nbytes) for name, nbytes in table.pop("symbols"))
        candidate = Candidate.of_json(table.pop("candidate"))
        return cls(candidate, layers=layers, symbols=symbols, **table)


def measured(costs: Costs, candidate: Candidate) -> MeasuredNetwork:
    """Builds a candidate and runs it once on the virtual board.

    Raises:
        Mismatch: its output is not LiteRT's.
        DoesNotFit: the board is too small.
        BuildFailed: the compiler failed.
        BoardError: the virtual board failed.
    """
    model = model_of_candidate(candidate)
    wish = costs.wish_of(candidate)
    built = build(model, costs.board, toolchain=costs.toolchain, wish=wish)
    record = measure(built, edge_cases(model.graph, 1))
    assert record.instructions and record.cycles, "a virtual board counts both"
    flash = costs.board.region("flash")
    inside = range(flash.start, flash.start + flash.size)
    symbols = {
        (one.name, one.address): one.size
        for one in read_elf(built.elf).symbols
        if one.size and one.address in inside
    }
    return MeasuredNetwork(
        candidate,
        ram=built.ram.bytes,
        constants=built.flash.weights,
        code=built.flash.code,
        instructions=record.instructions,
        cycles=record.cycles,
        layers=tuple(
            (layer.name, layer.instructions or 0, layer.cycles or 0) for layer in record.layers
        ),
        symbols=tuple((name, nbytes) for (name, _), nbytes in symbols.items()),
    )


def tables(costs: Costs, networks: Sequence[MeasuredNetwork]) -> tuple[KernelTimes, CodeSizes]:
    """The tables of a board, of networks that were measured on its virtual board."""
    runs: list[MeasuredRun] = []
    images: list[MeasuredCode] = []
    for network in networks:
        verdict = costs.verdict(network.candidate)
        inside = (sum(one[1] for one in network.layers), sum(one[2] for one in network.layers))
        between = network.instructions - inside[0], network.cycles - inside[1]
        steps = MeasuredSteps(step_features(verdict), between)
        runs.append(MeasuredRun(_layers(network, verdict), steps))
        kinds, words, rest = code_kinds(verdict), code_words(verdict), rest_features(verdict)
        images.append(MeasuredCode(kinds, words, rest, network.symbols, network.code))
    board = costs.board.id
    return fitted(board, "virtual", runs), learned(board, images)


def _layers(network: MeasuredNetwork, verdict: Verdict) -> tuple[MeasuredLayer, ...]:
    counts = {name: (count, cycles) for name, count, cycles in network.layers}
    return tuple(
        MeasuredLayer(one, counts[one.layer])
        for one in layer_features(verdict)
        if one.layer in counts
    )
