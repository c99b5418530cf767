"""How well a detector finds each label, and pictures with its boxes: for terminal and page."""

from __future__ import annotations

from collections.abc import Iterator

from edgebottle.detection.precision import LabelPrecision
from edgebottle.report.columns import FittedTable
from edgebottle.report.markup import clean, legend, section
from edgebottle.report.page import table
from hil.pictures import BoxRecord, PictureRecord
from hil.records import Record

SHOWN_SCORE = 0.3
"""Boxes of a picture have at least this score."""

_HEAD = ("label", "average precision>", "true boxes>", "boxes>", "found>")

_CAPTION = "Boxes that overlap a true one by half or more"


def detection_tables(record: Record) -> tuple[FittedTable, ...]:
    """What became of each label; nothing without true boxes."""
    if not record.detection:
        return ()
    found = FittedTable(_CAPTION, _HEAD)
    found.rows.extend(_rows(record.detection))
    return (found,)


def detection_section(record: Record) -> str:
    """The same as HTML, with pictures; empty without true boxes."""
    if not record.detection:
        return ""
    rows = [list(row) for row in _rows(record.detection)]
    figures = table(_CAPTION, _HEAD, rows, "matrix")
    pictures = "".join(map(_figure, record.pictures))
    colours = legend(
        [("found-box", f"by the network, of a score from {SHOWN_SCORE:g} on"), ("true-box", "true")]
    )
    shown = f'{colours}<div class="pictures">{pictures}</div>' if pictures else ""
    return section("Boxes", figures + shown)


def precision_text(record: Record) -> str | None:
    """The mean average precision; None where there are no true boxes."""
    mean = record.mean_precision
    return None if mean is None else f"{mean:.1%}"


def _rows(figures: tuple[LabelPrecision, ...]) -> list[tuple[str, ...]]:
    return [
        (
            one.label,
            f"{one.precision:.1%}" if one.truths else "-",
            f"{one.truths:,}",
            f"{one.boxes:,}",
            f"{one.found:,}",
        )
        for one in figures
    ]


def _figure(picture: PictureRecord) -> str:
    """An image with its boxes, as SVG."""
    boxes = [box for box in picture.boxes if (box.score or 0.0) >= SHOWN_SCORE]
    drawn = "".join([*_drawn(picture.truths, "true-box"), *_drawn(boxes, "found-box")])
    size = f'width="{picture.width}" height="{picture.height}"'
    image = f'<image {size} href="data:image/jpeg;base64,{clean(picture.jpeg)}"/>'
    caption = f"{clean(picture.name)}: {len(boxes)} boxes, {len(picture.truths)} true ones"
    return (
        f'<figure><svg class="picture" viewBox="0 0 {picture.width} {picture.height}" role="img">'
        f"{image}{drawn}</svg><figcaption>{caption}</figcaption></figure>"
    )


def _drawn(boxes: tuple[BoxRecord, ...] | list[BoxRecord], css: str) -> Iterator[str]:
    for box in boxes:
        score = "" if box.score is None else f" {box.score:.2f}"
        yield (
            f'<rect class="{css}" x="{box.x_min:g}" y="{box.y_min:g}" '
            f'width="{box.x_max - box.x_min:g}" height="{box.y_max - box.y_min:g}">'
            f"<title>{clean(box.label)}{score}</title></rect>"
        )
