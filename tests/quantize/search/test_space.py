"""Spaces: what may be chosen, and the networks of choices."""

import random
from dataclasses import replace

import pytest

from edgebottle.errors import BadInput
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.blocks import BLOCKS, Attention, FeedForward, PatchEmbedding
from quantize.search.space import FIELDS_OF_KIND, Candidate, Space

SPACE = Space(
    classes=10,
    shapes=((28, 28, 1), (20, 20, 3), (40, 1, 2)),
    kinds=tuple(FIELDS_OF_KIND),
    bits=("w8a8", "w4a4", "w2a2"),
    schedules=("layers", "min-ram"),
    row_fed=(False, True),
)


def test_drawn_choices_are_candidates_that_json_tells_all_of() -> None:
    generator = random.Random(0)
    found = [SPACE.candidate(SPACE.drawn(generator)) for _ in range(200)]
    assert [Candidate.of_json(one.to_json()) for one in found] == found
    assert {block.KIND for one in found for block in one.architecture.blocks} == set(BLOCKS)
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
        ({"kinds": ("patches",)}, "no block 'patches' for a stage: known are universal"),
        ({"kinds": ("attention",), "channels": (8, 10), "heads": (1, 4)}, "10 channels into 4 h"),
        ({"depths": ()}, "no depths to choose from"),
        ({"bits": ("w9a1",)}, "no bits such as"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(
    changes: dict[str, tuple[object, ...]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Space(classes=10, shapes=((28, 28, 1),), **changes)  # type: ignore[arg-type]


def test_a_stage_of_attention_is_a_transformer() -> None:
    choice = {**SPACE.drawn(random.Random(4)), "stage1_kind": "attention", "stage1_depth": 2}
    choice |= {"stage1_channels": 24, "stage1_patch": 2, "stage1_heads": 4, "stage1_rank": 0.25}
    choice |= {"stage1_expand": 3, **{f"stage{stage}_depth": 0 for stage in (2, 3, 4)}}
    candidate = SPACE.candidate(choice)
    pair = (Attention(24, heads=4, rank=0.25), FeedForward(24, expand=3))
    assert candidate.architecture.blocks == (PatchEmbedding(24, 2), *pair, *pair)
    assert candidate.stages == (1,) * 5


def test_spaces_without_attention_choose_nothing_of_it() -> None:
    names = [one.name for one in replace(SPACE, kinds=("inverted",)).parameters()]
    assert not [name for name in names if name.endswith(("patch", "heads", "rank"))]


def test_a_choice_of_another_space_is_refused() -> None:
    choice = {**SPACE.drawn(random.Random(3)), "stage1_depth": 9}
    with pytest.raises(BadInput, match="stage1_depth is 9"):
        SPACE.candidate(choice)
