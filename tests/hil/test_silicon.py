"""The cycle model beside what others have measured on silicon."""

import pytest

from tests.bench.silicon import SiliconSource, lines, sources

SOURCES = sources()
MAX_MEAN_ERROR = {"cortex-m7": 0.03, "cortex-m33": 0.08, "cortex-m4": 0.01}
"""Of the rows of a source. What is wrong still is in docs/timing.md."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: f"{one.core}-{one.chip}")
def test_model_is_near_what_was_measured(source: SiliconSource) -> None:
    assert source.mean_error <= MAX_MEAN_ERROR[source.core], list(lines([source]))


def test_what_the_model_was_not_made_of_is_met() -> None:
    others = [source for source in SOURCES if not source.fitted]
    assert others
    for source in others:
        assert source.mean_error <= 0.01, list(lines([source]))


def test_table_says_what_is_wrong() -> None:
    text = "\n".join(lines(SOURCES))
    assert "+100%  uxtab r0, r0, r1" in text
    assert "not used for the model" in text
