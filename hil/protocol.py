"""The serial protocol, seen from the bench: a typed client of the firmware's commands.

A superset of the MLPerf Tiny protocol: a command is text that ends with ``%``, its answer is lines
that start with ``m-`` or ``e-`` and ends with ``m-ready``. Everything is parsed strictly: an answer
of another form is an error that says what was being done and which lines came last.
"""

import re
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from edgebottle.errors import BoardError
from hil.answers import BoardCycles, BoardFrame, Checksums, CpuCounters, InferResult, Memory
from hil.link import BAUD, Deadline, Link, Patience, WallClock

CHUNK_BYTES = 512  # of data in one `db` command; the firmware takes any number
LOAD_ATTEMPTS = 3  # a serial line may lose a byte
ANSWER_SECONDS = 5.0
BOOT_SECONDS = 10.0
RUN_SECONDS = 120.0
SYNC_SECONDS = 1.0
POLL_SECONDS = 0.1
PULSE_SECONDS = 0.001  # of the pin, in energy mode
LINES_SHOWN = 4
MAX_LINES = 100_000  # of an answer; one for each layer or output, at most

NUMBER = r"(\d{1,18})"
"""A number that fits into 63 bits; no board counts further, and longer ones are garbage."""


class Refused(BoardError):
    """The board answered a command with an ``e-`` line; it takes the next command."""


class Silent(BoardError):
    """The board does not listen: it hangs, has faulted, or runs something else."""


class BoardClient:
    """Talks to the bench application of one board."""

    def __init__(
        self,
        link: Link,
        *,
        baud: int = BAUD,
        run_seconds: float = RUN_SECONDS,
        patience: Patience = WallClock,
        has_pulses: bool = False,
    ) -> None:
        self._link = link
        self._has_pulses = has_pulses
        self._patience = patience
        self._baud = baud
        self._run_seconds = run_seconds
        self._answer_seconds = ANSWER_SECONDS
        self._recent: deque[str] = deque(maxlen=LINES_SHOWN)
        self._selected = 0
        self._row_bytes = 0
        self._syncs = 0
        self.load_attempts = 0

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        baud: int = BAUD,
        boot_seconds: float = BOOT_SECONDS,
        run_seconds: float = RUN_SECONDS,
        patience: Patience = WallClock,
        has_pulses: bool = False,
    ) -> Self:
        """Opens the line and waits until the board listens.

        Args:
            url: Any pyserial URL.
            baud: Symbols per second.
            boot_seconds: How long the board may take to start.
            run_seconds: How long a command that runs the network may take.
            patience: What these seconds, and all others, mean.
            has_pulses: The firmware is that of energy mode: pulses on a pin instead of times.

        Raises:
            BoardError: The port cannot be opened, or no edgebottle firmware answers.
        """
        link = Link.open(url, baud)
        client = cls(
            link,
            baud=baud,
            run_seconds=run_seconds,
            patience=patience,
            has_pulses=has_pulses,
        )
        try:
            client.synchronize(boot_seconds)
        except BaseException as error:
            link.close()
            if isinstance(error, _Explained):
                raise Silent(str(error)) from error
            raise
        return client

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

    def synchronize(self, seconds: float = BOOT_SECONDS) -> None:
        """Ends a command that somebody left half sent, and skips all that is still on its way.

        Sends a command that cannot exist, with a number of its own, until the board says that it
        does not know exactly this one.
        """
        deadline, attempt_seconds = self._patience(seconds), SYNC_SECONDS
        doing = "waiting for the board to answer"
        while True:
            self._syncs += 1
            probe = f"sync-{self._syncs}"
            self._link.send(f"%{probe}%".encode())
            attempt = (deadline, WallClock(attempt_seconds))
            attempt_seconds *= 2  # a board that takes longer would never be heard out
            known = self._wait_for(f"e-[Unknown command: {probe}]", attempt, doing)
            if known and self._wait_for("m-ready", (deadline,), doing):
                self._select(0)
                return
            if deadline.is_over():
                raise self._failed(doing, f"no answer in {seconds:g} s")

    def name(self) -> str:
        """Who the board says it is."""
        return self._field("name", r"m-name-dut-\[(.*)\]", "asking its name")[0]

    def profile(self) -> tuple[str, str]:
        """The profile and the model that the firmware names."""
        lines = self._command("profile", "asking for the profile")
        (profile,) = self._match(r"m-profile-\[(.*)\]", lines, 0, "asking for the profile")
        (model,) = self._match(r"m-model-\[(.*)\]", lines, 1, "asking for the profile")
        return profile, model

    def build(self) -> int:
        """CRC-32 of the image that runs on the board."""
        field = self._field("build", r"m-build-\[([0-9a-f]{8})\]", "asking for the image's CRC")
        return int(field[0], 16)

    def load_input(self, index: int, data: bytes) -> None:
        """Puts ``data`` into input ``index``.

        All of it is sent without waiting in between; to a row-fed network, which computes after
        each row and cannot listen meanwhile, row by row.

        Raises:
            Refused: There is no such input, or it is smaller than ``data``.
            BoardError: The data do not arrive, even when sent again.
        """
        doing = f"loading {len(data)} bytes into input {index}"
        if index != self._selected:
            self._select(index)
        row = self._row_bytes or max(len(data), 1)
        chunks = [
            data[i : min(i + CHUNK_BYTES, start + row)].hex()
            for start in range(0, len(data), row)
            for i in range(start, min(start + row, len(data)), CHUNK_BYTES)
        ]
        commands = [f"db load {len(data)}", *(f"db {chunk}" for chunk in chunks)]
        answers: list[list[str]] = []
        for _ in range(LOAD_ATTEMPTS):
            self.load_attempts += 1
            if self._row_bytes:
                answers = [
                    self._exchange([command], doing, self._run_seconds)[0] for command in commands
                ]
            else:
                answers = self._exchange(commands, doing, self._answer_seconds)
            if answers[0] != [f"m-[Expecting {len(data)} bytes]"]:
                raise self._unexpected(doing, answers[0])
            if answers[1:] == [[]] * (len(chunks) - 1) + [["m-load-done"]]:
                return
        raise self._unexpected(doing, [line for answer in answers[1:] for line in answer])

    def infer(self, runs: int = 1, warmups: int = 0) -> InferResult:
        """Runs the network ``warmups`` + ``runs`` times, timing the latter."""
        doing = f"running the network {warmups} + {runs} times"
        lines = self._command(f"infer {runs} {warmups}", doing, self._run_seconds)
        answered = time.monotonic()
        expected = (
            rf"m-warmup-start-{warmups}",
            r"m-warmup-done",
            rf"m-infer-start-{runs}",
            *([] if self._has_pulses else [rf"m-lap-us-{NUMBER}"] * 2),
            r"m-infer-done",
            r"m-results-\[(.*)\]",
        )
        fields = [self._match(pattern, lines, i, doing) for i, pattern in enumerate(expected)]
        if len(lines) != len(expected):
            raise self._unexpected(doing, lines)
        if self._has_pulses:
            us = int(self._field("window", rf"m-window-us-{NUMBER}", doing)[0])
            # What came behind the second pulse had to be sent first.
            behind = sum(len(line) + 2 for line in lines[3:]) + len("m-ready\r\n")
            answered -= PULSE_SECONDS + behind * 10 / self._baud
        else:
            us = int(fields[4][0]) - int(fields[3][0])
        if us < 0:
            raise self._failed(doing, "the board's clock ran backwards")
        return InferResult(us, self._numbers(fields[-1][0], doing), answered)

    def results(self) -> tuple[float, ...]:
        """The real values of all outputs of the last run, with three decimals."""
        doing = "reading the results"
        return self._numbers(self._field("results", r"m-results-\[(.*)\]", doing)[0], doing)

    def outputs(self) -> list[bytes]:
        """The bytes of each output of the last run."""
        doing = "reading the outputs"
        lines = self._command("out", doing)
        found = [
            self._match(rf"m-out-{i}-\[((?:[0-9A-F]{{2}})*)\]", lines, i, doing)[0]
            for i in range(len(lines))
        ]
        if not found:
            raise self._unexpected(doing, lines)
        return [bytes.fromhex(text) for text in found]

    def boxes(self) -> tuple[tuple[int, ...], ...]:
        """The boxes of the last run of a detector: four corners, score and label of each."""
        doing = "reading the boxes"
        lines = self._command("boxes", doing, self._run_seconds)
        (count,) = self._match(rf"m-boxes-\[{NUMBER}\]", lines, 0, doing)
        pattern = rf"m-box-\[{' '.join([NUMBER] * 6)}\]"
        if len(lines) != int(count) + 1:
            raise self._unexpected(doing, lines)
        found = (self._match(pattern, lines, i + 1, doing) for i in range(int(count)))
        return tuple(tuple(map(int, each)) for each in found)

    def frame(self, rate: int, request: int) -> BoardFrame:
        """The frame of the last run of a split network's head; ``Refused`` for no such rate."""
        doing = f"reading the frame of rate {rate}"
        *before, last = self._command(f"split {rate} {request}", doing, self._run_seconds) or [""]
        (data,) = self._match(r"m-split-\[((?:[0-9A-F]{2})+)\]", [last], 0, doing)
        found = "none"
        if before:
            (found,) = self._match(r"m-exit-\[(none|\d{1,5})\]", before, 0, doing)
        return BoardFrame(bytes.fromhex(data), None if found == "none" else int(found))

    def mem(self) -> Memory:
        """Memory used so far."""
        arena, stack, size, canary = self._field(
            "mem",
            rf"m-mem-\[arena={NUMBER} stack={NUMBER} stack_size={NUMBER} canary=(ok|broken)\]",
            "asking for the memory used",
        )
        return Memory(int(arena), int(stack), int(size), canary == "ok")

    def cycles(self) -> BoardCycles:
        """Runs the network and counts the cycles of each step. Uses up the input.

        A row-fed network has run already, as its rows came: of it, there is the total only.
        """
        doing = "counting the cycles of each step"
        lines = self._command("cyc", doing, self._run_seconds)
        pattern = rf"m-cyc-\[hz={NUMBER} steps={NUMBER} total={NUMBER}\]"
        hz, steps, total = (int(text) for text in self._match(pattern, lines, 0, doing))
        if len(lines) != steps + 1:
            raise self._unexpected(doing, lines)
        counts = [
            int(self._match(rf"m-cyc-step-\[{i} {NUMBER}\]", lines, i + 1, doing)[0])
            for i in range(steps)
        ]
        return BoardCycles(hz, tuple(counts), total)

    def counters(self) -> CpuCounters | None:
        """What a computer's CPU counted in the last ``infer``; None where it may not be asked."""
        doing = "reading the counters of the CPU"
        pattern = rf"m-counters-\[(?:none|cycles={NUMBER} instructions={NUMBER})\]"
        cycles, instructions = self._field("counters", pattern, doing)
        return None if cycles is None else CpuCounters(int(cycles), int(instructions))

    def reset(self) -> None:
        """Lets the network forget its runs; only of one with state."""
        doing = "resetting the network's state"
        lines = self._command("reset", doing)
        if lines:
            raise self._unexpected(doing, lines)

    def crc(self) -> Checksums:
        """Runs the network and takes the CRC-32 of what each step wrote. Uses up the input."""
        doing = "taking the CRC of each step"
        lines = self._command("crc", doing, self._run_seconds)
        crcs = [
            int(self._match(rf"m-crc-step-\[{i} ([0-9A-F]{{8}})\]", lines, i, doing)[0], 16)
            for i in range(len(lines) - 1)
        ]
        (output,) = self._match(r"m-crc-\[([0-9A-F]{8})\]", lines, len(crcs), doing)
        return Checksums(tuple(crcs), int(output, 16))

    def _select(self, index: int) -> None:
        doing = f"choosing input {index}"
        pattern = rf"m-in-\[{index} \d+(?: rows of {NUMBER})?\]"
        (row_bytes,) = self._field(f"in {index}", pattern, doing)
        self._selected, self._row_bytes = index, int(row_bytes or 0)

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

    def _numbers(self, text: str, doing: str) -> tuple[float, ...]:
        try:
            return tuple(float(word) for word in text.split(","))
        except ValueError:
            raise self._unexpected(doing, [text]) from None

    def _command(self, command: str, doing: str, seconds: float | None = None) -> list[str]:
        (lines,) = self._exchange([command], doing, seconds or self._answer_seconds)
        refusal = next((line for line in lines if line.startswith("e-")), None)
        if refusal is not None:
            raise Refused(f"{self._link.url}: the board refused while {doing}: {refusal}")
        return lines

    def _exchange(self, commands: Sequence[str], doing: str, seconds: float) -> list[list[str]]:
        """Sends the commands in one go; the lines of each answer, without its ``m-ready``."""
        data = "".join(f"{command}%" for command in commands).encode()
        try:
            self._link.send(data)
            deadline = self._patience(seconds + 20.0 * len(data) / self._baud)
            return [self._answer(deadline, seconds, doing) for _ in commands]
        except (Refused, _Explained):
            raise
        except BoardError as error:
            raise self._failed(doing, str(error)) from error

    def _answer(self, deadline: Deadline, seconds: float, doing: str) -> list[str]:
        lines: list[str] = []
        for _ in range(MAX_LINES):
            line = self._read((deadline,), doing)
            if line is None:
                raise self._failed(doing, f"the board fell silent (nothing for {seconds:g} s)")
            if line == "m-ready":
                return lines
            if "m-timestamp-mode" in line or "m-init-done" in line:
                raise self._failed(doing, "the board reset")
            if line and not line.startswith(("m-", "e-")):
                raise Garbled(str(self._failed(doing, "the board answered garbage")))
            if line:
                lines.append(line)
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

    def _failed(self, doing: str, what: str) -> BoardError:
        what = what.removeprefix(f"{self._link.url}: ")
        shown = [_shorten(line) for line in self._recent]
        rest = self._link.pending()
        if rest:
            shown.append(_shorten(_printable(rest)) + "...")
        last = f"last lines: {' | '.join(shown)}" if shown else "it has sent nothing at all"
        return _Explained(f"{self._link.url}: {what} while {doing}; {last}")


class _Explained(BoardError):
    """Says already what was being done."""


class Garbled(_Explained):
    """What came over the line is no answer of the firmware."""


def _printable(raw: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in raw)


def _shorten(line: str, width: int = 100) -> str:
    return line if len(line) <= width else line[: width - 3] + "..."
