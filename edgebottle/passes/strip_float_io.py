"""Removes the conversions from and to floating point around an int8 network (``--io int8``)."""

from __future__ import annotations

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph
from edgebottle.passes.rewrite import Rewrite


def strip_float_io(graph: Graph) -> Graph:
    """Makes the int8 side of QUANTIZE at an input and DEQUANTIZE at an output the interface.

    Inputs that are read by anything else, and outputs that are not a DEQUANTIZE, stay.
    """
    rewrite = Rewrite(graph)
    for index, name in enumerate(graph.inputs):
        readers = rewrite.consumers(name)
        if not rewrite.is_read_once(name) or not _is_float(graph, name):
            continue
        stored = readers[0].outputs[0]
        if readers[0].OP == "QUANTIZE" and stored not in graph.outputs:
            rewrite.inputs[index] = stored
            rewrite.remove(readers[0])
    for index, name in enumerate(graph.outputs):
        maker = rewrite.producer(name)
        if maker is None or maker.OP != "DEQUANTIZE" or rewrite.consumers(name):
            continue
        source = maker.inputs[0]
        if source is None or graph.tensors[source].data is not None:
            continue
        if source not in (*rewrite.inputs, *rewrite.outputs):
            rewrite.outputs[index] = source
            rewrite.remove(maker)
    return rewrite.graph()


def _is_float(graph: Graph, name: str) -> bool:
    return graph.tensors[name].dtype is DType.F32
