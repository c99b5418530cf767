"""What the numbers of a file of samples are taken for, and what looks wrong with them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.sample_values import Meaning, convert

REAL, STORED = Meaning.REAL, Meaning.STORED
PIXELS = np.array([[0, 1, 127, 128, 255]], np.uint8)
SHIFTED = [-128, -127, -1, 0, 127]


def network(dtype: DType, scale: float | None, zero_point: int) -> Graph:
    quant = None if scale is None else Quant((scale,), (zero_point,))
    tensor = Tensor("image", (5,), dtype, quant)
    return Graph("net", {"image": tensor}, (), ("image",), ("image",))


def converted(values: Any, net: tuple[DType, float | None, int], meaning: Meaning | None) -> Any:
    graph = network(*net)
    return convert("s.npz", "x", np.asarray(values), graph.tensors["image"], graph, meaning)


UNIT = (DType.I8, 1 / 255, -128)
BYTES = (DType.I8, 1.0, -128)
SIGNED = (DType.I8, 1 / 127.5, -1)
SYMMETRIC = (DType.I8, 1 / 127, 0)
ODD = (DType.I8, 0.5847, 83)
WORDS = (DType.I16, 0.001, 0)
FLOAT = (DType.F32, None, 0)
UNSIGNED = (DType.U8, 1.0, 0)
I8 = np.array([[-128, -5, 0, 5, 127]], np.int8)
F32 = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]], np.float32)


@pytest.mark.parametrize(
    ("values", "net", "meaning", "stored", "taken", "warning"),
    [
        (PIXELS, UNIT, None, SHIFTED, "uint8 pixels 0..255, taken as real values x/255", ""),
        (PIXELS, BYTES, None, SHIFTED, "uint8 pixels 0..255, taken as real values x", ""),
        (PIXELS, SIGNED, None, SHIFTED, "pixels 0..255, taken as real values x/127.5 - 1", ""),
        (PIXELS, SYMMETRIC, None, SHIFTED, "pixels 0..255, taken as real values x/127.5 - 1", ""),
        (PIXELS, ODD, None, SHIFTED, "uint8, taken as stored values x - 128", "unlike pixels"),
        (PIXELS, ODD, STORED, SHIFTED, "uint8, taken as stored values x - 128", ""),
        (PIXELS, ODD, REAL, [83, 85, 127, 127, 127], "0 to 255, taken as real", "is clipped"),
        (PIXELS, UNIT, REAL, [-128, 127, 127, 127, 127], "taken as real values", "is clipped"),
        (PIXELS, FLOAT, None, [0, 1, 127, 128, 255], "uint8 from 0 to 255, taken as real", ""),
        (PIXELS, UNSIGNED, None, [0, 1, 127, 128, 255], "uint8, taken as stored values", ""),
        (PIXELS // 200, UNIT, None, [-128] * 4 + [-127], "uint8 pixels", "its scale looks wrong"),
        (I8, UNIT, None, I8[0], "int8, taken as stored values", ""),
        (I8 // 100, UNIT, None, [-2, -1, 0, 0, 1], "int8", "say --as real"),
        (I8 * 0, UNIT, None, [0] * 5, "int8, taken as stored values", ""),
        (F32, UNIT, None, [-128, -64, -1, 63, 127], "float32 from 0 to 1, taken as real", ""),
        (F32 * 255, SIGNED, None, [-1] + [127] * 4, "float32", "80% of x .* -0.9961 to 1.004"),
        (F32, BYTES, None, [-128, -128, -128, -127, -127], "float32", "its scale looks wrong"),
        (F32 * 4 - 2, ODD, STORED, [-2, -1, 0, 1, 2], "float32, taken as stored", "-2 to 2"),
        (F32 * 10, WORDS, None, [0, 2500, 5000, 7500, 10000], "float32 from 0 to 10", ""),
        (PIXELS.astype(int), UNIT, STORED, [], "", "from 0 to 255, input 'image' from -128 to 127"),
        (PIXELS.astype(int), UNIT, None, [], "", "is int64.*--as real, or --as stored"),
        (PIXELS, WORDS, None, [], "", "is uint8.*--as real, or --as stored"),
        (F32, UNIT, STORED, [], "", "no whole numbers"),
        (F32, FLOAT, STORED, [], "", "is floating point, which stores real ones"),
        (F32 * np.nan, UNIT, None, [], "", "not finite"),
        (F32 > 0.5, UNIT, None, [], "", "is bool, which input 'image' cannot take"),
    ],
)
def test_what_numbers_mean(
    values: Any,
    net: tuple[DType, float | None, int],
    meaning: Meaning | None,
    stored: Any,
    taken: str,
    warning: str,
) -> None:
    if len(stored) == 0:
        with pytest.raises(BadInput, match=warning):
            converted(values, net, meaning)
    else:
        found = converted(values, net, meaning)
        assert found.array.dtype == net[0].numpy and found.array.tolist() == [list(stored)]
        assert found.taken.startswith("x: ") and taken in found.taken
        assert re.search(warning or "^$", found.warning), found.warning


@pytest.mark.shared
@pytest.mark.parametrize(
    ("model", "samples", "taken", "accuracy"),
    [
        ("kws_ref_model", "kws01", "int8, taken as stored values", 0.901),
        ("vww_96_int8", "vww01_cc264", "pixels 0..255, taken as real values x/255", 0.867),
    ],
)
def test_the_known_accuracy_of_real_networks(
    shared: Path, model: str, samples: str, taken: str, accuracy: float
) -> None:
    from edgebottle.litert import LiteRTModel
    from edgebottle.pipeline import load
    from edgebottle.samples import load_samples

    loaded = load(str(shared / "models" / "mlperf-tiny" / f"{model}.tflite"))
    data = load_samples(shared / "eval" / f"{samples}.npz", loaded.graph)
    assert taken in data.taken[0] and data.warnings == () and data.labels is not None
    runner = LiteRTModel(loaded.data, reference=False)
    guesses = [int(np.argmax(runner.run(sample)[0])) for sample in data.inputs]
    right = sum(a == b for a, b in zip(guesses, data.labels, strict=True))
    assert round(right / len(data), 3) == accuracy
