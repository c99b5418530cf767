"""Descriptions of boxes: as JSON, in files, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest

from edgebottle.detection.description import AnchorMap, BoxDescription, BoxRules
from edgebottle.detection.metadata import boxes_of, with_boxes
from edgebottle.errors import BadInput, BadModel
from edgebottle.exporters.tflite import write_tflite
from edgebottle.importers.tflite import load_tflite
from edgebottle.litert import LiteRTModel
from edgebottle.samples import edge_cases
from quantize.search.architecture import Architecture
from tests.detection.detectors import ARCHITECTURE, detector


def test_json_tells_all() -> None:
    _, description = detector(BoxRules(0.2, 0.3, 0.4, 0.5, 6))
    assert BoxDescription.of_json(description.to_json()) == description


def test_a_file_keeps_its_description_and_its_network() -> None:
    graph, description = detector()
    plain = write_tflite(graph)
    data = with_boxes(plain, description)
    assert boxes_of(plain) is None
    assert boxes_of(data) == description
    other = replace(description, labels=("x", "y", "z"))
    assert boxes_of(with_boxes(data, other)) == other
    assert len(with_boxes(data, description)) == len(data)
    ours, theirs = load_tflite(data, "net"), load_tflite(plain, "net")
    assert [n.name for n in ours.nodes] == [n.name for n in theirs.nodes]
    sample = edge_cases(graph, 4).inputs[3]
    for one, two in zip(LiteRTModel(data).run(sample), LiteRTModel(plain).run(sample), strict=True):
        assert (one == two).all()


def test_a_file_of_another_format_has_none() -> None:
    assert boxes_of(b"no model") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "another format"),
        ({"labels": []}, "0 labels"),
        ({"maps": []}, "no anchors"),
        ({"maps": [{"stride": 4, "anchors": [[4]], "boxes": 0, "scores": 1}]}, "broken"),
        ({"maps": [{"stride": 0, "anchors": [[4, 4]], "boxes": 0, "scores": 1}]}, "strides"),
        ({"maps": [{"stride": 4, "anchors": [[4, 0]], "boxes": 0, "scores": 1}]}, "anchors"),
        ({"image": [0, 4]}, "images 0x4"),
        ({"image": [4]}, "broken"),
        ({"candidates": 257}, "257 candidates"),
        ({"candidates": 0}, "0 candidates"),
        ({"least_score": 1.5}, "least_score of 1.5"),
        ({"most_overlap": 0}, "most_overlap of 0"),
        ({"centre_scale": float("nan")}, "centre_scale of nan"),
        ({"size_scale": "wide"}, "broken"),
        ({"colour": 1}, "broken"),
    ],
)
def test_what_is_none_is_refused_in_one_line(change: dict[str, Any], message: str) -> None:
    table = json.loads(detector()[1].to_json())
    with pytest.raises(BadModel, match=message) as caught:
        BoxDescription.of_json(json.dumps({**table, **change}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "\xff", '{"format": 1}'])
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(BadModel, match="description of its boxes"):
        BoxDescription.of_json(text.encode("latin-1"))


def test_outputs_that_do_not_fit_are_refused() -> None:
    graph, description = detector()
    fewer = replace(description, labels=description.labels[:2])
    with pytest.raises(BadModel, match="no 2 anchors of 2 labels"):
        fewer.check(graph)
    with pytest.raises(BadModel, match="described for output 2"):
        description.check(replace(graph, outputs=graph.outputs[:2]))
    with pytest.raises(BadModel, match="described for"):
        replace(description, image=(20, 24)).check(graph)


def test_a_stride_that_no_block_has() -> None:
    head = replace(ARCHITECTURE.head, maps=(AnchorMap(16, ((4, 4),)),))
    with pytest.raises(BadInput, match="no block has a stride of 16 pixels: there are 2, 4, 8"):
        replace(ARCHITECTURE, head=head).network()


def test_an_architecture_with_a_head_for_detection_is_told_as_json() -> None:
    assert Architecture.of_json(json.loads(json.dumps(ARCHITECTURE.to_json()))) == ARCHITECTURE
