"""One C function per step: the loop over output rows, or the call of a whole-tensor kernel."""

from __future__ import annotations

import numpy as np

from edgebottle.codegen.emitter import ROW, Module, StepEmitter
from edgebottle.codegen.naming import identifier
from edgebottle.ir.graph import Node, Tensor
from edgebottle.ops.base import Operator, RowOperator, where
from edgebottle.plan.plan import Step


def step_function(module: Module, step: Step, node: Node, number: int) -> tuple[str, str]:
    """Writes the function of one step.

    Args:
        module: Collects includes and constants.
        step: The step of the plan.
        node: Its node.
        number: Its place among the steps that are not elided.

    Returns:
        The name of the function and its C text.
    """
    assert isinstance(node, Operator), f"{where(node)} cannot be compiled"
    layer = f"eb_{module.graph.name}_{identifier(node.name)}"
    name = f"eb_{module.graph.name}_step_{number:02d}_{identifier(node.name)}"
    emitter = StepEmitter(module, node, step, layer)
    call = node.emit(emitter)
    body = (
        _row_loop(module, emitter, node, call) if isinstance(node, RowOperator) else f"    {call}"
    )
    lines = [f"/* {_describe(module, node)} */", f"static EB_STEP void {name}(void)", "{"]
    lines += [*emitter.declarations, body, "}"]
    return name, "\n".join(lines) + "\n"


def _describe(module: Module, node: Node) -> str:
    def shape(tensor: Tensor | None) -> str:
        return "-" if tensor is None else "x".join(str(dim) for dim in tensor.shape) or "scalar"

    ins = [tensor for tensor in module.graph.ins(node) if tensor is None or tensor.data is None]
    outs = module.graph.outs(node)
    text = f"{node.name}: {node.OP} {', '.join(map(shape, ins))} -> {', '.join(map(shape, outs))}"
    return text.replace("*/", "* /")


def _row_loop(module: Module, emitter: StepEmitter, node: RowOperator, call: str) -> str:
    """The loops over batch and output rows around the call of a row kernel."""
    ins, outs = module.graph.ins(node), module.graph.outs(node)
    output = outs[0]
    batch, height = output.shape[:2] if len(output.shape) == 4 else (1, 1)
    row_stride = module.placements[output.name].row_stride
    arrays, fills = [], []
    for index in emitter.row_inputs:
        tensor = ins[index]
        assert tensor is not None
        arrays.append(_array(emitter, node, index, height))
        fills.append(_fill(module, emitter, node, index, (batch, height)))
    row = f"(b * {height} + y)" if batch > 1 else "y"
    out = f"{emitter.out_base()} + {row} * {row_stride}"
    if height == 1 and batch == 1:
        single = [fill.removeprefix("    ") for fill in fills]
        lines = [*arrays, *single, f"    void *out = {emitter.out_base()};", f"    {call}"]
        return "\n".join(lines).replace(ROW, "0")
    inner = [*fills, f"        void *out = {out};", f"        {call}"]
    inner = [line.replace(ROW, "y") for line in inner]
    loop = ["    EB_ROLLED", f"    for (int32_t y = 0; y < {height}; ++y) {{", *inner, "    }"]
    if batch > 1:
        head = ["    EB_ROLLED", f"    for (int32_t b = 0; b < {batch}; ++b) {{"]
        loop = [*head, *(f"    {line}" for line in loop), "    }"]
    return "\n".join([*arrays, *loop])


def _array(emitter: StepEmitter, node: RowOperator, index: int, height: int) -> str:
    count = len(_rows_of(emitter, node, index, 0))
    return f"    const void *rows{index}[{count}];"


def _rows_of(emitter: StepEmitter, node: RowOperator, index: int, y: int) -> tuple[int, ...]:
    return node.input_rows(index, y, *emitter.tensors)


def _fill(
    module: Module, emitter: StepEmitter, node: RowOperator, index: int, extent: tuple[int, int]
) -> str:
    """The statement that sets the row pointers of one input for output row ``y``."""
    batch, height = extent
    tensor = emitter.tensors[0][index]
    assert tensor is not None
    needed = [_rows_of(emitter, node, index, y) for y in range(height)]
    count = len(needed[0])
    in_height = tensor.shape[1] if len(tensor.shape) == 4 else 1
    stride = (
        tensor.row_elements * tensor.dtype.bytes
        if tensor.data is not None
        else module.placements[tensor.name].row_stride
    )
    base = emitter.base(index)
    if batch > 1 and len(tensor.shape) == 4 and tensor.shape[0] == batch:
        base = f"{base} + b * {in_height * stride}"
    affine = _affine(needed)
    if affine is None:
        table = emitter.constant(f"rows{index}", np.asarray(needed, dtype=np.int16))
        arguments = f"{base}, {table} + {{y}} * {count}, {count}, {in_height}, {stride}"
        return f"        eb_rows_listed(rows{index}, {arguments});"
    slope, start, step = affine
    first = _linear(slope, start)
    return f"        eb_rows(rows{index}, {base}, {first}, {count}, {step}, {in_height}, {stride});"


def _linear(slope: int, start: int) -> str:
    """C text of ``slope * y + start``, with ``{y}`` for y."""
    if slope == 0:
        return str(start)
    product = "{y}" if slope == 1 else f"{slope} * {{y}}"
    return product if start == 0 else f"{product} {'-' if start < 0 else '+'} {abs(start)}"


def _affine(needed: list[tuple[int, ...]]) -> tuple[int, int, int] | None:
    """(slope, start, step) with row k of output y = slope * y + start + k * step, or None."""
    start = needed[0][0]
    step = needed[0][1] - start if len(needed[0]) > 1 else 1
    slope = needed[1][0] - start if len(needed) > 1 else 0
    for y, rows in enumerate(needed):
        for k, row in enumerate(rows):
            if row != slope * y + start + k * step:
                return None
    return slope, start, step
