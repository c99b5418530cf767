"""The frames of a head from Python and from every kind of board: the same to the byte.

``python -m tests.bench.split_frames FOLDER [--count 10000] [--only NAME]``: that many random
images; a line for each board. Ends with 1 at the first frame that differs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from edgebottle.split.frames import PACKED, Frame
from edgebottle.split.head_board import head_of
from tests.split.board_frames import MAKERS, head_model, made_frames, python_frames
from tests.split.split_networks import samples, untrained_exit


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", choices=[maker.name for maker in MAKERS])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    model, images = head_model(untrained_exit(), given.folder), samples(given.count, seed=5)
    expected = list(python_frames(model, images))
    packed = sum(Frame.of_bytes(frame).flags == PACKED for frame, _ in expected)
    rates = head_of(model).split.code.rates
    print(f"Python: {len(expected):,} frames of {rates} rates, {packed:,} packed", flush=True)
    for maker in MAKERS:
        if given.only not in (None, maker.name):
            continue
        if maker.emulator and shutil.which(maker.emulator) is None:
            print(f"{maker.name}: {maker.emulator} is not installed")
            continue
        start = time.monotonic()
        for number, found in enumerate(made_frames(maker, model, images)):
            if found != expected[number]:
                sys.exit(f"{maker.name}: frame {number} differs")
        seconds = time.monotonic() - start
        print(f"{maker.name}: {len(expected):,} the same, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
