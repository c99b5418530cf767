"""What a search begins with: the largest network, and regular ones as wide as budgets allow."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

import pytest

from edgebottle.search.largest import largest
from edgebottle.search.smallest import fitting
from edgebottle.search.starts import regular, starts
from edgebottle.search.trials import breach
from quantize.search.blocks import BLOCKS
from quantize.search.space import Choice, Space
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


def begun(space: Space, limits: Mapping[str, float], trials: int) -> list[Choice]:
    return starts(space, COSTS, limits, trials, seed=0)


@pytest.mark.parametrize("bits", [("w8a8",), ("w4a8", "w8a8")])
def test_the_largest_network_is_first(bits: tuple[str, ...]) -> None:
    space, limits = replace(SPACE, bits=bits), {"ram": 9_000, "flash": 20_000}
    first, *others = [space.candidate(one) for one in begun(space, limits, 24)]
    most = max(one.architecture.network().macs() for one in others)
    assert first.architecture.network().macs() > most
    assert max(breach(COSTS.of(first), limits).values()) <= 0
    assert str(first.bits.default) == "w8a8" and not first.bits.layers


def test_the_largest_is_the_same_again_and_never_smaller_with_more_steps() -> None:
    limits = {"ram": 20_000.0, "flash": 30_000.0}
    first = fitting(SPACE, COSTS, limits, lambda *_: None)
    found = [largest(SPACE, first, COSTS, limits, seed=0, steps=steps) for steps in (0, 60, 60)]
    assert found[1] == found[2] and found[0] == first
    macs = [SPACE.candidate(one).architecture.network().macs() for one in found]
    assert macs[1] > 5 * macs[0]


def test_every_kind_begins_in_every_resolution() -> None:
    found = [SPACE.candidate(one).architecture for one in regular(SPACE, COSTS, AMPLE)]
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
    found = list(regular(SPACE, COSTS, limits))
    assert found
    for choice in found:
        assert max(breach(COSTS.of(SPACE.candidate(choice)), limits).values()) <= 0
        place = SPACE.channels.index(int(choice["stage1_channels"])) + 1
        if place == len(SPACE.channels):
            continue
        wider = list(regular(replace(SPACE, channels=SPACE.channels[place:]), COSTS, limits))
        same = ("shape", "stage1_kind", "stage1_depth", "stem_stride")
        assert not any(all(one[name] == choice[name] for name in same) for one in wider)


def test_large_images_begin_with_the_first_stride_halved() -> None:
    for side, first in ((32, 1), (96, 2)):
        space = replace(SPACE, shapes=((side, side, 3),))
        strides = [one["stem_stride"] for one in regular(space, COSTS, AMPLE)]
        assert strides[0] == first
        assert strides.count(1) == strides.count(2)
    narrow = regular(replace(SPACE, shapes=((32, 32, 1),)), COSTS, {"ram": 2_500})
    assert {one["stem_stride"] for one in narrow} == {2}, "others do not fit"


def test_they_leave_trials_for_the_search() -> None:
    limits = {"ram": 3_000, "flash": 20_000}
    assert len(begun(SPACE, limits, 10)) == 5
    assert begun(SPACE, limits, 1) == begun(SPACE, {"ram": 10}, 10) == []


def test_each_of_the_bits_and_of_the_strides_is_among_the_first() -> None:
    space = replace(SPACE, bits=("w4a8", "w8a8"), depths=(1,))
    kinds = len(space.kinds)
    found = [space.candidate(one) for one in islice(regular(space, COSTS, AMPLE), 4 * kinds)]
    each = [(str(one.bits.default), one.architecture.stem.stride) for one in found]
    assert len(set(each[:4])) == 4, "all pairs"
    assert each[0] == ("w8a8", 1)
    kinds_of = [type(one.architecture.blocks[0]) for one in found]
    for turn in range(4):
        assert len(set(kinds_of[turn * kinds :][:kinds])) == kinds
    assert len(set(zip(each, kinds_of, strict=True))) == 4 * kinds, "none twice"
    assert {one.architecture.input_shape for one in found} == {(32, 32, 1)}
