"""One C function per step: the loop over output rows, or the call of a whole-tensor kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgebottle.codegen.emitter import ROW, Module, NodeTensors, StepEmitter
from edgebottle.codegen.naming import folded, identifier, short_comment, shortened
from edgebottle.codegen.rows import RowReads
from edgebottle.ir.access import Same
from edgebottle.ir.graph import Node, Tensor
from edgebottle.ir.layout import aligned
from edgebottle.ops.base import CValue, Operator, RowOperator, where, works_by_rows
from edgebottle.ops.read_again import WALK_ROWS
from edgebottle.plan.plan import Placement, Step

MIN_SHARED = 32768
"""Multiply-accumulates, or elements of the output, from which on threads share a layer: less than
that takes as long as waking them (some microseconds)."""


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
    name = symbol(node, number)
    if module.threads > 1 and isinstance(node, RowOperator) and shares_rows(module, node):
        return name, _shared_rows(module, step, node, name)
    merged = merged_rows(module, step, node)
    if merged is not None:
        module.merged.add(node.name)
    emitter = StepEmitter(module, node, step, identifier(node.name), tensors=merged)
    if works_by_rows(node, *emitter.tensors):
        body = _all_rows(module, emitter, node)
    else:
        body = f"    {node.emit(emitter)}"
        module.note_kernel(node.name, body)
    how = "" if merged is None else "; all rows at once, as one"
    lines = [
        short_comment(f"{describe(module, node)}{how}"),
        f"static EB_STEP void {name}({module.instance.parameters()})",
        "{",
    ]
    lines += [folded("\n".join([*emitter.declarations, body])), "}"]
    return name, "\n".join(lines) + "\n"


def symbol(node: Node, number: int) -> str:
    """The name of a layer's function; virtual boards know it by its beginning."""
    return shortened(f"step_{number:02d}_{identifier(node.name)}")


def describe(module: Module, node: Node) -> str:
    """The layer, its operator and its shapes, for a comment."""

    def shape(tensor: Tensor | None) -> str:
        return "-" if tensor is None else "x".join(str(dim) for dim in tensor.shape) or "scalar"

    ins = [tensor for tensor in module.graph.ins(node) if tensor is None or tensor.data is None]
    outs = module.graph.outs(node)
    return f"{node.name}: {node.OP} {', '.join(map(shape, ins))} -> {', '.join(map(shape, outs))}"


def merged_rows(module: Module, step: Step, node: Operator) -> NodeTensors | None:
    """The tensors of a layer as one row of all their pixels; None where it needs its rows.

    A kernel has fewer pixels left over at the end of one long row, and is called once. Rows must
    lie side by side, and an output that takes the place of the input only partly must not be
    written further ahead than the plan foresaw, which is by rows.
    """
    ins, outs = module.graph.ins(node), module.graph.outs(node)
    output = outs[0]
    if not works_by_rows(node, ins, outs) or output.rows == 1:
        return None
    if not node.is_pixelwise(ins, outs):
        return None
    pixels = output.rows * output.layout.pixels
    place = module.placements[output.name]
    merged: list[Tensor | None] = []
    for index, tensor in enumerate(ins):
        if tensor is None or tensor.shape[:-1] != output.shape[:-1]:
            merged.append(tensor)
            continue
        if tensor.data is not None:
            return None
        source = module.placements[tensor.name]
        in_place = index in node.overwrites(ins, outs) and _is_same(source, place)
        if not (_is_gapless(module, tensor) and (in_place or _are_apart(module, tensor, output))):
            return None
        merged.append(replace(tensor, shape=(1, 1, pixels, tensor.shape[-1])))
    whole = replace(output, shape=(1, 1, pixels, output.shape[-1]))
    needed = node.scratch_bytes(merged, (whole,), module.isa)
    if not _is_gapless(module, output) or needed > step.scratch_bytes:
        return None
    return tuple(merged), (whole,)


def _is_same(place: Placement, other: Placement) -> bool:
    return (place.offset, place.pixel_stride) == (other.offset, other.pixel_stride)


def _is_gapless(module: Module, tensor: Tensor) -> bool:
    """Each row of a tensor begins where a further pixel of the row before would."""
    place = module.placements[tensor.name]
    return not place.ring_rows and place.row_stride == tensor.layout.pixels * place.pixel_stride


def _are_apart(module: Module, first: Tensor, second: Tensor) -> bool:
    """No byte of one tensor that is held whole lies between those of the other."""
    (low, end), (other_low, other_end) = (_span(module, tensor) for tensor in (first, second))
    return end <= other_low or other_end <= low


def _span(module: Module, tensor: Tensor) -> tuple[int, int]:
    """First byte in the arena of a tensor that is held whole, and the one after its last."""
    place = module.placements[tensor.name]
    layout = tensor.layout
    before_last = (layout.rows - 1) * place.row_stride + (layout.pixels - 1) * place.pixel_stride
    return place.offset, place.offset + before_last + layout.pixel_bytes


def _all_rows(module: Module, emitter: StepEmitter, node: RowOperator) -> str:
    """The body of a layer: one call, or a loop over its rows."""
    walk = _walk(module, emitter, node)
    call = node.emit_layer(emitter, walk) if walk is not None else None
    if call is None:
        call = node.emit(emitter)
        module.note_kernel(node.name, call)
        return _row_loop(module, emitter, node, call)
    module.note_kernel(node.name, call)
    return f"    {call}"


def _walk(module: Module, emitter: StepEmitter, node: RowOperator) -> dict[str, CValue] | None:
    """The fields of ``eb_walk`` for a layer; None where it has no such regular rows."""
    ins, outs = emitter.tensors
    data, output = ins[0], outs[0]
    if data is None or data.data is not None:
        return None
    if data.layout.row_axis is None or output.layout.row_axis is None:
        return None
    height = output.layout.image_rows
    reads = row_reads(node, 0, emitter.tensors, height)
    if reads is None or len(reads.first) > WALK_ROWS or data.layout.images != 1:
        return None
    if reads.affine is None:
        return None
    slope, first, step = reads.affine
    long = {"input_rows": data.layout.image_rows, "output_rows": height, "first": first}
    short = {"slope": slope, "step": step}
    if max(map(abs, long.values())) > np.iinfo(np.int16).max:
        return None
    if slope < 0 or max(map(abs, short.values())) > np.iinfo(np.int8).max:
        return None
    return {
        "walk.input": emitter.base(0),
        "walk.output": emitter.out_base(),
        "walk.input_stride": row_place(module, data)[0],
        "walk.output_stride": module.placements[output.name].row_stride,
        **{f"walk.{name}": value for name, value in (long | short).items()},
    }


def shares_rows(module: Module, node: RowOperator) -> bool:
    """Whether threads may compute rows of a layer at the same time, and whether that pays.

    Each of them must write bytes that none of the others reads: apart from all inputs, or in the
    place of what the very same row reads.
    """
    ins, outs = module.graph.ins(node), module.graph.outs(node)
    output = outs[0]
    if not works_by_rows(node, ins, outs) or output.layout.images != 1:
        return False
    if output.layout.image_rows < 2 or max(node.macs(ins, outs), output.size) < MIN_SHARED:
        return False
    place = module.placements[output.name]
    if place.ring_rows and place.ring_rows < output.rows:
        return False
    for index, tensor in enumerate(ins):
        if tensor is None or tensor.data is not None:
            continue
        source = module.placements[tensor.name]
        in_place = index in node.overwrites(ins, outs) and _is_same(source, place)
        is_row_for_row = isinstance(node.row_access(index, ins, outs), Same)
        if not ((in_place and is_row_for_row) or _are_apart(module, tensor, output)):
            return False
    return True


def _shared_rows(module: Module, step: Step, node: RowOperator, name: str) -> str:
    """The function of a step whose rows threads share, and that of the rows of one thread."""
    emitter = StepEmitter(module, node, step, identifier(node.name))
    emitter.is_shared = True
    call = node.emit(emitter)
    module.note_kernel(node.name, call)
    body = _row_loop(module, emitter, node, call, ("first", "end"))
    instance, rows = module.instance, f"rows_{name.removeprefix('step_')}"
    scratch = "    (void)thread;"
    if "scratch" in call:
        module.thread_scratch = max(module.thread_scratch, aligned(step.scratch_bytes))
        own = f"{instance.arena} + {step.scratch_offset}"
        scratch = f"    uint8_t *scratch = thread == 0 ? {own} : context->scratch[thread - 1];"
    height = module.graph.outs(node)[0].layout.image_rows
    return f"""{short_comment(f"{describe(module, node)}; the rows of one thread")}
static void {rows}(void *memory, int32_t thread, int32_t first, int32_t end)
{{
    {instance.type} *context = memory;
{scratch}
{folded(chr(10).join([*emitter.declarations, body]))}
}}

{short_comment(f"{node.name}: its rows, shared out to the threads")}
static EB_STEP void {name}({instance.parameters()})
{{
    eb_pool_rows(context->pool, {rows}, context, {height});
}}
"""


def _row_loop(
    module: Module,
    emitter: StepEmitter,
    node: RowOperator,
    call: str,
    bounds: tuple[str, str] | None = None,
) -> str:
    """The loops over batch and output rows, or those of ``bounds``, around a row kernel's call."""
    output = emitter.tensors[1][0]
    batch, height = output.layout.images, output.layout.image_rows
    row_stride = module.placements[output.name].row_stride
    arrays = [row_array(emitter, node, index) for index in emitter.row_inputs]
    fills = [
        f"        {_fill(module, emitter, node, index, (batch, height))}"
        for index in emitter.row_inputs
    ]
    row = f"(b * {height} + y)" if batch > 1 else "y"
    out = f"{emitter.out_base()} + {row} * {row_stride}"
    if height == 1 and batch == 1:
        single = [fill.removeprefix("    ") for fill in fills]
        lines = [*arrays, *single, f"    void *out = {emitter.out_base()};", f"    {call}"]
        return "\n".join(lines).replace(ROW, "0")
    inner = [*fills, f"        void *out = {out};", f"        {call}"]
    inner = [line.replace(ROW, "y") for line in inner]
    begin, end = bounds or ("0", str(height))
    loop = [f"    for (int32_t y = {begin}; y < {end}; ++y) {{", *inner, "    }"]
    loop.insert(0, "    EB_ROLLED")
    if batch > 1:
        head = ["    EB_ROLLED", f"    for (int32_t b = 0; b < {batch}; ++b) {{"]
        loop = [*head, *(f"    {line}" for line in loop), "    }"]
    return "\n".join([*arrays, *loop])


def row_array(emitter: StepEmitter, node: RowOperator, index: int) -> str:
    """The declaration of the pointers to the rows of one input."""
    reads = row_reads(node, index, emitter.tensors, 1)
    assert reads is not None
    return f"    const void *rows{index}[{len(reads.first)}];"


def row_reads(node: RowOperator, index: int, tensors: NodeTensors, height: int) -> RowReads | None:
    """What each of the output's ``height`` rows reads of an input; None if not by rows."""
    along = node.row_access(index, *tensors)
    return None if along is None else RowReads(along, height)


def _fill(
    module: Module, emitter: StepEmitter, node: RowOperator, index: int, extent: tuple[int, int]
) -> str:
    """The statement that sets the row pointers of one input for output row ``y``."""
    batch, height = extent
    tensor = emitter.tensors[0][index]
    assert tensor is not None
    reads = row_reads(node, index, emitter.tensors, height)
    assert reads is not None
    base = emitter.base(index)
    if batch > 1 and tensor.layout.images == batch:
        stride = row_place(module, tensor)[0]
        if tensor.data is not None and tensor.dtype.bits > 8:
            base = f"(const uint8_t *){base}"  # an array of its elements, where others are bytes
        base = f"{base} + b * {tensor.layout.image_rows * stride}"
    return fill_rows(module, emitter, index, reads, base)


def fill_rows(module: Module, emitter: StepEmitter, index: int, reads: RowReads, base: str) -> str:
    """The statement that sets ``rows<index>`` to what output row ``{y}`` reads."""
    tensor = emitter.tensors[0][index]
    assert tensor is not None
    count = len(reads.first)
    height = tensor.layout.image_rows
    stride, ring = row_place(module, tensor)
    place = f"{height}, {stride}, {ring}" if ring else f"{height}, {stride}"
    if reads.affine is None or (ring and reads.affine[2] < 0):  # rings are walked downwards only
        function = "eb_ring_rows_listed" if ring else "eb_rows_listed"
        table = emitter.constant(f"rows{index}", reads.table())
        listed = f"{table} + {ROW} * {count}"
        return f"{function}(rows{index}, {base}, {listed}, {count}, {place});"
    slope, start, step = reads.affine
    first = linear(slope, start)
    function = "eb_ring_rows" if ring else "eb_rows"
    return f"{function}(rows{index}, {base}, {first}, {count}, {step}, {place});"


def row_place(module: Module, tensor: Tensor) -> tuple[int, int]:
    """Bytes from one row of a tensor to the next, and the rows of its ring (0: held whole)."""
    if tensor.data is not None:
        return tensor.layout.row_bytes, 0
    return module.placements[tensor.name].row_stride, module.ring_rows(tensor.name)


def linear(slope: int, start: int) -> str:
    """C text of ``slope * y + start``, with ``{y}`` for y."""
    if slope == 0:
        return str(start)
    product = ROW if slope == 1 else f"{slope} * {ROW}"
    return product if start == 0 else f"{product} {'-' if start < 0 else '+'} {abs(start)}"
