"""Writes the model library: ``eb_<model>_model.h``, ``eb_<model>_model.c`` and its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from edgebottle import __version__
from edgebottle.codegen import feeding
from edgebottle.codegen.context import Instance, declarations, own_instance
from edgebottle.codegen.emitter import Constant, Module
from edgebottle.codegen.feeding import Feed, find_feed
from edgebottle.codegen.kernels import KernelChoice, Optimize, inlined_layers, inlinings
from edgebottle.codegen.naming import (
    MAX_COLUMNS,
    c_type,
    c_values,
    comment,
    folded,
    short_comment,
)
from edgebottle.codegen.stages import stage_source
from edgebottle.codegen.steps import step_function
from edgebottle.codegen.tensors import step_outputs, tensor_table
from edgebottle.codegen.upkeep import upkeep
from edgebottle.ir.graph import Graph, Tensor
from edgebottle.ops.base import Isa
from edgebottle.ops.inlining import Inlining
from edgebottle.plan.plan import Plan


@dataclass(frozen=True)
class ModelSource:
    """The generated library.

    Attributes:
        name: C identifier of the model.
        code: File name to text of all files but that of the constants.
        arrays: The arrays in flash.
        constants: Names of the arrays in flash, with their bytes.
        steps: For each layer, the name of its node and of its function, which the virtual board
            counts instructions by.
        units: For each step of the C API, a layer or a stage, the name of its (last) node and of
            its function.
        threads: That share the rows of a layer.
    """

    name: str
    code: dict[str, str]
    arrays: tuple[Constant, ...]
    constants: dict[str, int]
    steps: tuple[tuple[str, str], ...]
    units: tuple[tuple[str, str], ...]
    kernels: tuple[KernelChoice, ...]
    threads: int = 1

    @cached_property
    def files(self) -> dict[str, str]:
        """File name to text; writing the constants takes longer than all the rest."""
        return {**self.code, f"eb_{self.name}_weights.c": _weights_source(self.name, self.arrays)}

    @property
    def weight_bytes(self) -> int:
        """Bytes of the model's constants in flash."""
        return sum(self.constants.values())


def write_model(
    graph: Graph,
    plan: Plan,
    optimize: Optimize = Optimize.BALANCED,
    *,
    reentrant: bool = False,
    threads: int = 1,
) -> ModelSource:
    """Generates the C of a model.

    Args:
        graph: The graph after the passes; its name is the C identifier of the model.
        plan: Its plan.
        optimize: Which layers get a kernel of their own.
        reentrant: Functions take a context (``codegen.context``), for computers.
        threads: That may share the rows of a layer, of a reentrant model.

    Raises:
        UnsupportedOp: a tensor has too many axes for the C API.
    """
    isa = Isa(plan.isa)
    gains = inlinings(graph, isa)
    inlined = inlined_layers(graph, gains, optimize)
    module = Module(graph, plan, isa, inlined, reentrant, threads)
    feed = find_feed(module)
    code = _functions(module, feed)
    files = {
        f"eb_{graph.name}_model.h": _header(module, feed, code),
        f"eb_{graph.name}_model.c": _source(module, feed, code),
        f"eb_{graph.name}_weights.h": _weights_header(graph.name, module.constants),
        "library.json": _library_json(graph.name),
    }
    sizes = {constant.name: constant.values.nbytes for constant in module.constants}
    kernels = tuple(_kernel_choice(module, layer, gains.get(layer)) for layer, _ in code.steps)
    return ModelSource(
        graph.name,
        files,
        tuple(module.constants),
        sizes,
        tuple(code.steps),
        tuple(code.units),
        kernels,
        threads,
    )


def _functions(module: Module, feed: Feed | None) -> _Code:
    """The functions of all steps of the plan."""
    graph = module.graph
    nodes = {node.name: node for node in graph.nodes}
    code = _Code()
    for step in module.plan.steps:
        if step.elided:
            continue
        node = nodes[step.node]
        first = len(code.steps)
        if step.stage is None:
            name, text = step_function(module, step, node, first)
            code.steps.append((node.name, name))
        else:
            fed = feed.tensor.name if feed and feed.unit == len(code.units) else None
            stage = stage_source(module, step, code.stages, first, fed)
            name, text = stage.name, stage.text
            code.steps += stage.steps
            code.counters += stage.defines
            code.stages += 1
        code.functions.append(text)
        code.units.append((node.name, name))
        code.outputs.append(graph.outs(node)[0])
    return code


def _kernel_choice(module: Module, layer: str, gain: Inlining | None) -> KernelChoice:
    saved, nbytes = (gain.instructions, gain.nbytes) if gain else (0, 0)
    return KernelChoice(
        layer=layer,
        kernel=module.kernels[layer],
        merged=layer in module.merged,
        inlined=layer in module.inlined,
        saved=saved,
        nbytes=nbytes,
        constants=module.constant_bytes.get(layer, 0),
    )


@dataclass
class _Code:
    """The functions of the layers and stages, as they are written."""

    functions: list[str] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    units: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    stages: int = 0


def _banner(what: str) -> str:
    return (
        short_comment(f"{what}. Generated by edgebottle {__version__}: changes here are lost.")
        + "\n"
    )


def _header(module: Module, feed: Feed | None, code: _Code) -> str:
    graph, plan = module.graph, module.plan
    m, upper = graph.name, graph.name.upper()
    lines = [
        comment(f"{kind} {i}: {_describe(graph.tensors[name])}", hang="    ")
        for kind, names in (("input", graph.inputs), ("output", graph.outputs))
        for i, name in enumerate(names)
    ]
    return f"""{_banner(f"The network {m}")}#ifndef EB_{upper}_HEADER
#define EB_{upper}_HEADER

#include "edgebottle.h"
{_contexts_include(module)}
#ifdef __cplusplus
extern "C" {{
#endif

/* {_usage(module, feed)}
 *
{chr(10).join(lines)}
 *
{_schedule(plan, code)}
 */
#define EB_{upper}_ARENA_BYTES {plan.arena_bytes}
#define EB_{upper}_STEPS {len(code.units)}

/* Once, before anything else: state and canaries; returns 0. */
int eb_{m}_init(void);
{short_comment(_RESET)}
void eb_{m}_reset(void);
eb_status eb_{m}_run(void);
int eb_{m}_input_count(void);
int eb_{m}_output_count(void);
/* Of both, data is NULL for an index out of range. */
eb_tensor eb_{m}_input(int i);
eb_tensor eb_{m}_output(int i);
{feeding.header(module, feed) if feed else ""}
{short_comment(_STEPS.format(upper))}
int eb_{m}_step_count(void);
eb_status eb_{m}_step(int i);
eb_tensor eb_{m}_step_written(int i);
int eb_{m}_canary_ok(void);
size_t eb_{m}_arena_size(void);
{_contexts(module, feed)}
#ifdef __cplusplus
}}
#endif

#endif /* EB_{upper}_HEADER */
"""


_RESET = "Forgets what the network remembers from one run to the next: a new stream begins."

_STEPS = (
    "For profiling and debugging: a run is the steps 0 .. EB_{}_STEPS - 1 in order, and what a "
    "step wrote can be read, as plain bytes, until the next step."
)


def _contexts_include(module: Module) -> str:
    """What the declaration of a context needs."""
    return '#include "eb_upkeep.h"\n' if module.reentrant else ""


def _contexts(module: Module, feed: Feed | None) -> str:
    """The part of the header for many instances; empty where there is one."""
    if not module.reentrant:
        return ""
    members = feeding.fields(feed).replace("\n", "\n    ") if feed else ""
    size, scratch = module.plan.arena_bytes, module.thread_scratch
    return declarations(module.instance, size, members, module.threads, scratch)


def _usage(module: Module, feed: Feed | None) -> str:
    m = module.graph.name
    if feed:
        how = f"Hand the rows of the input to eb_{m}_feed_rows(), then read the outputs."
    else:
        how = (
            f"Write the inputs, call eb_{m}_run(), read the outputs. The memory of an input may "
            "be reused during a run: write every input before every run."
        )
    alone = "Nothing here is reentrant."
    if module.reentrant:
        alone = f"What takes no context is not reentrant: for that see {module.instance.type}."
    return comment(f"{how} {alone}").removeprefix(" * ")


def _schedule(plan: Plan, code: _Code) -> str:
    layers, units = len(code.steps), len(code.units)
    text = f"Schedule {plan.schedule}: {layers} layers in an arena of {plan.arena_bytes} bytes."
    if code.stages:
        text += f" They run in {units} steps, and {code.stages} of these run row by row."
    return comment(text)


def _describe(tensor: Tensor) -> str:
    shape = "x".join(str(dim) for dim in tensor.shape) or "scalar"
    quant = ""
    if tensor.quant is not None:
        quant = f", real = {tensor.scale:.9g} * (stored - {tensor.zero_point})"
    return f"{tensor.name}, {shape} {tensor.dtype.label}{quant}"


def _source(module: Module, feed: Feed | None, code: _Code) -> str:
    graph, m = module.graph, module.graph.name
    names = [name for _, name in code.units]
    maintenance = upkeep(module, feed, len(names))
    pool = ["eb_pool.h"] if module.threads > 1 else []
    includes = sorted({"eb_dsp.h", "eb_rows.h", "eb_upkeep.h", *pool, *module.includes})
    table = "\n".join(f"    {name}," for name in names) or "    0,"
    string = "#include <string.h>\n\n" if code.counters or feed else ""
    return f"""{_banner(f"The network {m}")}#include "eb_exact.h"

#define EB_NEEDS_DSP {int(module.isa is Isa.DSP)} /* see eb_core.h */
#define EB_NEEDS_MVE {int(module.isa is Isa.MVE)}
#include "eb_core.h"
#include "eb_{m}_model.h"

{string}{chr(10).join(f'#include "{header}"' for header in includes)}
#include "eb_{m}_weights.h"

#define EB_STEP __attribute__((noinline, used))

{_memory(module, feed, code)}
{chr(10).join(code.functions)}
static void (*const steps[])({module.instance.parameters()}) = {{
{table}
}};

{maintenance}
{feeding.source(module, feed, len(names)) if feed else _run(module.instance, len(names))}
{tensor_table(module, "input", [graph.tensors[name] for name in graph.inputs])}
{tensor_table(module, "output", [graph.tensors[name] for name in graph.outputs])}
{step_outputs(module, code.outputs)}{_own(module, feed)}"""


def _own(module: Module, feed: Feed | None) -> str:
    """The functions without a context, of a model that has one."""
    if not module.reentrant:
        return ""
    return own_instance(module.instance, feed is not None, module.threads)


def _memory(module: Module, feed: Feed | None, code: _Code) -> str:
    """The arena, and what lies where in it."""
    arena = "" if module.reentrant else _arena(module)
    return f"""\
{arena}/* Where each tensor lives, and when. */
{chr(10).join(_places(module))}
{_counters(code)}{feeding.state(module, feed) if feed else ""}"""


def _arena(module: Module) -> str:
    """The arena of a model that has one instance."""
    return f"""\
/* All memory of the network but its stack: activations, inputs, outputs, state, scratch. */
static struct {{
    uint32_t before[EB_CANARIES];
    uint8_t bytes[{max(module.plan.arena_bytes, 1)}];
    uint32_t after[EB_CANARIES];
}} arena EB_ARENA __attribute__((aligned(16)));

"""


def _places(module: Module) -> list[str]:
    """Where each tensor lives, and when."""
    lines = []
    for p in module.plan.placements:
        ring, rows = module.ring_rows(p.tensor), module.graph.tensors[p.tensor].rows
        held = f"{ring} of {rows} rows, {ring * p.row_stride}" if ring else f"{p.nbytes}"
        about = f"/* {held} bytes, steps {p.first}..{p.last} */"
        define = f"#define {module.names[p.tensor]} ({module.instance.arena} + {p.offset})"
        fits = len(define) + len(about) < MAX_COLUMNS
        lines += [f"{define} {about}"] if fits else [about, define]
    return lines


def _counters(code: _Code) -> str:
    if not code.counters:
        return ""
    return "\n".join(["\n/* Rows that the layers of a stage have done. */", *code.counters, ""])


def _run(instance: Instance, units: int) -> str:
    """The API that runs a model whose inputs are in memory."""
    call = f"({instance.arguments()})"
    return f"""eb_status {instance.function("step")}({instance.parameters("int i")})
{{
    if (i < 0 || i >= {units}) {{
        return EB_ERROR_ARGUMENT;
    }}
    steps[i]{call};
    return EB_OK;
}}

eb_status {instance.function("run")}({instance.parameters()})
{{
    for (int i = 0; i < {units}; ++i) {{
        steps[i]{call};
    }}
    return {instance.function("canary_ok")}{call} ? EB_OK : EB_ERROR_CANARY;
}}
"""


def _declaration(item: Constant) -> str:
    """The same in header and source: x86-64 takes long arrays for aligned to 16 bytes."""
    size = max(item.values.size, 1)
    return f"const {c_type(item.values)} {item.name}[{size}] __attribute__((aligned(4)))"


def _weights_header(model: str, constants: list[Constant]) -> str:
    lines = [folded(f"extern {_declaration(item)};") for item in constants]
    guard = f"EB_{model.upper()}__WEIGHTS_H"
    body = "\n".join(lines)
    return (
        f"{_banner(f'Constants of the network {model}')}#ifndef {guard}\n#define {guard}\n\n"
        f"#include <stdint.h>\n\n{body}\n\n#endif\n"
    )


def _weights_source(model: str, constants: Sequence[Constant]) -> str:
    arrays = [f"{_declaration(item)} = {{\n{c_values(item.values)}\n}};\n" for item in constants]
    banner = _banner(f"Constants of the network {model}")
    return f'{banner}#include "eb_{model}_weights.h"\n\n' + "\n".join(arrays)


def _library_json(model: str) -> str:
    return (
        json.dumps(
            {
                "name": f"eb_{model}",
                "version": __version__,
                "description": f"The network {model}, compiled by edgebottle",
                "build": {"srcDir": ".", "includeDir": ".", "flags": ["-ffp-contract=off"]},
                "dependencies": [{"name": "edgebottle"}],
            },
            indent=2,
        )
        + "\n"
    )
