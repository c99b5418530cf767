"""Row-fed input: the part of a model library that takes the image row by row."""

from __future__ import annotations

from dataclasses import dataclass

from edgebottle.codegen.emitter import Module
from edgebottle.codegen.naming import comment, folded
from edgebottle.codegen.stages import fed_depth, loop_names, nodes_run
from edgebottle.codegen.steps import row_place
from edgebottle.ir.graph import Tensor
from edgebottle.plan.plan import Plan


@dataclass(frozen=True)
class Feed:
    """The input of a row-fed model.

    Attributes:
        tensor: The input; the waits in the program of its stage bear its name.
        unit: Number of that stage among the units.
        depth: Nested loops around its waits.
        step: Name of the function that takes a row.
    """

    tensor: Tensor
    unit: int
    depth: int
    step: str


def find_feed(module: Module) -> Feed | None:
    """The input of a row-fed model; None for a model that has its input in memory."""
    graph, plan = module.graph, module.plan
    if not plan.row_fed:
        return None
    (name,) = graph.inputs
    units = [step for step in plan.steps if not step.elided]
    waits = [
        (unit, step.stage)
        for unit, step in enumerate(units)
        if step.stage is not None and name in nodes_run(step.stage.program)
    ]
    ((unit, stage),) = waits
    layers = sum(_layers(plan))
    function = f"step_{layers:02d}_input"
    return Feed(graph.tensors[name], unit, fed_depth(stage.program, name), function)


def _layers(plan: Plan) -> list[int]:
    """Functions of layers in each step."""
    inputs_and_nodes = [
        set(nodes_run(step.stage.program)) & set(step.stage.nodes) if step.stage else {step.node}
        for step in plan.steps
        if not step.elided
    ]
    return [len(names) for names in inputs_and_nodes]


def header(module: Module, feed: Feed) -> str:
    """The declarations, and how to use them."""
    m, upper = module.graph.name, module.graph.name.upper()
    tensor = feed.tensor
    width = tensor.layout.row_bytes
    text = comment(
        f"The input comes row by row: {tensor.rows} rows of {width} bytes each, top to bottom. "
        f"No memory holds the whole image, so eb_{m}_input(0).data is NULL (its shape, scale and "
        "zero_point are right).",
        "",
        f"eb_{m}_feed_rows() takes the next n rows, one behind the other in memory, computes as "
        "far as they reach, and is done with their memory when it returns. The call with the last "
        "row finishes the run: then the outputs are valid. The next call after that begins the "
        "next image. It answers EB_ERROR_ARGUMENT, and changes nothing, for more rows than the "
        "image has left.",
        "",
        "With a camera: let its DMA fill two buffers of a few lines in turn. Its interrupt only "
        "notes which buffer is full; the main loop turns those lines into rows of the network "
        "(crop, convert each value to real / scale + zero_point) and hands them over while the "
        "other buffer fills:",
    )
    more = comment(
        f"eb_{m}_init() drops an image that was begun. eb_{m}_run() computes nothing here: it "
        f"answers EB_ERROR_ARGUMENT while rows are missing, and so does eb_{m}_step(); after "
        "that EB_OK."
    )
    return f"""
/*{text.removeprefix(" *")}
 *
 *     do {{
 *         const uint8_t *lines = wait_for_camera_lines();
 *         to_network_rows(rows, lines, LINES);
 *         status = eb_{m}_feed_rows(rows, LINES);
 *     }} while (status == EB_OK && eb_{m}_rows_missing() > 0);
 *
{more}
 */
#define EB_{upper}_INPUT_ROWS {tensor.rows}
#define EB_{upper}_FEED_BYTES {width} /* of each row */
eb_status eb_{m}_feed_rows(const void *rows, int32_t n);
int32_t eb_{m}_rows_missing(void); /* 0 once the outputs are valid */
"""


def fields(feed: Feed) -> str:
    """The members of what is kept between two calls."""
    loops = ""
    if feed.depth:
        loops = f"\n    uint16_t {loop_names(feed.depth)}; /* the loops around the waits */"
    return f"""
    const uint8_t *rows; /* handed over, not taken yet */
    uint16_t left;       /* how many of them */
    uint16_t taken;      /* rows of this image so far */
    int16_t resume;      /* where the stage goes on: the number of a wait, 0 or FEED_DONE */\
{loops}"""


def state(module: Module, feed: Feed) -> str:
    """What is kept between two calls, and the function that takes a row."""
    m, instance = module.graph.name, module.instance
    base, kept = module.names[feed.tensor.name], instance.feed
    width = feed.tensor.layout.row_bytes
    stride, ring = row_place(module, feed.tensor)
    to = f"eb_ring_row({base}, {kept}.taken, {stride}, {ring})"
    if not ring:
        to = f"{base} + {kept}.taken * {stride}"
    lines = [
        "#define EB_AWAIT_ROW(number)",
        "    __attribute__((fallthrough));",
        "    case (number):",
        f"    if (!{feed.step}({instance.arguments('number')})) {{",
        "        return;",
    ]
    widest = max(map(len, lines))
    await_row = "\n".join([*(f"{line:<{widest}} \\" for line in lines), "    }"])
    memory = f"""
/* What the network remembers between two calls of eb_{m}_feed_rows(). */
static struct {{{fields(feed)}
}} feed;
"""
    return f"""{"" if instance.reentrant else memory}
#define FEED_DONE (-1)

/* Waits for the next row of the input: returns until there is one, and goes on behind it. */
{await_row}

/* Copies the next row into the ring of the input; if there is none yet, notes which wait it was. */
static EB_STEP int {feed.step}({instance.parameters("int16_t wait")})
{{
    if ({kept}.left == 0) {{
        {kept}.resume = wait;
        return 0;
    }}
{folded(f"    memcpy({to}, {kept}.rows, {width});")}
    {kept}.rows += {width};
    ++{kept}.taken;
    --{kept}.left;
    return 1;
}}
"""


def source(module: Module, feed: Feed, units: int) -> str:
    """The API: feed, ask, run, step."""
    rows, instance = feed.tensor.rows, module.instance
    kept, call = instance.feed, f"({instance.arguments()})"
    missing, run = instance.function("rows_missing"), instance.function("run")
    before = _loop(0, feed.unit, "        ", call)
    after = _loop(feed.unit + 1, units, "    ", call)
    parameters = instance.parameters("const void *rows, int32_t n")
    head = folded(f"eb_status {instance.function('feed_rows')}({parameters})")
    return f"""int32_t {missing}({instance.parameters()})
{{
    return {rows} - {kept}.taken;
}}

{head}
{{
    const int fresh = {kept}.taken == 0 || {kept}.taken == {rows};
    if (n < 0 || n > (fresh ? {rows} : {rows} - {kept}.taken) || (n > 0 && rows == NULL)) {{
        return EB_ERROR_ARGUMENT;
    }}
    if (n == 0) {{
        return EB_OK;
    }}
    if (fresh) {{
        {kept}.taken = 0;
        {kept}.resume = 0;{before}
    }}
    {kept}.rows = rows;
    {kept}.left = (uint16_t)n;
    steps[{feed.unit}]{call};
    {kept}.taken = (uint16_t)({kept}.taken + {kept}.left); /* rows that no layer reads */
    {kept}.left = 0;
    if ({kept}.taken < {rows}) {{
        return EB_OK;
    }}{after}
    return {run}{call};
}}

eb_status {instance.function("step")}({instance.parameters("int i")})
{{
    if (i < 0 || i >= {units} || {missing}{call} > 0) {{
        return EB_ERROR_ARGUMENT;
    }}
    steps[i]{call};
    return EB_OK;
}}

eb_status {run}({instance.parameters()})
{{
    if ({missing}{call} > 0) {{
        return EB_ERROR_ARGUMENT;
    }}
    return {instance.function("canary_ok")}{call} ? EB_OK : EB_ERROR_CANARY;
}}
"""


def _loop(first: int, end: int, indent: str, call: str) -> str:
    """The loop over some steps, on lines of its own; nothing for none."""
    if first == end:
        return ""
    lines = (f"for (int i = {first}; i < {end}; ++i) {{", f"    steps[i]{call};", "}")
    return "".join(f"\n{indent}{line}" for line in lines)


def reset(module: Module) -> str:
    """What ``init`` adds: an image that was begun is dropped."""
    names = ("left", "taken", "resume")
    return "\n".join(f"    {module.instance.feed}.{name} = 0;" for name in names)
