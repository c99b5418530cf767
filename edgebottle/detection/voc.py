"""Images with labelled boxes, as PASCAL VOC lays them out: a folder, or a ZIP archive of one.

``JPEGImages/NAME.jpg``, ``Annotations/NAME.xml`` and ``ImageSets/Main/PART.txt``, which lists the
names of a part (``train``, ``val``, ``test``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from edgebottle.detection.boxes import SUBPIXELS
from edgebottle.detection.precision import TrueBoxes
from edgebottle.errors import BadInput, ToolMissing
from edgebottle.files import reason

PARTS = "ImageSets/Main/"
MAX_IMAGE_BYTES = 1 << 25

_MODES = {1: "L", 3: "RGB"}
"""Pillow's, by channels."""


@dataclass(frozen=True)
class BoxedImages:
    """Images with their true boxes.

    Attributes:
        images: (n, height, width, channels) uint8, resized.
        truths: Of each image, in sixteenths of a pixel of the resized one.
        names: Of the images.
        warnings: What was left out.
    """

    images: NDArray[np.uint8]
    truths: tuple[TrueBoxes, ...]
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def read_voc(
    source: Path, part: str, labels: Sequence[str], shape: tuple[int, int, int]
) -> BoxedImages:
    """Reads a part of a set of labelled images.

    Args:
        source: The folder, one with a single ZIP archive in it, or the archive.
        part: Such as ``test``.
        labels: Names of what is detected; their numbers are their places.
        shape: Height, width and channels that images are resized to, bilinear.

    Raises:
        BadInput: there is no such part, or a file of it is missing, broken or of another label.
        ToolMissing: Pillow is not installed.
    """
    with _opened(source) as files:
        names = files.text(f"{PARTS}{part}.txt").split()
        if not names:
            raise BadInput(f"{source}: {PARTS}{part}.txt names no image")
        images, truths, warnings = [], [], list[str]()
        for name in names:
            pixels, size = _image(files, f"JPEGImages/{name}.jpg", shape)
            images.append(pixels)
            boxes, left_out = _boxes(files, f"Annotations/{name}.xml", labels, size, shape)
            truths.append(boxes)
            warnings += left_out
    return BoxedImages(np.stack(images), tuple(truths), tuple(names), tuple(warnings))


def voc_labels(source: Path, part: str = "train") -> tuple[str, ...]:
    """The names of what is labelled in a part, in alphabetical order; raises as ``read_voc``."""
    with _opened(source) as files:
        found = {
            _text(files, path, item, "name")
            for path in (f"Annotations/{n}.xml" for n in files.text(f"{PARTS}{part}.txt").split())
            for item in _tree(files, path).iter("object")
        }
    if not found:
        raise BadInput(f"{source}: no box is labelled in the part {part}")
    return tuple(sorted(found))


def is_voc(source: Path) -> bool:
    """Whether it is laid out so."""
    try:
        with _opened(source):
            return True
    except BadInput:
        return False


def voc_shape(source: Path, part: str = "train") -> tuple[int, int, int]:
    """Height, width and channels of the first image of a part; raises as ``read_voc``."""
    from PIL import Image

    with _opened(source) as files:
        name = next(iter(files.text(f"{PARTS}{part}.txt").split()), "")
        path = f"JPEGImages/{name}.jpg"
        try:
            with Image.open(io.BytesIO(files.read(path))) as image:
                return image.height, image.width, 1 if image.mode == "L" else 3
        except (OSError, ValueError) as error:
            raise BadInput(f"{files.source}: cannot read {path}: {reason(error)}") from error


class _Files:
    """The files of a data set, wherever they lie."""

    def __init__(self, source: Path, archive: zipfile.ZipFile | None) -> None:
        self.source, self._archive = source, archive
        names = self._names()
        tops = {name.partition(PARTS)[0] for name in names if PARTS in name}
        if len(tops) != 1:
            raise BadInput(
                f"{source} holds no images labelled with boxes: {PARTS}*.txt, Annotations/*.xml "
                "and JPEGImages/*.jpg are needed, in a folder or in a ZIP archive"
            )
        (self._top,) = tops
        self.parts = sorted(Path(name).stem for name in names if name.startswith(self._top + PARTS))

    def _names(self) -> list[str]:
        if self._archive is not None:
            return [name for name in self._archive.namelist() if not name.endswith("/")]
        lists = self.source.glob(f"**/{PARTS}*.txt")
        return [path.relative_to(self.source).as_posix() for path in lists]

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        path = self._top + name
        try:
            if self._archive is None:
                return (self.source / path).read_bytes()
            if self._archive.getinfo(path).file_size > MAX_IMAGE_BYTES:
                raise BadInput(f"{self.source}: {path} is too large for an image")
            return self._archive.read(path)
        except (KeyError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            why = "it is missing" if isinstance(error, KeyError) else reason(error)
            hint = f"; parts are {', '.join(self.parts)}" if name.startswith(PARTS) else ""
            raise BadInput(f"{self.source}: cannot read {path}: {why}{hint}") from error

    def text(self, name: str) -> str:
        """The text of a file."""
        return self.read(name).decode("utf-8", errors="replace")


@contextmanager
def _opened(source: Path) -> Iterator[_Files]:
    if source.is_dir():
        archives = sorted(source.glob("*.zip"))
        if len(archives) != 1:
            yield _Files(source, None)
            return
        (source,) = archives
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"cannot read {source}: {reason(error)}") from error
    with archive:
        yield _Files(source, archive)


def _image(
    files: _Files, path: str, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """An image, resized, and the height and the width that it had."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissing(
            "images need Pillow, which is not installed: pip install 'edgebottle[images]'"
        ) from error
    height, width, channels = shape
    if channels not in _MODES:
        raise BadInput(f"{files.source}: images have 1 or 3 channels, the network takes {channels}")
    try:
        with Image.open(io.BytesIO(files.read(path))) as image:
            size = (image.height, image.width)
            picture = image.convert(_MODES[channels])
    except (OSError, ValueError) as error:
        raise BadInput(f"{files.source}: cannot read {path}: {reason(error)}") from error
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.uint8).reshape(shape), size


def _boxes(
    files: _Files,
    path: str,
    labels: Sequence[str],
    size: tuple[int, int],
    shape: tuple[int, int, int],
) -> tuple[TrueBoxes, list[str]]:
    """The true boxes of an image, and why others are left out."""
    boxes, warnings = [], []
    numbers = {name: number for number, name in enumerate(labels)}
    factors = [SUBPIXELS * new / old for new, old in zip(shape[:2], size, strict=True)] * 2
    for item in _tree(files, path).iter("object"):
        name = _text(files, path, item, "name")
        if name not in numbers:
            known = ", ".join(labels)
            raise BadInput(f"{files.source}: {path} labels a {name!r}: known are {known}")
        corners = [_number(files, path, item, f"bndbox/{it}") for it in _CORNERS]
        if corners[2] <= corners[0] or corners[3] <= corners[1]:
            warnings.append(f"{path} has a box without an area, which is left out")
            continue
        scaled = [round(one * factor) for one, factor in zip(corners, factors, strict=True)]
        boxes.append([*scaled, numbers[name]])
    return np.array(boxes, np.int32).reshape(-1, 5), warnings


_CORNERS = ("ymin", "xmin", "ymax", "xmax")


def _tree(files: _Files, path: str) -> Any:
    try:
        return ElementTree.fromstring(files.read(path))
    except ElementTree.ParseError as error:
        raise BadInput(f"{files.source}: {path} is no XML: {error}") from error


def _text(files: _Files, path: str, item: Any, name: str) -> str:
    found = item.find(name)
    if found is None or not (found.text or "").strip():
        raise BadInput(f"{files.source}: {path} has an object without {name}")
    return str(found.text).strip()


def _number(files: _Files, path: str, item: Any, name: str) -> float:
    text = _text(files, path, item, name)
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{files.source}: {path}: {name} is {text!r}, no number") from None
