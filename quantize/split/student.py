"""A student: the teacher with other first layers, which end in a bottleneck of few bits.

After Matsubara et al., "BottleFit: Learning Compressed Representations in Deep Neural Networks for
Effective and Efficient Split Computing", 2022. The head (encoder and bottleneck) is for the device
and small. The decoder, on the server, makes of the bottleneck what the teacher has at the same
place, and what follows is the teacher's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgebottle.errors import BadInput
from quantize.lowbit.bits import Bits, LayerBits
from quantize.lowbit.bottleneck import Bottleneck
from quantize.lowbit.network import INPUT, Computed, FloatNetwork, LayerStep, Weighted
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution, NetworkBlock, Separable

PREFIX = "split_"
"""Of the names of the student's own steps."""

HEAD_WIDTH = 8

WIDEST = 4
"""Times the width: channels of the head's convolutions at most."""

SMALLEST_SIDE = 4
"""Of a feature map at which a network is split unless it is said where."""


@dataclass(frozen=True)
class SplitPlan:
    """How a network is split.

    Attributes:
        at: The teacher's step that the decoder stands for.
        groups: Channels of the bottleneck, in groups: one rate each.
        bits: Of an element of the bottleneck, 1 .. 4.
        width: Channels of the first convolution, at least 1; they double with each stride.
    """

    at: str
    groups: tuple[int, ...]
    bits: int = 2
    width: int = HEAD_WIDTH

    def __post_init__(self) -> None:
        """Raises ``BadInput`` for what cannot be."""
        if not 1 <= self.bits <= 4:
            raise BadInput(f"a bottleneck has 1 to 4 bits, not {self.bits}")
        if not self.groups or min(self.groups) < 1 or len(self.groups) > 255:
            raise BadInput("a bottleneck has 1 to 255 groups of at least one channel each")


@dataclass(frozen=True)
class Student:
    """A network that can be split.

    Attributes:
        network: The whole of it.
        bottleneck: The step where it is split.
        decoder: The step that stands for the teacher's.
        plan: How it was made.
    """

    network: FloatNetwork
    bottleneck: str
    decoder: str
    plan: SplitPlan

    @property
    def head(self) -> tuple[str, ...]:
        """Steps up to the bottleneck."""
        names = [step.name for step in self.network.steps]
        return tuple(names[: names.index(self.bottleneck) + 1])

    @property
    def tail(self) -> tuple[str, ...]:
        """Steps behind the decoder, which the teacher has as well."""
        names = [step.name for step in self.network.steps]
        return tuple(names[names.index(self.decoder) + 1 :])

    def ordered(self, price: float = 0.0) -> Bottleneck:
        """Its bottleneck as training takes it, with the price of its bits."""
        return Bottleneck(self.bottleneck, self.plan.groups, price=price)

    def bits(self, default: LayerBits) -> Bits:
        """Of each layer: the bottleneck's activations have few."""
        own = LayerBits(default.weights, self.plan.bits)
        return Bits(default, {self.bottleneck: own})


def places(teacher: FloatNetwork) -> Iterator[Computed]:
    """Where a network can be split: all that follows depends on this feature map alone."""
    for number, step in enumerate(teacher.steps[:-1]):
        earlier = {INPUT, *(one.name for one in teacher.steps[:number])}
        is_waist = not any(earlier.intersection(one.sources) for one in teacher.steps[number + 1 :])
        is_image = len(step.shape) == 3 and min(step.shape[:2]) > 1
        if is_waist and is_image and isinstance(step, Computed) and step.is_clamped:
            yield step


def usual_place(teacher: FloatNetwork) -> str:
    """The last place of the smallest map that has at least ``SMALLEST_SIDE`` rows; ``BadInput``."""
    found = [one for one in places(teacher) if min(one.shape[:2]) >= SMALLEST_SIDE]
    if not found:
        raise BadInput(
            f"{teacher.name} cannot be split: there is no feature map of at least {SMALLEST_SIDE} "
            "rows, clamped by a ReLU, on which alone all that follows depends"
        )
    least = min(one.shape[0] for one in found)
    return next(one.name for one in found if one.shape[0] == least)


def student_of(teacher: FloatNetwork, plan: SplitPlan, seed: int) -> Student:
    """A student with random numbers in its own steps, and the teacher's in the others.

    Args:
        teacher: Trained.
        plan: How it is split.
        seed: Of the random numbers.

    Raises:
        BadInput: it cannot be split there.
    """
    known = {one.name: one for one in places(teacher)}
    if plan.at not in known:
        where = ", ".join(known) or "no place"
        raise BadInput(f"{teacher.name} cannot be split at '{plan.at}': it can at {where}")
    place = known[plan.at]
    own, bottleneck = _own_steps(teacher, place, plan, seed)
    decoder = own[-1].name
    rest = teacher.steps[[one.name for one in teacher.steps].index(plan.at) + 1 :]
    steps = (*own, *(_reading(step, plan.at, decoder) for step in rest))
    return Student(replace(teacher, steps=steps), bottleneck, decoder, plan)


def _own_steps(
    teacher: FloatNetwork, place: Computed, plan: SplitPlan, seed: int
) -> tuple[tuple[LayerStep, ...], str]:
    """Encoder, bottleneck and decoder, and the name of the bottleneck."""
    height, width, channels = teacher.input_shape
    strides = _strides((height, width), (place.shape[0], place.shape[1]), plan.at)
    blocks: list[NetworkBlock] = []
    wide = plan.width
    for _ in range(strides - 2):
        wide = min(2 * wide, WIDEST * plan.width)
        blocks.append(Separable(wide, stride=2))
    blocks.append(FullConvolution(sum(plan.groups), stride=2 if strides > 1 else 1))
    inside = place.shape[2]
    blocks += [FullConvolution(inside), FullConvolution(inside)]
    stem = Stem(plan.width, stride=2 if strides > 0 else 1)
    made = Architecture((height, width, channels), stem, tuple(blocks), ClassHead(1))
    steps = [one for one in made.network(seed=seed).steps if len(one.shape) == 3]
    renamed = [_renamed(step) for step in steps]
    renamed[-1] = _scaled_like(renamed[-1], place)
    return tuple(renamed), renamed[-3].name


def _scaled_like(step: LayerStep, place: Computed) -> LayerStep:
    """A decoder's last step with the ceiling of the teacher's, and its scale if it has one."""
    assert isinstance(step, Weighted) and step.norm is not None
    norm = step.norm
    if isinstance(place, Weighted) and place.norm is not None:
        norm = replace(norm, gamma=place.norm.gamma, beta=place.norm.beta)
    return replace(step, ceiling=place.ceiling, norm=norm)


def _strides(source: tuple[int, int], target: tuple[int, int], at: str) -> int:
    """How many strides of 2 lead from one size to the other; raises ``BadInput``."""
    count, size = 0, source
    while size != target:
        if min(size) <= min(target):
            raise BadInput(
                f"the map of '{at}', {target[0]} x {target[1]}, is no input of {source[0]} x "
                f"{source[1]} halved some times: split elsewhere"
            )
        size, count = (-(-size[0] // 2), -(-size[1] // 2)), count + 1
    return count


def _renamed(step: LayerStep) -> LayerStep:
    sources = tuple(one if one == INPUT else PREFIX + one for one in step.sources)
    return replace(step, name=PREFIX + step.name, sources=sources)


def _reading(step: LayerStep, old: str, new: str) -> LayerStep:
    return replace(step, sources=tuple(new if one == old else one for one in step.sources))
