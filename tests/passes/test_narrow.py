"""Tensors of few values: found, stored with few bits, and computed to the last bit the same."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.exporters.tflite import write_tflite
from edgebottle.inspection import inspect_model
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph, Quant, Tensor
from edgebottle.ir.interpreter import Interpreter
from edgebottle.ir.verify import verify
from edgebottle.ops.base import Activation, Isa
from edgebottle.ops.width import Width
from edgebottle.passes.narrow import (
    narrow,
    narrow_widths,
    packed_groups,
    read_packed,
    reads_packed,
)
from edgebottle.pipeline import load
from edgebottle.plan.schedules import Schedule
from quantize.patch import choose_schedule
from quantize.patch.schedules import make_schedule
from tests.bench.low_bits import network
from tests.conftest import long
from tests.graphs import Builder, random_network
from tests.ops.compiled import run_compiled
from tests.samples import assert_same, samples

LOWEST = {4: 112, 2: 124, 1: 126}
"""The zero point that leaves so many bits up to 127."""


def few_valued(seed: int) -> Graph:
    """A random network whose layers clamp at a high zero point, as a low-bit network's do."""
    return clamped(random_network(seed), (4, 2, 1)[seed % 3])


def clamped(graph: Graph, bits: int) -> Graph:
    """The network with layers of so many bits."""

    def changed(one: Tensor) -> Tensor:
        if one.dtype is not DType.I8 or one.quant is None:
            return one
        if one.data is None:
            return replace(one, quant=replace(one.quant, zero_point=(LOWEST[bits],)))
        return replace(one, quant=replace(one.quant, scale=tuple(s / 8 for s in one.quant.scale)))

    tensors = {name: changed(one) for name, one in graph.tensors.items()}
    nodes = [
        replace(node, activation=Activation.RELU)
        if "activation" in {field.name for field in fields(node)}
        else node
        for node in graph.nodes
    ]
    return replace(graph, tensors=tensors, nodes=tuple(nodes))


def averaged() -> Graph:
    """A mean of rows of 8 bits that takes few values."""
    b = Builder("averaged")
    mean = b.mean(b.input(1, 6, 4, 5), 1, 2, keep_dims=True)
    scale = 20 * b.tensors[b.inputs[0]].scale
    b.tensors[mean] = replace(b.tensors[mean], quant=Quant((scale,), (0,)))
    return b.graph(b.conv(mean, 3, (1, 1)))


@pytest.mark.parametrize("isa", [long(Isa.PORTABLE), long(Isa.SCALAR), Isa.DSP, long(Isa.MVE)])
def test_compiled_c_equals_the_network_of_int8(isa: Isa, tmp_path: Path) -> None:
    runs, plans, expected = [], [], []
    for graph in (*map(few_valued, range(24)), averaged()):
        small = narrow(graph)
        if small is graph:
            continue
        verify(small, "narrow")
        inputs = [values for _, values in samples(graph)]
        wide = Interpreter(graph)
        outputs = [wide.run(values) for values in inputs]
        again = Interpreter(small)
        for values, wanted in zip(inputs, outputs, strict=True):
            assert_same(again.run(values), wanted, graph.name)
        for schedule in (Schedule.LAYERS, Schedule.MIN_RAM):
            runs.append((small, inputs))
            plans.append(make_schedule(small, isa, schedule))
            expected.append(outputs)
    assert len(runs) > 20
    found = run_compiled(runs, isa, tmp_path, plans)
    for (graph, _), outputs, wanted in zip(runs, found, expected, strict=True):
        for one, other in zip(outputs, wanted, strict=True):
            assert_same(one, other, graph.name)


@pytest.mark.parametrize(("bits", "lowest"), [(4, -8), (4, 112), (2, 124), (1, -128)])
def test_stored_bits(bits: int, lowest: int) -> None:
    """An element takes its bits from the lowest on, a pixel begins with a byte."""
    graph = few_valued(0)
    tensor = replace(graph.tensors[graph.nodes[0].outputs[0]], shape=(1, 2, 3, 5), data=None)
    width = Width(bits, lowest)
    values = (np.arange(30).reshape(1, 2, 3, 5) % (1 << bits) + lowest).astype(np.int8)
    narrow_one, stored = width.narrow(tensor), width.stored(values)
    assert_same([width.values(stored)], [values], "there and back")
    data = narrow_one.stored(stored)
    assert len(data) == narrow_one.nbytes == 6 * -(-5 * bits // 8)
    whole = int.from_bytes(data[: narrow_one.layout.pixel_bytes], "little")
    mask = (1 << bits) - 1
    assert [whole >> (bits * i) & mask for i in range(5)] == stored.reshape(-1)[:5].tolist()
    assert width.wide(narrow_one) == tensor


@pytest.mark.shared
def test_a_network_of_4_bits_takes_less_memory(shared: Path) -> None:
    path = shared / "models" / "low-bit" / "kws_w2a4.tflite"
    graph = load(str(path), io="int8").graph
    widths = {width for name, width in narrow_widths(graph).items()}
    assert widths == {Width(4, 112)}
    for schedule, limit, is_narrow, arena, packed in (
        (Schedule.MIN_RAM, None, False, 6448, 0),
        (Schedule.MIN_RAM, None, True, 5064, 11),
        (Schedule.AUTO, 6000, True, 5636, 4),
        (Schedule.LAYERS, 10_000, True, 9632, 9),
        (Schedule.LAYERS, 14_000, True, 12_672, 4),
    ):
        chosen = choose_schedule(graph, Isa.DSP, schedule, ram_limit=limit, narrow=is_narrow)
        found = [one.name for one in chosen.graph.tensors.values() if one.dtype.bits < 8]
        assert (chosen.plan.arena_bytes, len(found)) == (arena, packed), (schedule, limit)
    scalar = choose_schedule(graph, Isa.SCALAR, Schedule.MIN_RAM)  # no slices of packed channels
    assert scalar.plan.arena_bytes == 5460


def test_what_kernels_read_packed_is_packed_as_far_as_their_scratch_allows(tmp_path: Path) -> None:
    rows = [
        ("windows", Schedule.MIN_RAM, None, 7620, ["conv_0", "conv_1"]),
        ("windows", Schedule.AUTO, 9000, 8768, ["conv_0", "conv_1"]),
        ("windows", Schedule.AUTO, 10000, 9584, ["conv_0", "conv_1", "conv_2"]),
        ("residual", Schedule.LAYERS, None, 12_864, ["conv_0", "pool_0"]),  # ADD unpacks them
    ]
    for name, schedule, limit, arena, packed in rows:
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(write_tflite(network(name, 2, 2)))
        graph = load(str(path)).graph
        chosen = choose_schedule(graph, Isa.DSP, schedule, ram_limit=limit)
        tensors = chosen.graph.tensors.values()
        found = [tensor.name for tensor in tensors if tensor.dtype is DType.U2]
        assert (chosen.plan.arena_bytes, found) == (arena, packed)


@pytest.mark.parametrize(
    ("width", "stride", "is_packed"), [(24, 1, False), (48, 1, True), (48, 2, False)]
)
def test_cores_without_dsp_pack_for_depthwise_layers_of_long_rows(
    width: int, stride: int, is_packed: bool
) -> None:
    """Shorter rows lose more by packing than their products gain; for memory they are packed."""
    b = Builder("rows")
    b.depthwise(b.conv(b.input(1, 4, width, 3), 8, (1, 1)), stride=stride)
    graph = clamped(b.graph("depthwise_0"), 4)
    groups = packed_groups(graph)
    assert groups == [{"conv_0": Width(4, 112)}]
    assert (read_packed(graph, groups, Isa.SCALAR) == groups) == is_packed
    assert reads_packed(graph, graph.nodes[1], "conv_0", Width(4, 112), Isa.SCALAR)


@pytest.mark.shared
def test_inspect_shows_bits_and_what_is_packed(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebottle.inspection.all_boards", lambda: ())
    model = load(str(shared / "models" / "low-bit" / "kws_w2a4.tflite"), io="int8")
    found = inspect_model(model)
    assert [(layer.output_dtype, layer.packed) for layer in found.layers] == [
        *(("u4", True),) * 11,
        *(("i8", False),) * 2,
    ]
    assert [layer.weight_bits for layer in found.layers[:4]] == [2, 2, 2, 2]
    assert found.layers[-1].weight_bits is None
    assert sum(layer.weights for layer in found.layers) == found.weights < 19_000  # int8: 30,900
    assert [view.packed for view in found.schedules] == [4, 11, 11, 0]
