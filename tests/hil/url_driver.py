"""A driver for boards that tests bring up themselves."""

from __future__ import annotations

from dataclasses import dataclass

from hil.link import Patience, WallClock


@dataclass(frozen=True)
class UrlDriver:
    """A board that somebody else has brought up.

    Attributes:
        url: Any pyserial URL.
        image_crc: What the board must answer to ``build%``; None where any image may run.
        patience: How long to wait for it.
        counter: Nothing counts its instructions.
    """

    url: str
    image_crc: int | None = None
    patience: Patience = WallClock
    counter: None = None

    def explain(self) -> str | None:
        """Nothing more than the line says."""
        return None
