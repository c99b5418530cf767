"""What the importer expects of each operator of a .tflite file: inputs, outputs, options."""

from __future__ import annotations

from typing import Any

from edgebottle.errors import BadModel
from edgebottle.importers.tflite_file import CUSTOM_OPERATORS, FileOperator, default_options
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import Signature
from edgebottle.ops.weights import BIAS_INT32, BIAS_INT64

SIGNATURES = {operator.OP: operator.SIGNATURE for operator in OPERATORS}
"""Of the operators that can be compiled."""

_POSITIVE = (
    "strideW",
    "strideH",
    "dilationWFactor",
    "dilationHFactor",
    "filterWidth",
    "filterHeight",
    "rank",
)
"""Options that count something."""

_OUTPUTS = ("numSplits", "num")
"""Options that say the number of outputs again."""


def check_counts(layer: str, record: FileOperator, signature: Signature) -> None:
    """Raises ``BadModel`` for a number of inputs or outputs that the operator cannot have."""
    inputs, outputs = len(record.inputs), len(record.outputs)
    if not signature.least <= inputs <= signature.most:
        raise BadModel(f"{layer} ({record.op}) has {inputs} inputs")
    if outputs == 0 or (signature.outputs and outputs != signature.outputs):
        raise BadModel(f"{layer} ({record.op}) has {outputs} outputs")
    absent = [i for i, index in enumerate(record.inputs) if index == -1]
    if not set(absent) <= set(signature.optional):
        raise BadModel(f"{layer} ({record.op}) lacks its input {absent[0]}")


def options_of(layer: str, record: FileOperator, signature: Signature) -> Any:
    """The options object, with the schema's defaults when the file has none.

    Raises:
        BadModel: options of another operator, or values that no operator can have.
    """
    expected = signature.options
    if record.op in CUSTOM_OPERATORS:
        return record.options
    if record.options is None and record.options_type in ("NONE", expected):
        return default_options(expected) if expected else None
    if record.options_type != expected:
        raise BadModel(f"{layer} ({record.op}) has the options {record.options_type}")
    options = record.options
    for field in _POSITIVE:
        if getattr(options, field, 1) < 1:
            raise BadModel(f"{layer} ({record.op}) has {field} {getattr(options, field)}")
    for field in _OUTPUTS:
        if getattr(options, field, len(record.outputs)) != len(record.outputs):
            raise BadModel(
                f"{layer} ({record.op}) has {len(record.outputs)} outputs, but {field} "
                f"{getattr(options, field)}"
            )
    if getattr(options, "valuesCount", len(record.inputs)) != len(record.inputs):
        raise BadModel(
            f"{layer} ({record.op}) has {len(record.inputs)} inputs, but valuesCount "
            f"{options.valuesCount}"
        )
    if getattr(options, "padding", 0) not in (0, 1):
        raise BadModel(f"{layer} ({record.op}) has an unknown padding")
    if getattr(options, "quantizedBiasType", 0) not in (0, BIAS_INT32, BIAS_INT64):
        raise BadModel(f"{layer} ({record.op}) has biases that are not of 32 or 64 bits")
    return options
