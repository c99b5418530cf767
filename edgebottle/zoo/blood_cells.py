"""Recipe of ``blood_cells``: red and white blood cells and platelets (BCCD, MIT licence)."""

from __future__ import annotations

from pathlib import Path

from edgebottle.detection.description import AnchorMap
from edgebottle.zoo.detection import DetectionData, DetectionRecipe, read_parts
from quantize.search.architecture import Architecture, DetectionHead, Stem
from quantize.search.blocks import FusedBottleneck, InvertedBottleneck

HEAD = DetectionHead(
    labels=("Platelets", "RBC", "WBC"),
    maps=(AnchorMap(8, ((10, 10), (25, 26))), AnchorMap(16, ((38, 40), (54, 58)))),
)
"""The sizes of the labelled boxes, quartered as the images are; white cells are of two sizes."""

RECIPE = DetectionRecipe(
    Architecture(
        (120, 160, 3),
        Stem(8, stride=2),
        (
            FusedBottleneck(16, stride=2, expand=2),
            FusedBottleneck(24, stride=2, expand=2),
            InvertedBottleneck(24, expand=2),
            InvertedBottleneck(24, expand=2),
            InvertedBottleneck(32, stride=2, expand=3),
            InvertedBottleneck(32, expand=2),
        ),
        HEAD,
    ),
)

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "train" / "bccd"


def load_data(data: Path | None = None) -> DetectionData:
    """Returns 205 images to learn from and 72 for testing, as the data set parts them.

    The 87 of its part ``val`` are for choices, such as this network.

    Args:
        data: the archive of BCCD, or the folder that it or its files are in. None looks in
            ``shared/data/train/bccd`` beside the checkout.

    Raises:
        BadInput: there is no such data set.
        ToolMissing: Pillow is not installed.
    """
    return read_parts(data or _SHARED, RECIPE)
