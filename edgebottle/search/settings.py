"""``search.toml``: what is searched, for which board, within which budgets, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from edgebottle.config import parse_bytes
from edgebottle.detection.description import MAX_SIDE
from edgebottle.errors import BadInput
from edgebottle.plan.schedules import SCHEDULES
from edgebottle.toml_tables import (
    Reader,
    check_version,
    flag,
    list_of,
    load_toml,
    one_of,
    read_table,
    text,
    whole,
)
from edgebottle.user_functions import is_function
from edgebottle.zoo.augmentation import Augmentation
from quantize.search.space import OF_DETECTION, Space

VERSION = 1
"""Of ``search.toml``."""

FILE = "search.toml"

SHARED_WEIGHTS = "shared-weights"
"""The evaluator that trains the weights of all candidates together."""

SHORT_TRAINING = "short-training"
"""The evaluator that trains each candidate for a while."""

EPOCHS = {SHARED_WEIGHTS: 40, SHORT_TRAINING: 8}
"""Of a search, where nothing else is said."""

SAMPLERS = ("nsga2", "tpe", "random")
FURTHER_OBJECTIVES = ("ram", "flash", "ms")
"""What may be made small beside accuracy, which is always made large."""

_MAY_BE_ZERO = ("depths", "starts", "head_channels")
"""Of a space: 0 stands for none."""

_ODD = ("stem_sizes", "sizes", "head_sizes")


@dataclass(frozen=True)
class SearchBudget:
    """What the network may take of its board; None for all of it.

    Attributes:
        ram: Bytes.
        flash: Bytes.
        ms: Milliseconds of a run.
    """

    ram: int | None = None
    flash: int | None = None
    ms: float | None = None

    def limits(self) -> dict[str, float]:
        """Those that are said, by name."""
        named = {"ram": self.ram, "flash": self.flash, "ms": self.ms}
        return {name: limit for name, limit in named.items() if limit is not None}


@dataclass(frozen=True)
class TrainingBudget:
    """How long is trained.

    Attributes:
        epochs: Of the weights that all candidates share; or of each candidate, at most.
        final_epochs: Of the one that is taken in the end, with floats.
        augmentation: Random changes of images while it is trained, in pixels of the largest input.
        samples: That each short training learns from, at most; None for all.
    """

    epochs: int = 40
    final_epochs: int = 60
    augmentation: Augmentation = field(default_factory=Augmentation)
    samples: int | None = None


@dataclass(frozen=True)
class SearchSettings:
    """What ``search.toml`` says.

    Attributes:
        name: Of the study in its storage.
        data: Samples to learn from; a path is relative to ``search.toml``.
        board: Id.
        budget: What must be kept.
        space: What may be chosen.
        test: Samples for the accuracy of the result alone; None for a share of ``data``.
        scale: The real values of pixels 0 and 255, such as ``0..1``; None where data is real.
        evaluator: What says how accurate a candidate is: ``SHARED_WEIGHTS``, ``SHORT_TRAINING``, or
            ``module:name``, a function.
        objectives: Made small beside accuracy, of ``FURTHER_OBJECTIVES``.
        sampler: Of ``SAMPLERS``.
        trials: Candidates whose accuracy is found out.
        seed: Of everything that is drawn.
        storage: A journal file, relative to ``search.toml``, or a ``postgresql://`` address.
        training: How long is trained.
        path: The file; None for settings that were never read.
    """

    name: str
    data: str
    board: str
    evaluator: str
    space: Space
    budget: SearchBudget = field(default_factory=SearchBudget)
    test: str | None = None
    scale: str | None = None
    objectives: tuple[str, ...] = ("ram",)
    sampler: str = "nsga2"
    trials: int = 200
    seed: int = 0
    storage: str = "search.journal"
    training: TrainingBudget = field(default_factory=TrainingBudget)
    path: Path | None = field(default=None, compare=False)

    @property
    def place(self) -> str:
        """Of the storage: a path, or an address."""
        if "://" in self.storage or self.path is None:
            return self.storage
        return str(self.path.parent / self.storage)

    def beside(self, ending: str) -> Path:
        """A file of the study beside ``search.toml``; in the current folder without one."""
        folder = Path() if self.path is None else self.path.parent
        return folder / f"{self.name}.{ending}"

    def source(self, said: str) -> str:
        """Where ``data`` or ``test`` are to be found: a path from here, or a function."""
        if is_function(said) or self.path is None:
            return said
        return str(self.path.parent / said)


def read_settings(path: Path) -> SearchSettings:
    """The settings of a file.

    Raises:
        BadInput: it is no such file; the message names the line's key.
    """
    table = load_toml(path)
    check_version(table, path, VERSION, "`edgebottle search new` writes such a file")
    try:
        return _settings(table, path)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _settings(table: dict[str, Any], path: Path) -> SearchSettings:
    tables = {name: table.pop(name, {}) for name in ("budget", "space", "search", "training")}
    for name, one in tables.items():
        if not isinstance(one, dict):
            raise BadInput(f"'{name}' must be a table, [{name}], not {one!r}")
    return SearchSettings(
        **{
            "evaluator": SHARED_WEIGHTS,
            **_read(table, _TOP, "", required=("name", "data", "board")),
        },
        **_read(tables["search"], _SEARCH, "search.", required=()),
        budget=SearchBudget(**_read(tables["budget"], _BUDGET, "budget.", required=())),
        training=_training(tables["training"]),
        space=_space(tables["space"]),
        path=path,
    )


def _training(table: dict[str, Any]) -> TrainingBudget:
    changes = table.pop("augmentation", {})
    if not isinstance(changes, dict):
        raise BadInput(f"'training.augmentation' must be a table, not {changes!r}")
    read = _read(changes, _AUGMENTATION, "training.augmentation.", required=())
    lengths = _read(table, _TRAINING, "training.", required=())
    return TrainingBudget(**lengths, augmentation=Augmentation(**read))


_TABLES = ("version", "budget", "space", "search", "training")


def _read(
    table: Mapping[str, Any], readers: Mapping[str, Reader], prefix: str, required: tuple[str, ...]
) -> dict[str, Any]:
    """The values of a table by their keys; raises ``BadInput`` that names the key."""
    return read_table(table, readers, prefix, required, () if prefix else _TABLES)


def _bytes(value: object) -> int:
    words = 'a number of bytes such as 65536 or "64k"'
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadInput(words)
    try:
        return parse_bytes(str(value))
    except BadInput as error:
        raise BadInput(words) from error


def _milliseconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise BadInput("a number of milliseconds above 0")
    return float(value)


def _shape(value: object) -> tuple[int, int, int]:
    """``96x96x3``."""
    sizes = str(value).split("x")
    if len(sizes) != 3 or not all(size.isdigit() and 0 < int(size) < 1 << 16 for size in sizes):
        raise BadInput("height, width and channels such as 96x96x3")
    height, width, channels = map(int, sizes)
    return height, width, channels


def _sides(value: object) -> tuple[int, int]:
    """``25x26``."""
    sizes = str(value).split("x")
    if len(sizes) != 2 or not all(size.isdigit() and 0 < int(size) <= MAX_SIDE for size in sizes):
        raise BadInput("height and width in pixels such as 25x26")
    height, width = map(int, sizes)
    return height, width


def _odd(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or value % 2 == 0:
        raise BadInput("an odd whole number")
    return value


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e3:
        raise BadInput("a number, 0 or more")
    return float(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e3:
        raise BadInput("a number above 0")
    return value


_TOP: Mapping[str, Reader] = {
    **dict.fromkeys(("name", "data", "test", "board", "evaluator"), text),
    "scale": one_of("0..1", "-1..1", "0..255"),
}
_BUDGET: Mapping[str, Reader] = {"ram": _bytes, "flash": _bytes, "ms": _milliseconds}
_SEARCH: Mapping[str, Reader] = {
    "sampler": one_of(*SAMPLERS),
    "objectives": list_of(one_of(*FURTHER_OBJECTIVES), may_be_empty=True),
    "trials": whole(1),
    "seed": whole(0),
    "storage": text,
}
_TRAINING: Mapping[str, Reader] = {
    "epochs": whole(1),
    "final_epochs": whole(1),
    "samples": whole(1),
}
_AUGMENTATION: Mapping[str, Reader] = {
    **dict.fromkeys(("degrees", "scale", "shift"), _amount),
    "flip": flag,
    "erase": whole(0),
}


def _space(table: Mapping[str, Any]) -> Space:
    readers = {one.name: _space_reader(one.name, one.default) for one in fields(Space)}
    required = tuple(one.name for one in fields(Space) if one.default is MISSING)
    return Space(**_read(table, readers, "space.", required))


def _space_reader(name: str, default: object) -> Reader:
    if name == "shapes":
        return list_of(_shape)
    if name in _ODD:
        return list_of(_odd)
    if name in OF_DETECTION:
        return list_of(_sides if name == "anchors" else text, may_be_empty=True)
    if name == "schedules":
        return list_of(one_of(*(schedule.value for schedule in SCHEDULES)))
    if not isinstance(default, tuple):
        return whole(1)
    if isinstance(default[0], bool):
        return list_of(flag)
    if isinstance(default[0], str):
        return list_of(text)
    if name in ("expands", "ranks"):
        return list_of(_number)
    return list_of(whole(0 if name in _MAY_BE_ZERO else 1))
