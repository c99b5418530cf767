"""A short run of the fuzzer, the same every time; see mutations.py for the long one."""

import pytest

from tests.fuzz.mutations import run

COUNT = 120


@pytest.mark.shared
def test_mutations_of_real_models_end_in_one_message() -> None:
    outcome = run(0, range(COUNT))
    assert outcome.tried == COUNT
    assert outcome.results["compared with LiteRT"] > 5
    assert not outcome.failures, "\n".join(outcome.failures[:20])
