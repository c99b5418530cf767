"""Images with labelled boxes as samples of a detector, and what its boxes make of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgebottle.detection.boxes import CERTAIN, SUBPIXELS, BoxDecoder, Boxes
from edgebottle.detection.voc import read_voc
from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array
from edgebottle.pipeline import Model
from edgebottle.samples import Samples, samples_of
from hil.pictures import BoxRecord, PictureRecord

MAX_PICTURES = 4
"""Images that a record keeps."""

JPEG_QUALITY = 85


def boxed_samples(source: str, part: str, model: Model, limit: int | None = None) -> Samples:
    """The images of a part of a data set, with their true boxes.

    Args:
        source: A folder or a ZIP archive in the layout of PASCAL VOC, see ``read_voc``.
        part: Such as ``test``.
        model: A detector.
        limit: Take the first this many.

    Raises:
        BadInput: the network is no detector, or there are no such images.
        ToolMissing: Pillow is not installed.
    """
    if model.boxes is None:
        raise BadInput(
            f"{model.path} does not say what its boxes are, so --data has nothing to compare with: "
            "give --inputs for a network that tells classes apart"
        )
    graph = model.imported
    _, height, width, channels = graph.tensors[graph.inputs[0]].shape
    read = read_voc(Path(source), part, model.boxes.labels, (height, width, channels))
    samples = samples_of(source, {"x": read.images}, graph, limit)
    return replace(
        samples,
        truths=read.truths[:limit],
        names=read.names[:limit],
        pictures=tuple(map(_jpeg, read.images[: min(MAX_PICTURES, limit or MAX_PICTURES)])),
        warnings=(*samples.warnings, *read.warnings),
    )


def _jpeg(image: Array) -> str:
    """JPEG in base64."""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(image.squeeze()).save(written, "JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(written.getvalue()).decode()


def decoder_of(model: Model) -> BoxDecoder | None:
    """What makes boxes of the outputs of a detector; None of any other network."""
    return None if model.boxes is None else BoxDecoder(model.boxes, model.imported)


def board_boxes(found: tuple[tuple[int, ...], ...]) -> Boxes:
    """Boxes as a board sends them."""
    return np.array(found, np.int32).reshape(-1, 6)


def picture_records(
    decoder: BoxDecoder, samples: Samples, boxes: Sequence[Boxes]
) -> Iterator[PictureRecord]:
    """The first images with their boxes."""
    height, width = decoder.description.image
    truths = samples.truths or ()
    for name, jpeg, found, true in zip(
        samples.names, samples.pictures, boxes, truths, strict=False
    ):
        scored = [(*box[:4], box[5], box[4] / CERTAIN) for box in found.tolist()]
        plain = [(*box, None) for box in true.tolist()]
        ours, theirs = (
            tuple(_record(decoder.description.labels, *box) for box in each)
            for each in (scored, plain)
        )
        yield PictureRecord(name, height, width, jpeg, ours, theirs)


def _record(
    labels: Sequence[str],
    y_min: int,
    x_min: int,
    y_max: int,
    x_max: int,
    label: int,
    score: float | None,
) -> BoxRecord:
    corners = [one / SUBPIXELS for one in (y_min, x_min, y_max, x_max)]
    return BoxRecord(labels[label], score if score is None else round(score, 4), *corners)
