"""ONNX models for tests, in a line each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgebottle.conversion import ModelFile, Reading, read_model
from edgebottle.importers.tflite import load_tflite
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.onnx_oracle import exact_session
from edgebottle.passes.permuted import inverse

FLOAT = TensorProto.FLOAT
IMAGE: dict[str, Sequence[int | str]] = {"x": (1, 3, 8, 6)}


def weights(*shape: int) -> Array:
    """Random numbers that depend on the shape alone, not on what was drawn before."""
    return np.random.default_rng([5, *shape]).normal(size=shape).astype(np.float32)


def model(
    nodes: Sequence[Any],
    inputs: dict[str, Sequence[int | str]],
    constants: dict[str, Array] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
    domains: Sequence[str] = (),
) -> bytes:
    """The bytes of a model of float inputs."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(one, 1) for one in domains)]
    made = helper.make_model(graph, opset_imports=sets)
    made.ir_version = 8
    return bytes(made.SerializeToString())


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    """A node; inputs and outputs are names with spaces between them, ``_`` an absent one."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), **attributes)


def read(data: bytes, folder: Path, reading: Reading | None = None) -> ModelFile:
    path = folder / "net.onnx"
    path.write_bytes(data)
    return read_model(path, lambda what, done, total: None, reading)


def graph_of(file: ModelFile) -> Graph:
    return load_tflite(file.data, "net")


def run(file: ModelFile, values: Sequence[Array]) -> tuple[Array, ...]:
    """Outputs of NumPy for inputs in the order of axes of the file, in that order too."""
    assert file.onnx is not None
    given = [v.transpose(order) for v, order in zip(values, file.onnx.inputs, strict=True)]
    found = Interpreter(graph_of(file)).run([np.ascontiguousarray(value) for value in given])
    return tuple(
        value.transpose(inverse(order))
        for value, order in zip(found, file.onnx.outputs, strict=True)
    )


def expected(data: bytes, values: Sequence[Array]) -> list[Array]:
    """Outputs of onnxruntime."""
    import onnxruntime

    session = exact_session(data, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
    names = [one.name for one in session.get_inputs()]
    return list(session.run(None, dict(zip(names, values, strict=True))))


__all__ = ["IMAGE", "expected", "graph_of", "model", "node", "onnx", "read", "run", "weights"]
