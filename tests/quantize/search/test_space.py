"""Spaces: what may be chosen, and the networks of choices."""

import random

import pytest

from edgebottle.errors import BadInput
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.space import Candidate, Space

SPACE = Space(
    classes=10,
    shapes=((28, 28, 1), (20, 20, 3), (40, 1, 2)),
    kinds=("inverted", "universal", "fused", "compressed", "full", "separable", "residual"),
    bits=("w8a8", "w4a4", "w2a2"),
    schedules=("layers", "min-ram"),
    row_fed=(False, True),
)


def test_drawn_choices_are_candidates_that_json_tells_all_of() -> None:
    generator = random.Random(0)
    found = [SPACE.candidate(SPACE.drawn(generator)) for _ in range(200)]
    assert [Candidate.of_json(one.to_json()) for one in found] == found
    assert {block.KIND for one in found for block in one.architecture.blocks} == set(SPACE.kinds)
    assert {one.architecture.input_shape for one in found} == set(SPACE.shapes)


@pytest.mark.parametrize("changes", [1, 3])
def test_a_change_is_another_choice_of_the_space(changes: int) -> None:
    generator = random.Random(1)
    choice = SPACE.drawn(generator)
    for _ in range(100):
        other = SPACE.changed(choice, generator, changes)
        assert sum(other[name] != choice[name] for name in choice) == changes
        SPACE.candidate(other)


def test_layers_of_a_stage_get_its_bits_as_if_all_had_them() -> None:
    choice = {**SPACE.drawn(random.Random(2)), "shape": "28x28x1"}
    for stage, bits in enumerate(("w8a8", "w4a4", "w2a2", "w2a2"), start=1):
        choice |= {f"stage{stage}_kind": "inverted", f"stage{stage}_depth": 2}
        choice |= {f"stage{stage}_bits": bits, f"stage{stage}_expand": 2}
    candidate = SPACE.candidate(choice)
    network = candidate.architecture.network()
    levels = network.activation_levels(candidate.bits)
    for block, bits in ((1, "w8a8"), (3, "w4a4"), (5, "w2a2"), (8, "w2a2")):
        alone = network.activation_levels(Bits(LayerBits.parse(bits)))
        for name in network.layer_names():
            if name.startswith(f"block{block}_"):
                assert levels[name] == alone[name]
                assert candidate.bits.of(name).weights == LayerBits.parse(bits).weights


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kinds": ("inverted", "invertd")}, "no block 'invertd'"),
        ({"depths": ()}, "no depths to choose from"),
        ({"bits": ("w9a1",)}, "no bits such as"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(
    changes: dict[str, tuple[object, ...]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Space(classes=10, shapes=((28, 28, 1),), **changes)  # type: ignore[arg-type]


def test_a_choice_of_another_space_is_refused() -> None:
    choice = {**SPACE.drawn(random.Random(3)), "stage1_depth": 9}
    with pytest.raises(BadInput, match="stage1_depth is 9"):
        SPACE.candidate(choice)
