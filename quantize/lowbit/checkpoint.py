"""What training keeps on disk after each epoch, so that it can go on where it stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.files import reason, write_file
from edgebottle.ir.graph import Array
from quantize.lowbit.report import EpochRecord

LAST, BEST = "last.npz", "best.npz"
"""The newest epoch, and the best one, which a worse one never replaces."""


@dataclass(frozen=True)
class Checkpoint:
    """Training behind an epoch.

    Attributes:
        identity: Of network, bits, recipe and samples: what else would not go on but begin anew.
        stage: That the epoch belongs to, from 0.
        epochs: All so far.
        variables: Of the simulation, in its order.
        optimizer: Of the optimizer, in its order.
    """

    identity: str
    stage: int
    epochs: tuple[EpochRecord, ...]
    variables: tuple[Array, ...]
    optimizer: tuple[Array, ...]

    def save(self, folder: Path) -> None:
        """Writes it as the newest, and as the best one if that is what it is."""
        about = {
            "identity": self.identity,
            "stage": self.stage,
            "epochs": [asdict(one) for one in self.epochs],
        }
        data = packed(json.dumps(about), variable=self.variables, optimizer=self.optimizer)
        if self.epochs and self.epochs[-1].is_best:
            write_file(folder / BEST, packed(self.identity, variable=self.variables))
        write_file(folder / LAST, data)


def begin(folder: Path, *, resume: bool, restart: bool) -> None:
    """Sees to it that training may begin, or go on, with what is kept in a folder.

    Args:
        folder: Where epochs are kept.
        resume: It shall go on with them.
        restart: It shall forget them.

    Raises:
        BadInput: there are none to go on with; or there are some, and nothing was said of them.
    """
    is_there = any(folder.rglob(LAST))
    if resume and not is_there:
        raise BadInput(f"there is no training to go on with: {folder / LAST} is not there")
    if is_there and not resume and not restart:
        raise BadInput(
            f"a training was stopped here, and is kept in {folder}: go on with --resume, or begin "
            "anew with --restart"
        )
    if restart and not resume:
        forget(folder)


def forget(folder: Path) -> None:
    """Removes what is kept in a folder and those in it, and what of them is empty then."""
    try:
        for path in [*folder.rglob(LAST), *folder.rglob(BEST)]:
            path.unlink()
        for each in [*filter(Path.is_dir, folder.glob("*")), folder]:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()
    except OSError as error:
        raise BadInput(f"cannot remove {folder}: {reason(error)}") from error


def load_checkpoint(folder: Path, identity: str) -> Checkpoint:
    """The newest epoch.

    Raises:
        BadInput: there is none, or it is of another training.
    """
    text, arrays = read_packed(folder / LAST)
    about = json.loads(text)
    if about["identity"] != identity:
        raise BadInput(
            f"{folder} is of another training: network, bits, recipe or samples are not the same; "
            "begin anew with --restart"
        )
    epochs = tuple(EpochRecord(**one) for one in about["epochs"])
    return Checkpoint(identity, about["stage"], epochs, arrays["variable"], arrays["optimizer"])


def load_best(folder: Path, identity: str) -> tuple[Array, ...]:
    """The variables of the best epoch; raises ``BadInput``."""
    found, arrays = read_packed(folder / BEST)
    if found != identity:
        raise BadInput(f"{folder / BEST} is of another training; begin anew with --restart")
    return arrays["variable"]


def packed(about: str, **groups: Sequence[Array]) -> bytes:
    """A file of a text and of groups of arrays, ``variable`` and ``optimizer``."""
    buffer = io.BytesIO()
    arrays = {f"{name}_{i}": one for name, group in groups.items() for i, one in enumerate(group)}
    np.savez(buffer, about=np.array(about), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_packed(path: Path) -> tuple[str, dict[str, tuple[Array, ...]]]:
    """What ``packed`` was given; raises ``BadInput``."""
    groups: dict[str, dict[int, Array]] = {"variable": {}, "optimizer": {}}
    try:
        with np.load(path) as file:
            about = str(file["about"])
            for key in file.files:
                name, _, number = key.rpartition("_")
                if name in groups:
                    groups[name][int(number)] = file[key]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BadInput(f"cannot go on from {path}: {error}; begin anew with --restart") from error
    return about, {name: tuple(one[i] for i in sorted(one)) for name, one in groups.items()}
