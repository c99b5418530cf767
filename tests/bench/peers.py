"""What other engines reach on the same files, to stand beside our figures."""

from __future__ import annotations

from dataclasses import dataclass

from edgebottle.boards import load_board
from edgebottle.report.published import SUITE, published_results

EMULATED = "counted by the project: one inference, emulated CPU, GCC 12.2, outputs checked"
ARENA = "found by the project"
PAPERS = "published by the engine's authors"
TARGET = "what the project set out to reach"

M4, M7 = "nucleo_l4r5zi", "stm32f746"


@dataclass(frozen=True)
class Peer:
    """One figure of another engine.

    Attributes:
        model: Key of ``MODELS``.
        engine: Name and variant.
        metric: ``instructions``, ``cycles``, ``ram`` or ``code`` (bytes).
        value: The figure.
        source: Where it comes from.
        board: Board whose core it is for; empty where the core does not matter.
    """

    model: str
    engine: str
    metric: str
    value: int
    source: str
    board: str = ""


def _counts(engine: str, board: str, source: str, **values: float) -> tuple[Peer, ...]:
    """Instructions, given in millions."""
    return tuple(
        Peer(model, engine, "instructions", round(millions * 1e6), source, board)
        for model, millions in values.items()
    )


def _ram(engine: str, source: str, **values: int) -> tuple[Peer, ...]:
    return tuple(Peer(model, engine, "ram", value, source) for model, value in values.items())


def _code(engine: str, source: str, **values: int) -> tuple[Peer, ...]:
    return tuple(Peer(model, engine, "code", value, source) for model, value in values.items())


def _cycles(*boards: str) -> tuple[Peer, ...]:
    """The published results for the chips of ``boards``."""
    chips = {board: load_board(board).mcu for board in boards}
    return tuple(
        Peer(
            result.network,
            result.label,
            "cycles",
            result.cycles,
            f"measured, {SUITE}, round {result.round}",
            board,
        )
        for board, mcu in chips.items()
        for result in published_results()
        if mcu.startswith(result.chip)
    )


PEERS: tuple[Peer, ...] = (
    *_counts("TFLM, reference kernels", M4, EMULATED, ad=1.95, kws=43.1, ic=107.5, vww=100.5),
    *_counts(
        "TFLM + CMSIS-NN 7", M4, EMULATED, ad=0.582, kws=7.85, ic=29.87, vww=24.72, mcunet_vww=49.38
    ),
    *_counts("TFLM + CMSIS-NN 7", M7, EMULATED, ad=0.583, kws=7.76, ic=29.94, vww=24.48),
    *_counts("TinyEngine, float requantization (inexact)", M4, EMULATED, mcunet_vww=34.75),
    *_counts("TinyEngine, integer requantization", M4, EMULATED, mcunet_vww=43.35),
    *_counts("TinyEngine, 2x2 patches", M4, EMULATED, mcunet_vww=45.45),
    *_counts("goal", M4, TARGET, ad=0.40, kws=3.9, ic=14.0, vww=7.4, mcunet_vww=19.0),
    *_cycles(M4, M7),
    *_ram(
        "TFLM arena",
        ARENA,
        ic=54_996,
        kws=22_820,
        vww=100_708,
        ad=2_580,
        mcunet_vww=219_808,
        mcunet_320kb=493_000,
    ),
    *_ram("TinyEngine", ARENA, mcunet_vww=93_992),
    *_ram("TinyEngine, 2x2 patches, image counted", ARENA, mcunet_vww=81_552),
    *_ram("TinyEngine on F746", PAPERS, mcunet_320kb=293_000),
    *_ram("TinyEngine, newer", PAPERS, mcunet_320kb=260_000),
    *_ram("X-CUBE-AI 7.3", PAPERS, mcunet_vww=113_000, mcunet_320kb=243_000),
    *_ram(
        "one layer at a time, in place (bound)",
        "computed by the project",
        ic=49_152,
        kws=16_000,
        vww=55_296,
        ad=768,
        person_detect=55_296,
        mcunet_vww=161_472,
        mcunet_320kb=397_920,
    ),
    *_ram(
        "goal, image resident",
        TARGET,
        ic=19_500,
        kws=7_500,
        vww=31_000,
        ad=2_000,
        person_detect=17_000,
        mcunet_vww=26_000,
        mcunet_320kb=105_000,
    ),
    *_ram("goal, fed row by row", TARGET, vww=18_000, mcunet_320kb=66_000),
    *_code(
        "TFLM, one image with ten operators, newlib included",
        ARENA,
        **dict.fromkeys(("ad", "kws", "ic", "vww"), 136_000),
    ),
    *_code("TinyEngine", ARENA, mcunet_vww=72_000),
    *_code("goal", TARGET, **dict.fromkeys(("ad", "kws", "ic", "vww"), 16_000)),
)


def peers_of(model: str) -> tuple[Peer, ...]:
    """The figures for one model."""
    return tuple(peer for peer in PEERS if peer.model == model)
