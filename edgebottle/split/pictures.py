"""Pictures as a network takes them, and as bytes: JPEG, WebP, PNG, or the values themselves.

A pixel x, 0 to 255, is the stored value x - 128 of an int8 input and x of a uint8 one.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from edgebottle.errors import BadModel, ToolMissing
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph
from edgebottle.split.frames import ImageForm
from edgebottle.split.payload import BadPayload

_MODES = {1: "L", 3: "RGB"}
"""Pillow's, by channels."""

_OFFSETS = {DType.I8: 128, DType.U8: 0}

QUALITY = 75
"""Of JPEG and WebP, 1 to 100, where nobody says another."""


def check_picture_input(graph: Graph) -> None:
    """Raises ``BadModel`` where a network does not take one picture of bytes."""
    given = [graph.tensors[name] for name in graph.inputs]
    if len(given) == 1 and given[0].dtype in _OFFSETS and len(given[0].shape) == 4:
        batch, _, _, channels = given[0].shape
        if batch == 1 and channels in _MODES:
            return
    said = ", ".join(f"{one.dtype.value} {list(one.shape)}" for one in given)
    raise BadModel(
        f"the network takes {said}, and a split one takes one picture: int8 or uint8 "
        "[1, height, width, 1 or 3]"
    )


def pixels(stored: Array) -> Array:
    """The picture, uint8 (height, width, channels), of an input, int8 or uint8 with a batch."""
    first = stored[0]
    found: Array = (first.astype(np.int16) + 128).astype(np.uint8)
    return found if first.dtype == np.int8 else np.asarray(first, np.uint8)


def encoded(picture: Array, form: ImageForm, quality: int = QUALITY) -> bytes:
    """A picture as bytes; raises ``ToolMissing`` without Pillow.

    Args:
        picture: uint8, (height, width, 1 or 3).
        form: Which; ``RAW`` are the values of an int8 input, which are no picture's file.
        quality: Of JPEG and WebP, 1 to 100.
    """
    if form is ImageForm.RAW:
        return (picture.astype(np.int16) - 128).astype(np.int8).tobytes()
    image = _pillow().fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    sink, options = io.BytesIO(), {}
    if form is not ImageForm.PNG:
        options = {"quality": quality}
    if form is ImageForm.WEBP:
        options["method"] = 6
    image.save(sink, form.name, **options)
    return sink.getvalue()


def decoded(payload: bytes, form: int, graph: Graph) -> Array:
    """The input, with its batch, that a payload gives a network.

    Args:
        payload: As ``encoded`` makes them.
        form: An ``ImageForm``.
        graph: The network, of which ``check_picture_input`` holds.

    Raises:
        BadPayload: it is no such picture, or of another size than the network takes.
        ToolMissing: Pillow is not installed.
    """
    tensor = graph.tensors[graph.inputs[0]]
    _, height, width, channels = tensor.shape
    try:
        kind = ImageForm(form)
    except ValueError as error:
        raise BadPayload(f"a picture of form {form}, which is not known") from error
    if kind is ImageForm.RAW:
        if len(payload) != tensor.nbytes:
            raise BadPayload(f"{len(payload):,} values, and the network takes {tensor.nbytes:,}")
        return np.frombuffer(payload, tensor.dtype.numpy).reshape(tensor.shape)
    found = _opened(payload, kind, (width, height), _MODES[channels])
    values = np.asarray(found, np.int16).reshape(tensor.shape) - _OFFSETS[tensor.dtype]
    return values.astype(tensor.dtype.numpy)


def _opened(payload: bytes, kind: ImageForm, size: tuple[int, int], mode: str) -> Any:
    """The image in ``mode``; its size is looked at before a pixel is unpacked."""
    image_module = _pillow()
    try:
        with image_module.open(io.BytesIO(payload), formats=(kind.name,)) as image:
            if image.size != size:
                raise BadPayload(
                    f"a picture of {image.size[0]} x {image.size[1]} pixels, and the network "
                    f"takes {size[0]} x {size[1]}"
                )
            return image.convert(mode)
    except BadPayload:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on broken files
        raise BadPayload(f"a broken picture: {error}") from error


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissing(
            f"pictures need Pillow (pip install 'edgebottle[images]'): {error}"
        ) from error
    return Image


def check_pillow() -> None:
    """Raises ``ToolMissing`` where pictures cannot be read or written."""
    _pillow()
