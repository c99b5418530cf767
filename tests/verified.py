"""Whether every shared model is what its reference computes: ``python -m tests.verified``.

Runs ``edgebottle verify`` on each model of the shared data, in every format, and prints a line
for each: what it was compared with, and whether all agree. Exit code 1 if any does not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import SHARED

FORMATS = (".tflite", ".onnx", ".keras", ".h5")
SHAPES = {"ch_ppocr_mobile_v2.0_cls_infer.onnx": "x=1x3x48x192"}
"""What a file leaves open besides its batch: the size that its authors train it for."""


def model_files(parts: list[str]) -> Iterator[Path]:
    """The shared models whose path has one of ``parts``; all if there are none."""
    for path in sorted((SHARED / "models").rglob("*")):
        if path.suffix in FORMATS and (not parts or any(part in str(path) for part in parts)):
            yield path


def verified(path: Path, board: str, samples: int) -> tuple[bool, str]:
    """Whether all implementations agree on ``path``, and a line about it."""
    shape = ["--shape", SHAPES[path.name]] if path.name in SHAPES else []
    command = ["verify", str(path), "--board", board, "--samples", str(samples), "--json", *shape]
    done = subprocess.run(
        [sys.executable, "-m", "edgebottle", *command], capture_output=True, text=True
    )
    if not done.stdout.strip():
        return False, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    found = json.loads(done.stdout)
    if not found["match"]:
        return False, f"DIFFERS: {found['difference']}"
    how = "exact" if found["exact"] else "within tolerance"
    return True, f"{how}, {found['samples']} samples: {' = '.join(found['implementations'])}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", default=[], help="part of a file's path")
    parser.add_argument("--board", default="host")
    parser.add_argument("--samples", type=int, default=20)
    options = parser.parse_args()
    rows = []
    for path in model_files(options.model):
        agrees, text = verified(path, options.board, options.samples)
        rows.append(agrees)
        print(f"{'ok  ' if agrees else 'FAIL'} {path.parent.name}/{path.name}: {text}", flush=True)
    print(f"{sum(rows)} of {len(rows)} models agree")
    sys.exit(0 if all(rows) and rows else 1)


if __name__ == "__main__":
    main()
