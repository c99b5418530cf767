"""LiteRT in a process of its own: where it aborts, it takes nothing else with it.

LiteRT checks what it computes with assertions that end the process, on networks that are right as
well: its int8 SOFTMAX does where the exponentials of a row sum to 512.

The two processes talk over the child's standard input and output: each message is a line of JSON,
then the bytes of the arrays that it announces.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any

import numpy as np

from edgebottle.errors import BadModel, EdgebottleError, ToolMissing, error_named
from edgebottle.ir.graph import Array
from edgebottle.litert import LiteRTModel
from edgebottle.operating_system import Child, ending

_END_SECONDS = 5.0
"""How long a process whose output has ended may take to be gone."""

_MAX_LAST_WORDS = 200
"""Characters that are shown of what LiteRT wrote last."""

_CHATTER = ("INFO:", "WARNING:", "W0000", "I0000")
"""How lines begin that LiteRT writes when all is well."""


class LiteRTProcess:
    """A model in LiteRT, in a child process; its variable tensors survive runs.

    A context manager that ends the process.
    """

    def __init__(self, data: bytes, reference: bool = True) -> None:
        """Starts LiteRT and prepares the model.

        Args:
            data: The .tflite file, one that the importer accepted.
            reference: LiteRT's plain reference kernels, else its optimised ones.

        Raises:
            BadModel: LiteRT refuses the file, or ended on it.
            ToolMissing: LiteRT is not installed, or does not run on this computer.
        """
        self._diagnostics = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process: Child[bytes] = Child.python(
                "edgebottle.litert_process",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._diagnostics,
            )
        except OSError as error:
            self._diagnostics.close()
            raise ToolMissing(f"cannot start a process for LiteRT: {error}") from error
        try:
            self.load(data, reference)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> LiteRTProcess:
        """Returns the model itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the process."""
        self._close()

    @property
    def has_ended(self) -> bool:
        """Whether LiteRT took its process down."""
        return self._process.poll() is not None

    def load(self, data: bytes, reference: bool = True) -> None:
        """Prepares another model in the place of the one that was there.

        Args:
            data: The .tflite file, one that the importer accepted.
            reference: LiteRT's plain reference kernels, else its optimised ones.

        Raises:
            BadModel: LiteRT refuses the file, or ended on it.
        """
        head = {"do": "load", "reference": reference}
        self._request(head, [np.frombuffer(data, np.uint8)])

    def run(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """Runs once.

        Args:
            inputs: One array per input of the model, of its shape and type.

        Returns:
            One array per output of the model.

        Raises:
            BadInput: number, shape or type of the inputs is wrong.
            BadModel: LiteRT fails while it runs, or ends.
        """
        return self._request({"do": "run"}, inputs)

    def trace(self, inputs: Sequence[Array], names: Sequence[str]) -> tuple[Array, ...]:
        """Runs once, and returns the values of many tensors, as ``LiteRTModel.trace``.

        Raises:
            BadInput: number, shape or type of the inputs is wrong.
            BadModel: LiteRT fails while it runs, ends, or has no value of a tensor.
        """
        return self._request({"do": "trace", "names": list(names)}, inputs)

    def tensor(self, which: str) -> Array | None:
        """The value of a tensor after the last run, None where LiteRT keeps none.

        Args:
            which: The name that the importer gives it.

        Raises:
            BadModel: LiteRT ended.
        """
        found = self._request({"do": "tensor", "which": which})
        return found[0] if found else None

    def _request(self, head: dict[str, Any], arrays: Sequence[Array] = ()) -> tuple[Array, ...]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            _send(self._process.stdin, head, arrays)
            answer, values = _receive(self._process.stdout)
        except (OSError, ValueError, EOFError) as error:
            raise self._death() from error
        if "error" in answer:
            raise error_named(answer["error"], answer["message"], otherwise=BadModel)
        return values

    def _death(self) -> BadModel:
        """What is known of how LiteRT ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)  # its output ends a moment earlier
        how = ending(self._process.poll())
        self._diagnostics.seek(0)
        words = last_words(self._diagnostics.read().decode(errors="replace"))
        return BadModel(f"LiteRT itself gave up on this network: {how}{words and f': {words}'}")

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # what it died before reading cannot be flushed
            self._process.__exit__(None, None, None)
        self._diagnostics.close()


def last_words(text: str) -> str:
    """The last line that tells something, of what a process wrote on its standard error."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    telling = [line for line in lines if line and not line.startswith(_CHATTER)]
    return telling[-1][:_MAX_LAST_WORDS] if telling else ""


def _send(stream: IO[bytes], head: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    specs = [[array.dtype.str, array.shape] for array in arrays]
    stream.write(json.dumps({**head, "arrays": specs}).encode() + b"\n")
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[dict[str, Any], tuple[Array, ...]]:
    """The next message; raises ``EOFError`` where there is none, ``ValueError`` for half of one."""
    line = stream.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    arrays = []
    for name, shape in head.pop("arrays"):
        dtype = np.dtype(name)
        content = stream.read(math.prod(shape) * dtype.itemsize)
        arrays.append(np.frombuffer(content, dtype).reshape(shape))
    return head, tuple(arrays)


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answers requests until there are no more."""
    model: LiteRTModel | None = None
    while True:
        try:
            head, arrays = _receive(source)
        except EOFError:
            return
        values: tuple[Array, ...] = ()
        try:
            if head["do"] == "load":
                model = LiteRTModel(arrays[0].tobytes(), head["reference"], quiet=False)
            elif model is not None and head["do"] == "run":
                values = model.run(arrays)
            elif model is not None and head["do"] == "trace":
                values = model.trace(arrays, head["names"])
            elif model is not None:
                found = model.tensor(head["which"])
                values = () if found is None else (found,)
        except EdgebottleError as error:
            _send(sink, {"error": type(error).__name__, "message": str(error)})
        else:
            _send(sink, {}, values)


def main() -> None:
    """The child: what LiteRT itself prints goes to standard error."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as sink:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        _serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
