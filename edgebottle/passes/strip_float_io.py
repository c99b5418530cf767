"""Removes the conversions from and to floating point around an int8 network (``--io int8``)."""

from __future__ import annotations

from dataclasses import replace

from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Graph


def strip_float_io(graph: Graph) -> Graph:
    """Makes the int8 side of QUANTIZE at an input and DEQUANTIZE at an output the interface.

    Inputs that are read by anything else, and outputs that are not a DEQUANTIZE, stay.
    """
    inputs, outputs, nodes = list(graph.inputs), list(graph.outputs), list(graph.nodes)
    for index, name in enumerate(graph.inputs):
        readers = graph.consumers(name)
        if len(readers) == 1 and readers[0].OP == "QUANTIZE" and _is_float(graph, name):
            inputs[index] = readers[0].outputs[0]
            nodes.remove(readers[0])
    for index, name in enumerate(graph.outputs):
        maker = graph.producer(name)
        if maker is None or maker.OP != "DEQUANTIZE" or graph.consumers(name):
            continue
        source = maker.inputs[0]
        if source is not None and graph.tensors[source].data is None and source not in inputs:
            outputs[index] = source
            nodes.remove(maker)
    return replace(graph, inputs=tuple(inputs), outputs=tuple(outputs)).with_nodes(nodes)


def _is_float(graph: Graph, name: str) -> bool:
    return graph.tensors[name].dtype is DType.F32
