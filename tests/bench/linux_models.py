"""Verifies all models of a folder on a board that runs Linux, with one thread and with more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgebottle.boards import Board, load_board
from edgebottle.errors import EdgebottleError
from edgebottle.fit import Wish
from edgebottle.pipeline import load
from edgebottle.verify import references, verify_model

SAMPLES = 3
"""All minimum, all maximum, all zero point."""


@dataclass(frozen=True)
class ModelResult:
    """What became of a model.

    Attributes:
        file: Its name.
        threads: That shared the rows.
        words: What was found.
        is_right: All outputs agree.
    """

    file: str
    threads: int
    words: str
    is_right: bool


def verified(
    file: Path, board: Board, threads: Sequence[int], samples: int = SAMPLES
) -> Iterator[ModelResult]:
    """Verifies a model with each number of threads; what cannot be run says why."""
    try:
        model = load(str(file))
        expected = references(model, samples)
        for count in threads:
            wish = Wish(threads=count)
            found = verify_model(model, board, samples=samples, wish=wish, expected=expected)
            how = "bit for bit" if found.exact else "within the tolerance"
            words = how if found.match else f"MISMATCH: {found.difference}"
            if found.instructions is not None:
                words += f", {found.instructions:,} instructions"
            yield ModelResult(file.name, count, words, found.match)
    except EdgebottleError as error:
        yield ModelResult(file.name, 0, f"{type(error).__name__}: {error}", False)


def main(arguments: list[str] | None = None) -> int:
    """Prints a line for each run, the smallest file first; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.linux_models", description=__doc__)
    parser.add_argument("folder", type=Path, help="with .tflite files, at any depth")
    parser.add_argument("--board", default="raspberry_pi_4")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--samples", type=int, default=SAMPLES)
    chosen = parser.parse_args(arguments)
    board, wrong, runs = load_board(chosen.board), 0, 0
    for file in sorted(chosen.folder.rglob("*.tflite"), key=lambda one: one.stat().st_size):
        for result in verified(file, board, chosen.threads, chosen.samples):
            wrong, runs = wrong + (not result.is_right), runs + 1
            print(f"{result.file:40} {result.threads} threads: {result.words}", flush=True)
    print(f"{runs - wrong} of {runs} runs are right")
    return 1 if wrong or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
