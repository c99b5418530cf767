"""What fits and leaves room, made as wide as the budgets allow."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.search.filling import filled
from edgebottle.search.trials import fitting_cost
from quantize.search.space import Choice, Space
from tests.search.synthetic import SETTINGS, CountingEvaluator, SyntheticCosts, opened

SPACE = Space(classes=4, shapes=((16, 16, 1),), stages=3, channels=(4, 8, 16, 32, 64, 96))
COSTS = SyntheticCosts()


def wider(choice: Choice) -> list[Choice]:
    """All choices with one part that is there a step wider."""
    found = []
    for one in SPACE.parameters():
        more = [value for value in one.values if one.name.endswith("channels") and choice[one.name]]
        steps = sorted(value for value in more if int(value) > int(choice[one.name]))
        found += [{**choice, one.name: value} for value in steps[:1]]
    return found


@pytest.mark.parametrize("limits", [{"flash": 30_000}, {"ram": 2_500, "flash": 60_000}])
def test_no_part_could_be_wider(limits: Mapping[str, float]) -> None:
    generator, seen = random.Random(3), 0
    while seen < 20:
        drawn = SPACE.drawn(generator)
        before = fitting_cost(SPACE.candidate(drawn), COSTS, limits)
        if before is None:
            continue
        seen += 1
        choice, cost = filled(SPACE, drawn, before, COSTS, limits)
        network = SPACE.candidate(choice)
        assert cost == fitting_cost(network, COSTS, limits), "it fits"
        for name, value in choice.items():
            if value != drawn[name]:
                assert name.endswith("channels") and value > drawn[name] > 0
        others = [SPACE.candidate(one) for one in wider(choice)]
        assert not any(one != network and fitting_cost(one, COSTS, limits) for one in others)


@pytest.mark.parametrize("objectives", [(), ("ram",)])
def test_trials_are_filled_where_accuracy_alone_counts(
    objectives: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    settings = replace(SETTINGS, objectives=objectives)
    with opened(settings, tmp_path) as study:
        study.run(COSTS, CountingEvaluator())
        params = [one.params for one in study._study.get_trials(deepcopy=False)]
        fitting = [
            (drawn, one.candidate)
            for one in study.trials()
            if (drawn := settings.space.candidate(study.drawn.choice(params[one.number])))
            and fitting_cost(drawn, COSTS, study.limits.most)
        ]
    assert len(fitting) > 5
    assert any(drawn != made for drawn, made in fitting) != bool(objectives)
