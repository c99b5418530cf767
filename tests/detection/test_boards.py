"""Detectors on boards, as a user has them built, verified and measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.boxes import box_flash
from edgebottle.detection.description import BoxRules
from edgebottle.fit import Judge, Wish
from edgebottle.pipeline import build, load
from tests.cli.command_line import edgebottle
from tests.conftest import long
from tests.detection.detectors import LABELS, detector_bytes
from tests.detection.labelled import voc_files, write_archive


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "cells.tflite"
    path.write_bytes(detector_bytes(BoxRules(least_score=0.3, candidates=30)))
    return path


@pytest.mark.parametrize(
    "options",
    [
        ("--board", "stm32f746"),
        ("--board", "microbit", "--schedule", "min-ram", "--input", "rows"),
        ("--board", "host", "--name", "bench"),  # as the bench application calls its own
    ],
    ids=lambda options: options[1],
)
def test_boxes_of_a_board_are_those_of_numpy(
    options: tuple[str, ...], model: Path, tmp_path: Path
) -> None:
    done = edgebottle("verify", model, *options, "--samples", "5", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "to the last bit, 5 samples" in done.out


@pytest.mark.parametrize(
    ("board", "optimize"),
    [
        *(("stm32f746", "speed"), ("microbit", "size"), ("longan_nano", "speed")),
        *(long("stm32f746", "size"), long("microbit", "speed"), long("longan_nano", "size")),
    ],
)
def test_flash_of_boxes_lies_within_its_bounds(board: str, optimize: str, model: Path) -> None:
    loaded, target, wish = load(str(model)), load_board(board), Wish(optimize=optimize)
    plain = build(replace(loaded, boxes=None), target, wish=wish)
    built = build(loaded, target, wish=wish)
    bounds = box_flash(loaded.boxes)
    assert bounds.least <= built.flash.bytes - plain.flash.bytes <= bounds.most
    assert built.ram == plain.ram
    verdict = Judge(loaded.graph, bounds).verdict(target, wish)
    assert verdict.flash.bounds.least <= built.flash.bytes <= verdict.flash.bounds.most


def test_measure_says_how_well_labels_are_found(model: Path, tmp_path: Path) -> None:
    source = write_archive(tmp_path / "set.zip", voc_files({"test": 6}))
    options = ("--board", "stm32f746", "--data", source, "--samples", "5", "--json")
    done = edgebottle("measure", model, *options, cwd=tmp_path)
    assert done.code == 0, done.err
    record = json.loads(done.out)
    found = {one["label"]: one for one in record["detection"]}
    assert [found[name]["truths"] for name in LABELS] == [5, 3, 2]
    assert record["mean_precision"] == pytest.approx(
        sum(one["precision"] for one in found.values()) / 3
    )
    assert sum(one["boxes"] for one in found.values()) > 0
    assert len(record["pictures"]) == 4
    assert len(record["pictures"][0]["truths"]) == 2
    report = edgebottle("report", "edgebottle-out/records.jsonl", cwd=tmp_path)
    assert "precision" in report.out
    page = edgebottle("report", "edgebottle-out/records.jsonl", "--html", "r.html", cwd=tmp_path)
    assert page.code == 0, page.err
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == 4
    assert "a &quot;dog&quot;" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "absent.zip"), "cannot read absent.zip"),
        (("--data", "set.zip", "--part", "val"), "parts are test"),
        (("--data", "set.zip", "--inputs", "x.npz"), "leave one out"),
    ],
    ids=str,
)
def test_bad_data_is_one_line(
    options: tuple[str, ...], message: str, model: Path, tmp_path: Path
) -> None:
    write_archive(tmp_path / "set.zip", voc_files({"test": 1}))
    done = edgebottle("measure", model, "--board", "stm32f746", *options, cwd=tmp_path)
    assert done.code in (1, 2)
    assert message in done.err


def test_data_of_a_network_that_makes_no_boxes(tmp_path: Path) -> None:
    done = edgebottle("measure", "digits", "--board", "host", "--data", "set.zip", cwd=tmp_path)
    assert done.code == 1
    assert "does not say what its boxes are" in done.err
