"""A line whose rate is raised once the board listens.

The board has to divide its clock for a rate, and refuses one that it would miss by more than 2 %;
the cable, and what is at its ends, may still not carry it. So a rate is kept only where, over it, a
text comes back as it was sent, and the CRC-32 of the board's image is the same as before. The board
goes back to the rate before by itself, when it hears no command for ``RATE_SECONDS``: whatever
happens here, it is found there again.
"""

from __future__ import annotations

import contextlib
import string
import time
from collections.abc import Sequence

from edgebottle.errors import BoardError
from hil.exchange import Exchange
from hil.link import Link, Patience
from hil.probes import MAX_BAUD

RATES = (921_600, MAX_BAUD, 460_800, 230_400)
"""What is tried, in this order: chips of 16 MHz miss the first by more than 2 %, not the second."""

RATE_SECONDS = 2.0
"""After so long without a command the board is back: ``firmware/src/rate.h`` says the same."""

_FRESH_SECONDS = RATE_SECONDS / 2
"""For so long after its last answer it surely hears the next command."""

_BACK_SECONDS = RATE_SECONDS + 0.5
"""After so long it surely is back."""

_DRAIN_BITS = 800
"""Of the old rate: the board waits half as long before it changes."""

_CHECK_SECONDS = 1.0
_ATTEMPT_SECONDS = 0.1
"""For the first answer at a new rate: the board may not have changed yet."""

_CHECKS = 2
_BASE_SECONDS = 10.0
_TEXT = "".join(c for c in string.printable[:94] if c != "%")[:70]


class RatedExchange(Exchange):
    """An exchange over a line whose rate can be raised.

    Attributes:
        line: What a reader of figures should know of the line, in sentences.
    """

    def __init__(self, link: Link, *, baud: int, patience: Patience) -> None:
        super().__init__(link, baud=baud, patience=patience)
        self.line: list[str] = []
        self._base = baud
        self._heard = 0.0
        self._is_well = False
        self._not_carried: list[int] = []

    @property
    def baud(self) -> int:
        """The rate of the line now."""
        return self._baud

    @property
    def has_rate(self) -> bool:
        """Whether the line has such a thing."""
        return self._link.has_rate

    def close(self) -> None:
        """Closes the line, at the rate at which the next to open it begins."""
        if self._baud != self._base and self._is_well:
            with contextlib.suppress(BoardError):
                self._exchange([f"baud {self._base}"], "lowering the rate", _CHECK_SECONDS)
        if self._baud != self._base:
            with contextlib.suppress(BoardError):
                self._link.set_baud(self._base)
        super().close()

    def raise_rate(self, most: int, rates: Sequence[int] = RATES) -> None:
        """Raises the rate to the first of ``rates`` that board and line can have.

        Args:
            most: No rate above this one; a line without a rate (a socket) is left alone.
            rates: What is tried, symbols per second.

        Raises:
            BoardError: The board does not answer any more at the rate before.
        """
        if not self._link.has_rate:
            return
        for baud in rates:
            if self._base < baud <= most and self._set_rate(baud):
                break
        if self._not_carried:
            refused = ", ".join(map(str, self._not_carried))
            self.line.append(f"the line does not carry {refused} baud: it ran at {self._baud}")

    def lower_rate(self, reason: str) -> None:
        """Goes back to the rate before, for good."""
        self.line.append(f"{reason}: back to {self._base} baud")
        self._fall_back()

    def _exchange(
        self, commands: Sequence[str | bytes], doing: str, seconds: float
    ) -> list[list[str]]:
        if self._baud != self._base and not self._is_heard():
            wanted = self._baud
            self._fall_back()  # which the board has done
            if not self._set_rate(wanted):
                self.line.append(f"a pause, then no answer: back to {self._base} baud")
        return self._ask(commands, doing, seconds)

    def _ask(self, commands: Sequence[str | bytes], doing: str, seconds: float) -> list[list[str]]:
        """``_exchange`` at the present rate."""
        self._is_well = False
        answers = super()._exchange(commands, doing, seconds)
        self._is_well, self._heard = True, time.monotonic()
        return answers

    def _is_heard(self) -> bool:
        """Whether the board still listens at the raised rate; it is asked where it may not."""
        pause = time.monotonic() - self._heard
        if _FRESH_SECONDS < pause < _BACK_SECONDS:
            with contextlib.suppress(BoardError):
                self._ask(["build"], "asking whether the rate is still raised", _CHECK_SECONDS)
                return True
        return pause <= _FRESH_SECONDS

    def _set_rate(self, baud: int) -> bool:
        """Whether the line runs at this rate now; it is as before where it does not."""
        doing = f"raising the line to {baud} baud"
        crc, lines = self._ask(["build", f"baud {baud}"], doing, self._answer_seconds)
        if lines != [f"m-baud-[{baud}]"]:
            return False
        time.sleep(_DRAIN_BITS / self._baud)
        self._baud = baud
        try:
            self._link.set_baud(baud)
            self._synchronize(_CHECK_SECONDS, _ATTEMPT_SECONDS)
            for number in range(_CHECKS):
                self._check(f"{number}{_TEXT}", crc, doing)
        except BoardError:
            self._not_carried.append(baud)
            self._fall_back()
            return False
        return True

    def _check(self, text: str, crc: list[str], doing: str) -> None:
        """Raises ``BoardError`` unless text comes back as it was sent, and the CRC-32 as before."""
        lines, again = self._ask([text, "build"], doing, _CHECK_SECONDS)
        if lines != [f"e-[Unknown command: {text}]"] or again != crc:
            raise self._unexpected(doing, lines)

    def _fall_back(self) -> None:
        """Meets the board at the rate before, once it has gone back by itself."""
        time.sleep(max(0.0, self._heard + _BACK_SECONDS - time.monotonic()))
        self._baud = self._base
        self._link.set_baud(self._base)
        self.synchronize(_BASE_SECONDS)
