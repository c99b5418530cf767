"""Puts normalizations and ReLUs beside the weights that they follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Shape
from quantize.lowbit.loose_steps import LooseClamp, LooseNormalization, LooseSoftmax
from quantize.lowbit.network import Computed, LayerStep, NewShape, Pool, Product, Weighted


def fused(steps: Sequence[LayerStep]) -> tuple[tuple[LayerStep, ...], bool]:
    """The steps without loose ones, and whether a softmax ended them.

    What follows no weights, or what other layers read as well, becomes a depthwise convolution of
    one pixel whose weights are all 1.

    Raises:
        UnsupportedOp: a layer cannot stand where it does.
    """
    whole = tuple(steps)
    has_softmax = isinstance(whole[-1], LooseSoftmax)
    if has_softmax:
        whole = whole[:-1]
    fusing = _Fusing(whole)
    for step in whole:
        fusing.add(step)
    return tuple(fusing.steps.values()), has_softmax


class _Fusing:
    """Adds one step after the other."""

    def __init__(self, steps: Sequence[LayerStep]) -> None:
        self.steps: dict[str, LayerStep] = {}
        self._values: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}
        self._reads = Counter(source for step in steps for source in step.sources)

    def add(self, step: LayerStep) -> None:
        """Adds a step, or what it does to the one that it follows."""
        if isinstance(step, LooseSoftmax):
            raise UnsupportedOp(
                f"layer '{step.name}' is a softmax within the network: it can only be the last"
            )
        made: LayerStep | None = step
        if isinstance(step, NewShape) and self._shapes.get(step.sources[0]) == step.shape:
            made = None  # such as Dropout
        self._shapes[step.name] = step.shape
        if isinstance(step, LooseNormalization):
            made = self._normalized(step)
        elif isinstance(step, LooseClamp):
            made = self._clamped(step)
        if made is None:
            self._values[step.name] = self._value(step.sources[0])
            return
        sources = tuple(map(self._value, made.sources))
        self.steps[made.name] = replace(made, sources=sources)

    def _value(self, name: str) -> str:
        return self._values.get(name, name)

    def _maker(self, name: str) -> LayerStep | None:
        """The step that makes a value which nothing else reads."""
        return self.steps.get(self._value(name)) if self._reads[name] == 1 else None

    def _normalized(self, step: LooseNormalization) -> LayerStep | None:
        maker = self._maker(step.sources[0])
        norm = step.norm
        if isinstance(maker, Weighted) and maker.norm is None and not maker.is_clamped:
            # The layer's bias moves the mean, and nothing else.
            moved = replace(norm, mean=norm.mean - maker.bias)
            zeros = np.zeros_like(maker.bias)
            self.steps[maker.name] = replace(maker, norm=moved, bias=zeros)
            return None
        return replace(_of_ones(step), norm=norm)

    def _clamped(self, step: LooseClamp) -> LayerStep | None:
        """A ReLU goes before a pool of maxima and the like, which it commutes with."""
        source = step.sources[0]
        maker = self._maker(source)
        while maker is not None and maker.keeps_values and _commutes(maker):
            source = maker.sources[0]
            maker = self._maker(source)
        if isinstance(maker, Computed):
            ceilings = [each for each in (maker.ceiling, step.ceiling) if each is not None]
            ceiling = min(ceilings, default=None)
            self.steps[maker.name] = replace(maker, is_clamped=True, ceiling=ceiling)
            return None
        return replace(_of_ones(step), is_clamped=True, ceiling=step.ceiling)


def _commutes(step: LayerStep) -> bool:
    return not isinstance(step, Pool) or step.is_maximum


def _of_ones(step: LayerStep) -> Weighted:
    """A depthwise convolution that changes nothing."""
    if len(step.shape) != 3:
        raise UnsupportedOp(
            f"layer '{step.name}' follows no layer with weights, which on vectors cannot be "
            "quantized; put it behind a Dense layer"
        )
    channels = step.shape[-1]
    return Weighted(
        name=step.name,
        sources=step.sources,
        shape=step.shape,
        product=Product.DEPTHWISE,
        kernel=np.ones((1, 1, channels, 1), np.float32),
        bias=np.zeros(channels, np.float32),
    )
