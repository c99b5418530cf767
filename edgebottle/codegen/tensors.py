"""The accessors of a model's tensors: inputs and outputs, and what each step wrote."""

from __future__ import annotations

from collections.abc import Sequence

from edgebottle.codegen.emitter import Module
from edgebottle.codegen.naming import c_number, folded
from edgebottle.errors import UnsupportedOp
from edgebottle.ir.graph import Tensor
from edgebottle.ops.movement import MAX_RANK


def tensor_table(module: Module, what: str, tensors: Sequence[Tensor]) -> str:
    """The accessor of inputs or outputs, and of their number."""
    m = module.graph.name
    entries = "\n".join(_tensor_entry(module, tensor) for tensor in tensors) or "        {0},"
    return f"""int eb_{m}_{what}_count(void)
{{
    return {len(tensors)};
}}

eb_tensor {module.instance.function(what)}({module.instance.parameters("int i")})
{{
    {module.instance.table} eb_tensor tensors[] = {{
{entries}
    }};
    return eb_tensor_of(tensors, {len(tensors)}, i);
}}
"""


def c_dtype(tensor: Tensor) -> str:
    """What an element is, as an ``eb_dtype``."""
    return f"EB_{tensor.dtype.label.upper()}"


def _tensor_entry(module: Module, tensor: Tensor) -> str:
    if len(tensor.shape) > MAX_RANK:
        raise UnsupportedOp(
            f"tensor '{tensor.name}' has {len(tensor.shape)} axes, at most {MAX_RANK}"
        )
    single = tensor.quant is not None and len(tensor.quant.scale) == 1
    scale = c_number(float(tensor.scale)) if single else "0.0f"
    shape = ", ".join(str(dim) for dim in tensor.shape) or "0"
    numbers = ", ".join(str(value) for value in _strides(module, tensor) or [tensor.nbytes] * 4)
    fed = module.plan.row_fed and tensor.name in module.graph.inputs
    data = "NULL" if fed else module.names[tensor.name]
    return folded(
        f"        {{{data}, {len(tensor.shape)}, {{{shape}}}, "
        f"{c_dtype(tensor)}, {scale}, {tensor.zero_point if single else 0}, "
        f"{tensor.nbytes}, {numbers}}},"
    )


def _strides(module: Module, tensor: Tensor) -> list[int] | None:
    """Bytes of a row, to the next row, of a pixel, to the next pixel; None where without gaps."""
    place = module.placements[tensor.name]
    row, pixel = tensor.layout.row_bytes, tensor.layout.pixel_bytes
    if place.pixel_stride == pixel and place.row_stride == row:
        return None
    return [row, place.row_stride, pixel, place.pixel_stride]


def step_outputs(module: Module, tensors: Sequence[Tensor]) -> str:
    """The accessor of what each step wrote, as bytes."""
    entries = "\n".join(f"        {{{module.names[t.name]}, {t.nbytes}}}," for t in tensors)
    cases = "".join(
        _strided_case(number, strides)
        for number, tensor in enumerate(tensors)
        if (strides := _strides(module, tensor)) is not None
    )
    written = f"eb_written_by(written, {len(tensors)}, i)"
    result = f"    return {written};\n"
    if cases:
        result = f"    eb_tensor tensor = {written};\n{cases}    return tensor;\n"
    instance = module.instance
    return f"""eb_tensor {instance.function("step_written")}({instance.parameters("int i")})
{{
    {instance.table} eb_written written[] = {{
{entries or "        {0, 0},"}
    }};
{result}}}
"""


def _strided_case(number: int, strides: Sequence[int]) -> str:
    names = ("row_bytes", "row_stride", "pixel_bytes", "pixel_stride")
    pairs = zip(names, strides, strict=True)
    lines = [f"        tensor.{name} = {value};" for name, value in pairs]
    return "\n".join([f"    if (i == {number}) {{", *lines, "    }", ""])
