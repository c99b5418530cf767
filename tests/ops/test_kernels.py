"""Kernels as objects: each is chosen by some case, and is there in C under its whole name."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import edgebottle
from edgebottle.data import data_dir
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Tensor
from edgebottle.ops import OPERATORS
from edgebottle.ops.base import Isa
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.conv_2d_tables import CodeTableRows
from edgebottle.ops.kernel import AnyKernel, KernelOperator, Layer, PackedConstants
from edgebottle.ops.narrowed import Moved, Narrowed
from edgebottle.ops.width import Width
from tests.ops.compiled import has_variants
from tests.ops.low_bits import BITS, low_bit_layers

WITH_KERNELS = [operator for operator in OPERATORS if issubclass(operator, KernelOperator)]
FUNCTIONS = (
    *("ROW", "ROW_INLINED", "LAYER", "LAYER_INLINED", "FUNCTION"),
    *("function", "begin", "accumulate", "end"),
)
"""Attributes of kernels that name a function in C."""


def names(kernel: AnyKernel) -> Iterator[str]:
    """The functions in C that a kernel may call."""
    yield from (value for name in FUNCTIONS if (value := getattr(kernel, name, None)))
    yield from getattr(kernel, "TILES", {}).values()


@pytest.mark.parametrize("operator", WITH_KERNELS, ids=lambda operator: operator.OP)
def test_every_kernel_is_chosen_by_some_case(operator: type[KernelOperator]) -> None:
    chosen, kernels = set(), set(operator.KERNELS)
    for layer in (*_cases(operator), *filter(lambda one: type(one.node) is operator, low_bits())):
        kernels |= set(layer.node.KERNELS)
        for isa in Isa:
            if not layer.node.computes(layer, isa):
                continue
            kernel, _ = layer.node.chosen(layer, isa)
            chosen.add(kernel)
            needed = layer.node.scratch_bytes(layer.ins, layer.outs, isa)
            assert kernel.scratch(layer) <= needed, (layer.node.name, isa)
    assert chosen == kernels


def test_other_kernels_refuse_an_input_of_few_bits() -> None:
    """Those that read it as it is stored are asked before it is unpacked, with all others."""
    packed = [layer for layer in low_bits() if data_of(layer).dtype.bits < 8]
    pairs = product(packed, Isa)
    reading = {kernel for layer, isa in pairs for kernel in layer.node.suiting(layer, isa)}
    tried = 0
    for operator in WITH_KERNELS:
        for graph in operator.cases():
            (node,), (data, *ins) = graph.nodes, graph.ins(graph.nodes[0])
            assert isinstance(node, KernelOperator)
            if data is None or data.dtype is not DType.I8 or graph.has_state:
                continue
            layer = Layer(node, (Width(4, 0).narrow(data), *ins), graph.outs(node))
            taking = {kernel for kernel in node.KERNELS if kernel.suits(layer)}
            assert taking <= reading, graph.name
            tried += 1
    assert tried > 500


def test_outputs_of_few_bits_cost_no_layer_its_packed_weights() -> None:
    """Without DSP instructions tables of sums write int8, which is packed then."""
    tables, tried = CodeTableRows(), 0
    for layer in low_bits():
        is_few = layer.output.dtype.bits < 8
        if isinstance(layer.node, Conv2D) and is_few and tables.suits(layer):
            assert not layer.node.computes(layer, Isa.SCALAR)
            tried += 1
    assert tried > 10


def data_of(layer: Layer[Any]) -> Tensor:
    """Input 0."""
    assert layer.ins[0] is not None
    return layer.ins[0]


def _cases(operator: type[KernelOperator]) -> Iterator[Layer[Any]]:
    for graph in operator.cases():
        (node,) = graph.nodes
        assert isinstance(node, KernelOperator)
        layer = Layer(node, graph.ins(node), graph.outs(node))
        assert all(node.computes(layer, isa) for isa in Isa), graph.name
        yield layer


@cache
def low_bits() -> tuple[Layer[Any], ...]:
    """Layers of few bits, with what they read as it is stored and as int8; not all compute that."""
    graphs = [graph for pair in product(BITS, repeat=2) for graph in low_bit_layers(*pair)]
    layers: list[Layer[Any]] = []
    for graph in graphs:
        for node in graph.nodes:
            ins, outs = graph.ins(node), graph.outs(node)
            if isinstance(node, Narrowed):
                few = node._outs(outs, Moved(node.read, None))  # as kernels see what they write
                layers += [Layer(node.inner, ins, few), Layer(node.inner, node._ins(ins), few)]
            else:
                layers.append(Layer(node, ins, outs))
    return tuple(layers)


def test_only_the_choice_of_kernels_looks_at_the_variant() -> None:
    """So tests/ops/compiled.py generates an operator without variants once."""
    package = Path(edgebottle.__file__).parent
    looking = {
        path.name
        for path in package.glob("ops/*.py")
        if re.search(r"(?<!def )\bisa\b(?!: Isa)", path.read_text(encoding="utf-8"))
    }
    handing_on = {"narrowed.py", "unpacking.py"}  # around operators, and of no operator's cases
    choosing = {"base.py", "kernel.py", "convolution_kernels.py", "select.py"}
    assert looking == choosing | handing_on, "tests/ops/compiled.py: has_variants"
    assert {"Conv2D", "DepthwiseConv2D"} < {op.__name__ for op in OPERATORS if has_variants(op)}


def test_kernels_are_found_in_c_by_their_whole_names() -> None:
    library = data_dir("firmware") / "lib" / "edgebottle"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(library.rglob("*.h")))
    words = set(re.findall(r"\beb_\w+", text))
    wanted = {name for op in WITH_KERNELS for kernel in op.KERNELS for name in names(kernel)}
    assert len(wanted) > 20
    assert wanted <= words, wanted - words


def test_packed_constants_are_remembered_up_to_a_number_of_bytes() -> None:
    """What was not asked for longest goes first, with the constants that it was made from."""
    layers = []
    for graph in list(Conv2D.cases())[:3]:
        (node,) = graph.nodes
        assert isinstance(node, Conv2D)
        layers.append(Layer(node, graph.ins(node), graph.outs(node)))
    plain, first, second, third = Conv2D.KERNELS[-2], *layers
    memory = PackedConstants(1 << 20)
    packed = memory.of(plain, first)
    assert memory.of(plain, first) is packed
    constants = [tensor.data for tensor in first.ins if tensor is not None]
    assert memory.nbytes == packed.nbytes + sum(
        data.nbytes for data in constants if data is not None
    )
    full = PackedConstants(memory.nbytes)
    kept = full.of(plain, first)
    full.of(plain, second), full.of(plain, third)
    assert full.nbytes <= memory.nbytes
    assert full.of(plain, first) is not kept
