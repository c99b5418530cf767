"""Our figures beside the published results of MLPerf Tiny for the same chip and network.

Theirs are measured on the chip. Ours say themselves what they are: modelled on a virtual board,
measured on a real one. ``published.toml`` holds the results and tells where they come from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgebottle.boards import load_board
from edgebottle.errors import BoardNotFound
from hil.records import Record

SUITE = "MLPerf Tiny, closed division"
NOT_STATED = "not stated"
UNKNOWN = "unknown"
NO_COUNTERPART = "no published counterpart"


@dataclass(frozen=True)
class Published:
    """One published result.

    Attributes:
        network: Key of the network in the suite: ``ad``, ``ic``, ``kws`` or ``vww``.
        chip: As vendors write it, without package and memory size.
        core: Such as ``Cortex-M4``.
        clock_hz: Of the core.
        submitter: Who published it, or ``not stated``.
        engine: What ran the network.
        round: Of the suite, or ``not stated``.
        cycles: Of one inference: measured latency times clock.
    """

    network: str
    chip: str
    core: str
    clock_hz: int
    submitter: str
    engine: str
    round: str
    cycles: int

    @property
    def label(self) -> str:
        """Engine and submitter, or the engine alone."""
        is_named = self.submitter not in (NOT_STATED, self.engine)
        return f"{self.engine}, {self.submitter}" if is_named else self.engine


@dataclass(frozen=True)
class Comparison:
    """A record beside what others published.

    Attributes:
        record: Ours.
        network: What the suite calls the network; empty if it is none of its own.
        results: Of the same network on the same chip, fewest cycles first.
        reason: Why there are none, in one line; empty if there are.
    """

    record: Record
    network: str
    results: tuple[Published, ...] = ()
    reason: str = ""

    @property
    def kind(self) -> str:
        """What our cycles are: ``modelled``, ``measured``, or ``unknown`` if there are none."""
        return self.record.cycles_kind or UNKNOWN

    def ratio(self, result: Published) -> float | None:
        """Our cycles per cycle of ``result``; None where ours are unknown."""
        return None if self.record.cycles is None else self.record.cycles / result.cycles

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "model": self.record.model,
            "board": self.record.board,
            "time": self.record.time,
            "cycles": self.record.cycles,
            "kind": self.record.cycles_kind or None,
            "network": self.network or None,
            "results": [
                {**asdict(result), "kind": "measured", "ratio": self.ratio(result)}
                for result in self.results
            ],
            "reason": self.reason or None,
        }


@cache
def published_results() -> tuple[Published, ...]:
    """All of them."""
    data = _data()
    return tuple(
        Published(
            network=network,
            chip=row["chip"],
            **data["chips"][row["chip"]],
            submitter=row.get("submitter", NOT_STATED),
            engine=row["engine"],
            round=row.get("round", NOT_STATED),
            cycles=cycles,
        )
        for row in data["results"]
        for network, cycles in row["cycles"].items()
    )


def compare_published(record: Record) -> Comparison:
    """Finds what was published for the network and the chip of ``record``.

    The network is known by the SHA-256 of its file, so that a model of our own that happens to
    have the same name is compared with nothing.
    """
    networks = {network["sha256"]: key for key, network in _data()["networks"].items()}
    key = networks.get(record.model_hash)
    if key is None:
        what = f"{record.model} is no reference network of MLPerf Tiny"
        return Comparison(record, "", reason=f"{NO_COUNTERPART}: {what}")
    name = str(_data()["networks"][key]["name"])
    try:
        board = load_board(record.board)
    except BoardNotFound:
        what = f"the board {record.board} is not known here"
        return Comparison(record, name, reason=f"{NO_COUNTERPART}: {what}")
    results = [r for r in published_results() if r.network == key and board.mcu.startswith(r.chip)]
    if not results:
        chips = ", ".join(_data()["chips"])
        what = f"the results at hand are for {chips}, and {record.board} has none of them"
        return Comparison(record, name, reason=f"{NO_COUNTERPART}: {what}")
    return Comparison(record, name, tuple(sorted(results, key=lambda result: result.cycles)))


def compare_newest(records: Sequence[Record]) -> tuple[Comparison, ...]:
    """Compares the newest record of each model, board and compiler.

    Args:
        records: Oldest first.
    """
    newest = {(r.model_hash, r.board, r.virtual, r.compiler): r for r in records}
    return tuple(compare_published(record) for record in newest.values())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))
