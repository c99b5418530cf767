"""Boxes of a detector, and pictures with them, as records keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class BoxRecord:
    """A box.

    Attributes:
        label: Its name.
        score: 0 .. 1; null for a true box.
        y_min: Pixels from the top.
        x_min: Pixels from the left.
        y_max: Pixels from the top.
        x_max: Pixels from the left.
    """

    label: str
    score: float | None
    y_min: float
    x_min: float
    y_max: float
    x_max: float


@dataclass(frozen=True)
class PictureRecord:
    """One of the first images.

    Attributes:
        name: Of the image.
        height: Pixels, as the network sees it.
        width: The same.
        jpeg: The image, JPEG in base64.
        boxes: Of the network.
        truths: True boxes.
    """

    name: str
    height: int
    width: int
    jpeg: str
    boxes: tuple[BoxRecord, ...]
    truths: tuple[BoxRecord, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Inverse of ``asdict``; raises ``TypeError`` or ``KeyError`` for anything else."""
        boxes, truths = (
            tuple(BoxRecord(**one) for one in data[key]) for key in ("boxes", "truths")
        )
        return cls(**{**data, "boxes": boxes, "truths": truths})
