"""What holds for all of a .tflite file, and of the states of its graph."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgebottle.errors import BadModel, UnsupportedOp
from edgebottle.importers.tflite_file import FileOperator, TFLiteFile
from edgebottle.importers.tflite_tensors import PACKED, unsupported_type
from edgebottle.ir.graph import Graph
from edgebottle.ops import HYBRID

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

WEIGHTS_IN = {"INT4": WEIGHTED, "INT2": ("FULLY_CONNECTED",), "FLOAT16": ()}
"""Types that only constants have, and the operators that may read them beside other operands."""


def check_indices(file: TFLiteFile) -> None:
    """Every index of a tensor is one; only inputs of operators may be absent."""
    count = len(file.tensors)
    for index in (*file.inputs, *file.outputs):
        if not 0 <= index < count:
            raise BadModel(f"the model names tensor {index}, but has {count}")
    for number, record in enumerate(file.operators):
        inputs = (i for i in record.inputs if i != -1)
        for index in (*inputs, *record.outputs, *record.intermediates):
            if not 0 <= index < count:
                raise BadModel(f"operator {number} ({record.op}) names tensor {index} of {count}")


def check_inputs(file: TFLiteFile) -> None:
    """The inputs are distinct and handed over at run time, and there are outputs."""
    for kind, indices in (("input", file.inputs), ("output", file.outputs)):
        if not indices:
            raise BadModel(f"the model has no {kind}s")
    for index in file.inputs:
        tensor = file.tensors[index]
        if file.inputs.count(index) > 1:
            raise UnsupportedOp(f"'{tensor.name}' is named twice as an input of the model")
        if tensor.data is not None or tensor.variable:
            what = "variable" if tensor.variable else "constant"
            raise UnsupportedOp(f"the input '{tensor.name}' of the model is a {what}")
    for index in (*file.inputs, *file.outputs):
        if file.tensors[index].type in WEIGHTS_IN:
            raise unsupported_type(file.tensors[index])


def check_constants(file: TFLiteFile, size: int) -> None:
    """Constants may share their data, or be sparse, but not so that memory explodes."""
    used = {index for record in file.operators for index in record.inputs if index != -1}
    used.update(file.outputs)
    constants = 0
    for tensor in (file.tensors[index] for index in used):
        if tensor.data is not None:
            is_dense = tensor.sparsity is None
            constants += tensor.data.size if is_dense else 4 * abs(prod(tensor.shape))
    if constants > max(2 * size, 32 << 20):
        raise BadModel(f"the file is corrupt: {constants} bytes of constants in {size} bytes")


def check_states(graph: Graph, variables: frozenset[str]) -> None:
    """A state may be read only by the operator that updates it, and written by nothing else.

    Those of ``variables`` are read by any, and written by one ASSIGN_VARIABLE.
    """
    users: dict[str, str] = {}
    for node in graph.nodes:
        for index, name in enumerate(node.inputs):
            is_state = name is not None and graph.tensors[name].state
            own = index in node.state_inputs and node.assigned is None
            if is_state and name in variables and not own:
                continue
            if is_state != own:
                raise UnsupportedOp(
                    f"{node.name} ({node.OP}) uses '{name}' {'' if is_state else 'not '}"
                    "as a variable, which edgebottle does not support yet"
                )
            if name is None or not is_state:
                continue
            if name in variables or users.setdefault(name, node.name) != node.name:
                raise UnsupportedOp(f"{node.name} shares the variable '{name}' with another layer")


def check_hybrid(file: TFLiteFile, layers: Sequence[str]) -> None:
    """Of the layers that quantize float inputs at run time, none is of another kind than we have.

    Weights of fewer bits, and sparse ones, LiteRT computes with otherwise.
    """
    refused = [
        f"{layer} ({record.op})"
        for layer, record in zip(layers, file.operators, strict=True)
        if is_hybrid(file, record) and not _is_plain_hybrid(file, record)
    ]
    if refused:
        raise UnsupportedOp(
            "the model has integer weights in float layers (dynamic-range quantization), which "
            f"edgebottle supports for {', '.join(HYBRID)} and dense weights of 8 bits only, not "
            f"for {listed(refused)}; convert it with full integer quantization (a representative "
            "dataset), or without optimizations to keep it float"
        )


def is_hybrid(file: TFLiteFile, record: FileOperator) -> bool:
    """Whether an operator has float activations and integer weights."""
    if record.op in _CONVERSIONS:
        return False
    ins = [file.tensors[index] for index in record.inputs if index != -1]
    outs = [file.tensors[index] for index in record.outputs]
    is_float = all(tensor.type == "FLOAT32" for tensor in (*ins[:1], *outs[:1]))
    return is_float and any(t.type in ("INT8", *PACKED) for t in ins)


def _is_plain_hybrid(file: TFLiteFile, record: FileOperator) -> bool:
    weights = file.tensors[record.inputs[1]] if len(record.inputs) > 1 else None
    is_plain = weights is not None and weights.type == "INT8" and weights.sparsity is None
    return record.op in HYBRID and is_plain


def listed(names: Sequence[str], most: int = 4) -> str:
    """A few names, and how many there are besides."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
