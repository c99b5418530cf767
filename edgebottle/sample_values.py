"""What the numbers of a file of samples mean: pixels, real values, or a network's stored ones."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Quant, Tensor

MAX_CLIPPED = 0.05
"""Of values outside of an input's real range: calibration leaves out a few, more look wrong."""

MIN_LEVELS = 8
"""Of the stored values from the smallest to the largest: fewer look like another scale."""

_PIXEL_RANGES = ((0, 1, "x/255"), (0, 255, "x"), (-1, 1, "x/127.5 - 1"), (-128, 127, "x - 128"))
"""Real ranges of inputs that take the pixels 0..255, and the real value of pixel x."""

_RANGE_TOLERANCE = 0.02


class Meaning(enum.Enum):
    """What the user says that the numbers are."""

    REAL = "real"
    STORED = "stored"


@dataclass(frozen=True)
class Values:
    """An array as a network takes it.

    Attributes:
        array: Samples, each of the shape and type of the input.
        taken: In words, what the numbers were taken for.
        warning: What looks wrong; empty where nothing does.
    """

    array: Array
    taken: str
    warning: str = ""


def convert(
    where: str, key: str, values: Array, tensor: Tensor, graph: Graph, meaning: Meaning | None
) -> Values:
    """Makes an array of samples ready for an input.

    Without a ``meaning`` floating point is real, the input's own type is stored, and unsigned
    bytes are pixels: 0..255 is the input's whole range, as all usual ways to quantize an image
    have it, so that an int8 input stores x - 128.

    Args:
        where: The file, for messages.
        key: Name of the array, for messages.
        values: Samples, of any numeric type.
        tensor: The input.
        graph: The network it belongs to.
        meaning: What the numbers are; None to tell by their type.

    Raises:
        BadInput: the numbers cannot be what they are said or need to be.
    """
    values = values.reshape(len(values), *tensor.shape)
    what = f"{where}: '{key}'"
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise BadInput(f"{what} holds numbers that are not finite (NaN or infinity)")
    if values.dtype.kind not in "fiu":
        raise BadInput(f"{what} is {values.dtype}, which input '{tensor.name}' cannot take")
    quant = _quant(tensor, graph)
    own = np.dtype(tensor.dtype.numpy)
    is_pixels = values.dtype == np.uint8 and tensor.dtype in (DType.I8, DType.F32)
    if is_pixels and meaning is None and quant is not None:
        return _pixels(key, values, tensor, quant)
    if meaning is None and own.kind != "f" and values.dtype.kind != "f" and values.dtype != own:
        raise BadInput(
            f"{what} is {values.dtype}, which input '{tensor.name}' ({tensor.dtype.label}) cannot "
            "take unless you say what it holds: --as real, or --as stored"
        )
    if meaning is None:
        meaning = Meaning.STORED if values.dtype == own and own.kind != "f" else Meaning.REAL
    if meaning is Meaning.REAL:
        return _real(what, key, values, tensor, quant)
    return _stored(what, key, values, tensor)


def _quant(tensor: Tensor, graph: Graph) -> Quant | None:
    """How an input is quantized: itself, or in floating point by what makes int8 of it."""
    if tensor.dtype is not DType.F32:
        return tensor.quant
    readers = graph.consumers(tensor.name)
    if len(readers) != 1 or readers[0].inputs != (tensor.name,):
        return None
    target = graph.outs(readers[0])[0]
    return target.quant if target.dtype is DType.I8 else None


def _pixels(key: str, values: Array, tensor: Tensor, quant: Quant) -> Values:
    scale, zero = quant.scale[0], quant.zero_point[0]
    low, high = scale * (-128 - zero), scale * (127 - zero)
    formula, warning = "", ""
    for first, last, text in _PIXEL_RANGES:
        slack = _RANGE_TOLERANCE * (last - first)
        if abs(low - first) <= slack and abs(high - last) <= slack:
            formula = text
    stored = values.astype(np.int16) - 128
    taken = f"{key}: uint8 pixels 0..255, taken as real values {formula}"
    if not formula:
        taken = f"{key}: uint8, taken as stored values x - 128"
        warning = (
            f"{key} is uint8, but the real values of input '{tensor.name}' go from {low:.4g} to "
            f"{high:.4g}, unlike pixels: give real values in floating point, or say --as real"
        )
    if tensor.dtype is DType.F32:
        real = (stored - zero).astype(np.float32) * np.float32(scale)
        return Values(real, taken, warning or _few_levels(key, stored))
    return Values(stored.astype(np.int8), taken, warning or _few_levels(key, stored))


def _real(what: str, key: str, values: Array, tensor: Tensor, quant: Quant | None) -> Values:
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    taken = f"{key}: {values.dtype} from {low:.4g} to {high:.4g}, taken as real values"
    own = np.dtype(tensor.dtype.numpy)
    if quant is None:
        if own.kind != "f":
            raise BadInput(
                f"{what} cannot be real values: input '{tensor.name}' ({tensor.dtype.label}) has "
                "no scale"
            )
        return Values(values.astype(own), taken)
    limits = np.iinfo(own if own.kind != "f" else np.int8)
    scale, zero = quant.scale[0], quant.zero_point[0]
    steps = np.round(values / np.float32(scale)) + zero
    stored = np.clip(steps, limits.min, limits.max)
    clipped = float(np.mean((steps < limits.min) | (steps > limits.max))) if steps.size else 0.0
    warning = _few_levels(key, stored)
    if clipped > MAX_CLIPPED:
        first, last = scale * (limits.min - zero), scale * (limits.max - zero)
        warning = (
            f"{clipped:.0%} of {key} (from {low:.4g} to {high:.4g}) lies outside of the real "
            f"values of input '{tensor.name}', {first:.4g} to {last:.4g}, and is clipped: scale it "
            "as in training"
        )
    array = values.astype(own) if own.kind == "f" else stored.astype(own)
    return Values(array, taken, warning)


def _stored(what: str, key: str, values: Array, tensor: Tensor) -> Values:
    own = np.dtype(tensor.dtype.numpy)
    if own.kind == "f":
        raise BadInput(
            f"{what} cannot be stored values: input '{tensor.name}' is floating point, which "
            "stores real ones"
        )
    note = ""
    if own == np.int8 and values.dtype == np.uint8:
        values, note = values.astype(np.int16) - 128, " x - 128"
    limits = np.iinfo(own)
    if values.size and (values.min() < limits.min or values.max() > limits.max):
        raise BadInput(
            f"{what} cannot be stored values: it goes from {values.min():.4g} to "
            f"{values.max():.4g}, input '{tensor.name}' from {limits.min} to {limits.max}"
        )
    if values.dtype.kind == "f" and (values != np.round(values)).any():
        raise BadInput(f"{what} cannot be stored values: they are no whole numbers")
    taken = f"{key}: {values.dtype if not note else 'uint8'}, taken as stored values{note}"
    hint = "" if values.dtype.kind == "f" else "; if they are real values, say --as real"
    warning = _few_levels(key, values)
    return Values(values.astype(own), taken, warning and warning + hint)


def _few_levels(key: str, stored: Array) -> str:
    """A warning where the samples differ, but hardly use what an input can store."""
    low, high = (int(stored.min()), int(stored.max())) if stored.size else (0, 0)
    if low == high or high - low >= MIN_LEVELS:
        return ""
    return f"{key} uses only the stored values {low} to {high}: its scale looks wrong"
