"""Puts the cycle model beside what others have measured on silicon: ``tests/bench/silicon.toml``.

``python -m tests.bench.silicon`` prints each row with its error, and the mean error of each source.
The memories of these measurements never make the core wait: the table is about cores alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from edgebottle.cpus import find_cpu
from hil.virtual.timing.block import block_cost
from hil.virtual.timing.instructions import Instruction
from tests.hil.timing_helpers import assemble, instructions

FILE = Path(__file__).with_suffix(".toml")

FEW, MANY = 4, 14
"""Copies whose difference is the cost of one: what is before and behind them cancels out."""


@dataclass(frozen=True)
class SiliconRow:
    """Instructions, measured and modelled.

    Attributes:
        core: Such as ``cortex-m7``.
        chip: On which they were measured.
        source: Who measured them.
        fitted: The model was made of such rows.
        code: The instructions; a loop begins with a label.
        heading: Under which the source has them.
        measured: Cycles, each time.
        modelled: The same.
    """

    core: str
    chip: str
    source: str
    fitted: bool
    code: str
    heading: str
    measured: float
    modelled: float

    @property
    def error(self) -> float:
        """Share of the measured cycles; below 0 where the model is too fast."""
        return self.modelled / self.measured - 1


@dataclass(frozen=True)
class SiliconSource:
    """Rows of one source; attributes as in the file."""

    core: str
    chip: str
    name: str
    fitted: bool
    rows: tuple[tuple[str, float, str], ...]

    @cached_property
    def compared(self) -> tuple[SiliconRow, ...]:
        """With what the model makes of them."""
        codes = assemble(self.core, tuple(code for code, *_ in self.rows))
        return tuple(
            SiliconRow(
                self.core,
                self.chip,
                self.name,
                self.fitted,
                code,
                heading,
                measured,
                modelled(self.core, instructions(self.core, binary), is_loop=code.startswith("1:")),
            )
            for (code, measured, heading), binary in zip(self.rows, codes, strict=True)
        )

    @property
    def mean_error(self) -> float:
        """Mean of the errors' sizes."""
        return statistics.mean(abs(row.error) for row in self.compared)


def modelled(core: str, decoded: Sequence[Instruction], *, is_loop: bool) -> float:
    """Cycles of instructions, each time that they are executed.

    Args:
        core: Its name.
        decoded: The instructions.
        is_loop: They end with a branch to the first of them.
    """
    costs = find_cpu(core).cycles
    assert costs is not None
    if is_loop:
        cost = block_cost(costs, decoded)
        return cost.issue + cost.stalls + cost.taken
    few, many = (block_cost(costs, [*decoded] * count) for count in (FEW, MANY))
    return (many.issue + many.stalls - few.issue - few.stalls) / (MANY - FEW)


def sources() -> tuple[SiliconSource, ...]:
    """All of the file."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["sources"]
    return tuple(SiliconSource(**{**one, "rows": tuple(map(tuple, one["rows"]))}) for one in found)


def lines(found: Sequence[SiliconSource]) -> Iterator[str]:
    """As a text."""
    for source in found:
        kind = "the model was made of these" if source.fitted else "not used for the model"
        yield f"{source.core} ({source.chip}), {source.name}; {kind}"
        for row in source.compared:
            error = f"{row.error:+.0%}" if row.error else ""
            yield f"  {row.measured:5g} {row.modelled:6.4g} {error:>6}  {row.code}"
        yield f"  mean error {source.mean_error:.1%} of {len(source.rows)}"


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.silicon", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object for each row")
    options = parser.parse_args(arguments)
    found = sources()
    if options.json:
        for source in found:
            for row in source.compared:
                print(json.dumps({**asdict(row), "error": row.error}))
    else:
        print("measured, modelled, error, instructions")
        print("\n".join(lines(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
