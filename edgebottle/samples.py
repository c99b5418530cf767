"""Inputs for a network: from an ``.npz`` file, or made up to reach the edges of its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgebottle.archives import read_arrays
from edgebottle.errors import BadInput
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.sample_values import Meaning, Values, convert

LABEL_KEYS = ("y", "label", "labels")
"""Arrays of this name in a file of samples are the right classes."""


@dataclass(frozen=True)
class Samples:
    """Inputs, and the right classes where they are known.

    Attributes:
        inputs: For each sample one array per input of the network, of its shape and type.
        labels: Integer class of each sample, or None.
        source: Where they come from.
        taken: In words, what the numbers of each array of a file were taken for.
        warnings: What looks wrong with them.
        truths: The true boxes of each image, where they are known; see ``detection.precision``.
        names: Of the samples, where they have any.
        pictures: The first images, JPEG in base64.
    """

    inputs: tuple[tuple[Array, ...], ...]
    labels: tuple[int, ...] | None
    source: str
    taken: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    truths: tuple[Array, ...] | None = None
    names: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.inputs)


def edge_cases(graph: Graph, count: int, seed: int = 0) -> Samples:
    """All minimum, all maximum, all zero point, then random inputs.

    Args:
        graph: The network.
        count: How many samples, at least 1.
        seed: Of the random ones.
    """
    generator = np.random.default_rng(seed)
    tensors = [graph.tensors[name] for name in graph.inputs]
    inputs = [
        tuple(
            indices_inside(graph, tensor.name, _made_up(tensor, index, generator))
            for tensor in tensors
        )
        for index in range(count)
    ]
    return Samples(tuple(inputs), None, f"edge cases and random inputs (seed {seed})")


def indices_inside(graph: Graph, name: str, value: Array) -> Array:
    """Made-up values of an input; where they are indices, such as LiteRT does not stop at."""
    for node in graph.consumers(name):
        for index in (i for i, read in enumerate(node.inputs) if read == name):
            limits = node.index_limits(index, graph.ins(node))
            if limits is not None:
                value = (value % limits).astype(value.dtype)
    return value


def _made_up(tensor: Tensor, index: int, generator: np.random.Generator) -> Array:
    dtype = np.dtype(tensor.dtype.numpy)
    if tensor.dtype is DType.F32:
        fixed = {0: -1.0, 1: 1.0, 2: 0.0}.get(index)
        if fixed is not None:
            return np.full(tensor.shape, fixed, dtype)
        return generator.uniform(-1, 1, tensor.shape).astype(dtype)
    if tensor.dtype is DType.BOOL:
        fixed_bool = {0: False, 1: True, 2: False}.get(index)
        if fixed_bool is not None:
            return np.full(tensor.shape, fixed_bool)
        return np.asarray(generator.random(tensor.shape) < 0.5)
    info = np.iinfo(dtype)
    zero = 0 if tensor.quant is None else tensor.quant.zero_point[0]
    fixed_int = {0: info.min, 1: info.max, 2: zero}.get(index)
    if fixed_int is not None:
        return np.full(tensor.shape, fixed_int, dtype)
    return generator.integers(info.min, info.max, tensor.shape, dtype=dtype, endpoint=True)


def load_samples(
    path: Path, graph: Graph, limit: int | None = None, meaning: Meaning | None = None
) -> Samples:
    """Reads samples from an ``.npz`` file.

    The arrays named after the inputs are taken; for a network with one input the array ``x`` or
    the only array that is not labels (``y``) serves. The first axis counts the samples; the rest
    must have as many elements as the input. What their numbers mean ``sample_values`` says.
    Labels are classes, or one-hot rows.

    Args:
        path: The file.
        graph: The network.
        limit: Take the first this many.
        meaning: What the numbers are; None to tell by their type.

    Raises:
        BadInput: the file cannot be read or does not fit the network.
    """
    return samples_of(str(path), read_arrays(path), graph, limit, meaning)


def samples_of(
    source: str,
    arrays: Mapping[str, Array],
    graph: Graph,
    limit: int | None = None,
    meaning: Meaning | None = None,
) -> Samples:
    """The samples of arrays, chosen and checked as ``load_samples`` says.

    Args:
        source: Where they come from, for messages.
        arrays: By name.
        graph: The network.
        limit: Take the first this many.
        meaning: What the numbers are; None to tell by their type.

    Raises:
        BadInput: they do not fit the network.
    """
    taken = {*graph.inputs}
    labels = next((arrays[k] for k in LABEL_KEYS if k in arrays and k not in taken), None)
    columns = []
    counts = set()
    for index in range(len(graph.inputs)):
        column, count = _column(source, arrays, graph, index, limit, meaning)
        columns.append(column)
        counts.add(count)
    if len(counts) > 1:
        raise BadInput(f"{source}: the inputs have different numbers of samples: {sorted(counts)}")
    count = counts.pop()
    if count == 0:
        raise BadInput(f"{source} holds no samples")
    classes = None
    if labels is not None:
        classes = classes_of(source, labels, count, graph.tensors[graph.outputs[0]])[:limit]
    return Samples(
        inputs=tuple(zip(*(column.array for column in columns), strict=True)),
        labels=classes,
        source=source,
        taken=tuple(column.taken for column in columns),
        warnings=tuple(column.warning for column in columns if column.warning),
    )


def classes_of(path: str, labels: Array, count: int, output: Tensor) -> tuple[int, ...]:
    """The class of each sample: labels may be integers, or rows with a single 1.

    Args:
        path: Where they come from, for messages.
        labels: As many as there are samples.
        count: How many samples there are.
        output: The output whose largest element names the class.

    Raises:
        BadInput: they are no classes of this output, or too few or too many.
    """
    if labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind in "iu":
        labels = labels[:, 0]
    elif labels.ndim == 2 and labels.dtype.kind in "iufb" and _is_one_hot(labels):
        if labels.shape[1] != output.size:
            raise BadInput(
                f"{path}: the one-hot labels have {labels.shape[1]} classes, output "
                f"'{output.name}' has {output.size}"
            )
        labels = labels.argmax(axis=1)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise BadInput(
            f"{path}: the labels are {labels.dtype} of shape {list(labels.shape)}, neither one "
            "integer class nor one one-hot row per sample"
        )
    if len(labels) != count:
        raise BadInput(f"{path} has {count} samples but {len(labels)} labels")
    if output.size == 1:
        raise BadInput(
            f"{path} has labels, but output '{output.name}' is one number, which names no class: "
            "leave them out"
        )
    wrong = next((i for i, label in enumerate(labels) if not 0 <= label < output.size), None)
    if wrong is not None:
        raise BadInput(
            f"{path}: label {labels[wrong]} of sample {wrong} is none of the classes 0 to "
            f"{output.size - 1} of output '{output.name}'"
        )
    return tuple(int(label) for label in labels)


def _is_one_hot(labels: Array) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def bundled_samples(network: str, graph: Graph) -> Samples:
    """The samples that ship with a network of the zoo; raises ``BadInput`` if there are none."""
    from edgebottle.zoo import load_samples as load_bundled

    values, labels = load_bundled(network)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = tuple((sample.reshape(shape),) for sample in values)
    return Samples(inputs, tuple(int(label) for label in labels), f"samples of {network}")


def _column(
    path: str,
    arrays: Mapping[str, Array],
    graph: Graph,
    index: int,
    limit: int | None,
    meaning: Meaning | None,
) -> tuple[Values, int]:
    """The samples of one input, the first ``limit``, and how many there are in the file."""
    tensor, inputs = graph.tensors[graph.inputs[index]], len(graph.inputs)
    candidates = [tensor.name, f"x{index}"] + (["x"] if inputs == 1 else [])
    key = next((name for name in candidates if name in arrays), None)
    others = [name for name in arrays if name not in LABEL_KEYS]
    if key is None and inputs == 1 and len(others) == 1:
        key = others[0]
    if key is None:
        raise BadInput(
            f"{path} has no array for input '{tensor.name}': name it '{tensor.name}' or "
            f"'{'x' if inputs == 1 else f'x{index}'}' (found: {', '.join(arrays) or 'none'})"
        )
    values = arrays[key]
    if values.ndim == 0 or (len(values) and values[0].size != tensor.size):
        raise BadInput(
            f"{path}: samples of '{key}' have the shape {list(values.shape[1:])}, input "
            f"'{tensor.name}' takes {list(tensor.shape)}"
        )
    ours, given = ([dim for dim in one if dim != 1] for one in (tensor.shape, values.shape[1:]))
    if ours != given and sorted(ours) == sorted(given):
        raise BadInput(
            f"{path}: samples of '{key}' have the shape {list(values.shape[1:])}, input "
            f"'{tensor.name}' takes {list(tensor.shape)}: the same axes in another order; "
            "transpose them, or read the network with --layout keep if it is an ONNX file"
        )
    return convert(path, key, values[:limit], tensor, graph, meaning), len(values)
