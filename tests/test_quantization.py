"""`edgebottle quantize`: where samples come from, what is refused, and the whole command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.exporters.tflite import write_tflite
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.ops.add import Add
from edgebottle.ops.assign_variable import AssignVariable
from edgebottle.ops.base import Activation
from edgebottle.ops.mean import Mean
from edgebottle.ops.softmax import Softmax
from edgebottle.pipeline import Model
from edgebottle.quantization import plan_samples
from edgebottle.sample_sources import PixelScale
from quantize.post.report import Accuracy, QuantizationReport
from tests.cli.command_line import edgebottle
from tests.quantize.float_networks import FloatBuilder

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0, 1, (12, 6, 6, 3)).astype(np.float32)
CLASSES = np.arange(12) % 4
BYTES = RANDOM.integers(0, 256, (12, 6, 6, 3), np.uint8)


@pytest.fixture(scope="module")
def network() -> Graph:
    """Images of 6x6x3, four classes."""
    b = FloatBuilder()
    x = b.conv(b.input(1, 6, 6, 3), 6)
    axes = b.constant(np.array([1, 2], np.int32))
    x = b.add(Mean, x, axes, axes=(1, 2), keep_dims=False)
    return b.graph(b.add(Softmax, b.dense(x, 4), beta=1.0, dtype=DType.F32))


@pytest.fixture(scope="module")
def model(network: Graph) -> Model:
    return Model("net", Path("net.tflite"), b"", "", network, network, "keep")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("shape", {"x": IMAGES[:, :5]}, r"have the shape \[5, 6, 3\], input 'x' takes \[1, 6, 6, 3\]"),
    ("nan", {"x": np.full((4, 6, 6, 3), np.nan)}, "not finite"),
    ("none", {"x": IMAGES[:0]}, "holds no samples"),
    ("alike", {"x": np.ones((4, 6, 6, 3))}, "every value of input 'x' is 1"),
    ("one class", {"x": IMAGES, "y": np.full(12, 2)}, "all 6 samples for calibration are of class"),
    ("no scale", {"x": BYTES}, r"holds pixels 0..255.*say which with --scale 0..1 \| -1..1"),
    ("labels", {"x": IMAGES, "y": np.full(12, 4)}, "label 4 of sample 0 is none of the classes"),
]


@pytest.mark.parametrize(("name", "arrays", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_samples_that_cannot_serve(
    model: Model, tmp_path: Path, name: str, arrays: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(BadInput, match=message):
        plan_samples(model, str(tmp_path / "s.npz"))


def test_no_sample_serves_twice(model: Model, tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=IMAGES, y=CLASSES)
    plan = plan_samples(model, str(tmp_path / "s.npz"), count=5)
    assert (len(plan.calibration), len(plan.test)) == (5, 7)
    seen = [sample[0].tobytes() for part in (plan.calibration, plan.test) for sample in part.inputs]
    assert len(set(seen)) == 12
    np.save(tmp_path / "t.npy", IMAGES[:3] * 255)
    (tmp_path / "y.txt").write_text("0\n1\n3\n")
    source, labels = str(tmp_path / "t.npy"), tmp_path / "y.txt"
    plan = plan_samples(model, str(tmp_path / "s.npz"), test=source, labels=labels)
    assert (len(plan.calibration), plan.test.labels) == (12, (0, 1, 3))
    assert any("both scaled as in training" in text for text in plan.warnings)


def test_samples_of_a_stream_keep_their_order(tmp_path: Path) -> None:
    b = FloatBuilder()
    x = b.input(1, 4)
    state = b.variable(np.zeros((1, 4), np.float32))
    b.add(AssignVariable, state, b.add(Add, x, state, activation=Activation.NONE))
    frames = np.arange(40, dtype=np.float32).reshape(10, 4)
    np.save(tmp_path / "s.npy", frames)
    graph = b.graph(state)
    model = Model("net", Path("net.tflite"), b"", "", graph, graph, "keep")
    plan = plan_samples(model, str(tmp_path / "s.npy"))
    order = [sample[0].ravel() for part in (plan.calibration, plan.test) for sample in part.inputs]
    np.testing.assert_array_equal(order, frames)
    assert "in their order as one stream" in plan.notes[0]


def test_a_function_of_the_user(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mydata.py").write_text(
        "import numpy as np\n"
        "def pair(): return np.arange(864.0).reshape(8, 6, 6, 3), np.arange(8) % 4\n"
        "def each(): return ([np.full((1, 6, 6, 3), i)] for i in range(8))\n"
        "def broken(): raise KeyError('oops')\n"
    )
    monkeypatch.chdir(tmp_path)
    plan = plan_samples(model, "mydata:pair")
    assert plan.test.labels is not None and len(plan.test) == 4
    assert len(plan_samples(model, "mydata:each").calibration) == 4
    for name, message in (("broken", "mydata:broken failed: KeyError"), ("no", "has no attribute")):
        with pytest.raises(BadInput, match=message):
            plan_samples(model, f"mydata:{name}")


def test_a_folder_of_images(model: Model, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra images)")
    for number, pixels in enumerate(BYTES):
        folder = tmp_path / "photos" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.fromarray(pixels).resize((9, 12)).save(folder / f"{number}.png")
    source = str(tmp_path / "photos")
    plan = plan_samples(model, source, scale=PixelScale.SIGNED)
    assert sorted({*(plan.calibration.labels or ()), *(plan.test.labels or ())}) == [0, 1]
    values = np.stack([sample[0] for sample in plan.calibration.inputs])
    assert values.shape == (6, 1, 6, 6, 3) and -1 <= values.min() < -0.5 < 0.5 < values.max() <= 1
    (tmp_path / "photos" / "cat" / "0.png").write_text("no image")
    with pytest.raises(BadInput, match=r"0\.png: it is no image"):
        plan_samples(model, source, scale=PixelScale.SIGNED)


def test_the_command(network: Graph, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(write_tflite(network))
    np.savez(tmp_path / "s.npz", x=BYTES, y=CLASSES)
    words = ("quantize", "net.tflite", "--data", "s.npz", "--scale", "0..1", "--json")
    said = edgebottle(*words, "--html", "r.html", cwd=tmp_path).json()
    assert said["file"] == "net_int8.tflite" and (tmp_path / "net_int8.tflite").is_file()
    assert said["accuracy"]["samples"] == 6 and said["accuracy"]["sqnr"] > 20
    assert [layer["op"] for layer in said["layers"]] == [node.OP for node in network.nodes]
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("<svg") == len([layer for layer in said["layers"] if layer["histogram"]]) == 4
    again = edgebottle("quantize", "net_int8.tflite", "--data", "s.npz", cwd=tmp_path)
    assert again.code == 1 and "quantized already" in again.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("net.tflite", "net_int8.tflite", "r.html", "s.npz")
    ]


LOSSES = [("2.5", 0.9, 0.88, 0), ("1.5", 0.9, 0.88, 1), ("0", 0.88, 0.9, 0), ("2.5", None, None, 1)]


@pytest.mark.parametrize(("accepted", "before", "after", "code"), LOSSES)
def test_too_great_a_loss_fails(
    network: Graph,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    accepted: str,
    before: float | None,
    after: float | None,
    code: int,
) -> None:
    """Without labels what counts is how often the answer is another one: here 3 of 100 times."""
    accuracy = Accuracy(samples=200, before=before, after=after, same=0.97, sqnr=20.0)
    report = QuantizationReport("net", 8, 6, accuracy, (), (), 4, 9)
    done = (b"file", report)
    monkeypatch.setattr("edgebottle.quantization.quantize_model", lambda *_: done)
    (tmp_path / "net.tflite").write_bytes(write_tflite(network))
    np.savez(tmp_path / "s.npz", x=IMAGES)
    words = ("quantize", "net.tflite", "--data", "s.npz", "--accept-loss", accepted)
    found = edgebottle(*words, cwd=tmp_path)
    assert found.code == code
    assert ("more than the" in found.out) == bool(code)
    assert (tmp_path / "net_int8.tflite").read_bytes() == b"file"
