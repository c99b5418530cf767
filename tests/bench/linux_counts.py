"""Prints the instructions of each layer on boards that run Linux, few bits beside int8."""

from __future__ import annotations

import argparse
import sys

from edgebottle.boards import load_board
from edgebottle.drivers import to_bytes
from edgebottle.fit import Wish
from edgebottle.pipeline import Model, build, load
from edgebottle.program_counter import ProgramCounter
from edgebottle.samples import edge_cases


def layer_counts(model: Model, board: str, *, narrow: bool = True) -> dict[str, int]:
    """Builds a network and runs it once on its lowest values: instructions of each layer, exact.

    Args:
        model: The network.
        board: One that runs Linux, of 64 bits.
        narrow: Tensors of few values are stored with few bits.
    """
    built = build(model, load_board(board), wish=Wish(narrow=narrow))
    (inputs, *_) = edge_cases(model.graph, 1).inputs
    counter = ProgramCounter(built)
    counter.begin(to_bytes(inputs))
    names = [name for name, _ in built.project.source.steps]
    return dict(zip(names, counter.counts(1).steps, strict=True))


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.linux_counts", description=__doc__)
    parser.add_argument("model", help="file, or name of the zoo")
    parser.add_argument("--board", action="append", help="may be repeated")
    chosen = parser.parse_args(arguments)
    model = load(chosen.model, io="int8")
    for board in chosen.board or ["raspberry_pi_3", "raspberry_pi_4", "raspberry_pi_5"]:
        wide, few = (layer_counts(model, board, narrow=narrow) for narrow in (False, True))
        print(f"{board}: int8 {sum(wide.values()):,}, as stored {sum(few.values()):,}")
        for name, count in few.items():
            print(f"  {name:32} {wide.get(name, 0):>12,} {count:>12,}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
