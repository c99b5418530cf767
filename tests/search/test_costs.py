"""Costs of candidates: memory to the byte as a build has it."""

from dataclasses import replace

import pytest

from edgebottle.boards import load_board
from edgebottle.detection.description import AnchorMap
from edgebottle.fit import Wish
from edgebottle.pipeline import build
from edgebottle.search.costs import Costs, model_of_candidate
from edgebottle.verify import verify_model
from quantize.lowbit.bits import Bits, LayerBits
from quantize.search.architecture import Architecture, ClassHead, DetectionHead, Stem
from quantize.search.blocks import (
    Attention,
    FeedForward,
    FusedBottleneck,
    InvertedBottleneck,
    PatchEmbedding,
    Residual,
)
from quantize.search.space import Candidate

BLOCKS = (InvertedBottleneck(8, 2, expand=3), FusedBottleneck(12, 2, expand=2), Residual(12))

INT8, W4A4 = Bits(LayerBits(8, 8)), Bits(LayerBits(4, 4))


def candidate(
    shape: tuple[int, int, int], bits: Bits, schedule: str, *, row_fed: bool
) -> Candidate:
    architecture = Architecture(shape, Stem(8), BLOCKS, ClassHead(4, 16))
    return Candidate(architecture, bits, schedule, row_fed, stages=(1, 2, 3))


TRANSFORMER = Candidate(
    Architecture(
        (14, 14, 1),
        Stem(8),
        (PatchEmbedding(12, 2), Attention(12, heads=3, rank=0.5), FeedForward(12)),
        ClassHead(4),
    ),
    *(INT8, "min-ram"),
    row_fed=False,
    stages=(1, 1, 1),
)

DETECTOR = Candidate(
    Architecture(
        (24, 32, 3),
        Stem(8, stride=2),
        BLOCKS,
        DetectionHead(("a", "b"), (AnchorMap(4, ((6, 6),)), AnchorMap(8, ((12, 16), (20, 16)))), 3),
    ),
    *(INT8, "min-ram"),
    row_fed=True,
    stages=(1, 2, 3),
)

ROWS = (
    ("nucleo_l4r5zi", candidate((14, 14, 1), INT8, "layers", row_fed=False), None),
    ("nucleo_l4r5zi", candidate((15, 13, 3), W4A4, "min-ram", row_fed=True), None),
    ("nucleo_l4r5zi", candidate((18, 18, 3), INT8, "auto", row_fed=False), 8000),
    ("nucleo_l4r5zi", TRANSFORMER, None),
    ("nucleo_l4r5zi", replace(TRANSFORMER, bits=W4A4, schedule="layers"), None),
    ("nucleo_l4r5zi", DETECTOR, None),
    ("nucleo_l4r5zi", replace(DETECTOR, schedule="layers", row_fed=False), None),
    ("microbit", candidate((15, 13, 3), W4A4, "min-ram", row_fed=False), None),
)
"""Boards, candidates and budgets of RAM: the third leaves no room for a copy of the input."""


@pytest.mark.parametrize("board, candidate, ram", ROWS, ids=lambda each: str(each)[:40])
def test_memory_is_that_of_the_build(board: str, candidate: Candidate, ram: int | None) -> None:
    costs = Costs(load_board(board), Wish(ram=ram))
    cost = costs.of(candidate)
    built = build(model_of_candidate(candidate), costs.board, wish=costs.wish_of(candidate))
    assert (cost.arena, cost.ram) == (built.ram.arena, built.ram.bytes)
    assert cost.constants == built.flash.weights
    assert cost.held["flash"] == cost.flash + cost.flash_margin > cost.flash
    assert cost.held["ms"] == cost.ms + cost.ms_margin > cost.ms
    if board == "microbit":  # has no table, and the upper bound of builds, which is a promise
        assert built.flash.bytes <= cost.held["flash"]


@pytest.mark.parametrize("schedule", ["layers", "min-ram"])
def test_a_transformer_is_litert_s_on_its_board(schedule: str) -> None:
    costs = Costs(load_board("nucleo_l4r5zi"))
    candidate = replace(TRANSFORMER, schedule=schedule)
    model, wish = model_of_candidate(candidate), costs.wish_of(candidate)
    found = verify_model(model, costs.board, samples=4, wish=wish)
    assert found.difference is None and found.exact
    assert found.implementations == ("LiteRT", "NumPy", "host C", "virtual nucleo_l4r5zi")
