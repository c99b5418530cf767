"""What the importer expects of each operator of a .tflite file: inputs, outputs, options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadModel
from edgebottle.importers.tflite_file import OperatorRecord, default_options


@dataclass(frozen=True)
class Signature:
    """How many inputs and outputs an operator has, and which options.

    Attributes:
        options: The schema's table of options, empty where there is none.
        least: Fewest inputs.
        most: Most inputs.
        outputs: Outputs; 0 for any number from one.
        optional: Inputs that may be absent; added at the end where the file leaves them out.
    """

    options: str
    least: int
    most: int
    outputs: int = 1
    optional: tuple[int, ...] = ()


_MANY = 10_000

SIGNATURES = {
    "ADD": Signature("AddOptions", 2, 2),
    "ARG_MAX": Signature("ArgMaxOptions", 2, 2),
    "AVERAGE_POOL_2D": Signature("Pool2DOptions", 1, 1),
    "BATCH_TO_SPACE_ND": Signature("BatchToSpaceNDOptions", 3, 3),
    "CONCATENATION": Signature("ConcatenationOptions", 1, _MANY),
    "CONV_2D": Signature("Conv2DOptions", 2, 3, optional=(2,)),
    "DEPTHWISE_CONV_2D": Signature("DepthwiseConv2DOptions", 2, 3, optional=(2,)),
    "DEQUANTIZE": Signature("DequantizeOptions", 1, 1),
    "EXPAND_DIMS": Signature("ExpandDimsOptions", 2, 2),
    "FULLY_CONNECTED": Signature("FullyConnectedOptions", 2, 3, optional=(2,)),
    "HARD_SWISH": Signature("HardSwishOptions", 1, 1),
    "LOGISTIC": Signature("", 1, 1),
    "MAX_POOL_2D": Signature("Pool2DOptions", 1, 1),
    "MEAN": Signature("ReducerOptions", 2, 2),
    "MUL": Signature("MulOptions", 2, 2),
    "PACK": Signature("PackOptions", 1, _MANY),
    "PAD": Signature("PadOptions", 2, 2),
    "PADV2": Signature("PadV2Options", 3, 3),
    "QUANTIZE": Signature("QuantizeOptions", 1, 1),
    "RELU": Signature("", 1, 1),
    "RELU6": Signature("", 1, 1),
    "RELU_N1_TO_1": Signature("", 1, 1),
    "RESHAPE": Signature("ReshapeOptions", 1, 2),
    "RESIZE_BILINEAR": Signature("ResizeBilinearOptions", 2, 2),
    "RESIZE_NEAREST_NEIGHBOR": Signature("ResizeNearestNeighborOptions", 2, 2),
    "SOFTMAX": Signature("SoftmaxOptions", 1, 1),
    "SPACE_TO_BATCH_ND": Signature("SpaceToBatchNDOptions", 3, 3),
    "SPLIT": Signature("SplitOptions", 2, 2, outputs=0),
    "SQUEEZE": Signature("SqueezeOptions", 1, 1),
    "STRIDED_SLICE": Signature("StridedSliceOptions", 4, 4),
    "SUB": Signature("SubOptions", 2, 2),
    "SVDF": Signature("SVDFOptions", 5, 5, optional=(3,)),
    "TANH": Signature("", 1, 1),
    "TRANSPOSE": Signature("TransposeOptions", 2, 2),
    "UNPACK": Signature("UnpackOptions", 1, 1, outputs=0),
}
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

_INT32 = 2
"""``INT32`` of the schema's types."""


def check_counts(layer: str, record: OperatorRecord, signature: Signature) -> None:
    """Raises ``BadModel`` for a number of inputs or outputs that the operator cannot have."""
    inputs, outputs = len(record.inputs), len(record.outputs)
    if not signature.least <= inputs <= signature.most:
        raise BadModel(f"{layer} ({record.op}) has {inputs} inputs")
    if outputs == 0 or (signature.outputs and outputs != signature.outputs):
        raise BadModel(f"{layer} ({record.op}) has {outputs} outputs")
    absent = [i for i, index in enumerate(record.inputs) if index == -1]
    if not set(absent) <= set(signature.optional):
        raise BadModel(f"{layer} ({record.op}) lacks its input {absent[0]}")


def options_of(layer: str, record: OperatorRecord, signature: Signature) -> Any:
    """The options object, with the schema's defaults when the file has none.

    Raises:
        BadModel: options of another operator, or values that no operator can have.
    """
    expected = signature.options
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
    if getattr(options, "quantizedBiasType", 0) not in (0, _INT32):
        raise BadModel(f"{layer} ({record.op}) has biases that are not of 32 bits")
    return options
