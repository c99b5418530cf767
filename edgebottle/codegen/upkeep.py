"""The functions of a model library that set its memory up, check it, and say how large it is."""

from __future__ import annotations

from edgebottle.codegen import feeding
from edgebottle.codegen.emitter import Module
from edgebottle.codegen.feeding import Feed
from edgebottle.codegen.naming import c_number, folded, identifier
from edgebottle.ir.graph import Tensor
from edgebottle.ir.interpreter import initial_state


def upkeep(module: Module, feed: Feed | None, steps: int) -> str:
    """The functions that set the memory up, check it, and say how large it is."""
    m = module.graph.name
    resets = "".join(
        f"\n{_reset(module, tensor)}" for tensor in module.graph.tensors.values() if tensor.state
    )
    if feed:
        resets += f"\n{feeding.reset(module)}"
    instance = module.instance
    guards = f"{instance.holder}before, {instance.holder}after"
    pool = "\n    context->pool = NULL;" if module.threads > 1 else ""
    if instance.reentrant and not resets:
        resets = "\n    (void)context;"
    return f"""void {instance.function("reset")}({instance.parameters()})
{{{resets}
}}

int {instance.function("init")}({instance.parameters()})
{{
    eb_set_canaries({guards});{pool}
    {instance.function("reset")}({instance.arguments()});
    return 0;
}}

int {instance.function("canary_ok")}({instance.parameters()})
{{
    return eb_canaries_hold({guards});
}}

int eb_{m}_step_count(void)
{{
    return {steps};
}}

size_t eb_{m}_arena_size(void)
{{
    return {module.plan.arena_bytes};
}}
"""


def _reset(module: Module, tensor: Tensor) -> str:
    """The statement that puts a state tensor back to its beginning."""
    place, values = module.names[tensor.name], initial_state(tensor)
    if (values != values.flat[0]).any():
        module.includes.append("string.h")
        (reader, *_) = module.graph.consumers(tensor.name)
        source = module.add_constant(reader.name, f"{identifier(tensor.name)}_initial", values)
        return folded(f"    memcpy({place}, {source}, {tensor.nbytes});")
    value = c_number(values.flat[0].item())
    return f"""    for (size_t i = 0; i < {tensor.size}; ++i) {{
        (({tensor.dtype.c} *)({place}))[i] = {value};
    }}"""
