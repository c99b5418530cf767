"""Weights that all candidates share: they are trained once, and candidates are cut out of them."""

import importlib.util
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.errors import BadInput
from edgebottle.search.costs import Costs
from edgebottle.search.settings import SearchBudget, SearchSettings, TrainingBudget
from edgebottle.search.smallest import fitting
from edgebottle.search.trials import breach, network_key
from quantize.lowbit.network import Weighted
from quantize.lowbit.samples import LabelledSamples
from quantize.search.space import FIELDS_OF_KIND, Space
from tests.search.synthetic import SyntheticCosts

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

SPACE = Space(
    classes=3,
    shapes=((8, 8, 1), (12, 12, 1)),
    stem_channels=(4, 8),
    stages=2,
    kinds=tuple(FIELDS_OF_KIND),
    depths=(0, 1, 2),
    channels=(4, 8, 12),
    expands=(1, 2, 3),
    head_channels=(0, 16),
    bits=("w8a8", "w4a4"),
)


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bar: across, upright, or both."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = generator.random((count, 12, 12, 1), np.float32) * 0.5
    for image, label in zip(images, labels, strict=True):
        row, column = generator.integers(1, 11, 2)
        if label != 1:
            image[row] += 0.5
        if label != 0:
            image[:, column] += 0.5
    return images, labels


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchSettings:
    """Small enough that a minute is enough to learn something."""
    from edgebottle.search import shared_weights

    monkeypatch.setattr(shared_weights, "SMALL_BATCH_SIZE", 32)
    monkeypatch.setattr(shared_weights, "POOL", 8)
    few = {"kinds": ("inverted", "full"), "depths": (1,), "shapes": ((12, 12, 1),)}
    space = replace(SPACE, **few, stem_strides=(1,), head_channels=(16,), bits=("w8a8",))
    images, labels = bars(1200)
    np.savez(tmp_path / "bars.npz", x=images, y=labels)
    return SearchSettings(
        *("bars", str(tmp_path / "bars.npz"), "nucleo_l4r5zi", "shared-weights", space),
        SearchBudget(ram=10_000, flash=48_000),
        training=TrainingBudget(epochs=2),
        path=tmp_path / "search.toml",
    )


def test_what_is_trained_fits_and_is_no_network_twice(settings: SearchSettings) -> None:
    from edgebottle.search.shared_weights import SharedTraining

    space = replace(settings.space, stages=3, depths=(0, 1, 2), channels=(8, 16, 24, 32))
    limits = {"ram": 6_000.0, "flash": 9_000.0}
    costs = SyntheticCosts()
    smallest = fitting(space, costs, limits, lambda *_: None)
    training = SharedTraining(
        *(replace(settings, space=space), LabelledSamples(*bars(3)), costs, limits),
        lambda: smallest,
        lambda what, done, total: None,
    )
    pool = training._drawn(0, [])
    candidates = [space.candidate(choice) for choice in pool]
    assert len({network_key(one) for one in candidates}) == len(pool) == 8
    assert all(max(breach(costs.of(one), limits).values()) <= 0 for one in candidates)
    # Not next to the smallest, which is a stem and a head: the budgets have room for more.
    assert sum(len(one.architecture.blocks) >= 2 for one in candidates) >= 4
    later = training._drawn(1, pool)
    assert later[:6] == pool[2:]


def test_an_update_trains_mixtures_of_what_fits(settings: SearchSettings) -> None:
    from edgebottle.search.shared_weights import SharedTraining
    from edgebottle.training import start_keras

    start_keras()
    from quantize.search.supernet import SuperNetwork

    training = SharedTraining(
        *(settings, LabelledSamples(*bars(3)), SyntheticCosts(), {}),
        dict,
        lambda what, done, total: None,
    )
    space, network = settings.space, SuperNetwork(settings.space, 0)
    pool = [space.drawn(random.Random(seed)) for seed in range(4)]
    draw = training._draws(0, network, pool)
    updates = [draw() for _ in range(20)]
    most = max(network.macs(space.candidate(one)) for one in pool)
    for update in updates:
        macs = [network.macs(one) for one in update]
        assert macs == sorted(macs, reverse=True) and macs[0] <= most and len(macs) == 4
    drawn = {network_key(one) for update in updates for one in update}
    assert len(drawn) > 2 * len(pool), "the pool alone learns to work together, and no others"
    again = training._draws(0, network, pool)
    assert [again() for _ in range(20)] == updates


def evaluator(settings: SearchSettings, said: list[str]) -> Any:
    from edgebottle.search.shared_weights import SharedWeights

    costs, limits = Costs(load_board(settings.board)), settings.budget.limits()
    return SharedWeights(
        *(settings, costs, limits),
        lambda: fitting(settings.space, costs, limits, lambda *_: None),
        lambda what, done, total: said.append(what),
    )


def test_another_back_end_of_keras_is_one_message(
    settings: SearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgebottle.training import start_keras

    start_keras()
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(BadInput, match="Keras runs on torch"):
        evaluator(settings, [])


def test_every_candidate_of_the_space_has_its_weights() -> None:
    from edgebottle.training import start_keras

    start_keras()
    from quantize.search.supernet import SuperNetwork

    shared, generator = SuperNetwork(SPACE, seed=0), random.Random(0)
    for _ in range(60):
        candidate = SPACE.candidate(SPACE.drawn(generator))
        found = shared.network_of(candidate)
        plain = candidate.architecture.network()
        assert [step.name for step in found.steps] == [step.name for step in plain.steps]
        for ours, theirs in zip(found.steps, plain.steps, strict=True):
            if isinstance(ours, Weighted) and isinstance(theirs, Weighted):
                assert ours.kernel.shape == theirs.kernel.shape and ours.kernel.any()
        again = shared.network_of(candidate)
        assert all(
            np.array_equal(one.kernel, other.kernel)
            for one, other in zip(found.steps, again.steps, strict=True)
            if isinstance(one, Weighted) and isinstance(other, Weighted)
        )


@pytest.mark.parametrize("kind", ["inverted", "attention"])
def test_shared_numbers_compute_what_the_network_of_a_candidate_does(kind: str) -> None:
    from edgebottle.training import start_keras

    start_keras()
    from quantize.lowbit.simulation import Simulation
    from quantize.search.supernet import SuperNetwork

    shared, choice = SuperNetwork(SPACE, seed=0), SPACE.drawn(random.Random(1))
    choice |= {"shape": "12x12x1", "stem_stride": 1, "stage1_kind": kind, "stage1_depth": 1}
    choice |= {"stage1_heads": 2, "stage1_rank": 0.25, "stage1_patch": 2, "stage1_channels": 8}
    candidate = SPACE.candidate(choice)
    images = bars(12)[0]
    found = np.asarray(shared.logits(candidate, images))
    expected = Simulation(shared.network_of(candidate))(images, training=True)
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-3, atol=1e-4)


def test_they_learn_and_go_on_where_they_were_stopped(settings: SearchSettings) -> None:
    said: list[str] = []
    whole = evaluator(settings, said)
    space = settings.space
    candidates = [space.candidate(space.drawn(random.Random(seed))) for seed in range(3)]
    scores = [whole.accuracy(one) for one in candidates]
    assert settings.path is not None
    losses = {
        n: [float(one.split("loss ")[1]) for one in said if f"epoch {n}" in one] for n in (1, 2)
    }
    assert len(losses[1]) == len(losses[2]) > 20 and losses[2][-1] < losses[1][-1]

    # The same, interrupted in the second epoch.
    settings.path.with_name("bars.weights.npz").unlink()
    once: list[str] = []
    broken = evaluator(settings, once)

    def interrupt(what: str, done: int, total: int) -> None:
        if "epoch 2" in what and done > 2:
            raise KeyboardInterrupt

    broken._training._progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        broken.accuracy(candidates[0])
    rest: list[str] = []
    resumed = evaluator(settings, rest)
    assert [resumed.accuracy(one) for one in candidates] == pytest.approx(scores, abs=0.02)
    assert not any("epoch 1" in one for one in rest)

    other = evaluator(replace(settings, seed=1), [])
    with pytest.raises(BadInput, match="weights of another search"):
        other.accuracy(candidates[0])
