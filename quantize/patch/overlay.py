"""How far below its input an output may begin, so that rows are only written over dead rows."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.plan.limits import NEVER
from quantize.patch.demand import Trace

FREE = -(1 << 30)
"""Any distance will do."""


def distance(graph: Graph, trace: Trace, source: str, output: str) -> int:
    """The least ``offset(source) - offset(output)`` at which the output may overlap the input.

    A step may write the beginning of its row before it has read the end of its input rows, so a
    row is only written over rows that this step does not read either.

    Args:
        graph: The graph.
        trace: The row steps of the stage that reads ``source`` and writes ``output``.
        source: A tensor held whole that nothing reads after the stage.
        output: A tensor held whole.

    Returns:
        The distance in bytes; at most the bytes of the output, ``FREE`` or negative when the
        output may even begin above the input.
    """
    in_bytes, out_bytes = (graph.tensors[name].layout.row_bytes for name in (source, output))
    written, read = trace.written[output], trace.read[source]
    # The lowest row read at or after each moment: rows in the order of their last reading.
    order = np.argsort(read, kind="stable")
    lowest = np.minimum.accumulate(order[::-1])[::-1]
    place = np.searchsorted(read[order], written, side="left")
    first = np.append(lowest, NEVER)[place]
    ends = (np.arange(len(written)) + 1) * out_bytes
    gaps = (ends - first * in_bytes)[first < NEVER]
    return int(gaps.max()) if len(gaps) else FREE
