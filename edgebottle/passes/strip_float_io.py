"""Removes the conversions from and to float32 or uint8 around an int8 network (``--io int8``)."""

from __future__ import annotations

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.passes.rewrite import Rewrite


def strip_float_io(graph: Graph) -> Graph:
    """Makes the int8 side of QUANTIZE at an input and DEQUANTIZE at an output the interface.

    So is that of a QUANTIZE that only adds or subtracts the 128 between int8 and uint8. Inputs
    that are read by anything else, and outputs that nothing such computes, stay.
    """
    rewrite = Rewrite(graph)
    for index, name in enumerate(graph.inputs):
        readers = rewrite.consumers(name)
        if not rewrite.is_read_once(name):
            continue
        stored = readers[0].outputs[0]
        if graph.tensors[name].dtype is not DType.F32 and not _is_shift(graph, name, stored):
            continue
        if readers[0].OP == "QUANTIZE" and stored not in graph.outputs:
            rewrite.inputs[index] = stored
            rewrite.remove(readers[0])
    for index, name in enumerate(graph.outputs):
        maker = rewrite.producer(name)
        if maker is None or rewrite.consumers(name):
            continue
        source = maker.inputs[0]
        if source is None or graph.tensors[source].data is not None:
            continue
        if maker.OP != "DEQUANTIZE" and not (
            maker.OP == "QUANTIZE" and _is_shift(graph, name, source)
        ):
            continue
        if source not in (*rewrite.inputs, *rewrite.outputs):
            rewrite.outputs[index] = source
            rewrite.remove(maker)
    return rewrite.graph()


def _is_shift(graph: Graph, outer: str, inner: str) -> bool:
    """Whether a uint8 tensor is an int8 one, 128 higher."""
    outside, inside = graph.tensors[outer], graph.tensors[inner]
    return (
        (outside.dtype, inside.dtype) == (DType.U8, DType.I8)
        and outside.scale == inside.scale
        and outside.zero_point == inside.zero_point + 128
    )
