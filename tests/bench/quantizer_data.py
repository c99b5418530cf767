"""Float networks and samples on which quantizers are compared."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.ir.graph import Array

CALIBRATION = 512

TINY = "models/mlperf-tiny"

KWS_INPUT = (0.5847029089927673, 83)
"""Scale and zero point of the int8 file's input, in which the samples are stored."""

SIDE, CROP = 96, 88
"""Pixels along each side of a photograph, and of the part of it that a calibration sample shows."""

MELS, FRAMES, WINDOW, HOP, RATE = 128, 5, 1024, 512, 16_000
"""The features of the anomaly detector: frames of log mel energies."""


@dataclass(frozen=True)
class Case:
    """A float network and its data.

    Attributes:
        name: Short name.
        float_bytes: The float ``.tflite``.
        calibration: Real inputs, without the batch axis.
        test: Other inputs.
        labels: Classes of ``test``, None where nobody knows them.
        note: What is to be known of the data.
    """

    name: str
    float_bytes: bytes
    calibration: Array
    test: Array
    labels: Array | None
    note: str


def kws(shared: Path) -> Case:
    network = float_weights((shared / TINY / "kws_ref_model_float32.tflite").read_bytes())
    with np.load(shared / "eval/kws01.npz") as arrays:
        scale, zero_point = KWS_INPUT
        x = ((arrays["x"].astype(np.float32) - zero_point) * np.float32(scale)).astype(np.float32)
        y = arrays["y"]
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].reshape(-1, 49, 10, 1), y[order]
    note = "kws01.npz parted; the weights of the 1x1 convolutions were stored as int8, per tensor"
    return Case("kws", network, x[:CALIBRATION], x[CALIBRATION:], y[CALIBRATION:], note)


def _photographs(shared: Path) -> tuple[Array, Array]:
    with np.load(shared / "eval/vww01_cc264.npz") as arrays:
        return arrays["x"].astype(np.float32), arrays["y"]


def vww(shared: Path) -> Case:
    """A quarter of the photographs, cropped and mirrored, calibrates; the rest is for testing."""
    x, y = _photographs(shared)
    random = np.random.default_rng(0)
    order = random.permutation(len(x))
    few, rest = order[: len(x) // 4], order[len(x) // 4 :]
    crops = [_crop(x[random.choice(few)], random) for _ in range(CALIBRATION)]
    network = (shared / TINY / "vww_96_float.tflite").read_bytes()
    note = f"vww01_cc264.npz: crops of {len(few)} photographs, the other {len(rest)} for testing"
    return Case("vww", network, np.stack(crops) / 255, x[rest] / 255, y[rest], note)


def _crop(image: Array, random: np.random.Generator) -> Array:
    top, left = random.integers(0, SIDE - CROP + 1, 2)
    part = image[top : top + CROP, left : left + CROP]
    near = np.linspace(0, CROP - 1, SIDE).round().astype(int)
    part = part[near][:, near]
    return part[:, ::-1] if random.integers(2) else part


def ic(shared: Path) -> Case:
    """Photographs of VWW at 32x32: CIFAR-10 is not here, so no label is right."""
    x, _ = _photographs(shared)
    small = x.reshape(-1, 32, 3, 32, 3, 3).mean(axis=(2, 4))
    parts = [
        small,
        *(x[:, top : top + 32, left : left + 32] for top in (0, 64) for left in (0, 64)),
    ]
    order = np.random.default_rng(0).permutation(len(x))
    few, rest = order[: len(x) // 2], order[len(x) // 2 :]
    calibration = np.concatenate([part[few] for part in parts])[:CALIBRATION]
    network = (shared / TINY / "pretrainedResnet.tflite").read_bytes()
    test = np.concatenate([part[rest] for part in parts])
    note = "parts of VWW photographs, for CIFAR-10 is not here: no labels"
    return Case("ic", network, calibration, test, None, note)


def ad(shared: Path) -> Case:
    """Log mel energies of spoken digits: the sounds of machines are not here."""
    rows = _log_mels(shared / "train/fsdd/recordings.zip")
    order = np.random.default_rng(0).permutation(len(rows))[: 2 * CALIBRATION + 500]
    network = (shared / TINY / "ad01_fp32.tflite").read_bytes()
    note = "log mel energies of spoken digits, for the sounds of machines are not here: no labels"
    return Case("ad", network, rows[order[:CALIBRATION]], rows[order[CALIBRATION:]], None, note)


def _log_mels(path: Path) -> Array:
    bank = _mel_bank()
    rows = []
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".wav"))
        for name in names[::3]:
            with wave.open(io.BytesIO(archive.read(name))) as sound:
                data = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
                rate = sound.getframerate()
            times = np.arange(0, len(data) / rate, 1 / RATE)
            wide = np.interp(times, np.arange(len(data)) / rate, data / 32768)
            wide = np.pad(wide, (0, max(0, WINDOW + HOP * FRAMES - len(wide))))
            starts = range(0, len(wide) - WINDOW, HOP)
            frames = np.stack([wide[start : start + WINDOW] for start in starts])
            power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2
            mels = 10 * np.log10(power @ bank.T + np.finfo(np.float64).eps)
            for start in range(0, len(mels) - FRAMES + 1, FRAMES):
                rows.append(mels[start : start + FRAMES].ravel())
    return np.stack(rows).astype(np.float32)


def _mel_bank() -> Array:
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, middle, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


def signs(shared: Path, floats: Path) -> Case:
    with np.load(floats / "signs.npz") as arrays:
        train, test, labels = arrays["train_x"], arrays["test_x"], arrays["test_y"]
    chosen = np.random.default_rng(0).permutation(len(train))[:CALIBRATION]
    network = (floats / "signs_float.tflite").read_bytes()
    return Case("signs", network, train[chosen], test, labels, "every fifth file is for testing")


def fashion(shared: Path, floats: Path) -> Case:
    from edgebottle.zoo.fashion import load_data

    data = load_data(shared / "train/fashion-mnist")
    chosen = np.random.default_rng(0).permutation(len(data.train_images))[:CALIBRATION]
    network = (floats / "fashion_float.tflite").read_bytes()
    calibration = data.train_images[chosen]
    note = "10,000 test images"
    return Case("fashion", network, calibration, data.test_images, data.test_labels, note)


CASES: dict[str, Callable[[Path, Path], Case]] = {
    "kws": lambda shared, floats: kws(shared),
    "vww": lambda shared, floats: vww(shared),
    "ic": lambda shared, floats: ic(shared),
    "ad": lambda shared, floats: ad(shared),
    "signs": signs,
    "fashion": fashion,
}


def float_weights(data: bytes) -> bytes:
    """A network of float layers with int8 weights (dynamic-range quantization), all in float."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    for tensor in model.subgraphs[0].tensors:
        if tensor.type != schema.TensorType.INT8:
            continue
        stored = np.array(model.buffers[tensor.buffer].data, np.uint8).view(np.int8)
        (scale,) = tensor.quantization.scale  # per tensor
        real = stored.astype(np.float32) * np.float32(scale)
        model.buffers[tensor.buffer].data = real.view(np.uint8)
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
