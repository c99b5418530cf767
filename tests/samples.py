"""Inputs that find the mistakes of operators: random ones and the ends of each type's range."""

import zlib
from collections.abc import Sequence

import numpy as np

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Array, Graph, Tensor
from edgebottle.samples import indices_inside

FLOAT_EDGES = {"min": -8.0, "max": 8.0, "zero": 0.0}


def samples(graph: Graph, count: int = 4) -> list[tuple[str, tuple[Array, ...]]]:
    """Named inputs of ``graph``: all minimum, all maximum, zero point, then ``count`` random."""
    result = []
    for kind in ("min", "max", "zero", *(f"random-{i}" for i in range(count))):
        rng = np.random.default_rng(zlib.crc32(f"{graph.name} {kind}".encode()))
        tensors = [graph.tensors[name] for name in graph.inputs]
        values = [_value(tensor, kind, rng) for tensor in tensors]
        names = zip(graph.inputs, values, strict=True)
        result.append((kind, tuple(indices_inside(graph, *pair) for pair in names)))
    return result


def _value(tensor: Tensor, kind: str, rng: np.random.Generator) -> Array:
    dtype = np.dtype(tensor.dtype.numpy)
    if tensor.dtype is DType.F32:
        if kind in FLOAT_EDGES:
            return np.full(tensor.shape, FLOAT_EDGES[kind], dtype)
        return rng.normal(0, 3, tensor.shape).astype(dtype)
    if tensor.dtype is DType.BOOL:
        fixed = {"min": False, "max": True, "zero": False}.get(kind)
        one = rng.random(tensor.shape) < 0.5 if fixed is None else np.full(tensor.shape, fixed)
        return np.asarray(one)
    limits = np.iinfo(dtype)
    zero = 0 if tensor.quant is None else tensor.quant.zero_point[0]
    edges = {"min": limits.min, "max": limits.max, "zero": zero}
    if kind in edges:
        return np.full(tensor.shape, edges[kind], dtype)
    if kind.endswith("1"):  # near the zero point, where rounding and saturation are not the same
        return np.clip(rng.normal(zero, 12, tensor.shape), limits.min, limits.max).astype(dtype)
    return rng.integers(limits.min, limits.max, tensor.shape, dtype, endpoint=True)


def assert_same(actual: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    """Integers must be equal, floats close."""
    assert len(actual) == len(expected), what
    for index, (left, right) in enumerate(zip(actual, expected, strict=True)):
        assert left.shape == right.shape and left.dtype == right.dtype, f"{what}, output {index}"
        if right.dtype == np.float32:
            np.testing.assert_allclose(left, right, 1e-4, 1e-5, err_msg=f"{what}, output {index}")
        else:
            np.testing.assert_array_equal(left, right, f"{what}, output {index}")
