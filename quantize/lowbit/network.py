"""A float network as the trainer sees it: frozen steps, in the order they run.

Every step works on images (height, width, channels) or on vectors (channels,); a signal is an image
of one row. BatchNormalization stands beside the weights that it follows, a ReLU beside what it
clamps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from edgebottle.ir.graph import Array, Shape
from quantize.lowbit.bits import WIDEST, Bits
from quantize.lowbit.levels import ActivationLevels, WeightLevels

INPUT = "input"
"""The name of the value that the network takes."""

SOFTMAX_STEP = 2.0**-8
"""Between two levels of what a softmax computes, from 0 on: LiteRT takes no other."""

UNCLAMPED = "_unclamped"
"""Behind the name of what a step computes, where a layer of its own ends the range of that."""


@dataclass(frozen=True)
class Normalization:
    """A BatchNormalization, by channels.

    Attributes:
        gamma: Factors.
        beta: Summands.
        mean: The moving mean.
        variance: The moving variance.
        epsilon: Added to the variance.
    """

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: float


class Product(Enum):
    """How weights are multiplied with what a layer reads."""

    CONVOLUTION = "windows over all channels of a group"
    DEPTHWISE = "windows over one channel"
    DENSE = "all of a vector"


@dataclass(frozen=True, kw_only=True)
class MovingWindow:
    """Where a window goes.

    Attributes:
        strides: Rows and pixels from one window to the next.
        is_same: Padded so that the output has the size of the input by the stride; else not at all.
        dilation: Rows and pixels between taps.
    """

    strides: tuple[int, int] = (1, 1)
    is_same: bool = False
    dilation: tuple[int, int] = (1, 1)

    @property
    def padding(self) -> str:
        """As Keras calls it."""
        return "same" if self.is_same else "valid"


@dataclass(frozen=True, kw_only=True)
class LayerStep:
    """What one layer computes.

    Attributes:
        name: Of the layer, in Keras.
        sources: Names of the steps that it reads, or ``INPUT``.
        shape: Of what it computes, without the batch.
    """

    name: str
    sources: tuple[str, ...]
    shape: Shape

    @property
    def keeps_values(self) -> bool:
        """Whether its output has the scale and the range of its input."""
        return True


@dataclass(frozen=True, kw_only=True)
class Computed(LayerStep):
    """A step whose output has a scale of its own.

    Attributes:
        is_clamped: A ReLU follows.
        ceiling: Of the ReLU, such as 6; None for one without.
    """

    is_clamped: bool = False
    ceiling: float | None = None

    @property
    def keeps_values(self) -> bool:
        """It does not."""
        return False

    @property
    def is_wide(self) -> bool:
        """Whether its values have 8 bits whatever the plan says."""
        return False


@dataclass(frozen=True, kw_only=True)
class Weighted(Computed):
    """A convolution or a dense layer, with what normalizes it.

    Attributes:
        product: How.
        kernel: float32: (height, width, inputs of a group, outputs), of ``DEPTHWISE`` (height,
            width, channels, outputs of each), of ``DENSE`` (inputs, outputs).
        bias: float32, (outputs,).
        norm: The BatchNormalization behind it.
        window: How a convolution moves.
    """

    product: Product
    kernel: Array
    bias: Array
    norm: Normalization | None = None
    window: MovingWindow = MovingWindow()

    @property
    def channel_shape(self) -> Shape:
        """Of a number for each output, as the last axes of the kernel."""
        axes = 2 if self.product is Product.DEPTHWISE else 1
        return self.kernel.shape[-axes:]

    @property
    def channels(self) -> int:
        """Outputs."""
        return int(np.prod(self.channel_shape))


@dataclass(frozen=True, kw_only=True)
class Addition(Computed):
    """Two tensors of one shape, added."""


@dataclass(frozen=True, kw_only=True)
class MeanOfPixels(Computed):
    """The mean over all pixels.

    Attributes:
        keeps_axes: The output is an image of one pixel; else a vector.
    """

    keeps_axes: bool = False


@dataclass(frozen=True, kw_only=True)
class MatrixProduct(Computed):
    """Products of the matrices of the last two axes, both of which are computed.

    Attributes:
        depth: Products that are added for each output.
    """

    depth: int

    @property
    def is_wide(self) -> bool:
        """No kernel multiplies matrices of fewer bits."""
        return True


@dataclass(frozen=True, kw_only=True)
class SoftmaxOfRows(Computed):
    """The softmax over the last axis, on the grid that LiteRT demands of it."""

    @property
    def is_wide(self) -> bool:
        """Its grid is given: 256 levels from 0 to almost 1."""
        return True


@dataclass(frozen=True, kw_only=True)
class Pool(LayerStep):
    """The largest of a window, or its mean.

    Attributes:
        is_maximum: The largest.
        size: Rows and pixels of the window.
        window: How it moves.
    """

    is_maximum: bool
    size: tuple[int, int]
    window: MovingWindow


@dataclass(frozen=True, kw_only=True)
class ZeroBorder(LayerStep):
    """Zeros around an image.

    Attributes:
        border: Rows and pixels: top, bottom, left, right.
    """

    border: tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class NewShape(LayerStep):
    """The same values under another shape."""


@dataclass(frozen=True, kw_only=True)
class AxesMoved(LayerStep):
    """The same values with their axes in another order.

    Attributes:
        order: Axis i of the output is axis ``order[i]`` of the input, without the batch.
    """

    order: tuple[int, ...]


@dataclass(frozen=True)
class FloatNetwork:
    """A float network that can be trained to few bits.

    Attributes:
        name: Of the model.
        input_shape: Of what it takes, without the batch, as the model has it.
        steps: In order; the last computes the logits.
        has_softmax: Probabilities are made of them.
        outputs: Names of the steps that a network of several outputs computes; empty for the last.
    """

    name: str
    input_shape: Shape
    steps: tuple[LayerStep, ...]
    has_softmax: bool
    outputs: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Outputs."""
        return self.steps[-1].shape[-1]

    def readers(self, name: str) -> Iterator[LayerStep]:
        """The steps that compute with a value, be it through others that keep values."""
        for step in self.steps:
            if name in step.sources:
                if step.keeps_values:
                    yield from self.readers(step.name)
                else:
                    yield step

    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        total = 0
        for step in self.steps:
            if isinstance(step, Weighted):
                total += step.kernel.size * int(np.prod(step.shape[:-1]))
            elif isinstance(step, MatrixProduct):
                total += step.depth * int(np.prod(step.shape))
        return total

    def owners(self) -> dict[str, str]:
        """The value whose grid each value has, by name."""
        owners = {INPUT: INPUT}
        for step in self.steps:
            owners[step.name] = owners[step.sources[0]] if step.keeps_values else step.name
        return owners

    @property
    def logits(self) -> str:
        """Name of the step whose scale the logits have."""
        return next(step.name for step in reversed(self.steps) if not step.keeps_values)

    @property
    def results(self) -> tuple[str, ...]:
        """Names of the steps whose scales the outputs have."""
        owners = self.owners()
        return tuple(owners[name] for name in self.outputs) or (self.logits,)

    def layer_names(self) -> tuple[str, ...]:
        """The layers that a plan of bits may name."""
        return tuple(
            step.name for step in self.steps if isinstance(step, Computed) and not step.is_wide
        )

    def weight_levels(self, bits: Bits) -> dict[str, WeightLevels]:
        """Of each layer with weights, by its name."""
        weighted = [step for step in self.steps if isinstance(step, Weighted)]
        return {step.name: WeightLevels(bits.of(step.name).weights) for step in weighted}

    def activation_levels(self, bits: Bits) -> dict[str, ActivationLevels]:
        """Of each value that has a scale of its own, by the name of its step.

        Few bits are for what layers with weights multiply: an activation, or whatever else they
        read. Logits, means over all pixels, and what is only added keep 8 bits, unless the plan
        names their layer. What attention multiplies and what it computes keep them in any case.
        """
        result = {INPUT: ActivationLevels(WIDEST, is_clamped=False)}
        results = self.results
        for step in self.steps:
            if not isinstance(step, Computed):
                continue
            own = bits.of(step.name).activations
            is_product = any(isinstance(reader, Weighted) for reader in self.readers(step.name))
            is_narrow = (step.is_clamped or is_product) and not isinstance(step, MeanOfPixels)
            is_wanted = is_narrow or step.name in bits.layers
            if step.name in results or step.is_wide or not is_wanted:
                own = WIDEST
            result[step.name] = ActivationLevels(own, step.is_clamped)
        return result
