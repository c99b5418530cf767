"""Starts a virtual board and talks to its process. Every wait has a deadline."""

import contextlib
import json
import queue
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from edgebottle.boards import Board
from edgebottle.errors import BoardError, error_named
from edgebottle.operating_system import Child, Patience, ending
from hil.virtual.state import BlockCount, Counts, Fault, PinLevel

_ANSWER_SECONDS = 60.0
"""One that has ended is noticed at once: these are for computers with no time for it."""
_BOOT_SECONDS = 300.0
_POLL_SECONDS = 0.2
_CLOSE_SECONDS = 5.0


class VirtualBoard:
    """A running virtual board; a context manager that ends it.

    Attributes:
        url: Serial port, as ``serial.serial_for_url`` takes it.
    """

    def __init__(self, process: Child[str], diagnostics: IO[str]) -> None:
        self.url = ""
        self._process = process
        self._diagnostics = diagnostics
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._fault: Fault | None = None
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def boot(
        cls,
        elf: Path,
        board: Board,
        timeout: float = _BOOT_SECONDS,
        deadline: float | None = None,
    ) -> "VirtualBoard":
        """Boots ``elf`` on a virtual ``board``.

        Args:
            elf: The firmware.
            board: The board it was built for.
            timeout: Seconds to wait for the board, longer while it gets on; the first boot on a
                machine compiles a part of it.
            deadline: Seconds of CPU time that the firmware may run without looking at its serial
                port before it counts as a runaway; None: for ever.

        Raises:
            BoardError: the process did not come up in time.
            EdgebottleError: what the board said: BadInput, BadBoard, BuildFailed, ToolMissing.
        """
        arguments = [str(elf), "--board-json", json.dumps(asdict(board))]
        if deadline is not None:
            arguments += ["--deadline", str(deadline)]
        diagnostics = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        try:
            process: Child[str] = Child.python(
                "hil.virtual",
                *arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=diagnostics,
                text=True,
            )
        except OSError as error:
            diagnostics.close()
            raise BoardError(f"cannot start a virtual board: {error}") from error
        virtual = cls(process, diagnostics)
        try:
            virtual.url = str(virtual._answer(timeout)["url"])
        except BaseException:
            virtual.close()
            raise
        return virtual

    def __enter__(self) -> "VirtualBoard":
        """Returns the board itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the board."""
        self.close()

    def counts(self) -> Counts:
        """Returns the instructions executed since the boot or the last ``reset_counts``."""
        answer = self._request("counts")
        return Counts(
            instructions=answer["instructions"],
            functions=answer["functions"],
            steps=tuple(answer["steps"]),
            stack_lowest=answer["stack_lowest"],
        )

    def blocks(self) -> tuple[BlockCount, ...]:
        """Returns the basic blocks executed since the boot or the last ``reset_counts``."""
        return tuple(BlockCount(*block) for block in self._request("blocks")["blocks"])

    def model_memory(self, on: bool) -> None:
        """Models from now on, or no longer, how long instructions and data are waited for.

        It makes loads slower to emulate, and is off at the start. ``blocks`` has the stalls.
        """
        self._request("model-memory", on=on)

    def register(self, address: int) -> int:
        """Returns what the register of a peripheral holds.

        Raises:
            BadInput: no device of the board has a word at ``address``.
        """
        return int(self._request("register", address=address)["value"])

    def pin_levels(self) -> tuple[PinLevel, ...]:
        """Returns how the pin of energy mode went since the boot, from when it was driven."""
        return tuple(PinLevel(*level) for level in self._request("pin-levels")["levels"])

    def set_line_rate(self, baud: int) -> None:
        """Gives the line a rate, which a socket has not: at any other, all bytes are garbage."""
        self._request("line-rate", baud=baud)

    def reset_counts(self) -> None:
        """Starts counting from here."""
        self._request("reset-counts")

    def fault(self, timeout: float = 0.0) -> Fault | None:
        """Returns the fault that stopped the board, None if there was none within ``timeout``."""
        end = time.monotonic() + timeout
        while self._fault is None and self._reader.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        return self._fault

    def patience(self, seconds: float) -> Patience:
        """How long to wait for the board: as long as it gets on."""
        return Patience(self._process, seconds)

    def death(self) -> str | None:
        """How the board's process ended; None while it runs."""
        return None if self._process.poll() is None else str(self._ended())

    def close(self) -> None:
        """Ends the process; harmless when it has ended."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # the end of its input is a quit
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self._process.end()
        self._reader.join(_CLOSE_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._diagnostics.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "fault" in message:
                self._fault = Fault(**message["fault"])
            else:
                self._answers.put(message)
        self._answers.put(None)

    def _request(self, command: str, **more: Any) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps({"cmd": command, **more}) + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise self._ended() from error
            return self._answer(_ANSWER_SECONDS)

    def _answer(self, timeout: float) -> dict[str, Any]:
        patience = self.patience(timeout)
        while True:
            try:
                message = self._answers.get(timeout=_POLL_SECONDS)
                break
            except queue.Empty:
                if patience.is_over():
                    raise BoardError(
                        f"the virtual board did not answer within {timeout:g} s"
                    ) from None
        if message is None:
            self._answers.put(None)
            raise self._ended()
        if "error" in message:
            told = message["error"]
            raise error_named(str(told["type"]), str(told["message"]), otherwise=BoardError)
        return message

    def _ended(self) -> BoardError:
        if self._diagnostics.closed:
            return BoardError("the virtual board is closed")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)  # its output ends a moment earlier
        how = ending(self._process.poll())
        self._diagnostics.seek(0)
        lines = self._diagnostics.read().strip().splitlines()
        why = f"{how}: {lines[-1]}" if lines else how
        return BoardError(f"the virtual board's process ended: {why}")
