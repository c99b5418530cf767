"""What the tests of searches share."""

from pathlib import Path

import numpy as np
import pytest

MODULE = """
def accuracy(candidate):
    steps = candidate.architecture.network().steps
    weights = sum(step.kernel.size for step in steps if hasattr(step, "kernel"))
    return min(0.5 + weights / 1e6, 1.0)

def interrupted(candidate):
    raise KeyboardInterrupt

def percent(candidate):
    return 91.0

def broken(candidate):
    return 1 / 0

def loaded():
    import numpy
    return numpy.zeros((6, 20, 20, 3), "uint8"), numpy.array([0, 1, 2, 0, 1, 2])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With samples, and functions that say how accurate candidates are."""
    (tmp_path / "candidates_of_mine.py").write_text(MODULE)
    np.savez(tmp_path / "train.npz", x=np.zeros((8, 12, 12), np.uint8), y=np.arange(8) % 4)
    return tmp_path
