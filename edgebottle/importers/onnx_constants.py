"""What an ONNX file computes from constants alone, mostly shapes: computed at import."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from edgebottle.errors import BadModel
from edgebottle.importers.onnx_node import OnnxNode
from edgebottle.ir.graph import Array

MAX_ELEMENTS = 1 << 24
"""Of a computed constant: many times what a microcontroller holds."""

Sizes = Callable[[Sequence[Array]], float]


def _repeats(values: Sequence[Array]) -> float:
    return values[0].size * float(prod(values[1].ravel().tolist()))


_GROWING: dict[str, Sizes] = {
    "ConstantOfShape": lambda values: float(prod(values[0].ravel().tolist())),
    "Expand": _repeats,
    "Tile": _repeats,
    "Range": lambda values: float(abs((values[1] - values[0]) / values[2])),
    "OneHot": lambda values: values[0].size * float(values[1]),
    "Pad": lambda values: float(
        prod(dim + 2 * float(np.abs(values[1]).sum()) for dim in values[0].shape)
    ),
    "Resize": lambda values: float(prod(map(float, np.abs(values[-1].ravel())))) * values[0].size,
    "Upsample": _repeats,
}
"""How many elements operators that make much of little give, at most."""

_NOT_FOLDED = ("If", "Loop", "Scan", "SequenceMap", "Optional")


def is_computable(node: OnnxNode) -> bool:
    """Whether the value of a node follows from those of its inputs, and is a tensor."""
    return not node.op.startswith(
        ("Random", "Bernoulli", "Multinomial", "Sequence", "String")
    ) and (node.op not in _NOT_FOLDED)


def compute(node: OnnxNode, values: Sequence[Array | None]) -> tuple[Array, ...]:
    """The outputs of a node whose inputs are all constants.

    Raises:
        BadModel: it cannot be computed, or gives more than ``MAX_ELEMENTS`` elements.
    """
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = [f"in{number}" if value is not None else "" for number, value in enumerate(values)]
    wanted = [f"out{number}" if name else "" for number, name in enumerate(node.outputs)]
    if node.op == "Range":  # limits with an axis of one element are common
        values = [
            value.reshape(()) if value is not None and value.size == 1 else value
            for value in values
        ]
    try:
        _check_growth(node, [value for value in values if value is not None])
        alone = type(node.proto)()
        alone.CopyFrom(node.proto)
        alone.ClearField("input")
        alone.ClearField("output")
        alone.input.extend(names)
        alone.output.extend(wanted)
        unknown = TensorProto.UNDEFINED
        graph = helper.make_graph(
            [alone],
            "constant",
            [helper.make_tensor_value_info(name, unknown, None) for name in names if name],
            [helper.make_tensor_value_info(name, unknown, None) for name in wanted if name],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", node.version)])
        feeds = {name: value for name, value in zip(names, values, strict=True) if name}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            results = ReferenceEvaluator(model).run(None, feeds)
    except BadModel:
        raise
    except Exception as error:  # whatever it raises for operands that contradict each other
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadModel(f"{node.label} cannot be computed from its constants: {reason}") from error
    if not all(isinstance(one, np.ndarray | np.generic) for one in results):
        raise BadModel(f"{node.label} computes a constant that is no tensor")
    arrays = iter([_single(np.asarray(one)) for one in results])
    return tuple(next(arrays) if name else np.zeros(0, np.float32) for name in node.outputs)


def _single(value: Array) -> Array:
    """Real numbers in float32, as all of them are here."""
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _check_growth(node: OnnxNode, values: Sequence[Array]) -> None:
    """Refuses a result that would fill the memory of this computer."""
    size = _GROWING.get(node.op)
    with np.errstate(all="ignore"):
        count = _broadcast_size(values) if size is None else size(values)
    if not count <= MAX_ELEMENTS:
        raise BadModel(f"{node.label} computes a constant of {count:.3g} elements")


def _broadcast_size(values: Sequence[Array]) -> float:
    """Elements of the values broadcast against each other; 0 where they do not broadcast."""
    try:
        return float(prod(np.broadcast_shapes(*(value.shape for value in values))))
    except ValueError:
        return 0.0
