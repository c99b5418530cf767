"""A short run of the fuzzer, the same every time; see mutations.py for the long one."""

import pytest

from tests.conftest import long
from tests.fuzz.mutations import run


@pytest.mark.shared
@pytest.mark.parametrize("numbers", [range(60), long(range(60, 240))], ids=str)
def test_mutations_of_real_models_end_in_one_message(numbers: range) -> None:
    outcome = run(0, numbers)
    assert outcome.tried == len(numbers)
    assert outcome.results["compared with LiteRT"] > 5
    assert not outcome.failures, "\n".join(outcome.failures[:20])
