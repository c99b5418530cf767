"""Runs a .tflite model in LiteRT: the outside oracle for the NumPy reference."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from edgebottle.errors import BadInput, BadModel, ToolMissing
from edgebottle.ir.graph import Array


class LiteRTModel:
    """A model in LiteRT's interpreter; its variable tensors survive from run to run.

    LiteRT trusts what it reads: give it only models that the importer accepted. And it ends the
    process where an assertion of its own fails: commands use ``litert_process``.
    """

    def __init__(self, data: bytes, reference: bool = True, quiet: bool = True) -> None:
        """Prepares the model.

        Args:
            data: The .tflite file.
            reference: LiteRT's plain reference kernels, else its optimised ones.
            quiet: Keep what LiteRT writes to standard error away from the user.

        Raises:
            BadModel: the file is corrupt, or LiteRT refuses it.
            ToolMissing: LiteRT is not installed, or does not run on this computer.
        """
        from edgebottle.importers.tflite_file import read_tflite
        from edgebottle.importers.tflite_repair import for_litert

        file = read_tflite(data)
        self._names = {tensor.name: index for index, tensor in enumerate(file.tensors)}
        self._content = for_litert(data, file)
        self._quiet: Callable[[], AbstractContextManager[None]] = silenced if quiet else nullcontext
        with self._quiet():
            self._interpreter = self._prepare(reference)
        self.inputs: tuple[int, ...] = file.inputs
        self.outputs: tuple[int, ...] = file.outputs

    def _prepare(self, reference: bool) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError as error:
            raise ToolMissing(f"LiteRT is missing (pip install ai-edge-litert): {error}") from error
        resolver = (
            OpResolverType.BUILTIN_REF
            if reference
            else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        try:
            interpreter = Interpreter(
                model_content=self._content,
                num_threads=1,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=True,
            )
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise BadModel(f"LiteRT refuses the model: {reason}") from error
        return interpreter

    def run(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Runs once.

        Args:
            inputs: One array per input of the model, of its shape and type.

        Returns:
            One array per output of the model.

        Raises:
            BadInput: number, shape or type of the inputs is wrong.
            BadModel: LiteRT fails while it runs.
        """
        if len(inputs) != len(self.inputs):
            raise BadInput(f"the model has {len(self.inputs)} inputs, not {len(inputs)}")
        try:
            with self._quiet():
                for index, value in zip(self.inputs, inputs, strict=True):
                    self._interpreter.set_tensor(index, np.array(value, order="C"))
        except ValueError as error:
            raise BadInput(f"LiteRT refuses an input: {error}") from error
        try:
            with self._quiet():
                self._interpreter.invoke()
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise BadModel(f"LiteRT fails to run the model: {reason}") from error
        return tuple(np.array(self._interpreter.get_tensor(index)) for index in self.outputs)

    def trace(self, inputs: Sequence[Array], names: Sequence[str]) -> tuple[Array, ...]:
        """Runs once, and returns the values of many tensors.

        Args:
            inputs: As for ``run``.
            names: Names that the importer gives to tensors of which LiteRT keeps the values.

        Raises:
            BadInput: number, shape or type of the inputs is wrong.
            BadModel: LiteRT fails while it runs, or has no value of a tensor.
        """
        self.run(inputs)
        values = [(name, self.tensor(name)) for name in names]
        for name, value in values:
            if value is None:
                raise BadModel(f"LiteRT keeps no value of tensor '{name}'")
        return tuple(value for _, value in values if value is not None)

    def tensor(self, which: str | int) -> Array | None:
        """A copy of a tensor's value after the last run.

        Args:
            which: The name the importer gives it, or its number in the model file.

        Returns:
            The value; None for a tensor that LiteRT does not have or keeps no value of.
        """
        index = self._names.get(which, -1) if isinstance(which, str) else which
        try:
            return np.array(self._interpreter.get_tensor(index))
        except ValueError:
            return None


@contextmanager
def silenced() -> Iterator[None]:
    """Keeps what libraries write to the process's standard error away from the user."""
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(sink)
        os.close(kept)
