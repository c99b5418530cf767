"""Folding into loops loses nothing and is short where there is something to fold."""

import numpy as np
import pytest

from edgebottle.plan.plan import Loop
from quantize.patch.fold import fold, size, unfold


@pytest.mark.parametrize(
    ("sequence", "program"),
    [
        ("", ()),
        ("a", ("a",)),
        ("aaaa", (Loop(4, ("a",)),)),
        ("ababab", (Loop(3, ("a", "b")),)),
        ("aabaabaab", (Loop(3, (Loop(2, ("a",)), "b")),)),
        ("xabababy", ("x", Loop(3, ("a", "b")), "y")),
        ("ababcababc", (Loop(2, (Loop(2, ("a", "b")), "c")),)),
        ("abcd", ("a", "b", "c", "d")),
    ],
)
def test_programs(sequence: str, program: tuple[str | Loop, ...]) -> None:
    assert fold(sequence) == program
    assert list(unfold(program)) == list(sequence)


@pytest.mark.parametrize("seed", range(100))
def test_unfold_is_the_inverse(seed: int) -> None:
    random = np.random.default_rng(seed)
    letters = "abcdef"[: int(random.integers(1, 7))]
    sequence = [str(c) for c in random.choice(list(letters), int(random.integers(0, 80)))]
    for _ in range(int(random.integers(0, 3))):  # repeats within repeats
        low, high = sorted(random.integers(0, len(sequence) + 1, 2))
        sequence[low:high] = sequence[low:high] * int(random.integers(1, 5))
    program = fold(sequence)
    assert list(unfold(program)) == sequence
    assert size(program) <= max(len(sequence), 1) * 1.5
