"""Reading images labelled with boxes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from edgebottle.detection.voc import read_voc, voc_labels
from edgebottle.errors import BadInput
from tests.detection.detectors import LABELS
from tests.detection.labelled import annotation, voc_files, write_archive, write_folder

SHAPE = (20, 24, 3)
PART = "SET/ImageSets/Main/test.txt"
FIRST = "SET/Annotations/test_0.xml"
IMAGE = "SET/JPEGImages/test_0.jpg"


def in_archive(folder: Path, files: Mapping[str, bytes]) -> Path:
    return write_archive(folder / "set.zip", files)


def in_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    return write_folder(folder / "set", files)


def beside(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The folder that the archive is in."""
    return write_archive(folder / "set.zip", files).parent


@pytest.mark.parametrize("write", [in_archive, in_folder, beside])
def test_images_and_boxes_are_resized(
    write: Callable[[Path, Mapping[str, bytes]], Path], tmp_path: Path
) -> None:
    """To half their size: sixteenths of a pixel are eight times the pixels of the file."""
    source = write(tmp_path, voc_files({"train": 1, "test": 3}))
    found = read_voc(source, "test", LABELS, SHAPE)
    assert found.images.shape == (3, *SHAPE) and found.images.dtype == np.uint8
    assert found.names == ("test_0", "test_1", "test_2") and not found.warnings
    first, second = found.truths[1].tolist()
    assert first == [8 * 2, 8 * 4, 8 * 12, 8 * 20, 0]
    assert second == [8 * 20, 8 * 24, 8 * 40, 8 * 44, 2]
    assert voc_labels(source, "test") == tuple(sorted(LABELS))


def test_grey_images(tmp_path: Path) -> None:
    source = in_archive(tmp_path, voc_files({"test": 1}))
    assert read_voc(source, "test", LABELS, (20, 24, 1)).images.shape == (1, 20, 24, 1)


def test_a_box_without_an_area_is_left_out(tmp_path: Path) -> None:
    xml = annotation([(LABELS[0], 4, 4, 4, 9), (LABELS[2], 1, 2, 9, 9)])
    source = in_archive(tmp_path, {**voc_files({"test": 1}), FIRST: xml.encode()})
    found = read_voc(source, "test", LABELS, SHAPE)
    assert len(found.truths[0]) == 1
    assert found.warnings == (
        "Annotations/test_0.xml has a box without an area, which is left out",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({PART: None}, "holds no images labelled with boxes|parts are train"),
        ({PART: b""}, "names no image"),
        ({PART: b"absent"}, "cannot read SET/JPEGImages/absent.jpg: it is missing"),
        ({FIRST: b"<annotation>"}, "is no XML"),
        ({FIRST: b"<a><object/></a>"}, "an object without name"),
        ({FIRST: annotation([("unknown", 1, 2, 3, 4)]).encode()}, "labels a 'unknown'"),
        ({FIRST: b"<a><object><name>cat</name></object></a>"}, "without bndbox/ymin"),
        ({FIRST: annotation([("cat", 1, "x", 3, 4)]).encode()}, "bndbox/ymin is 'x', no number"),  # type: ignore[list-item]
        ({IMAGE: b"no image"}, "cannot read JPEGImages/test_0.jpg"),
        ({"OTHER/ImageSets/Main/a.txt": b"x"}, "holds no images labelled with boxes"),
    ],
    ids=str,
)
@pytest.mark.parametrize("write", [in_archive, in_folder])
def test_what_is_broken_is_one_line(
    changes: dict[str, bytes | None],
    message: str,
    write: Callable[[Path, Mapping[str, bytes]], Path],
    tmp_path: Path,
) -> None:
    files = {**voc_files({"train": 1, "test": 2}), **changes}
    source = write(tmp_path, {name: data for name, data in files.items() if data is not None})
    message = message.replace(": it is missing", "")
    with pytest.raises(BadInput, match=message) as caught:
        read_voc(source, "test", LABELS, SHAPE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"no archive", b""])
def test_what_is_no_archive(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match="cannot read"):
        read_voc(path, "test", LABELS, SHAPE)


def test_channels_that_no_image_has(tmp_path: Path) -> None:
    source = in_archive(tmp_path, voc_files({"test": 1}))
    with pytest.raises(BadInput, match="the network takes 4"):
        read_voc(source, "test", LABELS, (20, 24, 4))
