"""What ``inspect`` and the messages say fits does build, within just the bytes promised."""

import shutil
from dataclasses import replace

import pytest

from edgebottle.boards import load_board
from edgebottle.codegen.code_size import Bounds
from edgebottle.errors import DoesNotFit
from edgebottle.fit import REGIONS, Answer, Judge, MemoryNeed, Wish
from edgebottle.inspection import inspect_model
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.refusal import Refusal
from tests.conftest import SHARED
from tests.promises import outcome, remedies

AD = str(SHARED / "models/mlperf-tiny/ad01_int8.tflite")
VWW = str(SHARED / "models/mlperf-tiny/vww_96_int8.tflite")


@pytest.mark.parametrize(
    ("model", "board", "toolchain", "wish"),
    [
        ("digits", "microbit", "gcc", Wish(optimize="speed")),
        ("digits", "nucleo_l4r5zi", "zig", Wish(schedule=Schedule.MIN_RAM)),
        pytest.param(VWW, "longan_nano", "zig", Wish(), marks=pytest.mark.shared),
    ],
)
def test_what_is_promised_builds(model: str, board: str, toolchain: str, wish: Wish) -> None:
    """VWW just fits: ``auto`` finds a plan for the RAM that is there."""
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    assert outcome(load(model), load_board(board), wish, toolchain).answer is Answer.YES


@pytest.mark.parametrize(
    ("allowed", "answer"),
    [
        (9, Answer.NO),
        (10, Answer.MAYBE),
        (19, Answer.MAYBE),
        (20, Answer.YES),
        (None, Answer.YES),
    ],
)
def test_only_the_most_is_a_promise(allowed: int | None, answer: Answer) -> None:
    assert MemoryNeed(Bounds(10, 20), allowed).answer is answer


@pytest.mark.parametrize("region", REGIONS)
def test_budgets_at_the_edges(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte below the least that it could take it is refused before a compiler runs."""
    monkeypatch.setenv("EDGEBOTTLE_CACHE", "/no/such/place")  # so that nothing can be built
    model, board, wish = load("digits"), load_board("mps3_an547"), Wish(schedule=Schedule.MIN_RAM)
    judge = Judge(model.graph)
    bounds = judge.verdict(board, wish).need(region).bounds
    for budget, answer in [
        (bounds.most, Answer.YES),
        (bounds.most - 1, Answer.MAYBE),
        (bounds.least, Answer.MAYBE),
    ]:
        assert judge.verdict(board, replace(wish, **{region: budget})).answer is answer
    with pytest.raises(DoesNotFit, match=f"of {REGIONS[region]} .*the budget allows .* too much"):
        build(model, board, wish=replace(wish, **{region: bounds.least - 1}))


@pytest.mark.parametrize(
    ("board", "wish", "region", "named"),
    [
        (
            "microbit",
            Wish(ram=4200, schedule=Schedule.LAYERS),
            "ram",
            "without the budget microbit has",
        ),
        (
            "microbit",
            Wish(ram=5700, schedule=Schedule.LAYERS),
            "ram",
            "`--schedule min-ram` brings the",
        ),
        ("nucleo_l4r5zi", Wish(flash=54000, optimize="speed"), "flash", "`--optimize size` brings"),
        ("mps3_an547", Wish(flash=38000, optimize="size"), "flash", "no option is enough"),
    ],
)
def test_what_a_refusal_names_fits(board: str, wish: Wish, region: str, named: str) -> None:
    """As when only the linker finds out, which no rule of ours foresees."""
    graph, target = load("digits").graph, load_board(board)
    text = str(Refusal(Judge(graph).verdict(target, wish)).overflow(region, 100))
    tried = list(remedies(text, target, wish))
    assert named in text and tried, text
    for other, changed in tried:
        assert Judge(graph).verdict(other, changed).answer is Answer.YES, text


@pytest.mark.shared
def test_a_network_too_large_for_flash_names_a_board() -> None:
    found, board = load(AD), load_board("microbit")
    verdict = Judge(found.graph).verdict(board, Wish())
    with pytest.raises(DoesNotFit, match=r"too much; .*; nucleo_f411re has room for it$"):
        Refusal(verdict).check()


def test_inspect_promises_what_build_keeps() -> None:
    """One verdict serves both; what only a build can tell is called so."""
    model = load("digits")
    for fit in inspect_model(model).boards:
        board = load_board(fit.board)
        answer = Judge(model.graph).verdict(board, Wish()).answer
        assert (fit.fits, fit.may_fit) == (answer is Answer.YES, answer is Answer.MAYBE)
