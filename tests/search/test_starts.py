"""What a search begins with: regular networks that are as wide as the budgets allow."""

from dataclasses import replace

import pytest

from edgebottle.search.starts import starts
from edgebottle.search.trials import breach
from quantize.search.blocks import BLOCKS
from quantize.search.space import Space
from tests.search.synthetic import SyntheticCosts

SPACE = Space(
    classes=4,
    shapes=((16, 16, 1), (32, 32, 1)),
    channels=(8, 16, 32, 64),
    schedules=("layers", "min-ram"),
    row_fed=(False, True),
)
COSTS = SyntheticCosts()
AMPLE = {"ram": 10**6, "flash": 10**6}
MANY = 1000


def test_every_kind_begins_in_every_resolution() -> None:
    found = [SPACE.candidate(one).architecture for one in starts(SPACE, COSTS, AMPLE, MANY)]
    wanted = {(shape, BLOCKS[kind]) for shape in SPACE.shapes for kind in SPACE.kinds}
    assert {(one.input_shape, type(one.blocks[0])) for one in found} == wanted
    for one in found:
        assert len({type(block) for block in one.blocks}) == 1
        assert [block.stride for block in one.blocks if block.stride > 1] == [2, 2]
    assert len({str(one) for one in found}) == len(found)


@pytest.mark.parametrize(
    "limits", [{"ram": 9_000, "flash": 12_000}, {"ram": 3_000, "flash": 10**6}]
)
def test_each_is_as_wide_as_the_budgets_allow(limits: dict[str, float]) -> None:
    found = starts(SPACE, COSTS, limits, MANY)
    assert found
    for choice in found:
        assert max(breach(COSTS.of(SPACE.candidate(choice)), limits).values()) <= 0
        place = SPACE.channels.index(int(choice["stage1_channels"])) + 1
        if place == len(SPACE.channels):
            continue
        wider = starts(replace(SPACE, channels=SPACE.channels[place:]), COSTS, limits, MANY)
        same = ("shape", "stage1_kind", "stage1_depth", "stem_stride")
        assert not any(all(one[name] == choice[name] for name in same) for one in wider)


def test_large_images_begin_with_the_first_stride_halved() -> None:
    for side, first in ((32, 1), (96, 2)):
        space = replace(SPACE, shapes=((side, side, 3),))
        strides = [one["stem_stride"] for one in starts(space, COSTS, AMPLE, MANY)]
        assert strides[0] == first
        assert strides.count(1) == strides.count(2)
    narrow = starts(replace(SPACE, shapes=((32, 32, 1),)), COSTS, {"ram": 2_500}, MANY)
    assert {one["stem_stride"] for one in narrow} == {2}, "others do not fit"


def test_they_leave_trials_for_the_search() -> None:
    assert len(starts(SPACE, COSTS, AMPLE, 10)) == 5
    assert starts(SPACE, COSTS, AMPLE, 1) == starts(SPACE, COSTS, {"ram": 10}, MANY) == []


def test_each_of_the_bits_and_of_the_strides_is_among_the_first() -> None:
    space = replace(SPACE, bits=("w4a8", "w8a8"), depths=(1,))
    kinds = len(space.kinds)
    first = [space.candidate(one) for one in starts(space, COSTS, AMPLE, 2 * 2 * kinds)]
    pairs = [(str(one.bits.default), one.architecture.stem.stride) for one in first]
    assert pairs == [("w8a8", 1)] * kinds + [("w4a8", 2)] * kinds
    assert {one.architecture.input_shape for one in first} == {(32, 32, 1)}
