"""Whether what is promised builds: models on boards, within budgets of just the bytes promised.

``python -m tests.promises`` builds every shared model for every board and prints what each takes
and what was promised; ``test_promises.py`` tries a few.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgebottle.boards import Board, all_boards, load_board
from edgebottle.errors import BadModel, DoesNotFit, UnsupportedOp
from edgebottle.fit import Answer, Judge, Verdict, Wish
from edgebottle.pipeline import Built, Model, build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.refusal import Refusal
from tests.conftest import shared_models

OPTION = re.compile(r"`([^`]+)` brings [^;]*, which fits(?=;|$)")
BOARD = re.compile(r"(?:without the budget )?(\w+) has room for it(?: with `([^`]+)`)?$")


def wish_with(wish: Wish, options: str) -> Wish:
    """``wish`` changed by options as a message gives them, such as ``--schedule min-ram``."""
    words = options.split()
    for name, value in zip(words[::2], words[1::2], strict=True):
        fields = {
            "--schedule": {"schedule": value},
            "--optimize": {"optimize": value},
            "--input": {"row_fed": value == "rows"},
        }
        wish = replace(wish, **fields[name])  # type: ignore[arg-type]
    return wish


def remedies(text: str, board: Board, wish: Wish) -> Iterator[tuple[Board, Wish]]:
    """What a refusal says that fits, as a user would type it."""
    for options in OPTION.findall(text):
        yield board, wish_with(wish, options)
    if found := BOARD.search(text):
        plain = replace(wish, ram=None, flash=None)
        yield load_board(found[1]), wish_with(plain, found[2] or "")


def within(verdict: Verdict) -> Wish:
    """The wish of a verdict with budgets of just what was promised."""
    return replace(verdict.wish, ram=verdict.ram.bounds.most, flash=verdict.flash.bounds.most)


def check_bounds(verdict: Verdict, built: Built) -> None:
    """Holds an image to what was said of it before the compiler ran."""
    ram, flash = verdict.ram.bounds, verdict.flash.bounds
    used = built.ram.bytes - built.project.input_buffer
    assert ram.least <= used <= ram.most, (used, ram)
    assert flash.least <= built.flash.bytes <= flash.most, (built.flash, flash)


@dataclass(frozen=True)
class Outcome:
    """A model on a board.

    Attributes:
        answer: What was said before.
        text: What came of it.
    """

    answer: Answer
    text: str


def outcome(model: Model, board: Board, wish: Wish, toolchain: str = "zig") -> Outcome:
    """Builds what fits, within what was promised, and what may fit; tries what a refusal names.

    Raises:
        AssertionError: a promise does not hold.
    """
    verdict = Judge(model.graph).verdict(board, wish)
    if verdict.answer is Answer.NO:
        try:
            Refusal(verdict).check()
        except DoesNotFit as error:
            tried = list(remedies(str(error), board, wish))
            for other, changed in tried:
                assert Judge(model.graph).verdict(other, changed).answer is Answer.YES, str(error)
            return Outcome(Answer.NO, f"{len(tried)} remedies: {str(error)[-70:]}")
        raise AssertionError("it was not refused")
    if verdict.answer is Answer.MAYBE:
        try:
            built = build(model, board, wish=wish, toolchain=toolchain)
        except DoesNotFit as error:
            return Outcome(Answer.MAYBE, str(error))
    else:
        tight = within(verdict)
        verdict = Judge(model.graph).verdict(board, tight)
        assert verdict.answer is Answer.YES, "the promise does not hold within its own budget"
        built = build(model, board, wish=tight, toolchain=toolchain)
    check_bounds(verdict, built)
    code = verdict.flash.bounds.most - verdict.source.weight_bytes
    return Outcome(
        verdict.answer,
        f"{verdict.plan.isa} {verdict.plan.schedule}: code {built.flash.code:,} of {code:,}, "
        f"other RAM {built.ram.static - built.project.input_buffer:,}",
    )


def main() -> None:
    """Prints a line for each model and board; a promise that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", default=[], help="part of a file's name")
    parser.add_argument("--board", action="append", default=[])
    parser.add_argument("--toolchain", default="zig")
    parser.add_argument("--optimize", default="balanced")
    parser.add_argument("--schedule", type=Schedule, default=Schedule.AUTO)
    options = parser.parse_args()
    boards = [load_board(name) for name in options.board] or [
        board for board in all_boards() if not board.is_computer
    ]
    wish = Wish(schedule=options.schedule, optimize=options.optimize)
    for path in shared_models():
        if options.model and not any(part in str(path) for part in options.model):
            continue
        try:
            model = load(str(path), io="int8")
        except (BadModel, UnsupportedOp):
            continue
        for board in boards:
            found = outcome(model, board, wish, options.toolchain)
            print(f"{path.stem}, {board.id}: {found.answer.name}, {found.text}", flush=True)


if __name__ == "__main__":
    main()
