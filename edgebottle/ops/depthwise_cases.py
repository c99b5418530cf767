"""Test cases for the depthwise kernels of single window sizes, as rows of data."""

from __future__ import annotations

from typing import Any

from edgebottle.ops.base import Activation
from edgebottle.ops.convolution_cases import Case

_PACKED: dict[str, Any] = {
    "kernel": (3, 3),
    "zero_points": (-3, -128),
    "activation": Activation.RELU,
}

DEPTHWISE_3X3 = (
    *(
        Case(
            name=f"packed_{width}_wide_{channels}_s{stride}",
            shape=(1, 5, width, channels),
            outputs=channels,
            stride=(stride, stride),
            **_PACKED,
        )
        for stride in (1, 2)
        for width, channels in ((2, 4), (3, 8), (4, 5), (5, 64), (6, 7), (7, 12), (8, 6), (13, 4))
    ),
    Case(name="packed_valid", shape=(1, 4, 9, 8), outputs=8, padding=(0, 0, 0, 0), **_PACKED),
    Case(name="packed_left", shape=(1, 3, 4, 4), outputs=4, padding=(0, 1, 2, 0), **_PACKED),
    Case(name="packed_far", shape=(1, 3, 2, 4), outputs=4, padding=(3, 4, 5, 4), **_PACKED),
    Case(
        name="packed_rows_dilated",
        shape=(2, 7, 6, 9),
        outputs=9,
        dilation=(2, 1),
        stride=(1, 2),
        **_PACKED,
    ),
    *(
        Case(
            name=f"packed_scale_{scale:g}",
            shape=(1, 4, 5, 16),
            outputs=16,
            accumulator_scale=scale,
            **_PACKED,
        )
        for scale in (0.4, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 3e-5, 1e-6, 1e-8)
    ),
    Case(
        name="packed_biases",
        shape=(1, 4, 5, 64),
        outputs=64,
        accumulator_scale=2.0**-24.3,
        has_large_bias=True,
        **_PACKED,
    ),
    *(
        Case(
            name=f"packed_{name}_{width}_wide_s{stride}",
            shape=(1, 5, width, channels),
            outputs=channels,
            stride=(stride, stride),
            accumulator_scale=scale,
            zero_points=(-3, zero_point),
            activation=activation,
        )
        for name, zero_point, activation in (
            ("by_sign", 5, Activation.NONE),
            ("above", -100, Activation.RELU),
            ("between", -100, Activation.RELU6),
        )
        for stride in (1, 2)
        for width, channels, scale in ((2, 4, 0.1), (5, 7, 0.03), (6, 16, 0.01), (9, 12, 0.003))
    ),
    *(
        Case(name=f"packed_weights_{kind}", shape=(1, 4, 5, 8), outputs=8, weights=kind, **_PACKED)
        for kind in ("min", "max", "zero")
    ),
)
"""Layers of which nearly all go to the packed 3x3 kernel, with all widths, scales and borders."""
