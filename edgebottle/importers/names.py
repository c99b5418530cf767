"""Short readable names of layers and models, fit for C identifiers."""

from __future__ import annotations

import re

_HINTS = {
    "CONV_2D": ("conv",),
    "DEPTHWISE_CONV_2D": ("depthwise", "depth", "conv"),
    "FULLY_CONNECTED": ("dense", "fc", "linear", "logits", "classifier"),
    "SVDF": ("svdf",),
    "ADD": ("add",),
}
"""What converters call the layer of an operator whose output is named after its activation."""


def identifier(text: str, fallback: str) -> str:
    """``text`` as a C identifier in lower case; ``fallback`` when nothing of it remains."""
    clean = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()[:40].rstrip("_")
    if not clean:
        return fallback
    return f"n{clean}" if clean[0].isdigit() else clean


def layer_names(layers: list[tuple[str, str]]) -> list[str]:
    """Unique names of layers, from the operator and the name of the first output of each.

    Converters write such names as ``model/activation/Relu;model/conv2d_3/BiasAdd``: several
    paths, of layers and then of kernels, for what one operator fuses.
    """
    result: list[str] = []
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for op, output in layers:
        base = identifier(_segment(op, output), identifier(op, "layer"))
        name = base
        while name in taken:
            counts[base] = counts.get(base, 0) + 1
            name = f"{base}_{counts[base]}"
        taken.add(name)
        result.append(name)
    return result


def _segment(op: str, output: str) -> str:
    """The path segment that names the layer, empty when there is none."""
    paths = [
        [segment for segment in path.split("/") if _names_a_layer(segment)]
        for path in output.split(";")
    ]
    for hint in _HINTS.get(op, ()):
        for path in paths:
            for segment in reversed(path):
                if hint in segment.lower():
                    return segment
    return next((path[-1] for path in paths if path), "")


def _names_a_layer(segment: str) -> bool:
    """False for the names of TensorFlow's own kernels (``BiasAdd``, ``Conv2D``) and of outputs."""
    generic = ("resource", "tfl.", "sequential", "model", "functional")
    return (
        bool(segment) and not segment[0].isupper() and ":" not in segment and segment not in generic
    )
