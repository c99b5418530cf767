"""``search.toml``: what is written is read, and what is wrong is said in a line."""

import itertools
from dataclasses import fields, replace
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from edgebottle.search.settings import (
    SearchBudget,
    SearchSettings,
    TrainingBudget,
    read_settings,
)
from edgebottle.search.settings_text import _SPACE_WORDS, settings_text
from edgebottle.zoo.augmentation import Augmentation
from quantize.search.space import Space

SPACE = Space(classes=10, shapes=((32, 32, 1), (48, 48, 3)))
BOXES = replace(SPACE, classes=1, labels=("cell",), anchors=((10, 12), (25, 26)), head_sizes=(3,))
PLAIN = SearchSettings("digits", "train.npz", "nucleo_l4r5zi", "mine:accuracy", SPACE)
ALL_SAID = replace(
    PLAIN,
    name='a "name"',
    data="bilder/grün",
    test="test.npz",
    scale="-1..1",
    budget=SearchBudget(32768, 131072, 12.5),
    objectives=("ram", "ms"),
    sampler="tpe",
    trials=7,
    seed=3,
    storage="postgresql://me@there/studies",
    training=TrainingBudget(5, 6, Augmentation(degrees=5.0, shift=1.5, flip=True, erase=4), 700),
    space=replace(SPACE, stages=2, expands=(1, 2.5), bits=("w4a4", "w8a8"), row_fed=(False, True)),
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "search.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "settings",
    [PLAIN, ALL_SAID, replace(PLAIN, objectives=()), replace(PLAIN, space=BOXES)],
    ids=["plain", "all", "accuracy", "boxes"],
)
def test_what_is_written_is_read(settings: SearchSettings, tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, settings_text(settings))) == settings


def test_every_line_is_explained() -> None:
    lines = settings_text(ALL_SAID).splitlines()
    assert all(
        before.startswith("# ") and len(before) > 10
        for before, line in itertools.pairwise(lines)
        if " = " in line and not line.startswith("#")
    )
    assert set(_SPACE_WORDS) == {one.name for one in fields(Space)}


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("version = 1", "version = 2", "of version 2, and this edgebottle reads version 1"),
        ("version = 1", "", "is of no version"),
        ('board = "nucleo_l4r5zi"', "", "key 'board' is missing"),
        ('board = "nucleo_l4r5zi"', "board = 5", "'board' is 5: it must be text in quotes"),
        ("[budget]", "[budgets]", "unknown key 'budgets': did you mean 'budget'?"),
        ("[budget]", "budget = 3\n[other]", r"'budget' must be a table, \[budget\]"),
        ('sampler = "nsga2"', 'sampler = "nsga"', "one of nsga2, tpe, random: did you mean 'nsga2"),
        ('sampler = "nsga2"', 'smpler = "nsga2"', "unknown key 'search.smpler': did you mean 'sam"),
        ('sampler = "nsga2"', "sampler = [1]", "it must be one of nsga2, tpe, random$"),
        ('# ram = "32k"', 'ram = "32q"', "'budget.ram' is '32q': it must be a number of bytes"),
        ('# ram = "32k"', "ram = true", "'budget.ram' is True: it must be a number of bytes"),
        ("# ms = 50", "ms = 0", "a number of milliseconds above 0"),
        ("trials = 200", "trials = 0", "a whole number, 1 or more"),
        ("trials = 200", "trials = true", "a whole number, 1 or more"),
        ('objectives = ["ram"]', 'objectives = ["rom"]', "each of it one of ram, flash, ms"),
        ('objectives = ["ram"]', 'objectives = ["ms", "ms"]', "a list of different values"),
        ('"32x32x1"', '"32x32"', "each of it height, width and channels such as 96x96x3"),
        ("classes = 10", "classes = 1", "there is nothing to tell apart"),
        ("sizes = [3, 5, 7]", "sizes = [3, 4]", "'space.sizes' .* an odd whole number"),
        ("sizes = [3, 5, 7]", "sizes = []", "a list such as .* not empty"),
        ('kinds = ["inverted", ', 'kinds = ["inverse", ', "there is no block 'inverse'"),
        ('bits = ["w8a8"]', 'bits = ["w9a9"]', "'w9a9' are no bits such as w4a8"),
        ('schedules = ["min-ram"]', 'schedules = ["min"]', "each of it one of auto, layers"),
        ("row_fed = [false]", "row_fed = [0]", "each of it true or false"),
        ("# flip = true", "flip = 1", "'training.augmentation.flip' is 1: it must be true or"),
        ("# erase = 6", "erase = 1.5", "'training.augmentation.erase' .* a whole number, 0 or"),
        ("# shift = 2.0", "shift = -1", "'training.augmentation.shift' is -1: .* 0 or more"),
        ("# shift = 2.0", "shifts = 1", "unknown key 'training.augmentation.shifts': did you"),
        ("name = ", "name ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said(line: str, instead: str, message: str, tmp_path: Path) -> None:
    text = settings_text(PLAIN)
    assert line in text
    path = written(tmp_path, text.replace(line, instead, 1))
    with pytest.raises(BadInput, match=message) as error:
        read_settings(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
