"""Heads on boards, as a user has them built and verified; the same frames from all of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.build.host import sanitizers_available
from edgebottle.codegen.naming import SPLIT_API_WORDS, SPLIT_FILE_WORDS, SPLIT_MACRO_WORDS
from edgebottle.codegen.split import split_files, split_flash
from edgebottle.errors import BadInput, DoesNotFit
from edgebottle.fit import Judge, Wish
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.split.frames import PACKED, Frame
from edgebottle.split.head_board import head_of, open_head
from tests.cli.command_line import edgebottle
from tests.split.board_frames import MAKERS, FrameMaker, head_model, made_frames, python_frames
from tests.split.split_networks import (
    samples,
    untrained_exit,
    untrained_photo_split,
    untrained_split,
)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_every_board_makes_the_same_frames(maker: FrameMaker, tmp_path: Path) -> None:
    """``python -m tests.bench.split_frames`` does it ten thousand times."""
    if maker.emulator and shutil.which(maker.emulator) is None:
        pytest.skip(f"{maker.emulator} is not installed (package qemu-user)")
    if maker.sanitized and not sanitizers_available():
        pytest.skip("no compiler with sanitizers is installed")
    model, images = head_model(untrained_exit(), tmp_path), samples(60, seed=2)
    expected = list(python_frames(model, images))
    assert list(made_frames(maker, model, images)) == expected
    assert {found is None for _, found in expected} == {True, False}
    assert {Frame.of_bytes(frame).flags for frame, _ in expected} == {0, PACKED}


@pytest.mark.parametrize(
    "options",
    [("--board", "microbit", "--schedule", "min-ram", "--input", "rows"), ("--board", "host")],
    ids=lambda options: options[1],
)
def test_verify_compares_frames(options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "split.tflite").write_bytes(untrained_split(4).head)
    done = edgebottle("verify", "split.tflite", *options, "--samples", "4", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "to the last bit, 4 samples" in done.out


@pytest.mark.parametrize(("board", "optimize"), [("stm32f746", "speed"), ("longan_nano", "size")])
def test_flash_of_frames_lies_within_its_bounds(board: str, optimize: str, tmp_path: Path) -> None:
    model, target, wish = head_model(untrained_exit(), tmp_path), load_board(board), None
    wish = Wish(optimize=optimize)
    plain = build(replace(model, split=None), target, wish=wish)
    built = build(model, target, wish=wish)
    bounds = split_flash(model.head)
    assert bounds.least <= built.flash.bytes - plain.flash.bytes <= bounds.most
    assert built.ram == plain.ram
    verdict = Judge(model.graph, model.beside).verdict(target, wish)
    assert verdict.flash.bounds.least <= built.flash.bytes <= verdict.flash.bounds.most


def test_row_fed_head_sends_its_frames(tmp_path: Path) -> None:
    """Rates and requests of one run; and what a board says to a rate that there is none of."""
    model = head_model(untrained_split(), tmp_path)
    head, (image,) = head_of(model), samples(1)
    expected = [frame for frame, _ in python_frames(model, image[None])]
    with open_head(model, load_board("host"), wish=Wish(row_fed=True)) as device:
        assert device.run([image[None]], 1).frame == expected[0]
        for rate in range(1, head.split.code.rates + 1):
            frame = Frame.of_bytes(device.again(rate, 2**31 - 1))
            assert (frame.rate, frame.request, frame.model) == (rate, 2**31 - 1, head.split.model)
        with pytest.raises(Exception, match=r"No such rate: 4"):
            device.again(4)


@pytest.mark.parametrize(
    ("schedule", "arena"), [(Schedule.AUTO, 39_064), (Schedule.MIN_RAM, 11_788)]
)
def test_head_for_a_camera_is_small(schedule: Schedule, arena: int, tmp_path: Path) -> None:
    """96 x 96 RGB, row-fed: at most 64 kB of RAM and 40 kB of flash, bench application included."""
    model, (image,) = head_model(untrained_photo_split(), tmp_path), samples(1, size=96)
    ((expected, _),) = python_frames(model, image[None])
    wish = Wish(schedule=schedule, row_fed=True)
    with open_head(model, load_board("stm32f746"), wish=wish) as device:
        built = device.built
        assert device.run([image[None]], 1).frame == expected
    assert built.ram.arena == arena
    assert built.ram.bytes <= 64_000
    assert built.flash.bytes <= 40_000


def test_whole_split_network_is_built_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "whole.tflite").write_bytes(untrained_split().data)
    done = edgebottle("build", "whole.tflite", "--board", "host", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "edgebottle split cut" in done.err
    assert not list((tmp_path / "edgebottle-out").rglob("eb_whole_split.*"))
    with pytest.raises(BadInput, match="is a whole split network"):
        head_of(load(str(tmp_path / "whole.tflite")))


def test_names_of_a_head_are_those_that_it_may_have(tmp_path: Path) -> None:
    """The rule of ``tests/codegen/test_names.py``."""
    model = head_model(untrained_exit(), tmp_path)
    files = split_files("cell", head_of(model), row_fed=True)
    assert set(files) == {f"eb_cell_{word}.{end}" for word in SPLIT_FILE_WORDS for end in "hc"}
    header = files["eb_cell_split.h"]
    macros = set(re.findall(r"#define EB_CELL_(\w+)", header))
    assert macros == set(SPLIT_MACRO_WORDS)
    assert set(re.findall(r"^\w+ eb_cell_(\w+)\(", header, re.M)) == set(SPLIT_API_WORDS)
    assert max(map(len, "".join(files.values()).splitlines())) <= 100


def test_frame_larger_than_the_stack_is_refused(tmp_path: Path) -> None:
    model = head_model(untrained_split(), tmp_path)
    board = replace(load_board("stm32f746"), stack_size=800)
    with pytest.raises(DoesNotFit, match="train a smaller bottleneck"):
        build(model, board)
