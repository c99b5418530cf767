"""What the time of layers is modelled from."""

import pytest

from edgebottle.boards import load_board
from edgebottle.search.costs import Costs
from edgebottle.search.features import FEATURES, layer_features
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import InvertedBottleneck, NetworkBlock, Separable
from quantize.search.space import Candidate

INSIDE = (22 / 24) ** 2
"""Of the products of a window of 3 x 3 over 8 x 8 pixels, those that see no padding."""

BEHIND_SUM = (InvertedBottleneck(8), Separable(8))
"""The windows of the second read what is around 0, and so is their padding."""


def features(
    blocks: tuple[NetworkBlock, ...], layer: str, schedule: str, side: int = 8
) -> dict[str, float]:
    """Of a layer of a network of so many rows and columns, by name."""
    architecture = Architecture((side, side, 1), Stem(8, 3, 1), blocks, ClassHead(3))
    stages = tuple(range(1, len(blocks) + 1))
    candidate = Candidate(architecture, Bits(LayerBits()), schedule, False, stages)
    verdict = Costs(load_board("nucleo_l4r5zi")).verdict(candidate)
    (found,) = (one for one in layer_features(verdict) if one.layer == layer)
    return dict(zip(FEATURES, found.values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("blocks", "layer", "is_summed"),
    [
        (BEHIND_SUM, "stem", True),  # what pixels of 0 are is no 0 of their int8
        (BEHIND_SUM, "block2_filter", False),
        # Two layers call the kernel: the compiler cannot leave the padding out.
        (BEHIND_SUM * 2, "block2_filter", True),
        (BEHIND_SUM * 2, "block4_filter", True),
    ],
)
def test_padding_is_summed_unless_it_is_known_to_be_0(
    blocks: tuple[NetworkBlock, ...], layer: str, is_summed: bool
) -> None:
    values = features(blocks, layer, "layers")
    assert values["inside"] == pytest.approx(values["products"] * INSIDE)
    outside = values["products"] * (1 - INSIDE) if is_summed else 0
    assert values["outside"] == pytest.approx(outside)


@pytest.mark.parametrize(
    ("layer", "schedule", "rows", "fours"),
    [
        ("block1_project", "layers", 1, 9),  # all pixels follow each other
        ("block1_filter", "layers", 6, 12),
        ("block1_project", "min-ram", 6, 12),  # row by row
    ],
)
def test_rows_that_run_as_one_are_one(layer: str, schedule: str, rows: int, fours: int) -> None:
    values = features((Separable(8),), layer, schedule, side=6)
    assert (values["rows"], values["pixels"], values["fours"]) == (rows, 36, fours)
