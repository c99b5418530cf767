"""Records for tests, made up but consistent."""

from dataclasses import replace
from typing import Any

from hil.network import Network, NodeRecord, TensorRecord
from hil.records import Flash, LayerRecord, MemoryBlock, Ram, Record

LAYERS = (
    LayerRecord("conv", "CONV_2D", 1000, 5000, None, 64),
    LayerRecord("depthwise", "DEPTHWISE_CONV_2D", 500, 4000, None, 64),
    LayerRecord("softmax", "SOFTMAX", 0, 300, None, 10),
)

MEMORY = (
    MemoryBlock("image", 0, 16, -1, 0),
    MemoryBlock("conv_out", 16, 64, 0, 1),
    MemoryBlock("depthwise_out", 80, 64, 1, 2),
    MemoryBlock("depthwise scratch", 0, 12, 1, 1),
    MemoryBlock("probabilities", 0, 10, 2, 3),
    MemoryBlock("nothing", 0, 0, 0, 3),
)

WEIGHTS = TensorRecord("w", (8, 3, 3, 1), "i8", 72, (0.01, 0.02), 8, 0)

NETWORK = Network(
    inputs=("image",),
    outputs=("probabilities",),
    tensors=(
        TensorRecord("image", (1, 4, 4, 1), "i8", 16, (0.5,), 1, -128),
        TensorRecord("conv_out", (1, 4, 4, 4), "i8", 64, (0.25,), 1, 3),
        TensorRecord("depthwise_out", (1, 4, 4, 4), "i8", 64, (0.125,), 1, 0),
        TensorRecord("flat", (1, 64), "i8", 64, (0.125,), 1, 0),
        TensorRecord("probabilities", (1, 10), "f32", 10),
    ),
    nodes=(
        NodeRecord("conv", "CONV_2D", ("image",), ("conv_out",), (WEIGHTS,), "eb_conv", 96, 0),
        NodeRecord(
            *("depthwise", "DEPTHWISE_CONV_2D", ("conv_out",), ("depthwise_out",)),
            *((WEIGHTS,), "eb_depthwise", 2904, 1),
        ),
        NodeRecord("flatten", "RESHAPE", ("depthwise_out",), ("flat",), (), "", 0, None),
        NodeRecord(
            *("softmax", "SOFTMAX", ("flat", "conv_out"), ("probabilities",)),
            *((), "eb_softmax", 0, 2),
        ),
    ),
)

RECORD = Record(
    time="2026-03-01T14:05:09+00:00",
    model="net",
    model_hash="ab" * 32,
    image_hash="00c0ffee",
    board="stm32f746",
    virtual=True,
    compiler="zig 0.17.1",
    flags="-O2",
    schedule="layers",
    macs=1500,
    ram=Ram(144, 400, 100),
    flash=Flash(3000, 9000),
    lower_bound=144,
    instructions=9300,
    latency_us=(100.0, 101.5, 103.0),
    latency_kind="modelled",
    layers=LAYERS,
    memory=MEMORY,
    samples=10,
    correct=9,
    match=True,
    output_crc="12345678",
    attempts=1,
    edgebottle="0.1.0",
    network=NETWORK,
)


def make_record(**changes: Any) -> Record:
    """``RECORD`` with some fields changed."""
    return replace(RECORD, **changes)
