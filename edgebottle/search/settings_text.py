"""The text of a new ``search.toml``: every line of it with its meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from edgebottle.search.settings import VERSION, SearchSettings, TrainingBudget
from quantize.search.space import FIELDS_OF_KIND, Space

Line = tuple[str, Any, str]
"""Key, value (None where nothing is said) with an example, and what it means."""

_SPACE_WORDS = {
    "classes": "How many classes there are to tell apart.",
    "shapes": "Inputs as height x width x channels: resolutions, grey (1) or colour (3).",
    "stem_channels": "Channels of the first convolution,",
    "stem_sizes": "height and width of its window,",
    "stem_strides": "and its stride.",
    "stages": "Behind it come stages of like blocks, as many at most. Of each stage is chosen:",
    "kinds": f"the kind of its blocks, of {', '.join(FIELDS_OF_KIND)};",
    "depths": "how many there are, 0 for no such stage;",
    "strides": "the stride of the first of them;",
    "channels": "the channels of what they compute;",
    "expands": "how many times as many they have inside, where the kind widens;",
    "sizes": "the size of their main window;",
    "starts": "the size of a depthwise window before that, where the kind has one; 0 for none;",
    "patches": "with the kind attention: the side of the patches that become tokens,",
    "heads": "the heads,",
    "ranks": "and the channels between two factors of its weights, as a share; 1 for one factor;",
    "bits": "bits of weights and activations, w1a1 to w8a8.",
    "head_channels": "Channels of a convolution behind the last stage, 0 for none.",
    "labels": "Of a detector: the names of what it detects, as many as classes; else [].",
    "anchors": "The boxes that it starts from, height x width in pixels of the largest input,",
    "head_sizes": "and the size of the windows that make boxes of them.",
    "schedules": "How the network is run: auto, layers or min-ram (`edgebottle build --help`).",
    "row_fed": "Whether its input comes row by row, and never lies in RAM as a whole.",
}
"""In the order of the file."""


def settings_text(settings: SearchSettings) -> str:
    """What ``read_settings`` reads as these settings."""
    sections = ("", *_lines(_top(settings)), *_tables(settings))
    head = "# What `edgebottle search run` searches; docs/search.md says more."
    return "\n".join([head, *sections, ""])


def _top(settings: SearchSettings) -> tuple[Line, ...]:
    return (
        ("version", VERSION, "Of this file."),
        ("name", settings.name, "Of the study in its storage, which may hold several."),
        (
            "data",
            settings.data,
            "Samples with their classes: an .npz file or a folder of images (folder/class/*.png), "
            "named from where this file is, or module:name, a Python function that returns them.",
        ),
        (
            "test",
            _or_example(settings.test, "test.npz"),
            "Other samples, for the accuracy of the result alone (default: a tenth of data).",
        ),
        (
            "scale",
            _or_example(settings.scale, "0..1"),
            "The real values of pixels 0 and 255: 0..1, -1..1 or 0..255.",
        ),
        ("board", settings.board, "See `edgebottle boards`."),
        (
            "evaluator",
            settings.evaluator,
            "What says how accurate a candidate is. shared-weights: one network that holds the "
            "weights of all is trained first. short-training: each is trained for a while, the "
            "worse half not to the end. module:name: a Python function of yours, which takes a "
            "candidate and returns its accuracy, 0 to 1.",
        ),
    )


def _tables(settings: SearchSettings) -> Iterator[str]:
    budget = settings.budget
    yield from _table(
        "budget",
        "What must be kept. Without a line: all that the board has, and any time.",
        (
            ("ram", _or_example(budget.ram, "32k"), "Bytes of RAM, all of the firmware's."),
            (
                "flash",
                _or_example(budget.flash, "128k"),
                "Bytes of flash. Code is modelled before the build, so the search leaves as much "
                "free as 19 of 20 networks need beyond the model.",
            ),
            (
                "ms",
                _or_example(budget.ms, 50),
                "Milliseconds of a run: modelled, with such a margin.",
            ),
        ),
    )
    yield from _table(
        "search",
        "How is searched.",
        (
            (
                "sampler",
                settings.sampler,
                "nsga2: evolution. tpe: a model of what was good. random: each choice as likely "
                "as any other, to compare with.",
            ),
            (
                "objectives",
                list(settings.objectives),
                "Made small, beside accuracy, which is made large: of ram, flash and ms. [] looks "
                "for accuracy alone.",
            ),
            (
                "trials",
                settings.trials,
                "Candidates whose accuracy is found out; those that break a budget are free.",
            ),
            ("seed", settings.seed, "Of all that is drawn."),
            (
                "storage",
                settings.storage,
                "Where the study is kept: a file beside this one, or "
                "postgresql://USER@HOST/DATABASE for workers on several machines.",
            ),
        ),
    )
    yield from _training_tables(settings.training)
    space = settings.space
    lines = tuple((name, _space_value(space, name), what) for name, what in _SPACE_WORDS.items())
    yield from _table("space", "What may be chosen: each line a list of what it may be.", lines)


def _training_tables(training: TrainingBudget) -> Iterator[str]:
    yield from _table(
        "training",
        "How long is trained, in passes over the samples.",
        (
            (
                "epochs",
                training.epochs,
                "Of the weights that all candidates share. With short-training, of each candidate: "
                "an eighth first, then twice as many, and so on, while it is of the better half.",
            ),
            (
                "final_epochs",
                training.final_epochs,
                "Of the network that is taken, with floats; with few bits two thirds as many more.",
            ),
            (
                "samples",
                _or_example(training.samples, 5000),
                "With short-training: those that each candidate learns from, at most. Candidates "
                "are compared by the same samples all the same, and the one that is taken learns "
                "from all.",
            ),
        ),
    )
    how = training.augmentation
    yield from _table(
        "training.augmentation",
        "How images are changed at random while the one that is taken is trained. Signals: leave "
        "it out.",
        (
            (
                "degrees",
                _or_example(how.degrees or None, 10.0),
                "Turned by at most so many degrees, either way.",
            ),
            (
                "scale",
                _or_example(how.scale or None, 0.1),
                "Made larger or smaller by at most this share.",
            ),
            (
                "shift",
                _or_example(how.shift or None, 2.0),
                "Moved along each axis by at most so many pixels of the largest input.",
            ),
            ("flip", _or_example(how.flip or None, True), "Half of them mirrored."),
            (
                "erase",
                _or_example(how.erase or None, 6),
                "Side of a square that is blanked, in pixels of the largest input.",
            ),
        ),
    )


def _or_example(value: object, example: object) -> Any:
    """A value, or what stands commented out where there is none."""
    return (example,) if value is None else value


def _space_value(space: Space, name: str) -> Any:
    value = getattr(space, name)
    if name in ("shapes", "anchors"):
        return ["x".join(map(str, shape)) for shape in value]
    return list(value) if isinstance(value, tuple) else value


def _table(name: str, what: str, lines: tuple[Line, ...]) -> Iterator[str]:
    yield from ("", f"[{name}]", f"# {what}", "")
    yield from _lines(lines)


def _lines(lines: tuple[Line, ...]) -> Iterator[str]:
    for key, value, what in lines:
        is_example = isinstance(value, tuple)
        # JSON's text, numbers, lists and booleans are TOML's as well.
        shown = json.dumps(value[0] if is_example else value, ensure_ascii=False)
        yield f"# {what}"
        yield f"{'# ' if is_example else ''}{key} = {shown}"
