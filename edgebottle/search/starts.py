"""What a search begins with: the largest network, and regular ones as wide as budgets allow.

Few of all networks of a large space are any good, and a search that begins with some at random
takes long to find what people have found before. It begins with that, and goes on from there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice, product

from edgebottle.ir.graph import Shape
from edgebottle.search.largest import largest
from edgebottle.search.narrowing import nearest
from edgebottle.search.smallest import smallest
from edgebottle.search.trials import CandidateCosts, fits
from quantize.search.space import Choice, Space, Value

STAGES = 3
"""Of a regular network: each but the first halves the image and doubles the channels."""

DEPTHS = (1, 2)
"""Blocks of each stage."""

LARGE_SIDE = 64
"""Images of so many rows are halved by the first convolution, to begin with."""

SHARE = 2
"""One of so many trials, at most, is a start."""

Progress = Callable[[str, int, int], None]


def starts(
    space: Space,
    costs: CandidateCosts,
    limits: Mapping[str, float],
    trials: int,
    seed: int,
    progress: Progress = lambda what, done, total: None,
) -> list[Choice]:
    """The largest network that keeps to the budgets, and regular ones.

    Args:
        space: What may be chosen.
        costs: Of candidates.
        limits: The most of each figure, by name.
        trials: Of the search.
        seed: Of it.
        progress: Told of each network that is looked for.
    """
    wanted, found = trials // SHARE, []
    large = _largest(space, costs, limits, seed, progress)
    for choice in islice(chain(large, regular(space, costs, limits)), wanted):
        found.append(choice)
        progress("look for regular networks that fit", len(found), wanted)
    return found


def _largest(
    space: Space,
    costs: CandidateCosts,
    limits: Mapping[str, float],
    seed: int,
    progress: Progress,
) -> Iterator[Choice]:
    """That with the most bits of which any fits, the same in all stages; nothing for none."""
    for bits in reversed(space.bits):
        uniform = replace(space, bits=(bits,))
        found = smallest(uniform, costs, limits, progress)
        if not found.total:
            yield largest(uniform, found.choice, costs, limits, seed, progress)
            return


def regular(space: Space, costs: CandidateCosts, limits: Mapping[str, float]) -> Iterator[Choice]:
    """Regular networks that keep to the budgets, each as wide as it can be: as ``starts`` says."""
    for plan in _plans(space):
        widest = _widest(space, plan, costs, limits)
        if widest is not None:
            yield widest


def _plans(space: Space) -> Iterator[dict[str, Value]]:
    """All of a regular network but its width and how it is run.

    Kinds change fastest, and with them bits and the first stride, so that a few have each of all;
    from one resolution or depth to another a search comes by few changes.
    """
    least = {one.name: one.values[0] for one in space.parameters()}
    shapes = sorted(space.shapes, reverse=True)
    depths = [depth for depth in DEPTHS if depth in space.depths] or [max(space.depths)]
    for depth, shape in product(depths, shapes):
        pairs = _bits_and_strides(space, shape)
        for turn, (place, kind) in product(range(len(pairs)), enumerate(space.kinds)):
            bits, stride = pairs[(place + turn) % len(pairs)]
            plan = dict(least)
            plan["shape"] = "x".join(map(str, shape))
            plan["stem_size"] = min(space.stem_sizes)
            plan["stem_stride"] = stride
            for stage in range(1, space.stages + 1):
                own: dict[str, Value] = {
                    "kind": kind,
                    "depth": depth if stage <= STAGES else min(space.depths),
                    "stride": min(space.strides) if stage == 1 else max(space.strides),
                    "expand": sorted(space.expands)[len(space.expands) // 2],
                    "size": min(space.sizes),
                    "start": sorted(space.starts)[len(space.starts) // 2],
                    "bits": bits,
                }
                plan.update((f"stage{stage}_{name}", value) for name, value in own.items())
            yield plan


def _bits_and_strides(space: Space, shape: Shape) -> list[tuple[str, int]]:
    """Pairs of both for a resolution, in an order that soon has each value of both.

    A search then mixes them. The first pair has the most bits.
    """
    strides = sorted(space.stem_strides, reverse=shape[0] >= LARGE_SIDE)
    grid = product(enumerate(reversed(space.bits)), enumerate(strides))
    diagonal = sorted(grid, key=lambda pair: abs(pair[0][0] - pair[1][0]))
    return [(bits, stride) for (_, bits), (_, stride) in diagonal]


def _widest(
    space: Space, plan: dict[str, Value], costs: CandidateCosts, limits: Mapping[str, float]
) -> Choice | None:
    """The widest network of a plan that keeps to the budgets; None where none does."""
    widths = sorted(space.channels, reverse=True)
    runs = sorted(product(space.schedules, space.row_fed), key=lambda run: run[0] != "min-ram")
    fitting: dict[int, Choice] = {}

    def is_narrow_enough(width: int) -> bool:
        for schedule, row_fed in runs:
            choice = {**_wide(space, plan, width), "schedule": schedule, "row_fed": row_fed}
            if fits(space.candidate(choice), costs, limits):
                fitting[width] = choice
                return True
        return False

    place = bisect_left(widths, True, key=is_narrow_enough)
    return fitting[widths[place]] if place < len(widths) else None


def _wide(space: Space, plan: Mapping[str, Value], width: int) -> dict[str, Value]:
    """A plan with so many channels in its first stage."""
    channels: dict[str, Value] = {
        f"stage{stage}_channels": nearest(space.channels, width * 2 ** (min(stage, STAGES) - 1))
        for stage in range(1, space.stages + 1)
    }
    return {**plan, "stem_channels": nearest(space.stem_channels, width), **channels}
