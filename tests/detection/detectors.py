"""Small detectors with random weights."""

from dataclasses import replace

from edgebottle.detection.description import AnchorMap, BoxDescription, BoxRules
from edgebottle.detection.metadata import with_boxes
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.graph import Graph
from quantize.search.architecture import Architecture, DetectionHead, Stem
from quantize.search.blocks import FullConvolution, InvertedBottleneck
from quantize.search.untrained import untrained_graph

LABELS = ("cat", 'a "dog"\\??/', "hen")

ARCHITECTURE = Architecture(
    (24, 20, 3),
    Stem(4, stride=2),
    (FullConvolution(6, stride=2), InvertedBottleneck(6, expand=2), FullConvolution(8, stride=2)),
    DetectionHead(LABELS, (AnchorMap(4, ((4, 4), (9, 6))), AnchorMap(8, ((16, 12),)))),
)
"""With maps of 6x5 and 3x3 places, 69 anchors."""


def detector(rules: BoxRules | None = None, name: str = "cells") -> tuple[Graph, BoxDescription]:
    """A network and what its outputs mean."""
    graph = untrained_graph(ARCHITECTURE.network(name))
    return replace(graph, name=name), ARCHITECTURE.boxes(rules)


def detector_bytes(rules: BoxRules | None = None) -> bytes:
    """The same as a file."""
    graph, description = detector(rules)
    return with_boxes(write_tflite(graph), description)
