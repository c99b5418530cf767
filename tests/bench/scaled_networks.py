"""Networks of others, made narrower by hand until they fit: what a search has to beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgebottle.search.trials import CandidateCosts, fits
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import InvertedBottleneck, NetworkBlock, Residual, Separable
from quantize.search.space import Candidate

WIDTHS = (
    *(1.5, 1.25, 1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3),
    *(0.25, 0.21, 0.175, 0.15, 0.125, 0.1, 0.08, 0.0625),
)
"""Of all channels against those of the publication, from wide to narrow."""

CHANNELS = 4
"""Channels are a multiple of it, as kernels work on four at a time."""

SMALL_SIDE = 64
"""Images of fewer rows are not halved at once, as is usual for small ones."""

RUNS = (("layers", False), ("min-ram", False), ("min-ram", True))
"""Schedule, and whether rows are fed: the first that fits is taken."""

MOBILENET_V2 = (
    (1, 16, 1),
    (6, 24, 2),
    (6, 32, 3),
    (6, 64, 4),
    (6, 96, 3),
    (6, 160, 3),
    (6, 320, 1),
)
"""Expansion, channels and blocks of each stage (Sandler et al., 2018, table 2)."""

STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of its stages."""

Shape = tuple[int, int, int]


def scaled(channels: int, width: float) -> int:
    """Channels at a width."""
    return max(CHANNELS, round(channels * width / CHANNELS) * CHANNELS)


def mobilenet_v2(shape: Shape, classes: int, width: float) -> Architecture:
    """Sandler et al., 2018. Small images are halved three times and not five."""
    is_small = shape[0] < SMALL_SIDE
    blocks: list[NetworkBlock] = []
    for number, (expand, channels, depth) in enumerate(MOBILENET_V2):
        stride = 1 if is_small and number == 1 else STRIDES[number]
        for place in range(depth):
            blocks.append(
                InvertedBottleneck(
                    scaled(channels, width), stride if place == 0 else 1, expand=expand
                )
            )
    stem = Stem(scaled(32, width), stride=1 if is_small else 2)
    head = ClassHead(classes, channels=scaled(1280, width))
    return Architecture(shape, stem, tuple(blocks), head)


def resnet_8(shape: Shape, classes: int, width: float) -> Architecture:
    """The ResNet of MLPerf Tiny (Banbury et al., 2021); large images are halved once more."""
    first, second, third = (scaled(channels, width) for channels in (16, 32, 64))
    blocks = (Residual(first), Residual(second, stride=2), Residual(third, stride=2))
    stem = Stem(first, stride=1 if shape[0] < SMALL_SIDE else 2)
    return Architecture(shape, stem, blocks, ClassHead(classes))


def ds_cnn(shape: Shape, classes: int, width: float) -> Architecture:
    """Zhang et al., "Hello Edge", 2017: four separable blocks behind a large window."""
    channels = scaled(64, width)
    return Architecture(
        shape, Stem(channels, size=5, stride=2), (Separable(channels),) * 4, ClassHead(classes)
    )


SCALED: Mapping[str, Callable[[Shape, int, float], Architecture]] = {
    "mobilenet-v2": mobilenet_v2,
    "resnet-8": resnet_8,
    "ds-cnn": ds_cnn,
}


def widest(
    name: str, shape: Shape, classes: int, costs: CandidateCosts, limits: Mapping[str, float]
) -> Candidate | None:
    """The widest network of a name that keeps to the budgets, however it is run; None for none."""
    for width in WIDTHS:
        architecture = SCALED[name](shape, classes, width)
        for candidate in ways(architecture, Bits(LayerBits())):
            if fits(candidate, costs, limits):
                return candidate
    return None


def ways(architecture: Architecture, bits: Bits) -> Iterator[Candidate]:
    """A network with each way to run it."""
    stages = tuple(range(1, len(architecture.blocks) + 1))
    for schedule, row_fed in RUNS:
        yield Candidate(architecture, bits, schedule, row_fed, stages)


def smallest_run(
    candidate: Candidate, costs: CandidateCosts, limits: Mapping[str, float]
) -> Candidate:
    """The same network, run in the way that takes least RAM, of those that keep to the budgets."""
    each = [one for one in ways(candidate.architecture, candidate.bits) if fits(one, costs, limits)]
    return min(each, key=lambda one: costs.of(one).ram)
