"""Commands to a board and its answers, over a line: what the protocol has in common.

A command is text that ends with ``%``, its answer is lines that start with ``m-`` or ``e-`` and
ends with ``m-ready``. An answer of another form is an error that says what was being done and which
lines came last.
"""

import re
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from edgebottle.errors import BoardError
from hil.link import Deadline, Link, Patience, WallClock

ANSWER_SECONDS = 5.0
SYNC_SECONDS = 1.0
POLL_SECONDS = 0.1
LINES_SHOWN = 4
MAX_LINES = 100_000  # of an answer; one for each layer or output, at most

NUMBER = r"(\d{1,18})"
"""A number that fits into 63 bits; no board counts further, and longer ones are garbage."""


class Refused(BoardError):
    """The board answered a command with an ``e-`` line; it takes the next command."""


class Silent(BoardError):
    """The board does not listen: it hangs, has faulted, or runs something else."""


class Explained(BoardError):
    """Says already what was being done."""


class Garbled(Explained):
    """What came over the line is no answer of the firmware."""


class Late(Explained):
    """No answer came in time."""


class Exchange:
    """Sends commands and reads answers."""

    def __init__(self, link: Link, *, baud: int, patience: Patience) -> None:
        self._link = link
        self._patience = patience
        self._baud = baud
        self._answer_seconds = ANSWER_SECONDS
        self._recent: deque[str] = deque(maxlen=LINES_SHOWN)
        self._raw: list[bytes] = []
        self._last_raw = b""
        self._syncs = 0

    def close(self) -> None:
        """Closes the line."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def synchronize(self, seconds: float) -> None:
        """Ends a command that somebody left half sent, and skips all that is still on its way.

        Sends a command that cannot exist, with a number of its own, until the board says that it
        does not know exactly this one.
        """
        self._synchronize(seconds, SYNC_SECONDS)

    def _synchronize(self, seconds: float, attempt_seconds: float) -> None:
        """``synchronize``, with the first command given so many seconds."""
        deadline = self._patience(seconds)
        doing = "waiting for the board to answer"
        while True:
            self._syncs += 1
            probe = f"sync-{self._syncs}"
            self._link.send(f"%{probe}%".encode())
            attempt = (deadline, WallClock(attempt_seconds))
            attempt_seconds *= 2  # a board that takes longer would never be heard out
            known = self._wait_for(f"e-[Unknown command: {probe}]", attempt, doing)
            if known and self._wait_for("m-ready", (deadline,), doing):
                return
            if deadline.is_over():
                raise self._failed(doing, f"no answer in {seconds:g} s")

    def _field(self, command: str, pattern: str, doing: str) -> tuple[str, ...]:
        """The groups of ``pattern`` in the one line that ``command`` answers."""
        lines = self._command(command, doing)
        if len(lines) != 1:
            raise self._unexpected(doing, lines)
        return self._match(pattern, lines, 0, doing)

    def _match(self, pattern: str, lines: Sequence[str], index: int, doing: str) -> tuple[str, ...]:
        found = re.fullmatch(pattern, lines[index]) if index < len(lines) else None
        if found is None:
            raise self._unexpected(doing, lines[index : index + 1])
        return found.groups()

    def _command(self, command: str, doing: str, seconds: float | None = None) -> list[str]:
        (lines,) = self._exchange([command], doing, seconds or self._answer_seconds)
        refusal = next((line for line in lines if line.startswith("e-")), None)
        if refusal is not None:
            raise Refused(f"{self._link.url}: the board refused while {doing}: {refusal}")
        return lines

    def _exchange(
        self, commands: Sequence[str | bytes], doing: str, seconds: float
    ) -> list[list[str]]:
        """Sends the commands in one go; the lines of each answer, without its ``m-ready``."""
        encoded = (each if isinstance(each, bytes) else each.encode() for each in commands)
        data = b"".join(each + b"%" for each in encoded)
        try:
            self._link.send(data)
            deadline = self._patience(seconds + 20.0 * len(data) / self._baud)
            return [self._answer(deadline, seconds, doing) for _ in commands]
        except (Refused, Explained):
            raise
        except BoardError as error:
            raise self._failed(doing, str(error)) from error

    def _answer(self, deadline: Deadline, seconds: float, doing: str) -> list[str]:
        lines: list[str] = []
        self._raw = []
        for _ in range(MAX_LINES):
            line = self._read((deadline,), doing)
            if line is None:
                raise self._late(doing, f"the board fell silent (nothing for {seconds:g} s)")
            if line == "m-ready":
                return lines
            if "m-timestamp-mode" in line or "m-init-done" in line:
                raise self._failed(doing, "the board reset")
            if line and not line.startswith(("m-", "e-")):
                raise Garbled(str(self._failed(doing, "the board answered garbage")))
            if line:
                lines.append(line)
                self._raw.append(self._last_raw)
        raise self._failed(doing, "the board's answer does not end")

    def _wait_for(self, wanted: str, deadlines: Sequence[Deadline], doing: str) -> bool:
        while True:
            line = self._read(deadlines, doing)
            if line is None or line == wanted:
                return line is not None
            if any(deadline.is_over() for deadline in deadlines):
                return False  # however much else it sends

    def _read(self, deadlines: Sequence[Deadline], doing: str) -> str | None:
        while (raw := self._link.read_line(time.monotonic() + POLL_SECONDS)) is None:
            if any(deadline.is_over() for deadline in deadlines):
                return None
        self._last_raw = raw
        line = _printable(raw)
        if line:
            self._recent.append(line)
        if line.startswith("e-[fault"):
            raise self._failed(doing, f"the board's processor faulted: {line[3:-1]}")
        return line

    def _unexpected(self, doing: str, lines: Sequence[str]) -> BoardError:
        refusal = next((line for line in lines if line.startswith("e-")), None)
        if refusal is not None:
            return Refused(f"{self._link.url}: the board refused while {doing}: {refusal}")
        return self._failed(doing, "the board gave an answer of a wrong form")

    def _late(self, doing: str, what: str) -> BoardError:
        return Late(str(self._failed(doing, what)))

    def _failed(self, doing: str, what: str) -> BoardError:
        what = what.removeprefix(f"{self._link.url}: ")
        shown = [_shorten(line) for line in self._recent]
        rest = self._link.pending()
        if rest:
            shown.append(_shorten(_printable(rest)) + "...")
        last = f"last lines: {' | '.join(shown)}" if shown else "it has sent nothing at all"
        return Explained(f"{self._link.url}: {what} while {doing}; {last}")


def _printable(raw: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in raw)


def _shorten(line: str, width: int = 100) -> str:
    return line if len(line) <= width else line[: width - 3] + "..."
