"""The serial protocol, seen from the bench: a typed client of the firmware's commands.

A superset of the MLPerf Tiny protocol: a command is text that ends with ``%``, its answer is lines
that start with ``m-`` or ``e-`` and ends with ``m-ready``. Everything is parsed strictly: an answer
of another form is an error that says what was being done and which lines came last.
"""

import re
import time
from collections.abc import Callable
from typing import Self

from edgebottle.errors import BoardError
from hil.answers import BoardCycles, BoardFrame, Checksums, CpuCounters, InferResult, Memory
from hil.exchange import NUMBER, Explained, Garbled, Late, Refused, Silent
from hil.frames import DamagedFrame, input_frame, output_bytes
from hil.link import BAUD, Link, Patience, WallClock
from hil.rates import RatedExchange

CHUNK_BYTES = 512  # of data in one `db` command; the firmware takes any number
FRAME_BYTES = 8192  # of data in one `put` command; the firmware takes any number
LOAD_ATTEMPTS = 3  # a serial line may lose a byte
FRAME_SECONDS = 1.0
RECOVER_SECONDS = 1.0  # at a raised rate: the other one is tried then
BOOT_SECONDS = 10.0
RUN_SECONDS = 120.0
PULSE_SECONDS = 0.001  # of the pin, in energy mode

__all__ = ["BoardClient", "Garbled", "Refused", "Silent"]


class BoardClient(RatedExchange):
    """Talks to the bench application of one board.

    Attributes:
        load_attempts: How often an input, or a frame of one, had to be sent.
    """

    def __init__(
        self,
        link: Link,
        *,
        baud: int = BAUD,
        run_seconds: float = RUN_SECONDS,
        patience: Patience = WallClock,
        has_pulses: bool = False,
    ) -> None:
        super().__init__(link, baud=baud, patience=patience)
        self._has_pulses = has_pulses
        self._run_seconds = run_seconds
        self._selected = 0
        self._row_bytes = 0
        self._known: dict[str, bool] = {}
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
        set_rate: Callable[[int], None] | None = None,
    ) -> Self:
        """Opens the line and waits until the board listens.

        Args:
            url: Any pyserial URL.
            baud: Symbols per second.
            boot_seconds: How long the board may take to start.
            run_seconds: How long a command that runs the network may take.
            patience: What these seconds, and all others, mean.
            has_pulses: The firmware is that of energy mode: pulses on a pin instead of times.
            set_rate: What tells a virtual board the rate of its line; None: as ``Link`` has it.

        Raises:
            BoardError: The port cannot be opened, or no edgebottle firmware answers.
        """
        link = Link.open(url, baud)
        if set_rate is not None:
            link.give_rate(set_rate)
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
            if isinstance(error, Explained):
                raise Silent(str(error)) from error
            raise
        return client

    def synchronize(self, seconds: float = BOOT_SECONDS) -> None:
        """Also chooses input 0."""
        super().synchronize(seconds)
        self._select(0)

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
        """Puts ``data`` into input ``index``: in frames, or as text where the firmware has none.

        A row-fed network computes after each row and cannot listen meanwhile: it gets row by row.

        Raises:
            Refused: There is no such input, or it is smaller than ``data``.
            BoardError: The data do not arrive, even when sent again.
        """
        doing = f"loading {len(data)} bytes into input {index}"
        if index != self._selected:
            self._select(index)
        if data and self._knows("put"):
            self._load_frames(data, doing)
        else:
            self._load_text(data, doing)

    def _knows(self, command: str) -> bool:
        """Whether the firmware has this command, which does no harm; it is asked once."""
        if command not in self._known:
            (lines,) = self._exchange([command], "asking for frames", self._answer_seconds)
            self._known[command] = lines != [f"e-[Unknown command: {command}]"]
        return self._known[command]

    def _load_text(self, data: bytes, doing: str) -> None:
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

    def _load_frames(self, data: bytes, doing: str) -> None:
        """Sends one frame after the other, each until it is taken; the board says from where on."""
        row = self._row_bytes or len(data)
        self.load_attempts += 1
        self._begin(len(data), doing)
        position, failures = 0, 0
        while position < len(data):
            end = min(position + FRAME_BYTES, position // row * row + row, len(data))
            try:
                self._put(position, data[position:end], end == len(data), doing)
                position, failures = end, 0
            except (Garbled, Late, Refused) as error:
                failures += 1
                self.load_attempts += 1
                if failures == LOAD_ATTEMPTS and self.baud == self._base:
                    raise
                if failures == LOAD_ATTEMPTS:
                    self.lower_rate("frames did not arrive")
                    failures = 0
                position = self._board_position(error, len(data), doing)

    def _begin(self, nbytes: int, doing: str) -> None:
        """Announces so many bytes."""
        for attempt in range(LOAD_ATTEMPTS):
            try:
                (lines,) = self._exchange([f"db load {nbytes}"], doing, self._answer_seconds)
                if lines == [f"m-[Expecting {nbytes} bytes]"]:
                    return
                failure = self._unexpected(doing, lines)
            except (Garbled, Late) as error:
                failure = error
            if attempt + 1 < LOAD_ATTEMPTS:
                self._recover(failure)
        raise failure

    def _put(self, position: int, data: bytes, is_last: bool, doing: str) -> None:
        """Sends a frame; raises ``Refused``, ``Garbled`` or ``Late`` where it was not taken."""
        seconds = self._run_seconds if self._row_bytes else FRAME_SECONDS
        (lines,) = self._exchange([b"put " + input_frame(position, data)], doing, seconds)
        if lines != ["m-load-done"][: int(is_last)]:
            refusal = self._unexpected(doing, lines)
            raise refusal if isinstance(refusal, Refused) else Garbled(str(refusal))

    def _board_position(self, error: BoardError, nbytes: int, doing: str) -> int:
        """From where on the board wants the rest, after ``error``."""
        self._recover(error)
        (lines,) = self._exchange(["put"], doing, self._answer_seconds)
        pattern = rf"e-\[Bad frame at {NUMBER}\]"
        (text,) = self._match(pattern, lines, 0, doing)
        if int(text) > nbytes:
            raise self._unexpected(doing, lines)
        return int(text)

    def _recover(self, error: BoardError) -> None:
        """Ends what was garbled; raises ``error`` where the board does not listen any more."""
        try:
            if self.baud == self._base:
                return self.synchronize(self._answer_seconds)
            try:
                self.synchronize(RECOVER_SECONDS)
            except Explained:
                self.lower_rate("the board did not listen")
        except BoardError as last:
            raise error from last

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
        """The bytes of each output of the last run; in frames where the firmware has them."""
        doing = "reading the outputs"
        return self._output_frames(doing) if self._knows("get") else self._output_texts(doing)

    def _output_texts(self, doing: str) -> list[bytes]:
        lines = self._command("out", doing)
        found = [
            self._match(rf"m-out-{i}-\[((?:[0-9A-F]{{2}})*)\]", lines, i, doing)[0]
            for i in range(len(lines))
        ]
        if not found:
            raise self._unexpected(doing, lines)
        return [bytes.fromhex(text) for text in found]

    def _output_frames(self, doing: str) -> list[bytes]:
        """Asks again where a frame is damaged."""
        for attempt in range(LOAD_ATTEMPTS):
            try:
                lines = self._command("get", doing)
                if not lines:
                    raise self._unexpected(doing, lines)
                return [_output_frame(i, line) for i, line in enumerate(self._raw)]
            except DamagedFrame:
                failure: BoardError = Garbled(str(self._failed(doing, "an output is damaged")))
            except (Garbled, Late) as error:
                failure = error
            if attempt + 1 < LOAD_ATTEMPTS:
                self._recover(failure)
        raise failure

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

    def _numbers(self, text: str, doing: str) -> tuple[float, ...]:
        try:
            return tuple(float(word) for word in text.split(","))
        except ValueError:
            raise self._unexpected(doing, [text]) from None


def _output_frame(index: int, line: bytes) -> bytes:
    """What a line of ``get`` holds; raises ``DamagedFrame``."""
    found = re.fullmatch(rb"m-get-\[%d (.*)\]" % index, line, re.DOTALL)
    if found is None:
        raise DamagedFrame
    return output_bytes(found[1])
