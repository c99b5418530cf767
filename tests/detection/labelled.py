"""A set of images labelled with boxes, made up, in the layout of PASCAL VOC."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.detection.detectors import LABELS

OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)

Labelled = tuple[str, int, int, int, int]
"""A label, then x_min, y_min, x_max, y_max in pixels."""


def annotation(boxes: Sequence[Labelled]) -> str:
    """The XML file of an image."""
    from xml.sax.saxutils import escape

    items = "".join(OBJECT.format(escape(name), *corners) for name, *corners in boxes)
    return f"<annotation>{items}</annotation>"


def voc_files(
    parts: Mapping[str, int], size: tuple[int, int] = (40, 48), labels: Sequence[str] = LABELS
) -> dict[str, bytes]:
    """Path to content: for each part some images with two boxes each.

    Args:
        parts: How many images.
        size: Height and width of each.
        labels: Three.
    """
    from PIL import Image

    random, files = np.random.default_rng(0), dict[str, bytes]()
    for part, count in parts.items():
        names = [f"{part}_{number}" for number in range(count)]
        files[f"SET/ImageSets/Main/{part}.txt"] = "\n".join(names).encode()
        for number, name in enumerate(names):
            pixels, written = random.integers(0, 256, (*size, 3), np.uint8), io.BytesIO()
            Image.fromarray(pixels).save(written, "JPEG")
            files[f"SET/JPEGImages/{name}.jpg"] = written.getvalue()
            boxes = [(labels[0], 4, 2, 20, 12), (labels[1 + number % 2], 24, 20, 44, 40)]
            files[f"SET/Annotations/{name}.xml"] = annotation(boxes).encode()
    return files


def write_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """A ZIP archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """The same files in a folder."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
