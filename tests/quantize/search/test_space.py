"""Spaces: what may be chosen, and the networks of choices."""

import random
from dataclasses import replace

import pytest

from edgebottle.detection.description import AnchorMap
from edgebottle.errors import BadInput
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.blocks import BLOCKS, Attention, FeedForward, PatchEmbedding
from quantize.search.space import FIELDS_OF_KIND, Candidate, Space, anchor_maps

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


MAPS = (
    # Anchors, factor, strides, and what comes of them.
    (
        ((10, 10), (25, 26), (38, 40)),
        1.0,
        (2, 4, 8, 8, 16),
        {8: [(10, 10), (25, 26)], 16: [(38, 40)]},
    ),
    (((10, 10), (25, 26), (38, 40)), 0.5, (2, 4, 8), {4: [(5, 5), (12, 13)], 8: [(19, 20)]}),
    (((40, 40), (41, 41)), 0.1, (2, 2), {2: [(4, 4)]}),
    (((40, 44),), 1.0, (2, 4, 8, 16), {16: [(40, 44)]}),
    (((3, 3),), 0.1, (1,), {1: [(1, 1)]}),
)


@pytest.mark.parametrize("anchors, factor, strides, expected", MAPS)
def test_each_anchor_starts_from_the_coarsest_map_that_is_fine_enough(
    anchors: tuple[tuple[int, int], ...],
    factor: float,
    strides: tuple[int, ...],
    expected: dict[int, list[tuple[int, int]]],
) -> None:
    maps = anchor_maps(anchors, factor, strides)
    assert maps == tuple(AnchorMap(stride, tuple(expected[stride])) for stride in sorted(expected))


DETECTORS = replace(SPACE, classes=2, labels=("a", "b"), anchors=((9, 9), (25, 30)), bits=("w8a8",))


def test_candidates_of_a_space_with_labels_are_detectors() -> None:
    generator = random.Random(5)
    for _ in range(60):
        candidate = DETECTORS.candidate(DETECTORS.drawn(generator))
        assert Candidate.of_json(candidate.to_json()) == candidate
        outputs = candidate.architecture.network().outputs
        boxes = candidate.architecture.boxes()
        assert boxes.labels == ("a", "b") and len(outputs) == 2 * len(boxes.maps)
        assert 1 <= sum(len(one.anchors.anchors) for one in boxes.maps) <= 2


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kinds": ("inverted", "invertd")}, "no block 'invertd'"),
        ({"kinds": ("patches",)}, "no block 'patches' for a stage: known are universal"),
        ({"kinds": ("attention",), "channels": (8, 10), "heads": (1, 4)}, "10 channels into 4 h"),
        ({"depths": ()}, "no depths to choose from"),
        ({"classes": 1}, "classes is 1: there is nothing to tell apart"),
        ({"labels": ("a",), "anchors": ((9, 9),)}, "1 labels needs as many classes, and anchors"),
        ({"classes": 1, "labels": ("a",)}, "it has 1 and 0"),
        (
            {"classes": 1, "labels": ("a",), "anchors": ((9, 9),), "bits": ("w4a4",)},
            "detectors have 8 bits",
        ),
        ({"bits": ("w9a1",)}, "no bits such as"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(
    changes: dict[str, tuple[object, ...]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Space(**{"classes": 10, "shapes": ((28, 28, 1),), **changes})  # type: ignore[arg-type]


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
