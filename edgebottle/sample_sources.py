"""Samples from wherever a user has them: ``.npz``, ``.npy``, a folder of images, a function."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from edgebottle.archives import MAX_BYTES, read_array, read_arrays
from edgebottle.errors import BadInput, EdgebottleError, ToolMissing
from edgebottle.files import check_plain, reason
from edgebottle.ir.graph import Array, Graph
from edgebottle.samples import LABEL_KEYS, Samples, classes_of, samples_of
from edgebottle.user_functions import imported, is_function

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

_IMAGE_MODES = {1: "L", 3: "RGB"}
"""Pillow's, by channels."""


class PixelScale(Enum):
    """The real values that pixels 0 .. 255 stand for."""

    UNIT = "0..1"
    SIGNED = "-1..1"
    PLAIN = "0..255"

    @property
    def bounds(self) -> tuple[float, float]:
        """The real values of pixels 0 and 255."""
        return {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}[self.value]

    def real(self, pixels: Array) -> Array:
        """Real values of bytes, float32."""
        low, high = self.bounds
        scaled = pixels.astype(np.float32) * np.float32((high - low) / 255)
        return np.asarray(scaled + np.float32(low), np.float32)


def read_samples(source: str, graph: Graph, scale: PixelScale | None = None) -> Samples:
    """The samples of a float network.

    Args:
        source: A file ``.npz`` or ``.npy``, a folder of images (``folder/class/image.png``, or all
            images in the folder itself), or ``module:name``, a function of the user that returns an
            array ``x``, ``(x, y)``, a dictionary of arrays, or one sample after the other.
        graph: The network.
        scale: What pixels stand for: images and arrays of bytes need it.

    Raises:
        BadInput: there are no samples there, or they do not fit the network.
        ToolMissing: images are to be read, and Pillow is not installed.
    """
    path = Path(source)
    if path.is_dir():
        arrays = _images(path, graph)
    elif is_function(source):
        arrays = called_arrays(source, graph.inputs)
    elif path.suffix.lower() == ".npy":
        arrays = {"x": read_array(path)}
    else:
        arrays = read_arrays(path)
    return samples_of(source, _scaled(source, arrays, graph, scale), graph)


def check_source(source: str) -> None:
    """Raises ``BadInput`` where there is nothing called so: said before long work begins."""
    path = Path(source)
    if not path.is_dir() and not is_function(source):
        check_plain(path)


def class_names(source: str) -> tuple[str, ...]:
    """The classes of a folder of images in their order; none of anything else."""
    path = Path(source)
    return tuple(item.name for item in _class_folders(path)) if path.is_dir() else ()


def read_labels(path: Path, graph: Graph, count: int) -> tuple[int, ...]:
    """Classes from a file of their own: ``.npy``, ``.npz``, or text with one number per line.

    Args:
        path: The file.
        graph: The network, whose first output has a number for each class.
        count: How many samples there are.

    Raises:
        BadInput: the file holds something else, or another number of labels.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays = read_arrays(path)
        key = next((key for key in (*LABEL_KEYS, *arrays) if key in arrays), None)
        if key is None:
            raise BadInput(f"{path} holds no labels")
        labels = arrays[key]
    elif suffix == ".npy":
        labels = read_array(path)
    else:
        check_plain(path)
        words = path.read_text(errors="replace").split()
        if not all(word.isdigit() for word in words):
            raise BadInput(f"{path} must hold one class, a whole number, on each line")
        labels = np.array([int(word) for word in words], np.int64)
    return classes_of(str(path), labels, count, graph.tensors[graph.outputs[0]])


def _scaled(
    source: str, arrays: Mapping[str, Array], graph: Graph, scale: PixelScale | None
) -> dict[str, Array]:
    """Bytes become real numbers."""
    result = dict(arrays)
    for key, values in arrays.items():
        if key in LABEL_KEYS and key not in graph.inputs:
            continue
        if values.dtype == np.uint8 and scale is None:
            raise BadInput(
                f"{source}: '{key}' holds pixels 0..255, and a float network takes real values: "
                f"say which with --scale {' | '.join(each.value for each in PixelScale)}"
            )
        if values.dtype == np.uint8 and scale is not None:
            result[key] = scale.real(values)
        elif values.dtype.kind in "iub":
            result[key] = values.astype(np.float32)
    return result


def first_image(folder: Path) -> tuple[int, int, int]:
    """Height, width and channels (1 or 3) of the first image of a folder.

    Raises:
        BadInput: there is none, or it cannot be read.
        ToolMissing: Pillow is not installed.
    """
    image = _opened(_image_files(folder)[0][0])
    return image.height, image.width, 1 if image.mode in ("1", "L", "I", "I;16", "F") else 3


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolMissing(
            "images need Pillow, which is not installed: pip install 'edgebottle[images]'"
        ) from error
    return Image


def _opened(file: Path) -> Any:
    """A picture as Pillow has it."""
    pillow = _pillow()
    try:
        with pillow.open(file) as image:
            image.load()
            return image
    except pillow.UnidentifiedImageError as error:
        raise BadInput(f"cannot read {file}: it is no image") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {file}: {reason(error)}") from error


def _images(folder: Path, graph: Graph) -> dict[str, Array]:
    """All images of a folder, resized to the network's input, and their classes."""
    shape = _image_shape(folder, graph)
    height, width, channels = shape
    files, labels = _image_files(folder)
    if len(files) * height * width * channels > MAX_BYTES:
        raise BadInput(
            f"{folder} holds {len(files):,} images, more than fit into "
            f"{MAX_BYTES / 2**20:,.0f} MB: give fewer"
        )
    pixels = np.empty((len(files), height, width, channels), np.uint8)
    for number, file in enumerate(files):
        picture = _opened(file).convert(_IMAGE_MODES[channels])
        resized = picture.resize((width, height), _pillow().Resampling.BILINEAR)
        pixels[number] = np.asarray(resized).reshape(height, width, channels)
    return {"x": pixels} if labels is None else {"x": pixels, "y": labels}


def _image_shape(folder: Path, graph: Graph) -> tuple[int, int, int]:
    """Height, width and channels of the one input."""
    shape = graph.tensors[graph.inputs[0]].shape
    fits = len(graph.inputs) == 1 and len(shape) == 4 and shape[0] == 1 and shape[3] in _IMAGE_MODES
    if not fits:
        shapes = ", ".join(str(list(graph.tensors[name].shape)) for name in graph.inputs)
        raise BadInput(
            f"{folder} is a folder of images, and the network takes {shapes}: not one image of "
            "1 or 3 channels; give an .npz file"
        )
    return shape[1], shape[2], shape[3]


def _image_files(folder: Path) -> tuple[list[Path], Array | None]:
    """The images, and their classes where they lie in a folder for each class."""
    classes = _class_folders(folder)
    loose = _pictures(folder)
    if not classes and not loose:
        raise BadInput(f"{folder} holds no images ({', '.join(IMAGE_SUFFIXES)})")
    if classes and loose:
        raise BadInput(
            f"{folder} holds images beside folders of images: put each into the folder of its class"
        )
    if loose:
        return loose, None
    files = [(file, number) for number, item in enumerate(classes) for file in _pictures(item)]
    return [file for file, _ in files], np.array([number for _, number in files], np.int64)


def _class_folders(folder: Path) -> list[Path]:
    folders = sorted((item for item in folder.iterdir() if item.is_dir()), key=_class_order)
    return [item for item in folders if _pictures(item)]


def _pictures(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.suffix.lower() in IMAGE_SUFFIXES)


def _class_order(folder: Path) -> tuple[int, str]:
    """Numbers by their value, names by the alphabet."""
    return (int(folder.name), "") if folder.name.isdigit() else (sys.maxsize, folder.name)


def called_arrays(source: str, names: Sequence[str] = ("x",)) -> dict[str, Array]:
    """What the user's function returns, as arrays.

    Args:
        source: ``module:name``.
        names: Of the arrays, where it gives one sample after the other.

    Raises:
        BadInput: it fails, or returns something else.
    """
    found = imported(source)
    try:
        return _as_arrays(found() if callable(found) else found, names)
    except EdgebottleError:
        raise
    except Exception as error:  # whatever the user's own code raises
        raise BadInput(f"{source} failed: {type(error).__name__}: {error}") from error


def _as_arrays(result: Any, names: Sequence[str]) -> dict[str, Array]:
    if isinstance(result, Mapping):
        return {str(key): np.asarray(value) for key, value in result.items()}
    if isinstance(result, tuple) and len(result) == 2:
        return {"x": np.asarray(result[0]), "y": np.asarray(result[1])}
    if isinstance(result, Iterable) and not isinstance(result, np.ndarray):
        samples = [_one_sample(sample) for sample in result]
        if not samples:
            return {"x": np.zeros((0, 1), np.float32)}
        columns = [np.stack(column) for column in zip(*samples, strict=True)]
        return dict(zip(names, columns, strict=True))
    return {"x": np.asarray(result)}


def _one_sample(sample: Any) -> Sequence[Array]:
    """One array for each input, as ``representative_dataset`` of TensorFlow yields them."""
    if isinstance(sample, list | tuple):
        return [np.asarray(value) for value in sample]
    return [np.asarray(sample)]
