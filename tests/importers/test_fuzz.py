"""A short run of the fuzzer, the same every time; see fuzz.py for the long one."""

import time

import numpy as np
import pytest

from tests.conftest import shared_models
from tests.importers.fuzz import Outcome, attempt, mutate, seeds

SECONDS = 10


@pytest.mark.shared
def test_mutations_of_real_models_end_in_one_message():
    pool = seeds(shared_models())
    outcome = Outcome()
    until = time.monotonic() + SECONDS
    for number in range(4000):
        attempt(mutate(np.random.default_rng([0, number]), pool), outcome, f"mutation {number}")
        if time.monotonic() > until:
            break
    assert outcome.tried > 100
    assert not outcome.failures, "\n".join(outcome.failures[:20])
