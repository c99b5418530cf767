"""A search for detectors: images with boxes, short trainings, and the best taken to the end."""

import importlib.util
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.detection.voc import BoxedImages
from edgebottle.fit import Wish
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.search.beginning import box_sizes, detection_space
from edgebottle.search.box_training import evenly
from edgebottle.search.settings import read_settings
from quantize.search.space import Space
from tests.cli.command_line import edgebottle
from tests.detection.labelled import LABELS, annotation, write_archive

pytest.importorskip("optuna")
pytest.importorskip("PIL", reason="Pillow is not installed")

PARTS = {"train": 24, "val": 8, "test": 8}
LEAST, LARGEST = 8, 24


def squares() -> dict[str, bytes]:
    """Grey images of 32 x 40 pixels with a bright square each, whose size says what it is."""
    from PIL import Image

    random, files = np.random.default_rng(0), dict[str, bytes]()
    for part, count in PARTS.items():
        names = [f"{part}_{number}" for number in range(count)]
        files[f"SET/ImageSets/Main/{part}.txt"] = "\n".join(names).encode()
        for number, name in enumerate(names):
            side = LEAST if number % 2 else LARGEST
            y, x = random.integers(0, 32 - side + 1), random.integers(0, 40 - side + 1)
            pixels, written = random.integers(0, 60, (32, 40), np.uint8), io.BytesIO()
            pixels[y : y + side, x : x + side] = 220
            Image.fromarray(pixels).save(written, "JPEG", quality=95)
            files[f"SET/JPEGImages/{name}.jpg"] = written.getvalue()
            box = (LABELS[number % 2], int(x), int(y), int(x + side), int(y + side))
            files[f"SET/Annotations/{name}.xml"] = annotation([box]).encode()
    return files


SMALL = {
    "trials = 200": "trials = 1",
    "epochs = 8": "epochs = 1",
    "final_epochs = 60": "final_epochs = 3",
    "stages = 4": "stages = 2",
    "depths = [0, 1, 2, 3]": "depths = [1]",
    f"kinds = {json.dumps(Space.kinds)}": 'kinds = ["full"]',
}


def begun(folder: Path, **changes: str) -> Path:
    """A ``search.toml`` for squares, of a small space."""
    write_archive(folder / "squares.zip", squares())
    line = ("search", "new", "--data", "squares.zip", "--board", "nucleo_l4r5zi", "--ram", "32k")
    done = edgebottle(*line, cwd=folder)
    assert done.code == 0, done.err
    path = folder / "search.toml"
    text = path.read_text()
    for before, after in {**SMALL, **changes}.items():
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    return path


def test_what_a_search_begins_with(tmp_path: Path) -> None:
    settings = read_settings(begun(tmp_path))
    space = settings.space
    assert settings.evaluator == "short-training"
    assert space.labels == tuple(sorted(LABELS[:2])) and space.classes == 2
    assert space.shapes[-1] == (32, 40, 1)
    assert space.anchors == ((LEAST, LEAST), (LARGEST, LARGEST))
    assert detection_space(tmp_path).anchors == space.anchors


def test_few_images_are_taken_from_first_to_last() -> None:
    boxes = tuple(np.full((1, 5), number, np.int32) for number in range(7))
    names = tuple("abcdefg")
    images = BoxedImages(np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1), boxes, names)
    few = evenly(images, 3)
    assert few.images.ravel().tolist() == [0, 3, 6] and few.names == ("a", "d", "g")
    assert [int(one[0, 0]) for one in few.truths] == [0, 3, 6]
    assert evenly(images, 7) is images and evenly(images, None) is images


def test_sizes_of_boxes_are_those_of_groups() -> None:
    near, far = np.array([[10, 12], [11, 11], [9, 13]]), np.array([[40, 42], [44, 38]])
    assert box_sizes(np.concatenate([far, near]), 2) == ((10, 12), (42, 40))
    assert box_sizes(np.array([[7.0, 9.0]]), 3) == ((7, 9),)


def test_shared_weights_learn_no_boxes(tmp_path: Path) -> None:
    begun(tmp_path, **{'"short-training"': '"shared-weights"'})
    done = edgebottle("search", "run", cwd=tmp_path)
    assert done.code == 1 and re.search('boxes: write evaluator = "short-training"', done.err)


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)
def test_the_best_detector_is_taken(tmp_path: Path) -> None:
    begun(tmp_path)
    shown = edgebottle("search", "run", "--json", cwd=tmp_path).json()
    best = shown["front"][0]
    folder = tmp_path / "best"
    done = edgebottle("search", "take", "--best", "--json", "--out", "best", cwd=tmp_path)
    taken = json.loads(done.out)
    assert taken["metric"] == "mAP at 0.5" and taken["tested"] == PARTS["test"]
    model = load(str(folder / "search.tflite"))
    assert model.boxes is not None and model.boxes.labels == tuple(sorted(LABELS[:2]))
    wish = Wish(Schedule(best["schedule"]), copies=False)
    built = build(model, load_board("nucleo_l4r5zi"), wish=wish)
    assert taken["ram"] == built.ram.bytes == best["ram"] <= 32768
    measured = edgebottle(
        *("measure", folder / "search.tflite", "--board", "nucleo_l4r5zi", "--json"),
        *("--data", "squares.zip", "--part", "test"),
        cwd=tmp_path,
    )
    assert measured.code == 0, measured.err
