"""The arena map: roles, live bytes and peaks."""

import io
import sys

import pytest

from edgebottle.arena_blocks import memory_blocks
from edgebottle.plan.plan import Placement, Plan, Step
from edgebottle.plan.schedules import Schedule
from edgebottle.report.memory import ArenaView, Role
from edgebottle.report.terminal import memory_chart
from hil.records import MemoryBlock
from tests.report.make_record import LAYERS, MEMORY

VIEW = ArenaView.of(MEMORY, [layer.name for layer in LAYERS], 144)


def test_roles_and_labels() -> None:
    roles = {block.name: VIEW.role(block) for block in VIEW.blocks}
    assert roles == {
        "image": Role.INPUT,
        "conv_out": Role.ACTIVATION,
        "depthwise_out": Role.ACTIVATION,
        "depthwise scratch": Role.SCRATCH,
        "probabilities": Role.OUTPUT,
    }
    assert VIEW.role(MemoryBlock("s", 0, 4, -1, 3)) is Role.STATE
    labels = [VIEW.label(block) for block in VIEW.blocks]
    assert labels == ["input", "conv", "scratch", "depthwise", "softmax"]


def test_live_bytes_count_each_byte_once() -> None:
    assert VIEW.live() == (80, 12 + 128, 12 + 64)
    assert VIEW.peaks() == (1,)
    twice = (MemoryBlock("a", 0, 10, 0, 0), MemoryBlock("in place of a", 4, 10, 0, 0))
    assert ArenaView.of(twice, ["x"], 16).live() == (16,)


def test_a_model_without_arena() -> None:
    view = ArenaView.of((), [], 0)
    assert view.live() == () and view.peaks() == ()
    assert "needs no arena" in memory_chart(view).plain


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "█"), ("ascii", "#")])
def test_the_chart(monkeypatch: pytest.MonkeyPatch, encoding: str, sign: str) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    chart = memory_chart(VIEW, columns=36).plain
    chart.encode(encoding)
    head, conv, depthwise, softmax, legend = chart.splitlines()
    assert "144 bytes" in head
    assert conv.split()[0] == "conv" and conv.count(sign) == 16
    assert depthwise.endswith("140 peak") and depthwise.count(sign) == 16
    assert softmax.endswith("76") and softmax.count(sign) == 3
    assert len({line.find(line.strip()[-3:]) > 0 for line in (conv, depthwise)}) == 1
    assert "written" in legend and "kept" in legend


def test_blocks_of_a_plan_are_counted_in_steps_that_run() -> None:
    """in -> a (0) -> view (1, elided) -> p, q (2, 3) -> concatenation (4, elided) -> out (5)."""

    def placed(name: str, first: int, last: int, shares: str | None = None) -> Placement:
        return Placement(name, 0, 8, 8, 8, first, last, shares)

    names = ("a", "view", "p", "q", "concat", "out")
    plan = Plan(
        model="m",
        isa="dsp",
        schedule=Schedule.LAYERS,
        arena_bytes=64,
        lower_bound=64,
        strategy="",
        steps=tuple(
            Step(name, 0, 4 if name == "q" else 0, 0, name in ("view", "concat")) for name in names
        ),
        placements=(
            placed("in", -1, 0),
            placed("a", 0, 1),
            placed("view", 1, 3, "a"),
            placed("p", 2, 4, "concat"),
            placed("q", 3, 4, "concat"),
            placed("concat", 4, 5),
            placed("out", 5, 6),
        ),
    )
    lives = {block.name: (block.first, block.last) for block in memory_blocks(plan)}
    assert lives == {
        "in": (-1, 0),
        "a": (0, 0),
        "view": (1, 2),
        "concat": (1, 3),
        "out": (3, 4),
        "q scratch": (2, 2),
    }
