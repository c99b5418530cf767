"""Costs of architectures: ``python -m tests.bench.architectures --count 1000``.

Plans random candidates, and prints how many in a second. With ``--built N`` so many of them are
built: RAM and constants must be the build's to the byte; what the models err by is printed. With
``--verified N`` so many are run as well and compared with LiteRT, and their instructions and cycles
with those that were modelled. ``--fit N`` measures other random networks, and makes the tables of
the board of them and of all that ``--records`` holds. What was measured is added there, by
``--verified`` as well.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edgebottle.boards import load_board
from edgebottle.errors import DoesNotFit, EdgebottleError
from edgebottle.fit import Wish
from edgebottle.pipeline import build, model_of
from edgebottle.search.costs import CandidateCost, Costs, imported
from edgebottle.search.measuring import MeasuredNetwork, measured, tables
from edgebottle.search.tables import FOLDER, keep_table
from quantize.search.space import FIELDS_OF_KIND, Candidate, Space

SHAPES = ((28, 28, 1), (32, 32, 3), (48, 48, 1), (20, 20, 3), (64, 1, 8), (49, 10, 1))

WIDTHS = ("w8a8", "w4a8", "w4a4", "w2a2", "w1a8", "w3a4")

KINDS = tuple(kind for kind in FIELDS_OF_KIND if kind != "attention")
"""What is searched unless attention is asked for."""

SPACES = tuple(
    Space(
        classes=10,
        shapes=SHAPES,
        kinds=KINDS,
        schedules=("layers", "min-ram", "auto"),
        row_fed=(False, True),
        bits=bits,
    )
    for bits in (("w8a8",), WIDTHS)
)
"""What is costed, in turn: of 8 bits, and of few."""

FIT_SPACES = tuple(
    Space(
        classes=7,
        shapes=((24, 24, 3), (20, 17, 1), (48, 1, 4), (18, 18, 6), (33, 15, 2)),
        stem_channels=(4, 7, 8, 12),
        stages=6,
        kinds=KINDS,
        depths=(1, 2, 3),
        strides=(1, 1, 2),
        channels=(4, 6, 8, 10, 12, 15, 16, 20, 24, 32, 40),
        expands=(1, 2, 3, 4, 2.5),
        head_channels=(0, 32, 50, 64),
        schedules=("layers", "min-ram"),
        row_fed=(False, False, False, True),
        bits=bits,
    )
    for bits in (("w8a8",), WIDTHS)
)
"""What tables are fitted on beside what is costed: many small layers."""


def with_attention(spaces: Sequence[Space]) -> tuple[Space, ...]:
    """The same with transformers in about half of the stages."""
    channels = (4, 8, 12, 16, 24, 32, 40)
    kinds = ("attention", "attention", "attention", "inverted", "separable", "full")
    return tuple(replace(space, kinds=kinds, channels=channels) for space in spaces)


MAX_INSTRUCTIONS = 60_000_000
"""Of a run on the virtual board: larger networks are not measured."""

MAX_FIT_MACS = 4_000_000
"""Of networks that tables are fitted on."""

RAM = 200_000
"""Bytes that candidates may take; ``auto`` runs layer by layer what fits."""


def candidates(spaces: Sequence[Space], seed: int, count: int) -> Iterator[Candidate]:
    """Random ones of several spaces, in turn."""
    generator = random.Random(seed)
    for number in range(count):
        space = spaces[number % len(spaces)]
        yield space.candidate(space.drawn(generator))


@dataclass
class Summary:
    """What was found out.

    Attributes:
        planned: Candidates that were planned.
        refused: Those that cannot be fed row by row.
        too_large: Those that were to be built, and are too large for the board or ``RAM``.
        layers: Of all that were planned.
        seconds: That planning them took, of one core.
        built: Candidates that were built.
        different: Those whose RAM or constants were not those of the build.
        code: By which part of all flash the modelled code was wrong, of each that was built.
        missing: Bytes by which the flash of each that was built was beyond what was modelled; below
            0 where it took less.
        beyond: The same, with the margin.
        verified: Candidates whose outputs were LiteRT's.
        instructions: By which part the modelled instructions were wrong, of each.
        cycles: The same of cycles.
    """

    planned: int
    refused: int
    too_large: int
    layers: int
    seconds: float
    built: int
    different: int
    code: list[float]
    missing: list[int]
    beyond: list[int]
    verified: int
    instructions: list[float]
    cycles: list[float]

    def lines(self) -> Iterator[str]:
        """As a text."""
        rate = self.planned / self.seconds if self.seconds else 0.0
        per = self.layers / max(self.planned, 1)
        yield f"planned {self.planned} of {per:.1f} layers: {rate:.2f} in a second of one core"
        yield f"cannot be fed row by row: {self.refused}"
        yield f"too large to be built: {self.too_large}"
        yield f"built {self.built}: RAM or constants differ in {self.different}"
        for name in ("code", "instructions", "cycles"):
            errors = getattr(self, name)
            if errors:
                mean, most = statistics.mean(errors), max(errors)
                yield f"{name}: {len(errors)} networks, mean error {mean:.2%}, largest {most:.2%}"
        for excess, words in ((self.missing, "modelled"), (self.beyond, "modelled, with margin")):
            if excess:
                count = sum(nbytes > 0 for nbytes in excess)
                yield f"more flash than {words}: {count} of {len(excess)}, at most {max(excess):+,}"


def summarize(costs: Costs, options: argparse.Namespace) -> Summary:
    """Plans, builds and verifies as the options say."""
    spaces = with_attention(SPACES) if options.attention else SPACES
    summary = Summary(0, 0, 0, 0, 0.0, 0, 0, [], [], [], 0, [], [])
    for number, candidate in enumerate(candidates(spaces, options.seed, options.count)):
        start = time.process_time()
        try:
            verdict = costs.verdict(candidate)
        except EdgebottleError:
            summary.refused += 1
            continue
        summary.layers += len(verdict.source.kernels)
        summary.seconds += time.process_time() - start
        summary.planned += 1
        if summary.built < options.built:
            try:
                _compare(costs, candidate, summary, options)
            except DoesNotFit:
                summary.too_large += 1
        if not options.json and (number + 1) % 50 == 0:
            print(f"{number + 1} of {options.count}", flush=True)
    return summary


def _compare(
    costs: Costs, candidate: Candidate, summary: Summary, options: argparse.Namespace
) -> None:
    """Builds a candidate, runs it where that is asked for, and holds its costs to what is."""
    cost = costs.of(candidate)
    if summary.verified < options.verified and cost.instructions < MAX_INSTRUCTIONS:
        network = measured(costs, candidate)
        _keep(options.records, network)
        ram, constants, code = network.ram, network.constants, network.code
        summary.verified += 1
        summary.instructions.append(_error(cost.instructions, network.instructions))
        summary.cycles.append(_error(cost.cycles, network.cycles))
    else:
        wish = costs.wish_of(candidate)
        built = build(model_of(imported(candidate)), costs.board, wish=wish)
        ram, constants, code = built.ram.bytes, built.flash.weights, built.flash.code
    summary.built += 1
    summary.code.append(_error(cost.flash, constants + code))
    summary.missing.append(constants + code - cost.flash)
    summary.beyond.append(summary.missing[-1] - cost.flash_margin)
    if (cost.ram, cost.constants) != (ram, constants):
        summary.different += 1
        print(f"different: {_told(cost)}, built {ram}, {constants}: {candidate.to_json()}")


def _keep(records: Path | None, network: MeasuredNetwork) -> None:
    """Adds a network that was measured to those that tables are made of."""
    if records is not None:
        with records.open("a", encoding="utf-8") as file:
            file.write(network.to_json() + "\n")


def _told(cost: CandidateCost) -> str:
    return f"RAM {cost.ram}, constants {cost.constants}"


def _error(modelled: int, actual: int) -> float:
    return abs(modelled - actual) / actual


def fit(costs: Costs, options: argparse.Namespace) -> None:
    """Measures networks and makes the tables of a board."""
    path: Path | None = options.records
    known: dict[str, MeasuredNetwork] = {}
    if path is not None and path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            network = MeasuredNetwork.of_json(line)
            known[json.dumps(network.candidate.to_json())] = network
    found = 0
    spaces = with_attention(FIT_SPACES) if options.attention else FIT_SPACES
    for number, candidate in enumerate(candidates(spaces, options.seed, 20 * options.fit)):
        key = json.dumps(candidate.to_json())
        if found == options.fit:
            break
        if imported(candidate).macs() > MAX_FIT_MACS:
            continue
        if key not in known:
            try:
                known[key] = measured(costs, candidate)
            except EdgebottleError as error:
                print(f"{number}: {error}", flush=True)
                continue
            _keep(path, known[key])
            print(f"{number}: {known[key].instructions:,} instructions", flush=True)
        found += 1
    times, sizes = tables(costs, list(known.values()))
    for what, table in (("times", times), ("code", sizes)):
        text = table.to_json()
        keep_table(what, costs.board.id, costs.toolchain, costs.wish.optimize, text)
        if options.publish:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / f"{what}-{costs.board.id}.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Prints what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="candidates that are planned")
    parser.add_argument("--built", type=int, default=0, help="of these so many are built")
    parser.add_argument("--verified", type=int, default=0, help="of these so many are run")
    parser.add_argument("--board", default="nucleo_l4r5zi")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fit", type=int, default=0, help="networks to make the tables of")
    parser.add_argument("--attention", action="store_true", help="with transformers")
    parser.add_argument("--records", type=Path, help="where networks that were measured are kept")
    parser.add_argument("--publish", action="store_true", help="tables go into the project")
    options = parser.parse_args()
    costs = Costs(load_board(options.board), Wish(ram=RAM))
    if options.fit:
        fit(costs, options)
        return
    summary = summarize(costs, options)
    print(json.dumps(asdict(summary)) if options.json else "\n".join(summary.lines()))


if __name__ == "__main__":
    main()
