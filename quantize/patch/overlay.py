"""How far below its input an output may begin, so that rows are only written over dead rows."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Graph
from edgebottle.plan.limits import NEVER
from quantize.patch.demand import Times, Trace
from quantize.patch.rows import Ints

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
    written, read = trace.written[output], trace.read[source]
    # The lowest row read at or after each moment: rows in the order of their last reading.
    order = np.argsort(read, kind="stable")
    lowest = np.minimum.accumulate(order[::-1])[::-1]
    place = np.searchsorted(read[order], written, side="left")
    first = np.append(lowest, NEVER)[place]
    in_bytes, out_bytes = (graph.tensors[name].layout.row_bytes for name in (source, output))
    return least_distance(first, in_bytes, out_bytes)


def least_distance(first: Ints | Times, in_bytes: int, out_bytes: int) -> int:
    """``distance``, from what is still read of the input.

    Args:
        first: For each row of the output, in the order in which they are written, the lowest row
            of the input that is read then or later; ``NEVER`` for none. So it ascends.
        in_bytes: Bytes of a row of the input.
        out_bytes: Bytes of a row of the output.
    """
    count = len(first)
    if count and first[-1] >= NEVER:
        count = int(np.searchsorted(first, NEVER))
    if not count:
        return FREE
    starts = first[:count] * np.int64(in_bytes)
    return int((np.arange(1, count + 1) * out_bytes - starts).max())
