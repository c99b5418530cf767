"""ONNX operators that are defined by other ONNX operators, taken apart into those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebottle.importers.onnx_file import OnnxGraph, read_graph
from edgebottle.importers.onnx_node import OnnxNode, Value
from edgebottle.ir.graph import Shape, Tensor


@dataclass(frozen=True)
class Body:
    """What an operator is made of.

    Attributes:
        names: What its inputs are called in ``graph``.
        graph: The operators.
    """

    names: tuple[str, ...]
    graph: OnnxGraph


def expanded(node: OnnxNode, values: Sequence[tuple[Shape, Value] | None]) -> Body | None:
    """The definition of an operator by others; None where ONNX has none that can be applied.

    Args:
        node: The node.
        values: Shape and value of each input, None for absent ones.

    """
    import onnx
    from onnx import helper, inliner

    schema = onnx.defs.get_schema(node.op, node.version, "")
    if not (schema.has_function or schema.has_context_dependent_function):
        return None
    names = tuple(f"in{i}" if value is not None else "" for i, value in enumerate(values))
    outputs = tuple(f"out{i}" if name else "" for i, name in enumerate(node.outputs))
    alone = type(node.proto)()
    alone.CopyFrom(node.proto)
    alone.ClearField("input")
    alone.ClearField("output")
    alone.input.extend(names)
    alone.output.extend(outputs)
    for name, attribute in schema.attributes.items():
        if name not in node.attributes and attribute.default_value.name:
            alone.attribute.append(attribute.default_value)
    inputs = [
        helper.make_tensor_value_info(name, _type(value[1]), value[0])
        for name, value in zip(names, values, strict=True)
        if value is not None
    ]
    wanted = [
        helper.make_tensor_value_info(name, onnx.TensorProto.UNDEFINED, None)
        for name in outputs
        if name
    ]
    graph = helper.make_graph([alone], "one", inputs, wanted)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", node.version)])
    try:
        whole = inliner.inline_selected_functions(
            model, [("", node.op)], inline_schema_functions=True
        )
    except Exception:  # a binding to C++, with whatever it throws
        return None
    if any(one.op_type == node.op for one in whole.graph.node):
        return None
    return Body(names, read_graph(whole.graph, node.version))


def _type(value: Value) -> Any:
    """The type of ONNX for a value."""
    from onnx import helper

    if isinstance(value, Tensor):
        return helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype.numpy))
    return helper.np_dtype_to_tensor_dtype(value.dtype)
