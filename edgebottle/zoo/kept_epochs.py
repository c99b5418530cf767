"""The newest epoch of a training with floats on disk, so that it can go on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.files import write_file
from quantize.lowbit.checkpoint import packed, read_packed


@dataclass(frozen=True)
class KeptEpochs:
    """Where one training keeps its newest epoch.

    Attributes:
        path: Of the file: of this training alone, with this recipe, seed and samples.
    """

    path: Path

    def save(self, model: Any, epochs: int) -> None:
        """Writes a Keras model that has been trained for so many epochs, with its optimizer."""
        groups = (model.variables, model.optimizer.variables)
        variables, optimizer = ([one.numpy() for one in group] for group in groups)
        write_file(self.path, packed(str(epochs), variable=variables, optimizer=optimizer))

    def restore(self, model: Any) -> int:
        """Gives a compiled Keras model what was kept.

        Returns:
            Epochs that are done: 0 where none was kept, or where the file cannot be read.
        """
        if not self.path.exists():
            return 0
        try:
            epochs, arrays = read_packed(self.path)
        except BadInput:  # a damaged file costs its epochs, and not the result
            return 0
        model.optimizer.build(model.trainable_variables)
        for group, name in (
            (model.variables, "variable"),
            (model.optimizer.variables, "optimizer"),
        ):
            for one, value in zip(group, arrays[name], strict=True):
                one.assign(value)
        return int(epochs)
