"""Reads changed frames with the C of devices, under sanitizers.

``python -m tests.fuzz.frames [N]``: N frames, a million by default. Prints how often each error
came; a crash, or an error that is none of ``eb_split_error``, ends it with what was found.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from tests.split.device_programs import PROGRAM, compile_sanitized, frames_file, run_program
from tests.split.random_codes import base_frames, random_split

CODES = 10
"""Codes of random sizes and tables, of each of which as many frames are changed."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000)
    count = parser.parse_args().count
    read, features = dict[int, int](), dict[int, int]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = compile_sanitized(folder / "device", PROGRAM)
        for seed in range(CODES):
            split = random_split(np.random.default_rng(seed))
            given = frames_file(folder / "given", split, base_frames(split))
            for line in run_program([program, "fuzz", given, str(count // CODES)]).splitlines():
                error, frames, payloads = map(int, line.split())
                read[error] = read.get(error, 0) + frames
                features[error] = features.get(error, 0) + payloads
    print(f"{sum(read.values()):,} frames, no crash; by error (0: none)")
    for error in sorted(read.keys() | features.keys(), reverse=True):
        print(f"{error:4}  frames {read.get(error, 0):9,}  payloads {features.get(error, 0):9,}")


if __name__ == "__main__":
    main()
