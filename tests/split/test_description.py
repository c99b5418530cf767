"""A split network is one file, whose two halves compute what it computes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgebottle.errors import BadModel
from edgebottle.exporters.metadata import with_entry
from edgebottle.exporters.tflite import write_tflite
from edgebottle.litert import LiteRTModel
from edgebottle.split.description import NAME, SplitFile, SplitPoint, part, split_of
from tests.split.split_networks import run, samples, untrained_split


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_head_and_tail_compute_what_the_whole_does(bits: int) -> None:
    file = untrained_split(bits)
    split, code = file.split, file.split.code
    whole, head, tail = (LiteRTModel(data) for data in (file.data, file.head, file.tail))
    for image in samples(12, seed=1):
        stored = head.run([image[None]])[0]
        payload, is_packed = code.encode(split.levels(stored), code.rates)
        levels = (code.unpack if is_packed else code.decode)(payload, code.rates)
        found = tail.run([split.stored(levels)])[0]
        assert np.array_equal(found, whole.run([image[None]])[0])


def test_channels_that_are_not_sent_are_zero() -> None:
    split = untrained_split().split
    levels = np.full((split.code.height, split.code.width, 3), 2, np.uint8)
    stored = split.stored(levels)
    assert (stored[..., :3] == split.lowest + 2).all()
    assert (stored[..., 3:] == split.lowest).all()


def test_head_knows_how_its_output_is_sent() -> None:
    file = untrained_split()
    assert split_of(file.data) == file.split
    assert split_of(file.head) == replace(file.split, model=file.model)
    assert split_of(file.tail) is None


def test_values_that_are_no_level_are_refused() -> None:
    split = untrained_split().split
    stored = split.stored(np.zeros((split.code.height, split.code.width, 6), np.uint8))
    with pytest.raises(BadModel, match="no level"):
        split.levels(stored - 1)


def test_network_that_reads_around_its_bottleneck_is_not_split() -> None:
    graph = untrained_split().graph
    first = graph.nodes[0].outputs[0]
    with pytest.raises(BadModel, match="cannot be split"):
        part(graph, (first,), (first, graph.inputs[0], graph.outputs[0]))


BROKEN = [
    ("no JSON", lambda about: b"{"),
    ("another format", lambda about: json.dumps({**about, "format": 9}).encode()),
    ("no tensor", lambda about: json.dumps({**about, "tensor": "nowhere"}).encode()),
    ("an input", lambda about: json.dumps({**about, "tensor": "input"}).encode()),
    ("no exit", lambda about: json.dumps({**about, "exit": "nowhere"}).encode()),
    ("no model", lambda about: json.dumps({**about, "model": "xy"}).encode()),
    ("half a model", lambda about: json.dumps({**about, "model": "1234"}).encode()),
    ("no code", lambda about: json.dumps({**about, "code": None}).encode()),
]


@pytest.mark.parametrize("broken", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_description_is_refused(broken: object) -> None:
    file = untrained_split()
    assert callable(broken)
    data = with_entry(file.data, NAME, broken(json.loads(file.split.to_json())))
    with pytest.raises(BadModel):
        SplitFile.of_bytes(data, "small")


def test_network_without_a_split_says_so() -> None:
    with pytest.raises(BadModel, match="not split"):
        SplitFile.of_bytes(write_tflite(untrained_split().graph), "small")


def test_head_is_not_split_again() -> None:
    with pytest.raises(BadModel, match="head of a split network"):
        SplitFile.of_bytes(untrained_split().head, "small")


def test_description_comes_back() -> None:
    split = untrained_split().split
    assert SplitPoint.of_json(split.to_json().encode()) == split
    assert run(LiteRTModel(untrained_split().head), samples(1), split.tensor).shape[0] == 1
